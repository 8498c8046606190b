import type { CryptoProvider } from "@mls-as/mls-core";
import { concatBytes } from "@mls-as/tls-codec";
import { fromBase64Url } from "./base64url.js";
import { PolicyError } from "./policy-error.js";
import { type PreparedPolicy, preparePolicy } from "./prepared-policy.js";
import type { SignatureKey } from "./subject-public-key-info.js";

/** JWS algorithms by TLS SignatureScheme, with the length of a JWS signature (RFC 7518, RFC 8037). */
const ALGORITHMS: ReadonlyMap<number, { readonly names: readonly string[]; readonly length: number }> = new Map([
  [0x0807, { names: ["EdDSA", "Ed25519"], length: 64 }],
  [0x0403, { names: ["ES256"], length: 64 }],
  [0x0503, { names: ["ES384"], length: 96 }],
  [0x0603, { names: ["ES512"], length: 132 }],
]);

/**
 * Verifies a signed policy, a compact JWS (RFC 7515), by the key that is trusted for it, and reads it.
 *
 * The key decides the algorithm, never the header; a header with `crit`, `b64` or an embedded key is refused.
 *
 * @throws PolicyError
 */
export async function verifySignedPolicy(
  jws: string,
  key: SignatureKey,
  provider: CryptoProvider,
): Promise<{ readonly payload: Uint8Array; readonly policy: PreparedPolicy }> {
  const parts = jws.split(".");
  const [header, payload, signature] = parts.map(fromBase64Url);
  if (parts.length !== 3 || header === undefined || payload === undefined || signature === undefined)
    throw new PolicyError("malformed-policy", "", "not a compact JWS");
  const algorithm = ALGORITHMS.get(key.scheme);
  if (algorithm === undefined || !isExpectedHeader(header, algorithm.names))
    throw new PolicyError("invalid-signature", "alg", "the header does not fit the trusted key");
  const signed = Uint8Array.from(`${parts[0]}.${parts[1]}`, (letter) => letter.charCodeAt(0));
  const valid =
    signature.length === algorithm.length &&
    (await provider.verify(
      key.scheme,
      key.publicKey,
      signed,
      key.scheme === 0x0807 ? signature : ecdsaToDer(signature),
    ));
  if (!valid) throw new PolicyError("invalid-signature", "signature", "not by the trusted key");
  return { payload, policy: preparePolicy(payload) };
}

const ALLOWED_HEADER: ReadonlySet<string> = new Set(["alg", "typ", "cty", "kid", "x5t#S256"]);

function isExpectedHeader(header: Uint8Array, algorithms: readonly string[]): boolean {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(header));
  } catch {
    return false;
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const { alg } = value as { alg?: unknown };
  return (
    Object.keys(value).every((name) => ALLOWED_HEADER.has(name)) && typeof alg === "string" && algorithms.includes(alg)
  );
}

/** R || S to the DER `Ecdsa-Sig-Value` that MLS and X.509 use. */
function ecdsaToDer(signature: Uint8Array): Uint8Array {
  const half = signature.length / 2;
  const body = concatBytes(derInteger(signature.subarray(0, half)), derInteger(signature.subarray(half)));
  return concatBytes(Uint8Array.from(body.length < 128 ? [0x30, body.length] : [0x30, 0x81, body.length]), body);
}

function derInteger(magnitude: Uint8Array): Uint8Array {
  let start = 0;
  while (start < magnitude.length - 1 && magnitude[start] === 0) start++;
  const digits = magnitude.subarray(start);
  const padded = (digits[0] as number) >= 0x80 ? concatBytes(Uint8Array.of(0), digits) : digits;
  return concatBytes(Uint8Array.of(0x02, padded.length), padded);
}
