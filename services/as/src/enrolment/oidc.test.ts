import { exportJWK, generateKeyPair, UnsecuredJWT } from "jose";
import { describe, expect, test } from "vitest";
import { subjectKeyPair } from "../../fixtures/certificate-signing-request.js";
import { provider } from "../../fixtures/openid-provider.js";
import { PHONE, TestService } from "../../fixtures/service-fixture.js";
import { toBase64Url } from "../binary-text.js";
import { keyBindingNonce, type OidcConfig, oidcCheck } from "./oidc.js";

async function setUp() {
  const idp = await provider();
  let milliseconds = 0;
  const config = { issuer: idp.issuer, audience: "mls", allowHttp: true };
  const service = await TestService.create(
    { enrolment: { first: [["oidc"]], further: [["oidc"]] } },
    { checkProviderToken: oidcCheck(config, "mls.example", () => milliseconds) },
  );
  const enrol = async (claims: Record<string, unknown> = {}, forge?: (token: string) => string) => {
    const key = subjectKeyPair();
    const good = await idp.token({ nonce: keyBindingNonce([key.spkiHash]), ...claims }, service.clock);
    const idToken = forge?.(good) ?? good;
    return await service.send("POST", "/v1/credentials", {
      csrs: [await service.csr(PHONE, key)],
      enrolment: { idToken },
    });
  };
  return { idp, service, enrol, pass: (ms: number) => (milliseconds += ms) };
}

test("a user enrols with an ID token that is bound to the key", async () => {
  const { enrol, idp } = await setUp();
  const answer = await enrol();
  expect(answer.status, JSON.stringify(answer.body)).toBe(201);
  await enrol();
  expect(idp.fetches()).toBe(2);
});

test("ID tokens that do not fit are refused", async () => {
  const { enrol, service } = await setUp();
  const code = async (...given: Parameters<typeof enrol>): Promise<string | undefined> =>
    (await enrol(...given)).body.code;
  expect(await code({ iss: "https://elsewhere.example" })).toBe("oidc-token-invalid");
  expect(await code({ aud: "other" })).toBe("oidc-token-invalid");
  expect(await code({ aud: ["mls", "other"], azp: "other" })).toBe("oidc-token-invalid");
  expect(await code({ exp: service.clock - 31 })).toBe("oidc-token-invalid");
  expect(await code({ iat: service.clock + 86_400, exp: service.clock + 90_000 })).toBe("oidc-token-invalid");
  expect(await code({ iat: service.clock - 86_500 })).toBe("oidc-token-invalid");
  expect(await code({ nonce: "x" })).toBe("oidc-nonce-mismatch");
  expect(await code({ preferred_username: "bob" })).toBe("identity-mismatch");
  expect(await code({ preferred_username: "Alice" })).toBe("identity-mismatch");
  expect(await code({ preferred_username: undefined })).toBe("identity-mismatch");
  expect(await code({}, (token) => `${token.slice(0, -4)}AAAA`)).toBe("oidc-token-invalid");
  const unsecured = (token: string): string =>
    new UnsecuredJWT(
      JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()) as Record<string, unknown>,
    ).encode();
  expect(await code({}, unsecured)).toBe("oidc-token-invalid");
  expect(service.log.appends).toBe(0);
});

test("a provider that is away for a while does not take the keys along that are known", async () => {
  const { enrol, idp, pass } = await setUp();
  expect((await enrol()).status).toBe(201);
  const known = idp.fetches();
  idp.fail(true);
  pass(31_000);
  // A stranger's token with a key id that nobody knows asks for newer keys.
  const stranger = (token: string): string => {
    const header = toBase64Url(Buffer.from(JSON.stringify({ alg: "ES256", kid: "made-up" })));
    return [header, ...token.split(".").slice(1)].join(".");
  };
  for (let i = 0; i < 5; i++) {
    expect((await enrol({}, stranger)).body.code).toBe("oidc-token-invalid");
    expect((await enrol()).status).toBe(201);
  }
  expect(idp.fetches()).toBe(known + 1);
  pass(600_000);
  expect((await enrol()).body.code).toBe("oidc-provider-unavailable");
  idp.fail(false);
  pass(10_000);
  expect((await enrol()).status).toBe(201);
});

test.each([
  ["an RSA key without a modulus", { kty: "RSA", e: "AQAB", alg: "ES256" }, 403, "oidc-token-invalid"],
  ["a short key", { kty: "OKP", crv: "Ed25519", x: "AA" }, 403, "oidc-token-invalid"],
  // This one is of the token's kind: that it cannot be used is the provider's fault.
  ["a point off the curve", { kty: "EC", crv: "P-256", x: "AA", y: "AA" }, 503, "oidc-provider-unavailable"],
])("%s in the provider's set is no error here", async (_name, jwk, status, code) => {
  const { enrol, idp } = await setUp();
  idp.serve([{ ...jwk, kid: "one" }]);
  const answer = await enrol();
  expect([answer.status, answer.body.code]).toEqual([status, code]);
});

