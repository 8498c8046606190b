import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT } from "jose";
import { expect, onTestFinished, test } from "vitest";
import { subjectKeyPair } from "../../fixtures/certificate-signing-request.js";
import { PHONE, TestService } from "../../fixtures/service-fixture.js";
import { keyBindingNonce, oidcCheck } from "./oidc.js";

/** An OpenID provider, as far as its documents and tokens go. */
async function provider() {
  let fetches = 0;
  let down = false;
  let key = await generateKeyPair("ES256");
  let kid = "one";
  const server = createServer((request, response) => {
    fetches++;
    if (down) return void response.writeHead(503).end();
    const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    response.setHeader("content-type", "application/json");
    if (request.url === "/.well-known/openid-configuration")
      response.end(JSON.stringify({ issuer, jwks_uri: `${issuer}/jwks` }));
    else
      void exportJWK(key.publicKey).then((jwk) =>
        response.end(JSON.stringify({ keys: [{ ...jwk, kid, alg: "ES256" }] })),
      );
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    issuer,
    fetches: () => fetches,
    fail: (value: boolean) => {
      down = value;
    },
    rotate: async () => {
      key = await generateKeyPair("ES256");
      kid = "two";
    },
    token: async (claims: Record<string, unknown>, now: number): Promise<string> =>
      await new SignJWT({
        iss: issuer,
        aud: "mls",
        sub: "1",
        preferred_username: "alice",
        iat: now,
        exp: now + 300,
        ...claims,
      })
        .setProtectedHeader({ alg: "ES256", kid })
        .sign(key.privateKey),
  };
}

async function setUp() {
  const idp = await provider();
  let milliseconds = 0;
  const config = { issuer: idp.issuer, audience: "mls", allowHttp: true };
  const service = await TestService.create(
    { enrolment: { first: [["oidc"]], further: [["oidc"]] } },
    { checkIdToken: oidcCheck(config, "mls.example", () => milliseconds) },
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
