import { createHash, createPublicKey, type KeyObject } from "node:crypto";
import { readSubjectPublicKeyInfo } from "@mls-as/mls-credentials";
import { parseStrictJson } from "@mls-as/service-runtime";
import { errors, type FlattenedJWS, flattenedVerify } from "jose";
import { fromBase64Url, toHex } from "../binary-text.js";
import type { AppContext } from "../context.js";
import { nonceHash } from "../enrolment/nonces.js";
import { Problem } from "../problem.js";
import { revokeCredentials } from "../revocation/revoke.js";
import type { StoredCredential } from "../storage/store.js";
import { JWS_ALGORITHMS } from "./device-request.js";

const HEADER_FIELDS = ["alg", "jwk", "nonce", "url"];
const SECTION = "HTTP";

/**
 * Takes a report that a key is in wrong hands. Whoever can sign with the key can report it: the JWS carries the key
 * itself (`jwk`, as in RFC 8555, "Certificate Revocation"), and proves nothing but that. Every credential of the key is
 * revoked, and the key is never certified again.
 *
 * @returns the credentials as they stand
 * @throws Problem
 */
export async function reportKeyCompromise(
  context: AppContext,
  jws: FlattenedJWS,
  path: string,
): Promise<readonly StoredCredential[]> {
  const { alg, jwk, nonce, url } = readHeader(jws.protected ?? "");
  if (url !== `${context.publicUrl()}${path}`)
    throw new Problem("jws-url", "The JWS was signed for another URL.", { path: "protected.url", section: SECTION });
  const expiresAt = context.nonces.check(nonce, context.now(), "protected.nonce");
  const key = readKey(jwk);
  const spki = new Uint8Array(key.export({ type: "spki", format: "der" }));
  const algorithm = JWS_ALGORITHMS.get(readSubjectPublicKeyInfo(spki)?.scheme ?? 0);
  if (algorithm === undefined || algorithm !== alg)
    throw new Problem("jws-algorithm", "The algorithm is not the one of the key.", {
      path: "protected.alg",
      section: SECTION,
    });
  await verifyNothing(jws, key, algorithm);
  const hash = toHex(createHash("sha256").update(spki).digest());
  const found = await context.store.credentialsOfKey(hash);
  const [first] = found;
  if (first === undefined)
    throw new Problem("credential-unknown", "No credential was ever made for this key.", { path: "protected.jwk" });
  if (!(await context.store.useNonce(nonceHash(nonce), expiresAt, context.now())))
    throw new Problem("nonce-used", "The nonce has been used.", { path: "protected.nonce", section: SECTION });
  return await revokeCredentials(context, {
    ids: found.map(({ id }) => id),
    reason: "keyCompromise",
    origin: "ownerRevocation",
    actor: "key holder",
    subject: first.user,
  });
}

/** The signature must hold, over an empty object. */
async function verifyNothing(jws: FlattenedJWS, key: KeyObject, algorithm: string): Promise<void> {
  let payload: Uint8Array;
  try {
    ({ payload } = await flattenedVerify(jws, key, { algorithms: [algorithm] }));
  } catch (cause) {
    if (!(cause instanceof errors.JOSEError)) throw cause;
    throw new Problem("jws-signature", "The signature does not verify.", {
      path: "signature",
      section: SECTION,
      cause,
    });
  }
  if (Buffer.from(payload).toString("latin1") !== "{}")
    throw new Problem("jws-malformed", "The payload must be {}.", { path: "payload", section: SECTION });
}

interface Header {
  readonly alg: string;
  readonly jwk: Record<string, unknown>;
  readonly nonce: string;
  readonly url: string;
}

function readHeader(encoded: string): Header {
  const malformed = (detail: string, cause?: unknown): Problem =>
    new Problem("jws-malformed", detail, { path: "protected", section: SECTION, cause });
  const bytes = fromBase64Url(encoded);
  if (bytes === undefined || bytes.length > 2048)
    throw malformed("The protected header is too large, or no base64url.");
  let value: unknown;
  try {
    value = parseStrictJson(bytes);
  } catch (cause) {
    throw malformed("The protected header is not JSON.", cause);
  }
  if (typeof value !== "object" || value === null) throw malformed("The protected header is not an object.");
  const { alg, jwk, nonce, url } = value as Record<string, unknown>;
  if (
    Object.keys(value).sort().join() !== HEADER_FIELDS.join() ||
    typeof alg !== "string" ||
    typeof nonce !== "string" ||
    typeof url !== "string" ||
    typeof jwk !== "object" ||
    jwk === null
  )
    throw malformed(`The protected header must have exactly ${HEADER_FIELDS.join(", ")}.`);
  return { alg, jwk: jwk as Record<string, unknown>, nonce, url };
}

/** A public key of an accepted type, with its members and no others. */
function readKey(jwk: Record<string, unknown>): KeyObject {
  const members = jwk["kty"] === "OKP" ? ["crv", "kty", "x"] : ["crv", "kty", "x", "y"];
  try {
    if (Object.keys(jwk).sort().join() !== members.join()) throw new Error("the members are not those of a public key");
    return createPublicKey({ key: jwk, format: "jwk" });
  } catch (cause) {
    throw new Problem("jws-malformed", "`jwk` is not a public key.", {
      path: "protected.jwk",
      section: SECTION,
      cause,
    });
  }
}