test("of several keys with one id any may have signed the token", async () => {
  const { enrol, idp, pass } = await setUp();
  const jwk = async (key: Awaited<ReturnType<typeof generateKeyPair>>["publicKey"]): Promise<object> => ({
    ...(await exportJWK(key)),
    kid: "one",
    alg: "ES256",
  });
  const [own, other, third] = [
    await jwk(idp.publicKey()),
    await jwk((await generateKeyPair("ES256")).publicKey),
    await jwk((await generateKeyPair("ES256")).publicKey),
  ];
  for (const [keys, status] of [
    [[own, other], 201],
    [[other, own], 201],
    [[other, third, own], 201],
    [[{ kty: "EC", crv: "P-256", x: "AA", y: "AA", alg: "ES256", kid: "one" }, own], 201],
    [[other, third], 403],
  ] as const) {
    idp.serve(keys);
    expect((await enrol()).status, JSON.stringify(keys)).toBe(status);
    pass(600_001);
  }
});

test("keys are kept, fetched again when they rotate, and not more often than that", async () => {
  const { enrol, idp, pass } = await setUp();
  expect((await enrol()).status).toBe(201);
  await idp.rotate();
  expect((await enrol()).body.code).toBe("oidc-token-invalid");
  expect(idp.fetches()).toBe(2);
  pass(31_000);
  expect((await enrol()).status).toBe(201);
  expect(idp.fetches()).toBe(4);
});

test("a provider that cannot be reached is said to be so", async () => {
  const { enrol, idp } = await setUp();
  idp.fail(true);
  const answer = await enrol();
  expect([answer.status, answer.body.code]).toEqual([503, "oidc-provider-unavailable"]);
});

test("a provider without TLS is for development", () => {
  expect(() => oidcCheck({ issuer: "http://idp.example", audience: "mls" }, "mls.example")).toThrow(/https/);
});

describe("which addresses the provider can make this service ask", () => {
  const device = { user: "mimi://mls.example/u/alice", client: PHONE, spkis: [], spkiHashes: [] };
  const refusedBy = async (config: Partial<OidcConfig>, jwksUri: (issuer: string) => string): Promise<unknown> => {
    const idp = await provider(jwksUri);
    const check = oidcCheck({ issuer: idp.issuer, audience: "mls", allowHttp: true, ...config }, "mls.example");
    const now = Math.floor(Date.now() / 1000);
    const token = await idp.token({ nonce: keyBindingNonce([]) }, now);
    return await check({ kind: "id", token }, device, now).then(
      () => undefined,
      (error: unknown) => (error as { cause: unknown }).cause,
    );
  };

  test("its keys are on its own origin", async () => {
    expect(await refusedBy({}, (issuer) => `${issuer}/jwks`)).toBeUndefined();
    for (const elsewhere of ["http://127.0.0.1:1/jwks", "http://169.254.169.254/latest", "http://localhost/jwks"])
      expect(String(await refusedBy({}, () => elsewhere))).toMatch(/not among the provider's origins/);
    expect(String(await refusedBy({}, () => "file:///etc/passwd"))).toMatch(/https URL/);
    expect(String(await refusedBy({}, (issuer) => issuer.replace("//", "//user:word@")))).toMatch(/https URL/);
  });

  test("or on an origin that the operator names", async () => {
    const keys = await provider();
    const refusal = await refusedBy({ keyOrigins: [new URL(keys.issuer).origin] }, () => `${keys.issuer}/jwks`);
    // The keys were fetched; they are another provider's and do not verify the token.
    expect(String(refusal)).toMatch(/signature verification failed/);
  });
});

describe("the rule that maps a claim to the identity", () => {
  const now = Math.floor(Date.now() / 1000);
  const device = { user: "mimi://mls.example/u/alice", client: PHONE, spkis: [], spkiHashes: [] };
  const judge = async (rule: Partial<OidcConfig>, claims: Record<string, unknown>): Promise<string | undefined> => {
    const idp = await provider();
    const check = oidcCheck({ issuer: idp.issuer, audience: "mls", allowHttp: true, ...rule }, "mls.example");
    const token = await idp.token({ nonce: keyBindingNonce([]), ...claims }, now);
    return await check({ kind: "id", token }, device, now).then(
      () => undefined,
      (error: unknown) => (error as { code: string }).code,
    );
  };
  const byMail = { userClaim: "email", userPattern: "(?<user>[^@]+)@corp\\.example" };

  test("a pattern takes the user out of the claim", async () => {
    expect(await judge(byMail, { email: "alice@corp.example" })).toBeUndefined();
  });

  test("the whole claim must match, and what it gives must be canonical", async () => {
    const wrong = [
      "alice@corp.example.evil.example",
      "x alice@corp.example\n",
      "bob@corp.example",
      "Alice@corp.example",
      "alice%2f@corp.example",
      "аlice@corp.example",
      "alice@corpXexample",
      `${"a".repeat(255)}@corp.example`,
      ["alice@corp.example"],
      undefined,
    ];
    for (const email of wrong) expect(await judge(byMail, { email }), String(email)).toBe("identity-mismatch");
  });

  test("a pattern without the group is refused at start", () => {
    const config = { issuer: "https://idp.example", audience: "mls", userPattern: ".*" };
    expect(() => oidcCheck(config, "mls.example")).toThrow(/group named user/);
  });
});
