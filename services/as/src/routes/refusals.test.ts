import { generateKeyPairSync } from "node:crypto";
import { encode } from "@mls-as/tls-codec";
import { DeviceApproval } from "@mls-as/mls-credentials";
import { expect, test } from "vitest";
import {
  attribute,
  certificateSigningRequest,
  subjectKeyPair,
  uriName,
} from "../../fixtures/certificate-signing-request.js";
import { ADMIN_TOKEN, ALICE, type Answer, LAPTOP, PHONE, TestService } from "../../fixtures/service-fixture.js";
import { toBase64Url } from "../binary-text.js";
import { element, extension, integer, octetString, sequenceOf } from "../x509/der.js";

type Attempt = (service: TestService) => Promise<Answer>;

/** Enrols with a good token, and a CSR with one thing wrong. */
function withCsr(
  parts: Parameters<TestService["csr"]>[2] | ((service: TestService) => Promise<Parameters<TestService["csr"]>[2]>),
): Attempt {
  return async (service) => {
    const changed = typeof parts === "function" ? await parts(service) : parts;
    const csr = await service.csr(PHONE, subjectKeyPair(), changed);
    return await service.send("POST", "/v1/credentials", {
      csrs: [csr],
      enrolment: { token: await service.token(PHONE) },
    });
  };
}

function withRawCsr(change: (der: Uint8Array) => Uint8Array): Attempt {
  return async (service) => {
    const key = subjectKeyPair();
    const der = certificateSigningRequest({ key, uris: [ALICE, PHONE], nonce: await service.nonce() });
    const csrs = [toBase64Url(change(der))];
    return await service.send("POST", "/v1/credentials", { csrs, enrolment: { token: await service.token(PHONE) } });
  };
}

const names = (...uris: string[]): Attempt => withCsr({ uris });
const flipLast = (der: Uint8Array): Uint8Array =>
  Uint8Array.from(der, (octet, i) => (i === der.length - 1 ? octet ^ 1 : octet));
const compressedP256 = sequenceOf(
  Buffer.from("301306072a8648ce3d020106082a8648ce3d030107", "hex"),
  element(0x03, Buffer.from("00036b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296", "hex")),
);
const offCurveP256 = sequenceOf(
  Buffer.from("301306072a8648ce3d020106082a8648ce3d030107", "hex"),
  element(0x03, Uint8Array.of(0, 4), new Uint8Array(64).fill(7)),
);
const smallOrderEd25519 = Buffer.from(`302a300506032b6570032100${"01".padEnd(64, "0")}`, "hex");
const rsa = new Uint8Array(
  generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey.export({ type: "spki", format: "der" }),
);

const deep = (levels: number): Uint8Array => {
  let der: Uint8Array = sequenceOf();
  for (let i = 0; i < levels; i++) der = sequenceOf(der);
  return der;
};

const credentials =
  (body: unknown, headers?: Record<string, string>): Attempt =>
  (service) =>
    service.send("POST", "/v1/credentials", body, headers);

