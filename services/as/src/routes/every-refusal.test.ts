import { generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { encode } from "@mls-as/tls-codec";
import { DeviceApproval } from "@mls-as/mls-credentials";
import Database from "better-sqlite3";
import { expect, onTestFinished, test } from "vitest";
import { type CsrParts, type SubjectKeyPair, subjectKeyPair } from "../../fixtures/certificate-signing-request.js";
import { Device } from "../../fixtures/device.js";
import { provider } from "../../fixtures/openid-provider.js";
import { ALICE, type Answer, LAPTOP, PHONE, TestService } from "../../fixtures/service-fixture.js";
import { toBase64Url } from "../binary-text.js";
import type { Config } from "../config.js";
import { keyBindingNonce, oidcCheck } from "../enrolment/oidc.js";
import { LogError } from "../log/log.js";
import { ensurePolicy } from "../policy/validation-policy.js";
import { PROBLEMS, type ProblemCode } from "../problem.js";
import { element, sequenceOf } from "../x509/der.js";

type Attempt = (service: TestService) => Promise<Answer>;
interface Case {
  readonly config?: Partial<Config>;
  readonly attempt: Attempt;
}

const post = (service: TestService, body: unknown, headers: Record<string, string> = {}): Promise<Answer> =>
  service.send("POST", "/v1/credentials", body, headers);
const enrolWith = async (service: TestService, csrs: readonly string[], enrolment?: unknown): Promise<Answer> =>
  await post(service, { csrs, enrolment: enrolment ?? { token: await service.token(PHONE) } });
const csrWith =
  (parts: Partial<CsrParts>): Attempt =>
  async (service) =>
    await enrolWith(service, [await service.csr(PHONE, subjectKeyPair(), parts)]);
const enrolment =
  (proofs: unknown): Attempt =>
  async (service) =>
    await enrolWith(service, [await service.csr(PHONE)], proofs);

/** A revocation of itself by a device, with one thing wrong. */
const signed =
  (header: Record<string, unknown>, key: SubjectKeyPair = subjectKeyPair()): Attempt =>
  async (service) => {
    const phone = await Device.enrol(service, PHONE, key);
    return await phone.post(`/v1/credentials/${phone.id}/revocation`, { reason: "superseded" }, header);
  };

/** An enrolment by approval, with one thing wrong. */
const approval =
  (change: Partial<DeviceApproval["tbs"]>, signature?: Uint8Array): Attempt =>
  async (service) => {
    const [phone, key] = [await Device.enrol(service, PHONE), subjectKeyPair()];
    const tbs = {
      logId: service.log.logId,
      identity: ALICE,
      client: LAPTOP,
      spkiHash: key.spkiHash,
      approver: PHONE,
      approverSpki: phone.key.spki,
      signatureScheme: 0x0807,
      afterVersion: 0,
      expiresAt: BigInt(service.clock + 60),
      ...change,
    };
    const statement = toBase64Url(encode(DeviceApproval, { tbs, signature: signature ?? new Uint8Array(64) }));
    return await enrolWith(service, [await service.csr(LAPTOP, key)], { approval: statement });
  };

const renewal =
  (more: (service: TestService, phone: Device, key: SubjectKeyPair) => Promise<Record<string, unknown>>): Attempt =>
  async (service) => {
    const [phone, key] = [await Device.enrol(service, PHONE), subjectKeyPair()];
    return await phone.renew(key, await more(service, phone, key));
  };

const faulty =
  (code: "unavailable" | "refused" | "proof-invalid"): Attempt =>
  async (service) => {
    service.log.fault = { when: "before", error: new LogError(code, "injected") };
    return await service.enrol(PHONE);
  };

const revoke = (service: TestService, client: string): Promise<Answer> =>
  service.admin("POST", "/devices/revocation", { client, reason: "superseded" });
const spki = (algorithm: string, ...point: readonly Uint8Array[]): Uint8Array =>
  sequenceOf(Buffer.from(algorithm, "hex"), element(0x03, Uint8Array.of(0), ...point));
const P256 = "301306072a8648ce3d020106082a8648ce3d030107";
const rsa = (): Uint8Array =>
  new Uint8Array(generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey.export({ type: "spki", format: "der" }));
const subject = sequenceOf(
  element(0x31, sequenceOf(Buffer.from("0603550403", "hex"), element(0x0c, Buffer.from("alice")))),
);
/** An enrolment with an ID token of a provider that says `claims`, or is down. */
const idToken =
  (claims: Record<string, unknown> | undefined): Attempt =>
  async (service) => {
    const { issuer, fail, token } = await provider();
    const config = { issuer, audience: "mls", allowHttp: true };
    Object.assign(service.context, { checkProviderToken: oidcCheck(config, "mls.example") });
    fail(claims === undefined);
    const key = subjectKeyPair();
    const made = await token({ nonce: keyBindingNonce([key.spkiHash]), ...claims }, service.clock);
    return await enrolWith(service, [await service.csr(PHONE, key)], { idToken: made });
  };

/** How each code is met. That none is missing is for the compiler to see. */
const CASES: Record<ProblemCode, Attempt | Case> = {
  "malformed-json": (service) => post(service, '{"csrs":[],"csrs":[]}'),
  "unsupported-media-type": (service) => post(service, "x", { "content-type": "text/plain" }),
  "invalid-field": (service) => post(service, { csrs: ["AA=="], enrolment: {} }),
  "unknown-field": (service) => post(service, { csrs: ["AA"], enrolment: {}, admin: true }),
  "body-too-large": (service) => post(service, { csrs: ["A".repeat(1_100_000)], enrolment: {} }),
  "not-found": (service) => service.send("GET", "/v1/nothing"),
  "method-not-allowed": (service) => service.send("DELETE", "/v1/credentials"),
  unauthorized: (service) => service.send("GET", "/v1/admin/audit"),
  "rate-limited": {
    config: { failuresPerMinute: 1 },
    attempt: async (service) => {
      await service.send("GET", "/v1/admin/audit");
      return await service.send("GET", "/v1/admin/audit");
    },
  },
  "idempotency-key-reused": async (service) => {
    const send = async () =>
      await post(
        service,
        { csrs: [await service.csr(PHONE)], enrolment: { token: await service.token(PHONE) } },
        { "idempotency-key": "one" },
      );
    await send();
    return await send();
  },
  "csr-malformed": (service) => post(service, { csrs: ["AAAA"], enrolment: {} }),
  "csr-subject": csrWith({ subject }),
  "csr-attribute": csrWith({
    extraExtensions: [sequenceOf(Buffer.from("0603551d13", "hex"), element(0x04, sequenceOf()))],
  }),
  "csr-names": csrWith({ uris: [PHONE] }),
  "csr-signature": csrWith({ signWith: subjectKeyPair() }),
  "csr-batch": async (service) => {
    const [key, nonce] = [subjectKeyPair(), await service.nonce()];
    return await enrolWith(service, [
      await service.csr(PHONE, key, { nonce }),
      await service.csr(PHONE, key, { nonce }),
    ]);
  },
  "identity-invalid": csrWith({ uris: ["mimi://mls.example/u/Alice", "mimi://mls.example/d/Alice/phone"] }),
  "identity-domain": csrWith({ uris: ["mimi://other.example/u/alice", "mimi://other.example/d/alice/phone"] }),
  "identity-mismatch": async (service) =>
    await enrolWith(service, [await service.csr(PHONE)], { token: await service.token(LAPTOP) }),
  "key-algorithm": csrWith({ spki: rsa() }),
  "key-encoding": csrWith({ spki: spki(P256, Uint8Array.of(2), new Uint8Array(32).fill(3)) }),
  "key-weak": csrWith({ spki: spki(P256, Uint8Array.of(4), new Uint8Array(64).fill(7)) }),
  "key-in-use": async (service) => {
    const key = subjectKeyPair();
    await service.enrol(LAPTOP, key);
    return await service.enrol(PHONE, key);
  },
  "key-blocked": async (service) => {
    const key = subjectKeyPair();
    await service.enrol(PHONE, key);
    await service.admin("POST", "/devices/revocation", { client: PHONE, reason: "keyCompromise" });
    return await service.enrol(PHONE, key);
  },
  "nonce-missing": csrWith({ nonce: undefined }),
  "nonce-invalid": csrWith({ nonce: "hello" }),
  "nonce-expired": async (service) => {
    const csr = await service.csr(PHONE);
    service.clock += 300;
    return await enrolWith(service, [csr]);
  },
  "nonce-used": async (service) => {
    const nonce = await service.nonce();
    await enrolWith(service, [await service.csr(PHONE, subjectKeyPair(), { nonce })]);
    return await enrolWith(service, [await service.csr(PHONE, subjectKeyPair(), { nonce })]);
  },
  "enrolment-proof-required": enrolment({}),
  "enrolment-proof-unsupported": enrolment({ idToken: "a.b.c" }),
  "token-unknown": enrolment({ token: "guess" }),
  "token-expired": async (service) => {
    const token = await service.token(PHONE, 60);
    service.clock += 60;
    return await enrolWith(service, [await service.csr(PHONE)], { token });
  },
  "token-spent": async (service) => {
    const token = await service.token(PHONE);
    await enrolWith(service, [await service.csr(PHONE)], { token });
    return await enrolWith(service, [await service.csr(PHONE)], { token });
  },
  "approval-malformed": enrolment({ approval: "AAAA" }),
  "approval-mismatch": approval({ spkiHash: new Uint8Array(32) }),
  "approval-expired": approval({ expiresAt: 1n }),
  "approval-lifetime": approval({ expiresAt: 2n ** 40n }),
  "approval-version": approval({ afterVersion: 9 }),
  "approval-used": async (service) => {
    const [phone, key] = [await Device.enrol(service, PHONE), subjectKeyPair()];
    const proofs = { approval: await phone.approve(ALICE, LAPTOP, key) };
    await enrolWith(service, [await service.csr(LAPTOP, key)], proofs);
    return await enrolWith(service, [await service.csr(LAPTOP, key)], proofs);
  },
  "approval-untrusted": approval({ approver: LAPTOP }),
  "approval-signature": approval({}, new Uint8Array(64)),
  "approval-unknown": (service) => service.admin("POST", `/approvals/${"0".repeat(32)}/denial`, {}),
  "approval-closed": async (service) => {
    const asked = await service.send("POST", "/v1/approvals", { csrs: [await service.csr(LAPTOP)] });
    await service.admin("POST", `/approvals/${asked.body.id}/denial`, {});
    return await service.admin("POST", `/approvals/${asked.body.id}/approval`, {});
  },
  "too-many-approvals": async (service) => {
    for (let i = 0; i < 5; i++) await service.send("POST", "/v1/approvals", { csrs: [await service.csr(LAPTOP)] });
    return await service.send("POST", "/v1/approvals", { csrs: [await service.csr(LAPTOP)] });
  },
  "jws-malformed": signed({ x5c: [] }),
  "jws-algorithm": signed({ alg: "none" }),
  "jws-url": signed({ url: "http://as.test/v1/credentials" }),
  "jws-signature": async (service) => {
    const phone = await Device.enrol(service, PHONE);
    const path = `/v1/credentials/${phone.id}/revocation`;
    const jws = await phone.jws(path, '{"reason":"superseded"}');
    return await phone.send(path, { ...jws, payload: toBase64Url(Buffer.from('{"reason":"unspecified"}')) });
  },
  "signer-unknown": signed({ "x5t#S256": "A".repeat(43) }),
  "signer-inactive": async (service) => {
    const phone = await Device.enrol(service, PHONE);
    await revoke(service, PHONE);
    return await phone.renew(subjectKeyPair());
  },
  "signer-not-allowed": async (service) => {
    const [phone, laptop] = [await Device.enrol(service, PHONE), await Device.enrol(service, LAPTOP)];
    const payload = { csrs: [await service.csr(PHONE)], continuity: ["AA"] };
    return await laptop.post(`/v1/credentials/${phone.id}/renewals`, payload);
  },
  "continuity-malformed": renewal(async () => ({ continuity: ["AA"] })),
  "continuity-mismatch": renewal(async (_service, phone) => ({
    continuity: [await phone.continue(subjectKeyPair())],
  })),
  "continuity-signature": renewal(async (_service, phone, key) => {
    const good = Buffer.from(await phone.continue(key), "base64url");
    good[good.length - 1] = (good[good.length - 1] as number) ^ 1;
    return { continuity: [toBase64Url(good)] };
  }),
  "renewal-same-key": async (service) => {
    const key = subjectKeyPair();
    return await (await Device.enrol(service, PHONE, key)).renew(key);
  },
  "renewal-proof-required": {
    config: { renewalByKey: 60 },
    attempt: async (service) => {
      const phone = await Device.enrol(service, PHONE);
      service.clock += 61;
      return await phone.renew(subjectKeyPair());
    },
  },
  "oidc-token-invalid": idToken({ aud: "somebody else" }),
  "oidc-nonce-mismatch": idToken({ nonce: "another key" }),
  "oidc-provider-unavailable": idToken(undefined),
  "credential-unknown": (service) =>
    service.admin("POST", `/credentials/${"0".repeat(64)}/revocation`, { reason: "unspecified" }),
  "credential-pending": async (service) => {
    const laptop = await Device.enrol(service, LAPTOP);
    await faulty("unavailable")(service);
    const [pending] = await service.store.credentials({ client: PHONE, limit: 1 });
    return await laptop.get(`/v1/credentials/${pending?.id}/renewal-info`);
  },
  "credential-expired": async (service) => {
    const phone = await Device.enrol(service, PHONE);
    service.clock += 91 * 86_400;
    return await service.admin("POST", `/credentials/${phone.id}/revocation`, { reason: "superseded" });
  },
  "client-unknown": (service) => revoke(service, PHONE),
  "user-active": async (service) => {
    await service.enrol(PHONE);
    return await service.admin("POST", "/users/erasure", { user: ALICE });
  },
  "too-many-credentials": {
    config: { maximumUnexpired: 1 },
    attempt: async (service) => {
      await service.enrol(PHONE);
      return await service.enrol(PHONE);
    },
  },
  "policy-pending": (service) => service.send("GET", "/v1/policy"),
  "policy-invalid": async (service) => {
    await ensurePolicy(service.context);
    return await service.admin("POST", "/policy", { changes: { colour: "red" } });
  },
  "policy-weakens": async (service) => {
    await ensurePolicy(service.context);
    return await service.admin("POST", "/policy", { changes: { transparency: "advisory" } });
  },
  "label-busy": async (service) => {
    service.store.journal = async () => "label-busy";
    return await service.enrol(PHONE);
  },
  "log-unavailable": faulty("unavailable"),
  "log-refused": faulty("refused"),
  "log-proof-invalid": faulty("proof-invalid"),
  "issuance-pending": async (service) => {
    service.store.journal = async () => "duplicate";
    return await service.enrol(PHONE);
  },
  "issuance-withdrawn": async (service) => {
    const body = { csrs: [await service.csr(PHONE)], enrolment: { token: await service.token(PHONE) } };
    service.log.fault = { when: "after", error: new LogError("unavailable", "injected") };
    await post(service, body);
    await revoke(service, PHONE);
    service.log.fault = undefined;
    return await post(service, body);
  },
  "signer-unavailable": async (service) => {
    const broken = service.context.issuers().map((issuer) => ({
      ...issuer,
      key: { ...issuer.key, sign: () => Promise.reject(new Error("session lost")) },
    }));
    Object.assign(service.context, { issuers: () => broken });
    return await service.enrol(PHONE);
  },
  "storage-unavailable": async (service) => {
    const db = new Database(":memory:");
    db.pragma("query_only = 1");
    service.store.credentials = async () => {
      db.exec("create table t (a)");
      return [];
    };
    return await service.admin("GET", "/credentials");
  },
  overloaded: {
    config: { maxUnderWay: 1 },
    attempt: async (service) => {
      let [begun, goOn] = [(): void => {}, (): void => {}];
      const waiting = new Promise<void>((resolve) => (begun = resolve));
      const released = new Promise<void>((resolve) => (goOn = resolve));
      const slow = async (): Promise<[]> => {
        begun();
        await released;
        return [];
      };
      Object.assign(service.store, { renewalOrders: slow });
      const first = service.admin("GET", "/renewal-orders");
      await waiting;
      const second = await service.send("GET", "/v1/directory");
      goOn();
      await first;
      return second;
    },
  },
  internal: async (service) => {
    service.store.credentials = () => Promise.reject(new Error("secret detail"));
    return await service.admin("GET", "/credentials");
  },
};

test.each(Object.entries(CASES) as [ProblemCode, Attempt | Case][])("%s, over HTTP", async (code, given) => {
  const { config = {}, attempt } = typeof given === "function" ? { attempt: given } : given;
  const service = await TestService.create(config);
  onTestFinished(await service.listen());
  const answer = await attempt(service);
  const { status, title } = PROBLEMS[code];
  expect([answer.status, answer.body], JSON.stringify(answer.body)).toMatchObject([
    status,
    { type: `urn:mls-as:problem:${code}`, code, status, title, detail: expect.any(String) },
  ]);
  expect(answer.headers.get("content-type")).toBe("application/problem+json");
  expect(answer.headers.get("cache-control")).toBe("no-store");
  const { retryAfter } = answer.body;
  const header = answer.headers.get("retry-after");
  expect(header === null ? undefined : Number(header)).toBe(retryAfter);
  expect(JSON.stringify(answer.body)).not.toContain("secret");
});

test("docs/errors.md has a row for each of them, and for nothing else", () => {
  const document = readFileSync(new URL("../../../../docs/errors.md", import.meta.url), "utf8");
  const [, section = ""] = document.split("## Authentication Service");
  const rows = [...(section.split("\n## ")[0] ?? "").matchAll(/^\| `([a-z-]+)` \| (\d+) \| ([^|]+) \| ([^|]+) \|$/gm)];
  expect(rows.map(([, code, status, title, remedy]) => [code, Number(status), title, remedy])).toEqual(
    Object.entries(PROBLEMS).map(([code, { status, title, remedy }]) => [code, status, title, remedy]),
  );
  expect(Object.keys(CASES).sort()).toEqual(Object.keys(PROBLEMS).sort());
});
