import { mulAddUnsafe } from "@noble/curves/abstract/curve.js";
import { ed25519 } from "@noble/curves/ed25519.js";
import { ed448 } from "@noble/curves/ed448.js";
import { p256, p384, p521 } from "@noble/curves/nist.js";
import { sha256, sha384, sha512 } from "@noble/hashes/sha2.js";
import { concatBytes, equalBytes } from "@mls-as/tls-codec";
import { MlsCoreError } from "../errors.js";
import { ecdsaSignatureFromDer, ecdsaSignatureToDer } from "./ecdsa-signature.js";
import type { CryptoProvider, HashName } from "./provider.js";
import { quickSignatureKeyFault } from "./public-key-check.js";
import { ecdsaScheme, SignatureScheme } from "./signature-scheme.js";

const HASHES: Readonly<Record<HashName, (data: Uint8Array) => Uint8Array>> = {
  "SHA-256": sha256,
  "SHA-384": sha384,
  "SHA-512": sha512,
};
const CURVES = { "P-256": p256, "P-384": p384, "P-521": p521 } as const;
const { Point } = ed25519;
const { Fn } = Point;
const SIGNING_SECTION = "RFC 9420, Signing";

export function unsupportedScheme(scheme: SignatureScheme): MlsCoreError {
  return new MlsCoreError(
    "unsupported-signature-scheme",
    "scheme",
    SIGNING_SECTION,
    `signature scheme 0x${scheme.toString(16)}`,
  );
}

function littleEndian(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

// why not noble's verify: it clears the cofactor, OpenSSL and BoringSSL do not; under a key with a torsion part they would
// differ. RFC 8032, "Verify", allows either equation; this is the one without the cofactor.
function verifyEd25519(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length !== 64) return false;
  const r = signature.slice(0, 32);
  const s = littleEndian(signature.subarray(32));
  if (s >= Fn.ORDER) return false;
  try {
    const negated = Point.fromBytes(publicKey, false).negate();
    const k = Fn.create(littleEndian(sha512(concatBytes(r, publicKey, message))));
    return equalBytes(mulAddUnsafe(Point, [Point.BASE, negated], [s, k]).toBytes(), r);
  } catch {
    return false;
  }
}

/** Whether `privateKey` has the form its scheme asks for. @throws MlsCoreError `unsupported-signature-scheme`, `invalid-private-key` */
export function checkPrivateKey(scheme: SignatureScheme, privateKey: Uint8Array): void {
  const ecdsa = ecdsaScheme(scheme);
  let usable: boolean;
  if (ecdsa !== undefined) usable = CURVES[ecdsa.curve].utils.isValidSecretKey(privateKey);
  else if (scheme === SignatureScheme.ed25519) usable = privateKey.length === 32;
  else if (scheme === SignatureScheme.ed448) usable = privateKey.length === 57;
  else throw unsupportedScheme(scheme);
  if (!usable)
    throw new MlsCoreError("invalid-private-key", "privateKey", SIGNING_SECTION, `not a private key for ${scheme}`);
}

/**
 * The public key of a private key, in MLS encoding.
 *
 * @throws MlsCoreError `unsupported-signature-scheme`, `invalid-private-key`
 */
export function signaturePublicKey(scheme: SignatureScheme, privateKey: Uint8Array): Uint8Array {
  checkPrivateKey(scheme, privateKey);
  const ecdsa = ecdsaScheme(scheme);
  if (ecdsa !== undefined) return CURVES[ecdsa.curve].getPublicKey(privateKey, false);
  return scheme === SignatureScheme.ed25519 ? ed25519.getPublicKey(privateKey) : ed448.getPublicKey(privateKey);
}

/** The reference provider: @noble/curves and @noble/hashes, everywhere, synchronous; ECDSA signatures are deterministic. */
export const nobleProvider = {
  hash: (name: HashName, data: Uint8Array): Uint8Array => HASHES[name](data),

  verify(scheme: SignatureScheme, publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
    const fault = quickSignatureKeyFault(scheme, publicKey);
    if (fault === "unsupported-signature-scheme") throw unsupportedScheme(scheme);
    if (fault !== undefined) return false;
    if (scheme === SignatureScheme.ed25519) return verifyEd25519(publicKey, message, signature);
    const ecdsa = ecdsaScheme(scheme);
    try {
      if (ecdsa === undefined) return ed448.verify(signature, message, publicKey, { zip215: false });
      const joined = ecdsaSignatureFromDer(signature, ecdsa.size);
      if (joined === undefined) return false;
      return CURVES[ecdsa.curve].verify(joined, message, publicKey, { lowS: false, prehash: true, format: "compact" });
    } catch {
      return false;
    }
  },

  sign(scheme: SignatureScheme, privateKey: Uint8Array, message: Uint8Array): Uint8Array {
    checkPrivateKey(scheme, privateKey);
    const ecdsa = ecdsaScheme(scheme);
    if (ecdsa !== undefined)
      return ecdsaSignatureToDer(
        CURVES[ecdsa.curve].sign(message, privateKey, { lowS: false, prehash: true, format: "compact" }),
      );
    return scheme === SignatureScheme.ed25519 ? ed25519.sign(message, privateKey) : ed448.sign(message, privateKey);
  },
} as const satisfies CryptoProvider;
