import { createHash } from "node:crypto";
import { userUri } from "@mls-as/mls-credentials";
import { createLocalJWKSet, errors, type JSONWebKeySet, jwtVerify, type JWTPayload } from "jose";
import { Problem } from "../problem.js";
import type { CheckIdToken } from "./id-token.js";

/** An OpenID provider whose ID tokens are accepted as enrolment proofs. */
export interface OidcConfig {
  /** Issuer identifier; its discovery document is at `/.well-known/openid-configuration` below it. */
  readonly issuer: string;
  /** This service's client id there. */
  readonly audience: string;
  /** Claim whose value is the user part of the identity; it must be canonical as it stands. Default `preferred_username`. */
  readonly userClaim?: string;
  /** Seconds that clocks may differ; default 30. */
  readonly clockTolerance?: number;
  /** For development: allows a provider without TLS. */
  readonly allowHttp?: boolean;
}

/** Signature algorithms of ID tokens; symmetric ones and `none` are not among them. */
const ALGORITHMS = [
  "EdDSA",
  "Ed25519",
  "ES256",
  "ES384",
  "ES512",
  "PS256",
  "PS384",
  "PS512",
  "RS256",
  "RS384",
  "RS512",
];
const PATH = "enrolment.idToken";
const MAX_DOCUMENT = 256 * 1024;
const TIMEOUT = 5_000;
/** Milliseconds that keys are used for, and that must pass before an unknown key id makes us ask again. */
const KEYS_LIFETIME = 600_000;
const KEYS_COOLDOWN = 30_000;

/** What the `nonce` claim must be: base64url SHA-256 of the SubjectPublicKeyInfo; of several, of their hashes in order. */
export function keyBindingNonce(spkiHashes: readonly Uint8Array[]): string {
  const [only] = spkiHashes;
  if (only !== undefined && spkiHashes.length === 1) return Buffer.from(only).toString("base64url");
  return createHash("sha256").update(Buffer.concat(spkiHashes)).digest("base64url");
}

/** Judges ID tokens of one provider, whose keys are fetched by discovery, kept, and fetched again when they rotate. */
export function oidcCheck(config: OidcConfig, domain: string, clock: () => number = Date.now): CheckIdToken {
  const keys = new ProviderKeys(config, clock);
  return async (idToken, device, now) => {
    const claims = await verifyToken(keys, config, idToken, now);
    if (claims["nonce"] !== keyBindingNonce(device.spkiHashes))
      throw new Problem("oidc-nonce-mismatch", "The nonce claim is not made of this key.", { path: PATH });
    if (userOf(claims, config, domain) !== device.user)
      throw new Problem("identity-mismatch", "The ID token is for another user.", { path: PATH });
  };
}

async function verifyToken(keys: ProviderKeys, config: OidcConfig, idToken: string, now: number): Promise<JWTPayload> {
  const options = {
    issuer: config.issuer,
    audience: config.audience,
    algorithms: ALGORITHMS,
    requiredClaims: ["exp", "iat", "sub", "nonce"],
    currentDate: new Date(now * 1000),
    clockTolerance: config.clockTolerance ?? 30,
  };
  for (let retry = false; ; retry = true) {
    try {
      const { payload } = await jwtVerify(idToken, createLocalJWKSet(await keys.current(retry)), options);
      if (Array.isArray(payload.aud) && payload.aud.length > 1 && payload["azp"] !== config.audience)
        throw new Problem("oidc-token-invalid", "The ID token was made for another party.", { path: PATH });
      return payload;
    } catch (cause) {
      // A key that is not known yet may be the provider's next one.
      if (cause instanceof errors.JWKSNoMatchingKey && !retry) continue;
      if (!(cause instanceof errors.JOSEError)) throw cause;
      throw new Problem("oidc-token-invalid", "The ID token does not verify.", { path: PATH, cause });
    }
  }
}

function userOf(claims: JWTPayload, { userClaim = "preferred_username" }: OidcConfig, domain: string): string {
  const value = claims[userClaim];
  try {
    if (typeof value === "string") return userUri(domain, value);
  } catch (cause) {
    throw new Problem("identity-mismatch", `The claim ${userClaim} is not a canonical user name.`, {
      path: PATH,
      cause,
    });
  }
  throw new Problem("identity-mismatch", `The ID token has no claim ${userClaim}.`, { path: PATH });
}

class ProviderKeys {
  readonly #config: OidcConfig;
  readonly #clock: () => number;
  #keys: { readonly set: Promise<JSONWebKeySet>; readonly fetchedAt: number } | undefined;

  constructor(config: OidcConfig, clock: () => number) {
    this.#config = config;
    this.#clock = clock;
    this.#checkUrl(config.issuer);
  }

  async current(refresh: boolean): Promise<JSONWebKeySet> {
    const age = this.#keys === undefined ? Number.POSITIVE_INFINITY : this.#clock() - this.#keys.fetchedAt;
    if (this.#keys === undefined || age > KEYS_LIFETIME || (refresh && age > KEYS_COOLDOWN)) {
      const set = this.#fetchKeys();
      this.#keys = { set, fetchedAt: this.#clock() };
      set.catch(() => {
        this.#keys = undefined;
      });
    }
    return await this.#keys.set;
  }

  /** Only URLs that the operator's provider names, only over TLS, never through a redirect. */
  #checkUrl(text: string): URL {
    const url = new URL(text);
    const allowed = url.protocol === "https:" || (this.#config.allowHttp === true && url.protocol === "http:");
    if (!allowed || url.username !== "" || url.password !== "")
      throw new Error(`${text}: an https URL without user information is due`);
    return url;
  }

  async #fetchKeys(): Promise<JSONWebKeySet> {
    try {
      const base = this.#config.issuer.replace(/\/$/, "");
      const document = await this.#fetchJson(`${base}/.well-known/openid-configuration`);
      if (document["issuer"] !== this.#config.issuer) throw new Error("the discovery document names another issuer");
      const set = await this.#fetchJson(String(document["jwks_uri"]));
      if (!Array.isArray(set["keys"])) throw new Error("the key set has no keys");
      return { keys: set["keys"] as JSONWebKeySet["keys"] };
    } catch (cause) {
      throw new Problem("oidc-provider-unavailable", "The provider's keys cannot be fetched.", {
        path: PATH,
        retryAfter: 10,
        cause,
      });
    }
  }

  async #fetchJson(text: string): Promise<Record<string, unknown>> {
    const response = await fetch(this.#checkUrl(text), {
      redirect: "error",
      signal: AbortSignal.timeout(TIMEOUT),
      headers: { accept: "application/json" },
    });
    if (!response.ok) throw new Error(`${text} answered ${response.status}`);
    let body = "";
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) {
      body += decoder.decode(chunk as Uint8Array, { stream: true });
      if (body.length > MAX_DOCUMENT) throw new Error(`${text} is too large`);
    }
    const value: unknown = JSON.parse(body);
    if (typeof value !== "object" || value === null) throw new Error(`${text} is no object`);
    return value as Record<string, unknown>;
  }
}
