import type { HashName, SignatureScheme } from "./signature-scheme.js";

export type { HashName } from "./signature-scheme.js";

/**
 * Hashing and signatures of the cipher suites 1 to 7. Encodings are those of RFC 9420, "Public Keys" and "Signing":
 * EdDSA keys raw, NIST keys as uncompressed points, ECDSA signatures in DER.
 *
 * All providers of this package accept exactly the same keys and signatures.
 */
export interface CryptoProvider {
  hash(name: HashName, data: Uint8Array): Uint8Array;
  /**
   * Whether `signature` holds. A key or signature that is malformed in any way is `false`; `checkSignaturePublicKey`
   * says what is wrong with a key.
   *
   * @throws MlsCoreError `unsupported-signature-scheme`
   */
  verify(
    scheme: SignatureScheme,
    publicKey: Uint8Array,
    message: Uint8Array,
    signature: Uint8Array,
  ): boolean | Promise<boolean>;
  /**
   * @param privateKey EdDSA: the seed (32 or 57 bytes); ECDSA: the big-endian scalar, as long as a coordinate
   * @throws MlsCoreError `unsupported-signature-scheme`, `invalid-private-key`
   */
  sign(scheme: SignatureScheme, privateKey: Uint8Array, message: Uint8Array): Uint8Array | Promise<Uint8Array>;
}
