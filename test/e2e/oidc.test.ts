import { createPublicKey } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startAs } from "@mls-as/as";
import { startKtLog } from "@mls-as/kt-log";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { certificateSigningRequest, subjectKeyPair } from "../../services/as/fixtures/certificate-signing-request.js";
import { CLIENT, OpenIdProvider, RESOURCE } from "./openid-provider.js";

/** Enrolment over HTTP with tokens of a real OpenID provider. */
describe("enrolment with an OpenID provider", () => {
  let folder: string;
  let account = "alice";
  let idp: OpenIdProvider;
  let log: Awaited<ReturnType<typeof startKtLog>>;
  let as: Awaited<ReturnType<typeof startAs>>;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "mls-as-oidc-"));
    idp = await OpenIdProvider.start(() => account);
    log = await startKtLog({ dataDir: join(folder, "log"), port: 0, quiet: true });
    as = await startAs({
      dataDir: join(folder, "as"),
      port: 0,
      quiet: true,
      logUrl: log.url,
      logWriterToken: log.writerToken,
      enrolment: { first: [["oidc"]], further: [["oidc"]] },
      oidc: { issuer: idp.issuer, audience: CLIENT, accessTokenAudience: RESOURCE, allowHttp: true },
    });
  });
  afterAll(async () => {
    await as.close();
    await log.close();
    idp.close();
    await rm(folder, { recursive: true });
  });

  const post = async (path: string, body?: unknown): Promise<{ status: number; body: Record<string, unknown> }> => {
    const response = await fetch(`${as.url}${path}`, {
      method: "POST",
      ...(body === undefined ? {} : { headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  const enrol = async (user: string, key: ReturnType<typeof subjectKeyPair>, enrolment: Record<string, string>) => {
    const nonce = (await post("/v1/nonces")).body["nonce"] as string;
    const uris = [`mimi://mls.example/u/${user}`, `mimi://mls.example/d/${user}/phone`];
    const csr = Buffer.from(certificateSigningRequest({ key, uris, nonce })).toString("base64url");
    const { status, body } = await post("/v1/credentials", { csrs: [csr], enrolment });
    return [status, body["code"]];
  };
  const nonceOf = (key: ReturnType<typeof subjectKeyPair>): string => Buffer.from(key.spkiHash).toString("base64url");
  const nobodysNonce = "n-0S6_WzA2Mj";

  test("an ID token whose nonce is made of the key", async () => {
    account = "alice";
    const key = subjectKeyPair();
    const { idToken } = await idp.tokens(nonceOf(key));
    expect(await enrol("alice", subjectKeyPair(), { idToken })).toEqual([403, "oidc-nonce-mismatch"]);
    expect(await enrol("mallory", key, { idToken })).toEqual([403, "identity-mismatch"]);
    expect(await enrol("alice", key, { idToken })).toEqual([201, undefined]);
  });

  test("an access token that is constrained to the key", async () => {
    account = "bob";
    const key = subjectKeyPair();
    const bound = { privateKey: key.privateKey, publicKey: createPublicKey(key.privateKey) };
    const { accessToken, idToken } = await idp.tokens(nobodysNonce, bound);
    expect(await enrol("bob", subjectKeyPair(), { accessToken })).toEqual([403, "oidc-nonce-mismatch"]);
    expect(await enrol("bob", key, { idToken: accessToken })).toEqual([403, "oidc-token-invalid"]);
    expect(await enrol("bob", key, { accessToken: idToken })).toEqual([403, "oidc-token-invalid"]);
    expect(await enrol("bob", key, { accessToken })).toEqual([201, undefined]);
  });

  test("an access token that anybody could use", async () => {
    account = "carol";
    const key = subjectKeyPair();
    const { accessToken } = await idp.tokens(nonceOf(key));
    expect(await enrol("carol", key, { accessToken })).toEqual([403, "oidc-nonce-mismatch"]);
  });

  test("a token of another provider", async () => {
    const other = await OpenIdProvider.start(() => "dave");
    const key = subjectKeyPair();
    const { idToken } = await other.tokens(nonceOf(key));
    other.close();
    expect(await enrol("dave", key, { idToken })).toEqual([403, "oidc-token-invalid"]);
  });
});