const cases: readonly (readonly [what: string, status: number, code: string, attempt: Attempt])[] = [
  ["a body that is not JSON", 400, "malformed-json", credentials("{")],
  [
    "a body of another type",
    415,
    "unsupported-media-type",
    credentials("a=b", { "content-type": "application/x-www-form-urlencoded" }),
  ],
  ["a body without CSRs", 400, "invalid-field", credentials({ csrs: [], enrolment: {} })],
  ["base64 with padding", 400, "invalid-field", credentials({ csrs: ["AA=="], enrolment: {} })],
  ["base64url that is not canonical", 400, "invalid-field", credentials({ csrs: ["AB"], enrolment: {} })],
  ["a field that does not exist", 400, "unknown-field", credentials({ csrs: ["AA"], enrolment: {}, admin: true })],
  [
    "a nested field that does not exist",
    400,
    "unknown-field",
    credentials({ csrs: ["AA"], enrolment: { password: "x" } }),
  ],
  ["a body over 1 MiB", 413, "body-too-large", credentials({ csrs: ["A".repeat(1_100_000)], enrolment: {} })],
  [
    "an idempotency key with a space",
    400,
    "invalid-field",
    credentials({ csrs: ["AA"], enrolment: {} }, { "idempotency-key": "a b" }),
  ],
  ["nothing at that URL", 404, "not-found", (service) => service.send("GET", "/v1/nothing")],
  ["another method", 405, "method-not-allowed", (service) => service.send("DELETE", "/v1/credentials")],

  ["octets that are not DER", 400, "csr-malformed", credentials({ csrs: ["AAAA"], enrolment: {} })],
  ["bytes after the CSR", 400, "csr-malformed", withRawCsr((der) => Uint8Array.of(...der, 0))],
  ["a truncated CSR", 400, "csr-malformed", withRawCsr((der) => der.subarray(0, -1))],
  ["a structure nested too deeply", 400, "csr-malformed", withRawCsr(() => deep(200))],
  ["another structure", 400, "csr-malformed", withRawCsr(() => sequenceOf(integer(1n)))],
  [
    "an indefinite length",
    400,
    "csr-malformed",
    withRawCsr((der) => Uint8Array.of(0x30, 0x80, ...der.subarray(4), 0, 0)),
  ],
  ["a flipped bit in the signature", 400, "csr-signature", withRawCsr(flipLast)],
  ["a signature by another key", 400, "csr-signature", withCsr({ signWith: subjectKeyPair() })],
  ["a signature of another algorithm", 400, "csr-signature", withCsr({ signWith: subjectKeyPair("P-256") })],
  [
    "a subject name",
    400,
    "csr-subject",
    withCsr({
      subject: sequenceOf(
        element(0x31, sequenceOf(Buffer.from("0603550403", "hex"), element(0x0c, Buffer.from("alice")))),
      ),
    }),
  ],
  [
    "an attribute beside the two",
    400,
    "csr-attribute",
    withCsr({ extraAttributes: [attribute("1.2.840.113549.1.9.2", element(0x0c, Buffer.from("x")))] }),
  ],
  [
    "two challenge passwords",
    400,
    "csr-attribute",
    withCsr({ extraAttributes: [attribute("1.2.840.113549.1.9.7", element(0x0c, Buffer.from("x")))] }),
  ],
  [
    "basicConstraints in the request",
    400,
    "csr-attribute",
    withCsr({ extraExtensions: [extension("2.5.29.19", true, sequenceOf(Uint8Array.of(1, 1, 0xff)))] }),
  ],
  ["no nonce", 400, "nonce-missing", withCsr({ nonce: undefined })],
  ["a nonce of another service", 400, "nonce-invalid", withCsr({ nonce: "A".repeat(75) })],
  ["a nonce that is no nonce", 400, "nonce-invalid", withCsr({ nonce: "hello" })],
  [
    "a stale nonce",
    400,
    "nonce-expired",
    withCsr(async (service) => {
      const nonce = await service.nonce();
      service.clock += 301;
      return { nonce };
    }),
  ],
  [
    "a used nonce",
    400,
    "nonce-used",
    withCsr(async (service) => {
      const nonce = await service.nonce();
      const csrs = [await service.csr(LAPTOP, subjectKeyPair(), { nonce })];
      await service.send("POST", "/v1/credentials", { csrs, enrolment: { token: await service.token(LAPTOP) } });
      return { nonce };
    }),
  ],

  ["one name", 400, "csr-names", names(PHONE)],
  ["three names", 400, "csr-names", names(ALICE, PHONE, LAPTOP)],
  ["a user of another user's device", 400, "csr-names", names("mimi://mls.example/u/bob", PHONE)],
  [
    "a DNS name beside the two",
    400,
    "csr-names",
    withCsr({ generalNames: [uriName(ALICE), uriName(PHONE), element(0x82, Buffer.from("mls.example"))] }),
  ],
  [
    "a mail address instead of a URI",
    400,
    "csr-names",
    withCsr({ generalNames: [uriName(ALICE), element(0x81, Buffer.from(PHONE))] }),
  ],
  ["the same name twice", 400, "identity-invalid", names(PHONE, PHONE)],
  [
    "a name in capitals",
    400,
    "identity-invalid",
    names("mimi://mls.example/u/Alice", "mimi://mls.example/d/Alice/phone"),
  ],
  [
    "a percent-encoded name",
    400,
    "identity-invalid",
    names("mimi://mls.example/u/%61lice", "mimi://mls.example/d/%61lice/phone"),
  ],
  [
    "a name with NUL",
    400,
    "identity-invalid",
    names("mimi://mls.example/u/alice\0", "mimi://mls.example/d/alice\0/phone"),
  ],
  [
    "an internationalised host",
    400,
    "identity-invalid",
    names("mimi://müs.example/u/alice", "mimi://müs.example/d/alice/phone"),
  ],
  [
    "a host with a port",
    400,
    "identity-invalid",
    names("mimi://mls.example:443/u/alice", "mimi://mls.example:443/d/alice/phone"),
  ],
  [
    "a host with user information",
    400,
    "identity-invalid",
    names("mimi://x@mls.example/u/alice", "mimi://x@mls.example/d/alice/phone"),
  ],
  [
    "another domain",
    403,
    "identity-domain",
    names("mimi://other.example/u/alice", "mimi://other.example/d/alice/phone"),
  ],
  [
    "names of another token",
    403,
    "identity-mismatch",
    names("mimi://mls.example/u/bob", "mimi://mls.example/d/bob/phone"),
  ],

  ["an RSA key", 400, "key-algorithm", withCsr({ spki: rsa })],
  ["a compressed point", 400, "key-encoding", withCsr({ spki: compressedP256 })],
  ["a point off the curve", 400, "key-weak", withCsr({ spki: offCurveP256 })],
  ["an Ed25519 key of small order", 400, "key-weak", withCsr({ spki: smallOrderEd25519 })],
  [
    "a key that is certified for another client",
    409,
    "key-in-use",
    async (service) => {
      const key = subjectKeyPair();
      await service.enrol(LAPTOP, key);
      return await service.enrol(PHONE, key);
    },
  ],
  [
    "a key that was reported as compromised",
    403,
    "key-blocked",
    async (service) => {
      const key = subjectKeyPair();
      await service.enrol(PHONE, key);
      await service.admin("POST", "/devices/revocation", { client: PHONE, reason: "keyCompromise" });
      return await service.enrol(PHONE, key);
    },
  ],
  [
    "one key twice in a request",
    400,
    "csr-batch",
    async (service) => {
      const [key, nonce] = [subjectKeyPair(), await service.nonce()];
      const csrs = [await service.csr(PHONE, key, { nonce }), await service.csr(PHONE, key, { nonce })];
      return await service.send("POST", "/v1/credentials", { csrs, enrolment: { token: await service.token(PHONE) } });
    },
  ],
  [
    "two clients in a request",
    400,
    "csr-batch",
    async (service) => {
      const nonce = await service.nonce();
      const csrs = [
        await service.csr(PHONE, subjectKeyPair(), { nonce }),
        await service.csr(LAPTOP, subjectKeyPair(), { nonce }),
      ];
      return await service.send("POST", "/v1/credentials", { csrs, enrolment: { token: await service.token(PHONE) } });
    },
  ],

  [
    "no enrolment proof",
    403,
    "enrolment-proof-required",
    async (service) => service.send("POST", "/v1/credentials", { csrs: [await service.csr(PHONE)], enrolment: {} }),
  ],
  [
    "an ID token where no provider is set up",
    400,
    "enrolment-proof-unsupported",
    async (service) =>
      service.send("POST", "/v1/credentials", { csrs: [await service.csr(PHONE)], enrolment: { idToken: "a.b.c" } }),
  ],
  [
    "a token that was never made",
    403,
    "token-unknown",
    async (service) =>
      service.send("POST", "/v1/credentials", { csrs: [await service.csr(PHONE)], enrolment: { token: "guess" } }),
  ],
  [
    "a token used twice",
    403,
    "token-spent",
    async (service) => {
      const token = await service.token(PHONE);
      const enrol = async () =>
        service.send("POST", "/v1/credentials", { csrs: [await service.csr(PHONE)], enrolment: { token } });
      expect((await enrol()).status).toBe(201);
      return await enrol();
    },
  ],
  [
    "an expired token",
    403,
    "token-expired",
    async (service) => {
      const token = await service.token(PHONE, 60);
      service.clock += 60;
      return await service.send("POST", "/v1/credentials", { csrs: [await service.csr(PHONE)], enrolment: { token } });
    },
  ],
  [
    "a token for another device",
    403,
    "identity-mismatch",
    async (service) => {
      const token = await service.token(LAPTOP);
      return await service.send("POST", "/v1/credentials", { csrs: [await service.csr(PHONE)], enrolment: { token } });
    },
  ],
  [
    "an approval that is none",
    400,
    "approval-malformed",
    async (service) =>
      service.send("POST", "/v1/credentials", { csrs: [await service.csr(PHONE)], enrolment: { approval: "AAAA" } }),
  ],

  [
    "no admin token",
    401,
    "unauthorized",
    (service) => service.send("POST", "/v1/admin/tokens", { user: ALICE, client: PHONE }),
  ],
  [
    "a wrong admin token",
    401,
    "unauthorized",
    (service) =>
      service.send(
        "POST",
        "/v1/admin/tokens",
        { user: ALICE, client: PHONE },
        { authorization: `Bearer ${ADMIN_TOKEN}x` },
      ),
  ],
  [
    "a token for another domain",
    403,
    "identity-domain",
    (service) =>
      service.admin("POST", "/tokens", { user: "mimi://a.example/u/alice", client: "mimi://a.example/d/alice/phone" }),
  ],
  [
    "a token for a client of someone else",
    403,
    "identity-mismatch",
    (service) => service.admin("POST", "/tokens", { user: "mimi://mls.example/u/bob", client: PHONE }),
  ],
  [
    "a token that lives for years",
    400,
    "invalid-field",
    (service) => service.admin("POST", "/tokens", { user: ALICE, client: PHONE, lifetime: 1e9 }),
  ],
  [
    "revocation of what does not exist",
    404,
    "credential-unknown",
    (service) => service.admin("POST", `/credentials/${"0".repeat(64)}/revocation`, { reason: "unspecified" }),
  ],
  [
    "revocation of a device that does not exist",
    404,
    "client-unknown",
    (service) => service.admin("POST", "/devices/revocation", { client: PHONE, reason: "unspecified" }),
  ],
  [
    "revocation for no reason of the list",
    400,
    "invalid-field",
    (service) => service.admin("POST", "/devices/revocation", { client: PHONE, reason: "removeFromCRL" }),
  ],
  [
    "revocation of what has expired",
    409,
    "credential-expired",
    async (service) => {
      const { body } = await service.enrol(PHONE);
      service.clock += 91 * 86_400;
      return await service.admin("POST", `/credentials/${body.credentials?.[0]?.id}/revocation`, {
        reason: "superseded",
      });
    },
  ],
  ["a query that does not exist", 400, "unknown-field", (service) => service.admin("GET", "/credentials?all=1")],
];

