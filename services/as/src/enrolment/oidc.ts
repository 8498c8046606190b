import { createHash, createPublicKey } from "node:crypto";
import { userUri } from "@mls-as/mls-credentials";
import {
  calculateJwkThumbprint,
  createLocalJWKSet,
  errors,
  type JSONWebKeySet,
  type JWK,
  jwtVerify,
  type JWTPayload,
  type JWTVerifyOptions,
  type JWTVerifyResult,
} from "jose";
import { Problem } from "../problem.js";
import type { EnrolledDevice } from "./enrolled-device.js";
import { type ProviderAddress, ProviderKeys } from "./provider-keys.js";
import type { CheckProviderToken, ProviderToken } from "./provider-token.js";

/** An OpenID provider whose tokens are accepted as enrolment proofs. */
export interface OidcConfig extends ProviderAddress {
  /** Client id there of the apps whose ID tokens are accepted. */
  readonly audience: string;
  /** Resource that access tokens must be made for (RFC 9068); without it none are accepted. */
  readonly accessTokenAudience?: string;
  /** Claim that is mapped to the user part of the identity. Default `preferred_username`. */
  readonly userClaim?: string;
  /**
   * Regular expression that the whole claim must match; its group `user` is the user part. Without it the claim itself
   * is. Either way the result must be canonical as it stands: nothing is folded or repaired.
   */
  readonly userPattern?: string;
  /** Seconds that clocks may differ; default 30. */
  readonly clockTolerance?: number;
}

/** Signature algorithms of tokens; symmetric ones and `none` are not among them. */
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
const PATHS = { id: "enrolment.idToken", access: "enrolment.accessToken" } as const;
const LONGEST_CLAIM = 255;

/** What the `nonce` claim must be: base64url SHA-256 of the SubjectPublicKeyInfo; of several, of their hashes in order. */
export function keyBindingNonce(spkiHashes: readonly Uint8Array[]): string {
  const [only] = spkiHashes;
  if (only !== undefined && spkiHashes.length === 1) return Buffer.from(only).toString("base64url");
  return createHash("sha256").update(Buffer.concat(spkiHashes)).digest("base64url");
}

/**
 * Judges tokens of one provider.
 *
 * @throws Error when the configuration cannot work
 */
export function oidcCheck(config: OidcConfig, domain: string, clock: () => number = Date.now): CheckProviderToken {
  const keys = new ProviderKeys(config, clock);
  const userOf = userRule(config, domain);
  return async (presented, device, now) => {
    const path = PATHS[presented.kind];
    const claims = await verifyToken(keys, config, presented, now);
    if (!(await isBoundTo(claims, device, presented.kind)))
      throw new Problem("oidc-nonce-mismatch", "The token is not bound to this key.", { path });
    if (userOf(claims, path) !== device.user)
      throw new Problem("identity-mismatch", "The token is for another user.", { path });
  };
}

/** Seconds since its `iat` for which a token is taken, whatever its `exp`. */
const OLDEST_TOKEN = 86_400;

async function verifyToken(
  keys: ProviderKeys,
  config: OidcConfig,
  { kind, token }: ProviderToken,
  now: number,
): Promise<JWTPayload> {
  const path = PATHS[kind];
  const audience = kind === "id" ? config.audience : config.accessTokenAudience;
  if (audience === undefined)
    throw new Problem("enrolment-proof-unsupported", "Access tokens are not accepted here.", { path });
  const options = {
    issuer: config.issuer,
    audience,
    algorithms: ALGORITHMS,
    requiredClaims: ["exp", "iat", "sub"],
    currentDate: new Date(now * 1000),
    // Refuses one from the future as well.
    maxTokenAge: OLDEST_TOKEN,
    clockTolerance: config.clockTolerance ?? 30,
  };
  for (let retry = false; ; retry = true) {
    try {
      const { payload, protectedHeader } = await verifyWithOneOf(await keys.current(retry), token, options);
      checkPurpose(kind, protectedHeader.typ, payload, audience);
      return payload;
    } catch (cause) {
      // A key that is not known yet may be the provider's next one.
      if (cause instanceof errors.JWKSNoMatchingKey && !retry) continue;
      if (cause instanceof Problem) throw cause;
      // What is no JOSEError is thrown by the cryptography, for a key in the provider's set that is none.
      if (!(cause instanceof errors.JOSEError))
        throw new Problem("oidc-provider-unavailable", "The provider's key for this token cannot be used.", {
          path: "enrolment",
          retryAfter: 600,
          cause,
        });
      throw new Problem("oidc-token-invalid", "The token does not verify.", { path, cause });
    }
  }
}

