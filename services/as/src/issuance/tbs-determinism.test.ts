import { expect, test } from "vitest";
import { subjectKeyPair } from "../../fixtures/certificate-signing-request.js";
import { octets, PHONE, TestService } from "../../fixtures/service-fixture.js";
import { buildTbsCertificate } from "../x509/certificate-profile.js";
import { members } from "../x509/der.js";
import { issuerUrls } from "./issue.js";

test.each(["Ed25519", "P-256", "P-384", "P-521"] as const)(
  "the TBSCertificate of a %s key is a function of what was decided: made again it has the same bytes",
  async (algorithm) => {
    const service = await TestService.create();
    const key = subjectKeyPair(algorithm);
    const { body } = await service.enrol(PHONE, key);
    const [issued] = body.credentials ?? [];
    const stored = await service.store.credential(issued?.id ?? "");
    const issuer = service.context.issuers().find(({ id }) => id === stored?.issuer);
    if (stored === undefined || issuer === undefined) throw new Error("nothing was issued");
    expect(issuer.algorithm).toBe(algorithm === "Ed25519" ? "Ed25519" : "P-256");
    const again = buildTbsCertificate({
      issuer,
      serial: new Uint8Array(Buffer.from(stored.serial, "hex")),
      subjectPublicKeyInfo: key.spki,
      notBefore: stored.notBefore,
      notAfter: stored.notAfter,
      user: stored.user,
      client: stored.client,
      logId: service.log.logId,
      logIdExtension: service.context.config.logIdExtension,
      ...issuerUrls("http://as.test", issuer.id, stored.shard),
    });
    expect(Buffer.from(again).equals(Buffer.from(stored.tbs))).toBe(true);
    expect(Buffer.from(again).equals(Buffer.from(members(octets(issued?.leaf))[0] as Uint8Array))).toBe(true);
  },
);

test("serials are 128 bits, positive, and do not repeat", async () => {
  const service = await TestService.create();
  const nonce = await service.nonce();
  const csrs = await Promise.all(Array.from({ length: 64 }, () => service.csr(PHONE, subjectKeyPair(), { nonce })));
  const { body } = await service.send("POST", "/v1/credentials", {
    csrs,
    enrolment: { token: await service.token(PHONE) },
  });
  const serials = body.credentials?.map(({ serial }) => serial) ?? [];
  expect(new Set(serials).size).toBe(64);
  for (const serial of serials) expect(serial).toMatch(/^(?!00)[0-9a-f]{32}$/);
});