test.each(cases)("%s: %i %s", async (_what, status, code, attempt) => {
  const service = await TestService.create();
  const answer = await attempt(service);
  expect([answer.status, answer.body.code], JSON.stringify(answer.body)).toEqual([status, code]);
  expect(answer.headers.get("content-type")).toBe("application/problem+json");
  expect(answer.body).toMatchObject({
    type: `urn:mls-as:problem:${code}`,
    status,
    title: expect.any(String),
    detail: expect.any(String),
  });
});

test("a refused enrolment writes nothing, logs nothing, and leaves its nonce and token unspent", async () => {
  const service = await TestService.create();
  const [token, nonce] = [await service.token(PHONE), await service.nonce()];
  const audited = (await service.store.auditEntries({ after: 0, limit: 100 })).length;
  const bad = await service.csr(PHONE, subjectKeyPair(), { nonce, signWith: subjectKeyPair() });
  expect((await service.send("POST", "/v1/credentials", { csrs: [bad], enrolment: { token } })).status).toBe(400);
  expect(service.log.appends).toBe(0);
  expect(await service.store.openIntents()).toEqual([]);
  expect((await service.store.auditEntries({ after: 0, limit: 100 })).length).toBe(audited);
  const good = await service.csr(PHONE, subjectKeyPair(), { nonce });
  expect((await service.send("POST", "/v1/credentials", { csrs: [good], enrolment: { token } })).status).toBe(201);
});

