import { createHash, X509Certificate } from "node:crypto";
import { decodeDeviceList } from "@mls-as/mls-credentials";
import { expect, test } from "vitest";
import { subjectKeyPair } from "../../fixtures/certificate-signing-request.js";
import { ALICE, LAPTOP, octets, PHONE, TestService } from "../../fixtures/service-fixture.js";
import { toHex } from "../binary-text.js";
import { LogError } from "../log/log.js";
import { members } from "../x509/der.js";
import { Resumer } from "./resume.js";

test("a device enrols: the certificate's hash is in the logged list, and the chain verifies", async () => {
  const service = await TestService.create();
  for (const [client, algorithm] of [
    [PHONE, "Ed25519"],
    [LAPTOP, "P-256"],
    [`${PHONE}2`, "P-384"],
    [`${PHONE}3`, "P-521"],
  ] as const) {
    const key = subjectKeyPair(algorithm);
    const answer = await service.enrol(client, key);
    expect(answer.status, JSON.stringify(answer.body)).toBe(201);
    const [issued] = answer.body.credentials ?? [];
    const leaf = octets(issued?.leaf);
    const certificate = new X509Certificate(leaf);
    expect(certificate.verify(new X509Certificate(octets(issued?.issuer)).publicKey)).toBe(true);
    const hash = createHash("sha256")
      .update(members(leaf)[0] as Uint8Array)
      .digest("hex");
    expect(issued?.id).toBe(hash);
    const list = decodeDeviceList(octets(answer.body.log?.deviceList));
    const device = list.devices.find((one) => one.client === client);
    expect(device?.credentials.map((record) => toHex(record.tbsCertificateHash))).toEqual([hash]);
    expect(device?.credentials[0]?.spkiHash).toEqual(key.spkiHash);
    expect(certificate.subjectAltName).toBe(`URI:${ALICE}, URI:${client}`);
  }
  expect(service.log.values.get(ALICE)?.length).toBe(4);
});

test.each([
  ["P-256", "P-384"],
  ["P-256", "P-521"],
  ["P-384", "P-256"],
  ["P-521", "P-256"],
] as const)(
  "a CSR of a %s key may be signed over the digest of %s: it shows possession, no more",
  async (curve, digestOf) => {
    const service = await TestService.create();
    const csrs = [await service.csr(PHONE, subjectKeyPair(curve), { digestOf })];
    const answer = await service.send("POST", "/v1/credentials", {
      csrs,
      enrolment: { token: await service.token(PHONE) },
    });
    expect(answer.status, JSON.stringify(answer.body)).toBe(201);
  },
);

test("255 credentials of one device take one log version", async () => {
  const service = await TestService.create();
  const nonce = await service.nonce();
  const csrs: string[] = [];
  for (let i = 0; i < 255; i++) csrs.push(await service.csr(PHONE, subjectKeyPair(), { nonce }));
  const answer = await service.send("POST", "/v1/credentials", {
    csrs,
    enrolment: { token: await service.token(PHONE) },
  });
  expect(answer.status).toBe(201);
  expect(answer.body.credentials?.length).toBe(255);
  expect(service.log.values.get(ALICE)?.length).toBe(1);
});

test("the same request again gives the same answer, and another with its key is refused", async () => {
  const service = await TestService.create();
  const body = { csrs: [await service.csr(PHONE)], enrolment: { token: await service.token(PHONE) } };
  const first = await service.send("POST", "/v1/credentials", body, { "idempotency-key": "one" });
  const again = await service.send("POST", "/v1/credentials", body, { "idempotency-key": "one" });
  expect(again.body).toEqual(first.body);
  const other = { csrs: [await service.csr(PHONE)], enrolment: { token: await service.token(PHONE) } };
  const clash = await service.send("POST", "/v1/credentials", other, { "idempotency-key": "one" });
  expect([clash.status, clash.body.code]).toEqual([409, "idempotency-key-reused"]);
  // Another user's key is another key, whatever it says.
  const bob = "mimi://mls.example/d/bob/phone";
  const bobs = { csrs: [await service.csr(bob)], enrolment: { token: await service.token(bob) } };
  expect((await service.send("POST", "/v1/credentials", bobs, { "idempotency-key": "one" })).status).toBe(201);
});

test("of requests that race with one token exactly one gets a credential", async () => {
  const service = await TestService.create();
  const token = await service.token(PHONE);
  const bodies = await Promise.all(
    Array.from({ length: 8 }, async () => ({ csrs: [await service.csr(PHONE)], enrolment: { token } })),
  );
  const answers = await Promise.all(bodies.map((body) => service.send("POST", "/v1/credentials", body)));
  expect(answers.filter(({ status }) => status === 201).length).toBe(1);
  expect(answers.filter(({ body }) => body.code === "token-spent").length).toBe(7);
  expect(service.log.values.get(ALICE)?.length).toBe(1);
});

