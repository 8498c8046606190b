import { sha256 } from "@noble/hashes/sha2.js";
import { concatBytes, equalBytes } from "@mls-as/tls-codec";

/** TLS SignatureScheme numbers a key can be used with. */
const ED25519 = 0x0807;
const ED448 = 0x0808;
const ECDSA_P256 = 0x0403;
const ECDSA_P384 = 0x0503;
const ECDSA_P521 = 0x0603;

interface KeyForm {
  readonly scheme: number;
  /** Bytes of the DER SubjectPublicKeyInfo before the key. */
  readonly prefix: Uint8Array;
  /** Bytes of the key as MLS encodes it: raw for EdDSA, uncompressed point for NIST curves. */
  readonly length: number;
}

const hex = (text: string): Uint8Array => Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));

/** DER is unique: for the algorithms in use everything before the key is constant (RFC 8410, RFC 5480). */
const FORMS: readonly KeyForm[] = [
  { scheme: ED25519, prefix: hex("302a300506032b6570032100"), length: 32 },
  { scheme: ED448, prefix: hex("3043300506032b6571033a00"), length: 57 },
  { scheme: ECDSA_P256, prefix: hex("3059301306072a8648ce3d020106082a8648ce3d030107034200"), length: 65 },
  { scheme: ECDSA_P384, prefix: hex("3076301006072a8648ce3d020106052b81040022036200"), length: 97 },
  { scheme: ECDSA_P521, prefix: hex("30819b301006072a8648ce3d020106052b8104002303818600"), length: 133 },
];

/** A public key and the signature scheme it is for. */
export interface SignatureKey {
  /** TLS SignatureScheme. */
  readonly scheme: number;
  /** MLS encoding: raw EdDSA key, or uncompressed point. */
  readonly publicKey: Uint8Array;
}

/** Reads a DER SubjectPublicKeyInfo of a supported key type; undefined for anything else, compressed points included. */
export function readSubjectPublicKeyInfo(der: Uint8Array): SignatureKey | undefined {
  for (const { scheme, prefix, length } of FORMS) {
    if (der.length !== prefix.length + length || !equalBytes(der.subarray(0, prefix.length), prefix)) continue;
    const publicKey = der.slice(prefix.length);
    if (length !== 32 && length !== 57 && publicKey[0] !== 4) return undefined;
    return { scheme, publicKey };
  }
  return undefined;
}

/** The DER SubjectPublicKeyInfo of a key; undefined when the scheme is not supported or the key has another size. */
export function writeSubjectPublicKeyInfo({ scheme, publicKey }: SignatureKey): Uint8Array | undefined {
  const form = FORMS.find((candidate) => candidate.scheme === scheme);
  if (form === undefined || publicKey.length !== form.length) return undefined;
  return concatBytes(form.prefix, publicKey);
}

/** SHA-256 of a DER SubjectPublicKeyInfo: how device lists, approvals and safety numbers name a key. */
export function spkiHash(der: Uint8Array): Uint8Array {
  return sha256(der);
}