/** Where several keys have the id that a token names, any of them may be the one. */
async function verifyWithOneOf(set: JSONWebKeySet, token: string, options: JWTVerifyOptions): Promise<JWTVerifyResult> {
  try {
    return await jwtVerify(token, createLocalJWKSet(set), options);
  } catch (several) {
    if (!(several instanceof errors.JWKSMultipleMatchingKeys)) throw several;
    let refusal: unknown = several;
    for (const key of set.keys)
      try {
        return await jwtVerify(token, createLocalJWKSet({ keys: [key] }), options);
      } catch (cause) {
        if (cause instanceof errors.JWKSNoMatchingKey) continue;
        const another = cause instanceof errors.JWSSignatureVerificationFailed || !(cause instanceof errors.JOSEError);
        if (!another) throw cause;
        refusal = cause;
      }
    throw refusal;
  }
}

/**
 * An access token says that it is one, and no ID token does (RFC 9068, "JWT Access Token Header"); an ID token was
 * issued to the party that it names (OpenID Connect Core, "ID Token Validation").
 */
function checkPurpose(
  kind: ProviderToken["kind"],
  typ: string | undefined,
  claims: JWTPayload,
  audience: string,
): void {
  const type = typ?.toLowerCase().replace(/^application\//, "");
  if (kind === "access" ? type !== "at+jwt" : type !== undefined && type !== "jwt")
    throw new Problem("oidc-token-invalid", `The token's type is ${typ ?? "not stated"}.`, { path: PATHS[kind] });
  if (kind === "access") return;
  const several = Array.isArray(claims.aud) && claims.aud.length > 1;
  if ((several || claims["azp"] !== undefined) && claims["azp"] !== audience)
    throw new Problem("oidc-token-invalid", "The token was made for another party.", { path: PATHS.id });
}

/**
 * By its `nonce`; an access token also by the thumbprint of the key that it is constrained to (RFC 9449, "JWK
 * Thumbprint Confirmation Method"). One that is constrained to another key is refused, whatever its nonce.
 */
async function isBoundTo(
  claims: JWTPayload,
  { spkis, spkiHashes }: EnrolledDevice,
  kind: ProviderToken["kind"],
): Promise<boolean> {
  const confirmation = claims["cnf"] as { readonly jkt?: unknown } | null | undefined;
  if (kind === "access" && confirmation !== undefined) {
    const [only] = spkis;
    if (only === undefined || spkis.length > 1) return false;
    const jwk = createPublicKey({ key: Buffer.from(only), format: "der", type: "spki" }).export({ format: "jwk" });
    return confirmation?.jkt === (await calculateJwkThumbprint(jwk as JWK, "sha256"));
  }
  return claims["nonce"] === keyBindingNonce(spkiHashes);
}

/** Maps claims to the user URI, by the rule of the configuration. */
function userRule(config: OidcConfig, domain: string): (claims: JWTPayload, path: string) => string {
  const { userClaim = "preferred_username", userPattern } = config;
  if (userPattern !== undefined && !userPattern.includes("(?<user>"))
    throw new Error("oidc.userPattern: a group named user is due, as in (?<user>[a-z0-9.]+)@mls\\.example");
  const pattern = userPattern === undefined ? undefined : new RegExp(`^(?:${userPattern})$`, "u");
  return (claims, path) => {
    const value = claims[userClaim];
    if (typeof value !== "string" || value.length > LONGEST_CLAIM)
      throw new Problem("identity-mismatch", `The token has no usable claim ${userClaim}.`, { path });
    const user = pattern === undefined ? value : pattern.exec(value)?.groups?.["user"];
    if (user === undefined)
      throw new Problem("identity-mismatch", `The claim ${userClaim} does not match the rule.`, { path });
    try {
      return userUri(domain, user);
    } catch (cause) {
      throw new Problem("identity-mismatch", `The claim ${userClaim} is not a canonical user name.`, { path, cause });
    }
  };
}