test("requests of different devices of one user that race are all served, in versions of their own", async () => {
  const service = await TestService.create();
  const clients = Array.from({ length: 6 }, (_, i) => `mimi://mls.example/d/alice/device-${i}`);
  const answers = await Promise.all(clients.map((client) => service.enrol(client)));
  expect(answers.map(({ status }) => status)).toEqual(clients.map(() => 201));
  expect(new Set(answers.map(({ body }) => body.log?.version)).size).toBe(6);
});

test.each([
  ["unavailable", 503, "log-unavailable"],
  ["proof-invalid", 502, "log-proof-invalid"],
] as const)(
  "a log that is %s before it logs: nothing is signed, and the intent is resumed",
  async (code, status, problem) => {
    const service = await TestService.create();
    const body = { csrs: [await service.csr(PHONE)], enrolment: { token: await service.token(PHONE) } };
    service.log.fault = { when: "before", error: new LogError(code, "injected") };
    const refused = await service.send("POST", "/v1/credentials", body);
    expect([refused.status, refused.body.code]).toEqual([status, problem]);
    expect((await service.store.credentials({ limit: 10 })).map(({ state }) => state)).toEqual(["pending"]);
    expect(refused.headers.get("retry-after")).not.toBeNull();
    service.log.fault = undefined;
    await new Resumer(service.context).runOnce();
    expect((await service.store.credentials({ limit: 10 })).map(({ state }) => state)).toEqual(["active"]);
    const answer = await service.send("POST", "/v1/credentials", body);
    expect(answer.status).toBe(201);
    expect(service.log.values.get(ALICE)?.length).toBe(1);
  },
);

test("a log whose answer is lost after it logged: the retry finds equal bytes and signs once", async () => {
  const service = await TestService.create();
  const body = { csrs: [await service.csr(PHONE)], enrolment: { token: await service.token(PHONE) } };
  service.log.fault = { when: "after", error: new LogError("unavailable", "injected") };
  expect((await service.send("POST", "/v1/credentials", body)).body.code).toBe("log-unavailable");
  service.log.fault = undefined;
  const answer = await service.send("POST", "/v1/credentials", body);
  expect(answer.status).toBe(201);
  expect(service.log.values.get(ALICE)?.length).toBe(1);
});

test("a log that declines: the intent is withdrawn and the token can be spent again", async () => {
  const service = await TestService.create();
  const token = await service.token(PHONE);
  service.log.fault = { when: "before", error: new LogError("refused", "injected") };
  const refused = await service.send("POST", "/v1/credentials", {
    csrs: [await service.csr(PHONE)],
    enrolment: { token },
  });
  expect([refused.status, refused.body.code]).toEqual([502, "log-refused"]);
  expect(await service.store.credentials({ limit: 10 })).toEqual([]);
  service.log.fault = undefined;
  const answer = await service.send("POST", "/v1/credentials", {
    csrs: [await service.csr(PHONE)],
    enrolment: { token },
  });
  expect(answer.status).toBe(201);
});

test("a log that is further on than this service: the list is rebuilt on what the log holds", async () => {
  const elsewhere = await TestService.create();
  await elsewhere.enrol(LAPTOP);
  const service = await TestService.create();
  const body = { csrs: [await service.csr(PHONE)], enrolment: { token: await service.token(PHONE) } };
  service.log.fault = { when: "before", error: new LogError("unavailable", "injected") };
  await service.send("POST", "/v1/credentials", body);
  service.log.values.set(ALICE, elsewhere.log.values.get(ALICE) ?? []);
  service.log.fault = undefined;
  const answer = await service.send("POST", "/v1/credentials", body);
  expect(answer.status, JSON.stringify(answer.body)).toBe(201);
  const list = decodeDeviceList(octets(answer.body.log?.deviceList));
  expect([list.version, list.devices.map(({ client }) => client)]).toEqual([1, [LAPTOP, PHONE]]);
});

test("what was logged but cannot be signed any more is logged again as revoked", async () => {
  let issuersGone = false;
  const service = await TestService.create();
  const { context } = service;
  const issuers = context.issuers();
  Object.assign(context, { issuers: () => (issuersGone ? [] : issuers) });
  const body = { csrs: [await service.csr(PHONE)], enrolment: { token: await service.token(PHONE) } };
  service.log.fault = { when: "after", error: new LogError("unavailable", "injected") };
  await service.send("POST", "/v1/credentials", body);
  service.log.fault = undefined;
  issuersGone = true;
  const answer = await service.send("POST", "/v1/credentials", body);
  expect(answer.body.code).toBe("issuance-withdrawn");
  await new Resumer(context).runOnce();
  const list = decodeDeviceList(service.log.values.get(ALICE)?.at(-1) ?? new Uint8Array());
  expect([list.version, list.devices[0]?.credentials[0]]).toMatchObject([1, { status: "revoked", reason: 5 }]);
  expect(service.alarms).toContain("intent-abandoned");
});
