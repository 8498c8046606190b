import { createPublicKey, type KeyObject } from "node:crypto";
import { readSubjectPublicKeyInfo } from "@mls-as/mls-credentials";
import { parseStrictJson } from "@mls-as/service-runtime";
import { compactVerify, errors, flattenedVerify, type FlattenedJWS } from "jose";
import { fromBase64Url, toHex } from "../binary-text.js";
import type { AppContext } from "../context.js";
import { nonceHash } from "../enrolment/nonces.js";
import { Problem } from "../problem.js";
import type { StoredCredential } from "../storage/store.js";
import { members } from "../x509/der.js";
import { SCHEME } from "../x509/public-key.js";

/** JWS algorithm of each certified key; a key never takes part in another (no algorithm confusion). */
export const JWS_ALGORITHMS: ReadonlyMap<number, string> = new Map<number, string>([
  [SCHEME.ed25519, "EdDSA"],
  [SCHEME.ecdsaSecp256r1Sha256, "ES256"],
  [SCHEME.ecdsaSecp384r1Sha384, "ES384"],
  [SCHEME.ecdsaSecp521r1Sha512, "ES512"],
]);
const HEADER_FIELDS = ["alg", "nonce", "url", "x5t#S256"] as const;
const SECTION = "HTTP";

/** A request that a device signed with the key of an active credential. */
export interface DeviceRequest {
  /** The credential that signed. */
  readonly signer: StoredCredential;
  readonly payload: Uint8Array;
  /** Checked to be ours and fresh; the caller spends it. */
  readonly nonce: string;
  readonly nonceExpiresAt: number;
}

/** DER SubjectPublicKeyInfo of a credential. */
export function subjectKeyOf(credential: StoredCredential): Uint8Array {
  return members(credential.tbs)[6] ?? new Uint8Array();
}

/**
 * Verifies a flattened JWS (RFC 7515) as ACME uses it: exactly the four header fields, this URL, a fresh nonce, and the
 * key of an active credential, which is looked up and never taken from the message.
 *
 * @throws Problem `jws-*`, `nonce-*`, `signer-*`
 */
export async function verifyDeviceRequest(
  context: AppContext,
  jws: FlattenedJWS,
  path: string,
): Promise<DeviceRequest> {
  return await verify(context, jws.protected ?? "", path, (key, algorithms) =>
    flattenedVerify(jws, key, { algorithms }),
  );
}

/** The same for requests without a body: `Authorization: MLS-JWS` with a compact JWS over the empty payload. */
export async function verifyDeviceAuthorization(
  context: AppContext,
  header: string | undefined,
  path: string,
): Promise<DeviceRequest> {
  const compact = /^MLS-JWS ([A-Za-z0-9_-]+\.\.[A-Za-z0-9_-]+)$/.exec(header ?? "")?.[1];
  if (compact === undefined || compact.length > 4096)
    throw new Problem("jws-malformed", "Authorization must be MLS-JWS with a compact JWS over nothing.", {
      path: "Authorization",
      section: SECTION,
    });
  return await verify(context, compact.split(".")[0] ?? "", path, (key, algorithms) =>
    compactVerify(compact, key, { algorithms }),
  );
}

async function verify(
  context: AppContext,
  encodedHeader: string,
  path: string,
  check: (key: KeyObject, algorithms: string[]) => Promise<{ payload: Uint8Array }>,
): Promise<DeviceRequest> {
  const header = readHeader(encodedHeader);
  if (header.url !== `${context.publicUrl()}${path}`)
    throw new Problem("jws-url", "The JWS was signed for another URL.", { path: "protected.url", section: SECTION });
  const nonceExpiresAt = context.nonces.check(header.nonce, context.now(), "protected.nonce");
  const signer = await findSigner(context, header["x5t#S256"]);
  const spki = subjectKeyOf(signer);
  const algorithm = JWS_ALGORITHMS.get(readSubjectPublicKeyInfo(spki)?.scheme ?? 0);
  if (algorithm === undefined || algorithm !== header.alg)
    throw new Problem("jws-algorithm", "The algorithm is not the one of the credential's key.", {
      path: "protected.alg",
      section: SECTION,
    });
  try {
    const key = createPublicKey({ key: Buffer.from(spki), type: "spki", format: "der" });
    const { payload } = await check(key, [algorithm]);
    return { signer, payload, nonce: header.nonce, nonceExpiresAt };
  } catch (cause) {
    if (!(cause instanceof errors.JOSEError)) throw cause;
    throw new Problem("jws-signature", "The signature does not verify.", {
      path: "signature",
      section: SECTION,
      cause,
    });
  }
}

type Header = Readonly<Record<(typeof HEADER_FIELDS)[number], string>>;

function readHeader(encoded: string): Header {
  const malformed = (detail: string): Problem =>
    new Problem("jws-malformed", detail, { path: "protected", section: SECTION });
  const bytes = fromBase64Url(encoded);
  if (bytes === undefined || bytes.length > 2048)
    throw malformed("The protected header is not base64url, or too large.");
  let header: unknown;
  try {
    header = parseStrictJson(bytes);
  } catch {
    throw malformed("The protected header is not JSON.");
  }
  if (typeof header !== "object" || header === null) throw malformed("The protected header is not an object.");
  const fields = header as Record<string, unknown>;
  if (
    Object.keys(fields).sort().join() !== [...HEADER_FIELDS].sort().join() ||
    HEADER_FIELDS.some((name) => typeof fields[name] !== "string")
  )
    throw malformed(`The protected header must have exactly ${HEADER_FIELDS.join(", ")}.`);
  return fields as Header;
}

/**
 * The active credential with a thumbprint (base64url SHA-256 of the certificate).
 *
 * @throws Problem `signer-unknown`, `signer-inactive`
 */
export async function findSigner(
  { store, now }: AppContext,
  thumbprint: string,
  path = "protected.x5t#S256",
): Promise<StoredCredential> {
  const hash = fromBase64Url(thumbprint);
  const signer = hash?.length === 32 ? await store.credentialByThumbprint(toHex(hash)) : undefined;
  if (signer === undefined)
    throw new Problem("signer-unknown", "No credential has this thumbprint.", {
      path,
      section: SECTION,
    });
  if (signer.state !== "active" || signer.notAfter <= now())
    throw new Problem("signer-inactive", "The signing credential is expired or revoked.", {
      path,
      section: SECTION,
    });
  if (await store.keyBlocked(signer.spkiHash))
    throw new Problem("key-blocked", "The key is known to be compromised.", { path, section: SECTION });
  return signer;
}

/** Spends the nonce of a request that is not journaled. @throws Problem `nonce-used` */
export async function spendNonce({ store, now }: AppContext, { nonce, nonceExpiresAt }: DeviceRequest): Promise<void> {
  if (!(await store.useNonce(nonceHash(nonce), nonceExpiresAt, now())))
    throw new Problem("nonce-used", "The nonce has been used.", { path: "protected.nonce", section: SECTION });
}