test("an approval for something else, too late, too early, by a stranger, or not signed", async () => {
  const service = await TestService.create({}, { verify: async ({ signature }) => signature.length === 64 });
  const [phoneKey, key] = [subjectKeyPair(), subjectKeyPair()];
  await service.enrol(PHONE, phoneKey);
  const good = {
    logId: service.log.logId,
    identity: ALICE,
    client: LAPTOP,
    spkiHash: key.spkiHash,
    approver: PHONE,
    approverSpki: phoneKey.spki,
    signatureScheme: 0x0807,
    afterVersion: 0,
    expiresAt: BigInt(service.clock + 600),
  };
  const attempt = async (change: Partial<typeof good>, signature = new Uint8Array(64)): Promise<string> => {
    const approval = toBase64Url(encode(DeviceApproval, { tbs: { ...good, ...change }, signature }));
    const answer = await service.send("POST", "/v1/credentials", {
      csrs: [await service.csr(LAPTOP, key)],
      enrolment: { approval },
    });
    return answer.body.code ?? String(answer.status);
  };
  expect(await attempt({ logId: new Uint8Array(32) })).toBe("approval-mismatch");
  expect(await attempt({ client: PHONE })).toBe("approval-mismatch");
  expect(await attempt({ spkiHash: new Uint8Array(32) })).toBe("approval-mismatch");
  expect(await attempt({ expiresAt: BigInt(service.clock) })).toBe("approval-expired");
  expect(await attempt({ afterVersion: 1 })).toBe("approval-version");
  expect(await attempt({ approver: LAPTOP })).toBe("approval-untrusted");
  expect(await attempt({ approver: "mimi://mls.example/d/bob/phone" })).toBe("approval-untrusted");
  expect(await attempt({ approverSpki: key.spki })).toBe("approval-untrusted");
  expect(await attempt({}, new Uint8Array(63))).toBe("approval-signature");
  expect(service.log.values.get(ALICE)?.length).toBe(1);
  expect(await attempt({})).toBe("201");
});

test("an approver that was revoked approves nobody, even before the log shows it", async () => {
  const service = await TestService.create();
  const [phoneKey, key] = [subjectKeyPair(), subjectKeyPair()];
  const { body } = await service.enrol(PHONE, phoneKey);
  await service.store.revoke(
    [body.credentials?.[0]?.id ?? ""],
    { reason: 0, origin: "operatorRevocation", block: false },
    service.clock,
    { actor: "test", action: "test" },
  );
  const tbs = {
    logId: service.log.logId,
    identity: ALICE,
    client: LAPTOP,
    spkiHash: key.spkiHash,
    approver: PHONE,
    approverSpki: phoneKey.spki,
    signatureScheme: 0x0807,
    afterVersion: 0,
    expiresAt: BigInt(service.clock + 600),
  };
  const approval = toBase64Url(encode(DeviceApproval, { tbs, signature: octetString(new Uint8Array(62)) }));
  const answer = await service.send("POST", "/v1/credentials", {
    csrs: [await service.csr(LAPTOP, key)],
    enrolment: { approval },
  });
  expect(answer.body.code).toBe("approval-untrusted");
});
