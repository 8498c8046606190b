import { sha224, sha256, sha384, sha512 } from "@noble/hashes/sha2.js";
import { concatBytes, equalBytes } from "@mls-as/tls-codec";
import type { HashName } from "./algorithm-identifier.js";
import { bytesToInteger } from "./der-values.js";

const DIGESTS = { "SHA-224": sha224, "SHA-256": sha256, "SHA-384": sha384, "SHA-512": sha512 } as const;

/** DER of DigestInfo up to the digest (RFC 8017, "EMSA-PKCS1-v1_5"). */
const DIGEST_INFO = {
  "SHA-224": Uint8Array.of(0x30, 0x2d, 0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 4, 5, 0, 4, 28),
  "SHA-256": Uint8Array.of(0x30, 0x31, 0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 5, 0, 4, 32),
  "SHA-384": Uint8Array.of(0x30, 0x41, 0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 2, 5, 0, 4, 48),
  "SHA-512": Uint8Array.of(0x30, 0x51, 0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 3, 5, 0, 4, 64),
} as const;

export function digest(hash: HashName, message: Uint8Array): Uint8Array {
  return DIGESTS[hash](message);
}

interface RsaKey {
  readonly modulus: bigint;
  readonly exponent: bigint;
}

/** RSASSA-PKCS1-v1_5 verification (RFC 8017): the one possible encoding is built and compared. */
export function verifyPkcs1(key: RsaKey, hash: HashName, message: Uint8Array, signature: Uint8Array): boolean {
  const encoded = recoverEncoded(key, signature, byteLength(key.modulus));
  const info = concatBytes(DIGEST_INFO[hash], digest(hash, message));
  if (encoded === undefined || encoded.length < info.length + 11) return false;
  const expected = new Uint8Array(encoded.length).fill(0xff);
  expected.set([0, 1]);
  expected[encoded.length - info.length - 1] = 0;
  expected.set(info, encoded.length - info.length);
  return equalBytes(encoded, expected);
}

/** RSASSA-PSS verification (RFC 8017, "EMSA-PSS") with MGF1 over the same hash. */
export function verifyPss(
  key: RsaKey,
  { hash, saltLength }: { hash: HashName; saltLength: number },
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  const bits = key.modulus.toString(2).length - 1;
  const length = Math.ceil(bits / 8);
  const encoded = recoverEncoded(key, signature, length);
  const messageHash = digest(hash, message);
  const size = messageHash.length;
  if (encoded === undefined || length < size + saltLength + 2 || encoded[length - 1] !== 0xbc) return false;
  const masked = encoded.subarray(0, length - size - 1);
  const hashed = encoded.subarray(length - size - 1, length - 1);
  const clearBits = 8 * length - bits;
  if (((masked[0] ?? 0) & ~(0xff >> clearBits) & 0xff) !== 0) return false;
  const block = maskGeneration(hash, hashed, masked.length);
  for (const [index, octet] of masked.entries()) block[index] = (block[index] ?? 0) ^ octet;
  block[0] = (block[0] ?? 0) & (0xff >> clearBits);
  const padding = masked.length - saltLength - 1;
  if (block.subarray(0, padding).some((octet) => octet !== 0) || block[padding] !== 1) return false;
  return equalBytes(hashed, digest(hash, concatBytes(new Uint8Array(8), messageHash, block.subarray(padding + 1))));
}

/** MGF1 (RFC 8017, "MGF1"). */
function maskGeneration(hash: HashName, seed: Uint8Array, length: number): Uint8Array {
  const mask = new Uint8Array(length);
  for (let counter = 0, filled = 0; filled < length; counter += 1) {
    const block = digest(hash, concatBytes(seed, Uint8Array.of(counter >> 24, counter >> 16, counter >> 8, counter)));
    mask.set(block.subarray(0, length - filled), filled);
    filled += block.length;
  }
  return mask;
}

/** signature^exponent mod modulus in `length` octets; undefined when the signature has another size than the modulus or is out of range. */
function recoverEncoded({ modulus, exponent }: RsaKey, signature: Uint8Array, length: number): Uint8Array | undefined {
  const value = bytesToInteger(signature);
  if (signature.length !== byteLength(modulus) || value >= modulus) return undefined;
  let result = 1n;
  for (const bit of exponent.toString(2)) {
    result = (result * result) % modulus;
    if (bit === "1") result = (result * value) % modulus;
  }
  const hex = result.toString(16).padStart(2 * length, "0");
  if (hex.length > 2 * length) return undefined;
  return Uint8Array.from({ length }, (_, index) => Number.parseInt(hex.slice(2 * index, 2 * index + 2), 16));
}

const byteLength = (integer: bigint): number => Math.ceil(integer.toString(2).length / 8);
