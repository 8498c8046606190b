import { createHash } from "node:crypto";
import type { KeyAlgorithm } from "./signer.js";

/** DER of everything in a SubjectPublicKeyInfo before the key itself (RFC 8410; RFC 5480). */
const SPKI_HEAD: Readonly<Record<KeyAlgorithm, string>> = {
  Ed25519: "302a300506032b6570032100",
  "P-256": "3059301306072a8648ce3d020106082a8648ce3d030107034200",
};
const KEY_LENGTH: Readonly<Record<KeyAlgorithm, number>> = { Ed25519: 32, "P-256": 65 };

/** DER SubjectPublicKeyInfo of a raw key: 32 octets (Ed25519), or an uncompressed point of 65 (P-256). */
export function subjectPublicKeyInfo(algorithm: KeyAlgorithm, raw: Uint8Array): Uint8Array {
  return new Uint8Array(Buffer.concat([Buffer.from(SPKI_HEAD[algorithm], "hex"), raw]));
}

/** The key inside a DER SubjectPublicKeyInfo of ours: 32 octets (Ed25519), or an uncompressed point of 65 (P-256). */
export function rawPublicKey(key: { readonly algorithm: KeyAlgorithm; readonly publicKey: Uint8Array }): Uint8Array {
  return key.publicKey.slice(SPKI_HEAD[key.algorithm].length / 2);
}

/** The algorithm of a DER SubjectPublicKeyInfo; undefined when it is none of ours. */
export function algorithmOfPublicKey(spki: Uint8Array): KeyAlgorithm | undefined {
  const hex = Buffer.from(spki.buffer, spki.byteOffset, spki.byteLength).toString("hex");
  for (const algorithm of ["Ed25519", "P-256"] as const) {
    const head = SPKI_HEAD[algorithm];
    if (hex.startsWith(head) && hex.length === head.length + 2 * KEY_LENGTH[algorithm]) return algorithm;
  }
  return undefined;
}

/** Name of a key: hex of the first 16 octets of SHA-256 of its DER SubjectPublicKeyInfo. */
export function keyId(spki: Uint8Array): string {
  return createHash("sha256").update(spki).digest().subarray(0, 16).toString("hex");
}

function derInteger(magnitude: Uint8Array): Buffer {
  let start = 0;
  while (start < magnitude.length - 1 && magnitude[start] === 0) start++;
  const digits = magnitude.subarray(start);
  const content = (digits[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.of(0), digits]) : Buffer.from(digits);
  return Buffer.concat([Buffer.of(0x02, content.length), content]);
}

/** DER `ECDSA-Sig-Value` (RFC 3279, "ECDSA Signature Algorithm") of r ‖ s, 32 octets each. */
export function ecdsaSigValue(rs: Uint8Array): Uint8Array {
  const half = rs.length / 2;
  const content = Buffer.concat([derInteger(rs.subarray(0, half)), derInteger(rs.subarray(half))]);
  return new Uint8Array(Buffer.concat([Buffer.of(0x30, content.length), content]));
}
