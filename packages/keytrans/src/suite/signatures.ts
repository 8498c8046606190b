import { mulAddUnsafe } from "@noble/curves/abstract/curve.js";
import { ed25519 } from "@noble/curves/ed25519.js";
import { p256 } from "@noble/curves/nist.js";
import { sha512 } from "@noble/hashes/sha2.js";
import { concatBytes, equalBytes } from "@mls-as/tls-codec";
import { SuiteError } from "./errors.js";
import { PRIVATE_KEY_LENGTH, type SignaturePublicKey, type Signer } from "./suite.js";

/** Bytes of every signature of both suites. */
export const SIGNATURE_LENGTH = 64;
const SECTION = "Key Transparency Protocol, KT Cipher Suites";
const { Fn } = ed25519.Point;
type EdwardsPoint = InstanceType<typeof ed25519.Point>;

function refuse(reason: string): SuiteError {
  return new SuiteError("invalid-signature-public-key", "publicKey", SECTION, reason);
}

/**
 * The one check of Ed25519 public keys that every provider applies: a canonical encoding of a point on the curve, not of
 * small order (under such a key, signatures hold for many messages).
 *
 * @throws SuiteError
 */
export function checkEd25519Key(bytes: Uint8Array): EdwardsPoint {
  if (bytes.length !== 32) throw refuse(`${bytes.length} bytes where 32 are due`);
  let point: EdwardsPoint;
  try {
    point = ed25519.Point.fromBytes(bytes, false);
  } catch {
    throw refuse("not the canonical encoding of a point");
  }
  if (point.isSmallOrder()) throw refuse("a point of small order");
  return point;
}

/** The one check of P-256 signature keys: an uncompressed point (65 bytes, 0x04) on the curve. @throws SuiteError */
export function checkP256Key(bytes: Uint8Array): void {
  if (bytes.length !== 65 || bytes[0] !== 0x04) throw refuse("not an uncompressed point");
  try {
    p256.Point.fromBytes(bytes);
  } catch {
    throw refuse("not a point on P-256");
  }
}

/** @throws SuiteError when `privateKey` is not 32 bytes, or for P-256 not a scalar in 1..q-1. */
export function checkPrivateKey(privateKey: Uint8Array, curve: "ed25519" | "p256"): void {
  const usable =
    privateKey.length === PRIVATE_KEY_LENGTH && (curve === "ed25519" || p256.utils.isValidSecretKey(privateKey));
  if (!usable)
    throw new SuiteError("invalid-signature-private-key", "privateKey", SECTION, `not a private key for ${curve}`);
}

function littleEndian(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

export function ed25519Key(encoded: Uint8Array): SignaturePublicKey {
  const bytes = Uint8Array.from(encoded);
  const negated = checkEd25519Key(bytes).negate();
  return {
    bytes,
    // why not noble's verify: it clears the cofactor, OpenSSL does not; on points with a torsion part they would differ.
    // RFC 8032, "Verify", allows either equation; this is the one without the cofactor.
    verify(message, signature) {
      if (signature.length !== SIGNATURE_LENGTH) return false;
      const r = signature.slice(0, 32);
      const s = littleEndian(signature.subarray(32));
      if (s >= Fn.ORDER) return false;
      const k = Fn.create(littleEndian(sha512(concatBytes(r, bytes, message))));
      return equalBytes(mulAddUnsafe(ed25519.Point, [ed25519.Point.BASE, negated], [s, k]).toBytes(), r);
    },
  };
}

export function p256Key(encoded: Uint8Array): SignaturePublicKey {
  const bytes = Uint8Array.from(encoded);
  checkP256Key(bytes);
  return {
    bytes,
    verify(message, signature) {
      if (signature.length !== SIGNATURE_LENGTH) return false;
      try {
        return p256.verify(signature, message, bytes, { lowS: false, prehash: true, format: "compact" });
      } catch {
        return false;
      }
    },
  };
}

export function ed25519Signer(privateKey: Uint8Array): Signer {
  checkPrivateKey(privateKey, "ed25519");
  const secret = Uint8Array.from(privateKey);
  return {
    publicKey: ed25519.getPublicKey(secret),
    sign: (message) => Promise.resolve(ed25519.sign(message, secret)),
  };
}

export function p256Signer(privateKey: Uint8Array): Signer {
  checkPrivateKey(privateKey, "p256");
  const secret = Uint8Array.from(privateKey);
  return {
    publicKey: p256.getPublicKey(secret, false),
    sign: (message) => Promise.resolve(p256.sign(message, secret, { lowS: false, prehash: true, format: "compact" })),
  };
}
