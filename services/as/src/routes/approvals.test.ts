import { expect, test } from "vitest";
import { type SubjectKeyPair, subjectKeyPair } from "../../fixtures/certificate-signing-request.js";
import { Device } from "../../fixtures/device.js";
import { ALICE, type Answer, LAPTOP, PHONE, TestService } from "../../fixtures/service-fixture.js";

async function ask(service: TestService, key: SubjectKeyPair, client = LAPTOP): Promise<Answer> {
  return await service.send("POST", "/v1/approvals", { csrs: [await service.csr(client, key)] });
}

const poll = (service: TestService, { body }: Answer): Promise<Answer> =>
  service.send("GET", `/v1/approvals/${body.id}`, undefined, { authorization: `Bearer ${body.secret}` });

const outcome = ({ status, body }: Answer): unknown[] => [status, body.code ?? body.state];

test("a new device asks, another one sees and approves, the new one enrols", async () => {
  const service = await TestService.create({ enrolment: { first: [["token"]], further: [["approval"]] } });
  const [phone, key] = [await Device.enrol(service, PHONE), subjectKeyPair("P-256")];
  const asked = await ask(service, key);
  expect([asked.status, asked.body]).toMatchObject([
    201,
    { user: ALICE, client: LAPTOP, state: "pending", spkiHashes: [Buffer.from(key.spkiHash).toString("hex")] },
  ]);
  const listed = await phone.get("/v1/approvals");
  expect(listed.body["approvals"]).toMatchObject([{ id: asked.body.id, client: LAPTOP, state: "pending" }]);
  expect(JSON.stringify(listed.body)).not.toContain(String(asked.body.secret));
  const path = `/v1/approvals/${asked.body.id}/approval`;
  const approved = await phone.post(path, { approval: [await phone.approve(ALICE, LAPTOP, key)] });
  expect([...outcome(approved), approved.body["decidedBy"]]).toEqual([200, "approved", PHONE]);
  const polled = await poll(service, asked);
  const enrolment = { approval: polled.body["approval"] };
  const enrolled = await service.send("POST", "/v1/credentials", {
    csrs: [await service.csr(LAPTOP, key)],
    enrolment,
  });
  expect(enrolled.status, JSON.stringify(enrolled.body)).toBe(201);
});

test("the operator approves: the secret of the new device enrols it, once", async () => {
  const service = await TestService.create();
  const key = subjectKeyPair();
  const asked = await ask(service, key);
  expect((await service.admin("GET", "/approvals")).body["approvals"]).toMatchObject([{ client: LAPTOP }]);
  const enrol = async (client = LAPTOP): Promise<Answer> =>
    await service.send("POST", "/v1/credentials", {
      csrs: [await service.csr(client, key)],
      enrolment: { token: asked.body.secret },
    });
  expect((await enrol()).body.code).toBe("token-unknown");
  const approved = await service.admin("POST", `/approvals/${asked.body.id}/approval`, {});
  expect([...outcome(approved), approved.body["decidedBy"]]).toEqual([200, "approved", "operator"]);
  expect((await enrol(PHONE)).body.code).toBe("identity-mismatch");
  // What was approved are keys: the secret is worth nothing to whoever has it and another key.
  for (const keys of [[subjectKeyPair()], [key, subjectKeyPair()]]) {
    const { nonce } = (await service.send("POST", "/v1/nonces")).body;
    const csrs = await Promise.all(keys.map((one) => service.csr(LAPTOP, one, { nonce })));
    const other = await service.send("POST", "/v1/credentials", { csrs, enrolment: { token: asked.body.secret } });
    expect([other.status, other.body.code, other.body.path]).toEqual([403, "approval-mismatch", "csrs"]);
  }
  expect((await enrol()).status).toBe(201);
  expect((await enrol()).body.code).toBe("token-spent");
});

