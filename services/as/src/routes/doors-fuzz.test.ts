import { randomInt } from "node:crypto";
import { expect, test } from "vitest";
import { subjectKeyPair } from "../../fixtures/certificate-signing-request.js";
import { Device } from "../../fixtures/device.js";
import { octets, PHONE, TestService } from "../../fixtures/service-fixture.js";
import { toBase64Url } from "../binary-text.js";

/** Rounds for each door; MLS_AS_LONG=1 makes it 100,000. */
const ROUNDS = process.env["MLS_AS_LONG"] === "1" ? 100_000 : 600;

/** One of: a flipped bit, a replaced octet, a cut, a doubled stretch, an inserted stretch. */
function mutate(bytes: Uint8Array): Uint8Array {
  const at = randomInt(bytes.length);
  const length = 1 + randomInt(Math.min(16, bytes.length - at));
  switch (randomInt(5)) {
    case 0:
      return Uint8Array.from(bytes, (octet, i) => (i === at ? octet ^ (1 << randomInt(8)) : octet));
    case 1:
      return Uint8Array.from(bytes, (octet, i) => (i === at ? randomInt(256) : octet));
    case 2:
      return Uint8Array.of(...bytes.subarray(0, at), ...bytes.subarray(at + length));
    case 3:
      return Uint8Array.of(...bytes.subarray(0, at + length), ...bytes.subarray(at));
    default:
      return Uint8Array.of(
        ...bytes.subarray(0, at),
        ...Array.from({ length }, () => randomInt(256)),
        ...bytes.subarray(at),
      );
  }
}

test("mutated CSRs: refused with a code, nothing written, nothing logged, nothing slow", async () => {
  const service = await TestService.create({ failuresPerMinute: 1_000_000 });
  const token = await service.token(PHONE);
  const keys = (["Ed25519", "P-256", "P-384", "P-521"] as const).map(subjectKeyPair);
  const good = await Promise.all(keys.map(async (key) => octets(await service.csr(PHONE, key))));
  const audited = (await service.store.auditEntries({ after: 0, limit: 1000 })).length;
  for (let i = 0; i < ROUNDS; i++) {
    const original = good[i % good.length] as Uint8Array;
    const mutated = mutate(original);
    if (Buffer.compare(mutated, original) === 0) continue;
    const csr = toBase64Url(mutated);
    const started = process.cpuUsage();
    const answer = await service.send("POST", "/v1/credentials", { csrs: [csr], enrolment: { token } });
    expect(answer.status, `${csr} ${JSON.stringify(answer.body)}`).toBeGreaterThanOrEqual(400);
    expect(answer.status, `${csr} ${JSON.stringify(answer.body)}`).toBeLessThan(500);
    expect(process.cpuUsage(started).user, csr).toBeLessThan(1_000_000);
  }
  expect(service.log.appends).toBe(0);
  expect((await service.store.auditEntries({ after: 0, limit: 1000 })).length).toBe(audited);
  const answer = await service.send("POST", "/v1/credentials", {
    csrs: [toBase64Url(good[0] as Uint8Array)],
    enrolment: { token },
  });
  expect(answer.status).toBe(201);
}, 7_200_000);

test("mutated signed requests: refused with a code, and the credential stays", async () => {
  const service = await TestService.create({ failuresPerMinute: 1_000_000 });
  const phone = await Device.enrol(service, PHONE, subjectKeyPair("P-256"));
  const path = `/v1/credentials/${phone.id}/revocation`;
  const good = await phone.jws(path, JSON.stringify({ reason: "superseded" }));
  for (let i = 0; i < ROUNDS; i++) {
    const part = (["protected", "payload", "signature"] as const)[i % 3] as keyof typeof good;
    const mutated = toBase64Url(mutate(octets(good[part])));
    if (mutated === good[part]) continue;
    const answer = await phone.send(path, { ...good, [part]: mutated });
    expect(answer.status, `${part} ${mutated} ${JSON.stringify(answer.body)}`).toBeGreaterThanOrEqual(400);
    expect(answer.status, `${part} ${mutated} ${JSON.stringify(answer.body)}`).toBeLessThan(500);
  }
  expect((await service.store.credential(phone.id))?.state).toBe("active");
  expect((await phone.send(path, good)).status).toBe(200);
}, 7_200_000);

test("mutated OCSP requests are answered, never with an error of the service", async () => {
  const service = await TestService.create();
  const good = Buffer.from("304c304a3048304630443009060552".padEnd(150, "0"), "hex");
  for (let i = 0; i < ROUNDS; i++) {
    const response = await service.app.request("http://as.test/ocsp", {
      method: "POST",
      body: new Uint8Array(mutate(new Uint8Array(good))),
      headers: { "content-type": "application/ocsp-request" },
    });
    expect(response.status).toBe(200);
    expect(Buffer.from(await response.arrayBuffer()).toString("hex")).toBe("30030a0101");
  }
});
