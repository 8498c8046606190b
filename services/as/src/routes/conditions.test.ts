import { expect, test } from "vitest";
import { subjectKeyPair } from "../../fixtures/certificate-signing-request.js";
import { Device } from "../../fixtures/device.js";
import { ADMIN_TOKEN, LAPTOP, PHONE, TestService } from "../../fixtures/service-fixture.js";
import { Resumer } from "../issuance/resume.js";
import { LogError } from "../log/log.js";

test("who keeps guessing has to wait", async () => {
  const service = await TestService.create({ failuresPerMinute: 5 });
  const guess = async () =>
    await service.send("POST", "/v1/credentials", { csrs: [await service.csr(PHONE)], enrolment: { token: "x" } });
  const guesses = await Promise.all(Array.from({ length: 5 }, guess));
  expect(guesses.map(({ body }) => body.code)).toEqual(Array.from({ length: 5 }, () => "token-unknown"));
  const limited = await guess();
  expect([limited.status, limited.body.code]).toEqual([429, "rate-limited"]);
  expect(Number(limited.headers.get("retry-after"))).toBeGreaterThan(0);
  service.clock += 61;
  expect((await guess()).body.code).toBe("token-unknown");
});

test("limits on a client's credentials and a user's devices", async () => {
  const service = await TestService.create({ maximumUnexpired: 1, maximumDevices: 2 });
  expect((await service.enrol(PHONE)).status).toBe(201);
  expect((await service.enrol(PHONE)).body.code).toBe("too-many-credentials");
  expect((await service.enrol(LAPTOP)).status).toBe(201);
  expect((await service.enrol(`${PHONE}2`)).body.code).toBe("too-many-credentials");
});

test("readiness means that it can issue, and says what is missing", async () => {
  const service = await TestService.create();
  const ready = await service.send("GET", "/readyz");
  expect([ready.status, ready.body]).toMatchObject([200, { status: "ok", reasons: [], openIntents: 0 }]);
  Object.assign(service.context, { askLog: () => Promise.reject(new LogError("unavailable", "injected")) });
  const silent = await service.send("GET", "/readyz");
  expect([silent.status, silent.body]).toMatchObject([503, { status: "unavailable", reasons: ["log"] }]);
  Object.assign(service.store, { openIntents: () => Promise.reject(new Error("connection refused")) });
  const lost = await service.send("GET", "/readyz");
  expect([lost.status, lost.body]).toMatchObject([503, { reasons: ["database", "log"], openIntents: null }]);
  expect((await service.send("GET", "/healthz")).status).toBe(200);
});

test("what is not issued yet can be revoked, and then never is", async () => {
  const service = await TestService.create();
  const laptop = await Device.enrol(service, LAPTOP);
  service.log.fault = { when: "before", error: new LogError("unavailable", "injected") };
  await service.enrol(PHONE);
  const [pending] = await service.store.credentials({ client: PHONE, limit: 1 });
  const early = await laptop.get(`/v1/credentials/${pending?.id}/renewal-info`);
  expect([early.status, early.body.code]).toEqual([409, "credential-pending"]);
  const answer = await service.admin("POST", `/credentials/${pending?.id}/revocation`, { reason: "unspecified" });
  expect([answer.status, answer.body.revoked]).toMatchObject([202, [{ id: pending?.id, logged: false }]]);
  service.log.fault = undefined;
  await new Resumer(service.context).runOnce();
  expect(await service.store.credential(pending?.id ?? "")).toMatchObject({
    state: "revoked",
    certificate: undefined,
    revocation: { logged: true },
  });
});

test("a signing key that cannot be used: nothing is lost, and the request is completed later", async () => {
  const service = await TestService.create();
  const [issuer] = service.context.issuers();
  if (issuer === undefined) throw new Error("no issuer");
  const broken = { ...issuer, key: { ...issuer.key, sign: () => Promise.reject(new Error("session lost")) } };
  const issuers = service.context.issuers;
  Object.assign(service.context, { issuers: () => [broken] });
  const body = { csrs: [await service.csr(PHONE)], enrolment: { token: await service.token(PHONE) } };
  expect((await service.send("POST", "/v1/credentials", body)).body.code).toBe("signer-unavailable");
  Object.assign(service.context, { issuers });
  await new Resumer(service.context).runOnce();
  expect((await service.send("POST", "/v1/credentials", body)).status).toBe(201);
});

test("two processes on one store: the label is held by one, and the same request is not made twice", async () => {
  const service = await TestService.create();
  const journal = service.store.journal.bind(service.store);
  const conflicts = ["label-busy", "duplicate"] as const;
  for (const conflict of conflicts) {
    service.store.journal = async () => conflict;
    const answer = await service.enrol(PHONE, subjectKeyPair());
    expect(answer.body.code).toBe(conflict === "label-busy" ? "label-busy" : "issuance-pending");
    expect(answer.status).toBe(503);
  }
  service.store.journal = journal;
  expect((await service.enrol(PHONE)).status).toBe(201);
});

test("an error of this service says nothing about itself", async () => {
  const service = await TestService.create();
  service.store.credentials = () => Promise.reject(new Error("secret detail"));
  const answer = await service.send("GET", "/v1/admin/credentials", undefined, {
    authorization: `Bearer ${ADMIN_TOKEN}`,
  });
  expect([answer.status, answer.body.code]).toEqual([500, "internal"]);
  expect(JSON.stringify(answer.body)).not.toContain("secret");
});

test("the interface describes itself, and the page to try it loads nothing from elsewhere", async () => {
  const service = await TestService.create();
  const { body } = await service.send("GET", "/openapi.json");
  expect(body["openapi"]).toBe("3.1.0");
  expect(Object.keys(body["paths"] as object)).toEqual(
    expect.arrayContaining(["/v1/credentials", "/v1/nonces", "/v1/directory", "/ocsp", "/v1/admin/tokens"]),
  );
  const page = await service.app.request("/docs");
  expect(page.headers.get("content-security-policy")).toContain("default-src 'none'");
  expect(await page.text()).not.toMatch(/(src|href)="?https?:/);
});