test("denied by a device or the operator, or not decided in time: nobody gets in, and nothing is decided again", async () => {
  const service = await TestService.create();
  const phone = await Device.enrol(service, PHONE);
  const [one, two, three] = [
    await ask(service, subjectKeyPair()),
    await ask(service, subjectKeyPair()),
    await ask(service, subjectKeyPair()),
  ];
  expect(outcome(await phone.post(`/v1/approvals/${one.body.id}/denial`, {}))).toEqual([200, "denied"]);
  expect(outcome(await service.admin("POST", `/approvals/${two.body.id}/denial`, {}))).toEqual([200, "denied"]);
  for (const asked of [one, two])
    expect(outcome(await service.admin("POST", `/approvals/${asked.body.id}/approval`, {}))).toEqual([
      409,
      "approval-closed",
    ]);
  service.clock += 86_400;
  expect(outcome(await poll(service, three))).toEqual([200, "expired"]);
  expect(outcome(await service.admin("POST", `/approvals/${three.body.id}/approval`, {}))).toEqual([
    409,
    "approval-closed",
  ]);
  expect((await poll(service, one)).body["approval"]).toEqual([]);
});

test("requests are nobody else's business", async () => {
  const service = await TestService.create();
  const [phone, bob] = [
    await Device.enrol(service, PHONE),
    await Device.enrol(service, "mimi://mls.example/d/bob/phone"),
  ];
  const key = subjectKeyPair();
  const asked = await ask(service, key);
  const id = String(asked.body.id);
  expect((await bob.get("/v1/approvals")).body["approvals"]).toEqual([]);
  expect(outcome(await bob.post(`/v1/approvals/${id}/denial`, {}))).toEqual([404, "approval-unknown"]);
  expect(outcome(await phone.post(`/v1/approvals/${"0".repeat(32)}/denial`, {}))).toEqual([404, "approval-unknown"]);
  expect(outcome(await service.admin("POST", `/approvals/${"0".repeat(32)}/denial`, {}))).toEqual([
    404,
    "approval-unknown",
  ]);
  const guess = { ...asked, body: { ...asked.body, secret: "A".repeat(43) } };
  expect(outcome(await poll(service, guess))).toEqual([401, "unauthorized"]);
  const wrong = await phone.approve(ALICE, LAPTOP, subjectKeyPair());
  expect(outcome(await phone.post(`/v1/approvals/${id}/approval`, { approval: [wrong] }))).toEqual([
    403,
    "approval-mismatch",
  ]);
  const foreign = await bob.approve(ALICE, LAPTOP, key);
  expect(outcome(await phone.post(`/v1/approvals/${id}/approval`, { approval: [foreign] }))).toEqual([
    403,
    "approval-untrusted",
  ]);
  const good = await phone.approve(ALICE, LAPTOP, key);
  expect(outcome(await phone.post(`/v1/approvals/${id}/approval`, { approval: [good, good] }))).toEqual([
    403,
    "approval-mismatch",
  ]);
  expect(outcome(await poll(service, asked))).toEqual([200, "pending"]);
});

test("a user's devices are not flooded with requests, and a nonce asks once", async () => {
  const service = await TestService.create();
  const nonce = await service.nonce();
  const csr = await service.csr(LAPTOP, subjectKeyPair(), { nonce });
  expect((await service.send("POST", "/v1/approvals", { csrs: [csr] })).status).toBe(201);
  expect((await service.send("POST", "/v1/approvals", { csrs: [csr] })).body.code).toBe("nonce-used");
  for (let i = 1; i < 5; i++) expect((await ask(service, subjectKeyPair())).status).toBe(201);
  const refused = await ask(service, subjectKeyPair());
  expect([...outcome(refused), refused.headers.get("retry-after")]).toEqual([429, "too-many-approvals", "600"]);
  expect((await ask(service, subjectKeyPair(), "mimi://mls.example/d/bob/phone")).status).toBe(201);
});

test("a policy that demands two proofs for a second device is not satisfied by either", async () => {
  const service = await TestService.create({ enrolment: { first: [["token"]], further: [["token", "approval"]] } });
  const [phone, key] = [await Device.enrol(service, PHONE), subjectKeyPair()];
  const token = await service.token(LAPTOP);
  const approval = await phone.approve(ALICE, LAPTOP, key);
  const enrol = async (enrolment: Record<string, unknown>): Promise<Answer> =>
    await service.send("POST", "/v1/credentials", { csrs: [await service.csr(LAPTOP, key)], enrolment });
  expect((await enrol({ token })).body.code).toBe("enrolment-proof-required");
  expect((await enrol({ approval })).body.code).toBe("enrolment-proof-required");
  expect((await enrol({ token, approval })).status).toBe(201);
});
