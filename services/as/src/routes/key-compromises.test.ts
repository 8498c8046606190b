import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { decodeDeviceList } from "@mls-as/mls-credentials";
import { expect, test } from "vitest";
import {
  type SubjectAlgorithm,
  type SubjectKeyPair,
  subjectKeyPair,
} from "../../fixtures/certificate-signing-request.js";
import { Device } from "../../fixtures/device.js";
import { ALICE, type Answer, LAPTOP, PHONE, TestService } from "../../fixtures/service-fixture.js";
import { createPublicKey } from "node:crypto";

const ALGORITHMS = { Ed25519: "EdDSA", "P-256": "ES256", "P-384": "ES384", "P-521": "ES512" } as const;
const DIGESTS = { Ed25519: null, "P-256": "sha256", "P-384": "sha384", "P-521": "sha512" } as const;
const PATH = "/v1/key-compromises";

async function report(
  service: TestService,
  key: SubjectKeyPair,
  header: Record<string, unknown> = {},
  payload = "{}",
  signWith: KeyObject = key.privateKey,
): Promise<Answer> {
  const text = (value: string): string => Buffer.from(value).toString("base64url");
  const head = text(
    JSON.stringify({
      alg: ALGORITHMS[key.algorithm],
      jwk: createPublicKey(key.privateKey).export({ format: "jwk" }),
      nonce: await service.nonce(),
      url: `http://as.test${PATH}`,
      ...header,
    }),
  );
  const signed = Buffer.from(`${head}.${text(payload)}`);
  const signature = sign(DIGESTS[key.algorithm], signed, { key: signWith, dsaEncoding: "ieee-p1363" });
  const body = { protected: head, payload: text(payload), signature: signature.toString("base64url") };
  return await service.send("POST", PATH, body, { "content-type": "application/jose+json" });
}

test.each(Object.keys(ALGORITHMS) as SubjectAlgorithm[])(
  "whoever holds a %s key can have all its credentials revoked, and it is never certified again",
  async (algorithm) => {
    const service = await TestService.create({ renewalToSameKey: true });
    const key = subjectKeyPair(algorithm);
    const phone = await Device.enrol(service, PHONE, key);
    const laptop = await Device.enrol(service, LAPTOP);
    const twin = (await phone.renew(key)).body.credentials?.[0]?.id ?? "";
    const answer = await report(service, key);
    expect(answer.status, JSON.stringify(answer.body)).toBe(200);
    expect(answer.body.revoked?.map(({ id, reason }) => [id, reason]).sort()).toEqual(
      [phone.id, twin].sort().map((id) => [id, "keyCompromise"]),
    );
    const list = decodeDeviceList(service.log.values.get(ALICE)?.at(-1) ?? new Uint8Array());
    expect(list.origin).toBe("ownerRevocation");
    expect((await service.store.credential(laptop.id))?.state).toBe("active");
    expect((await service.enrol(PHONE, key)).body.code).toBe("key-blocked");
    // Said again, it changes nothing.
    expect((await report(service, key)).status).toBe(200);
    expect(
      (await service.store.auditEntries({ after: 0, limit: 99 })).filter(({ actor }) => actor === "key holder"),
    ).toHaveLength(1);
  },
);

test("a credential that was revoked for another reason does not save its key", async () => {
  const service = await TestService.create();
  const key = subjectKeyPair();
  await service.enrol(PHONE, key);
  await service.admin("POST", "/devices/revocation", { client: PHONE, reason: "superseded" });
  expect((await report(service, key)).body.revoked?.[0]?.reason).toBe("superseded");
  expect((await service.enrol(PHONE, key)).body.code).toBe("key-blocked");
});

test("what is not a report by the key it names changes nothing", async () => {
  const service = await TestService.create();
  const key = subjectKeyPair("P-256");
  const phone = await Device.enrol(service, PHONE, key);
  const code = async (...parts: Parameters<typeof report> extends [unknown, ...infer Rest] ? Rest : never) =>
    (await report(service, ...parts)).body.code;
  const other = subjectKeyPair("P-256");
  const jwk = createPublicKey(key.privateKey).export({ format: "jwk" });
  expect(await code(other)).toBe("credential-unknown");
  expect(await code(key, {}, "{}", other.privateKey)).toBe("jws-signature");
  expect(await code(other, { jwk })).toBe("jws-signature");
  expect(await code(key, { alg: "ES384" })).toBe("jws-algorithm");
  expect(await code(key, { alg: "none" })).toBe("jws-algorithm");
  expect(await code(key, { url: `http://as.test/v1/credentials` })).toBe("jws-url");
  expect(await code(key, { nonce: "x" })).toBe("nonce-invalid");
  expect(await code(key, { x5c: [] })).toBe("jws-malformed");
  expect(await code(key, { jwk: { ...jwk, d: "AA" } })).toBe("jws-malformed");
  expect(await code(key, { jwk: { kty: "oct", k: "AA" } })).toBe("jws-malformed");
  expect(
    await code(key, { jwk: generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey.export({ format: "jwk" }) }),
  ).toBe("jws-malformed");
  expect(await code(key, { jwk: [] })).toBe("jws-malformed");
  expect(await code(key, {}, '{"reason":"superseded"}')).toBe("jws-malformed");
  const nonce = await service.nonce();
  expect((await service.store.credential(phone.id))?.state).toBe("active");
  expect(await code(key, { nonce })).toBeUndefined();
  expect(await code(key, { nonce })).toBe("nonce-used");
});
