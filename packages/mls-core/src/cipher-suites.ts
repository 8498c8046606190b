import type { HashName } from "./crypto/provider.js";
import { SignatureScheme } from "./crypto/signature-scheme.js";
import { MlsCoreError } from "./errors.js";

/** How HPKE public keys of a suite look. */
export type KemCurve = "X25519" | "X448" | "P-256" | "P-384" | "P-521";

/** What an MLS cipher suite means for judging public structures. */
export interface CipherSuite {
  readonly id: number;
  /** Name in the registry. */
  readonly name: string;
  readonly hash: HashName;
  /** Bytes of a hash value. */
  readonly hashLength: number;
  readonly signatureScheme: SignatureScheme;
  readonly kem: KemCurve;
}

function suite(id: number, name: string, hash: HashName, signatureScheme: number, kem: KemCurve): CipherSuite {
  return { id, name, hash, hashLength: Number(hash.slice(4)) / 8, signatureScheme, kem };
}

const { ed25519, ed448, ecdsa_secp256r1_sha256, ecdsa_secp384r1_sha384, ecdsa_secp521r1_sha512 } = SignatureScheme;

/** RFC 9420, "MLS Cipher Suites". */
export const CIPHER_SUITES: readonly CipherSuite[] = [
  suite(1, "MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519", "SHA-256", ed25519, "X25519"),
  suite(2, "MLS_128_DHKEMP256_AES128GCM_SHA256_P256", "SHA-256", ecdsa_secp256r1_sha256, "P-256"),
  suite(3, "MLS_128_DHKEMX25519_CHACHA20POLY1305_SHA256_Ed25519", "SHA-256", ed25519, "X25519"),
  suite(4, "MLS_256_DHKEMX448_AES256GCM_SHA512_Ed448", "SHA-512", ed448, "X448"),
  suite(5, "MLS_256_DHKEMP521_AES256GCM_SHA512_P521", "SHA-512", ecdsa_secp521r1_sha512, "P-521"),
  suite(6, "MLS_256_DHKEMX448_CHACHA20POLY1305_SHA512_Ed448", "SHA-512", ed448, "X448"),
  suite(7, "MLS_256_DHKEMP384_AES256GCM_SHA384_P384", "SHA-384", ecdsa_secp384r1_sha384, "P-384"),
];

/** The suite with this number; undefined when it is not one of 1 to 7. */
export function findCipherSuite(id: number): CipherSuite | undefined {
  return CIPHER_SUITES[id - 1];
}

/** @throws MlsCoreError `unsupported-cipher-suite` */
export function cipherSuite(id: number): CipherSuite {
  const found = findCipherSuite(id);
  if (found === undefined)
    throw new MlsCoreError("unsupported-cipher-suite", "cipher_suite", "RFC 9420, MLS Cipher Suites", `suite ${id}`);
  return found;
}
