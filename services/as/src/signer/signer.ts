/** Algorithms of the service's own keys. Signatures: Ed25519 raw 64 octets; P-256 with SHA-256, DER `ECDSA-Sig-Value`. */
export type KeyAlgorithm = "Ed25519" | "P-256";

/** What a key is for. A key has one role for life; a signer refuses to open it for another. */
export type KeyRole = "root" | "issuing" | "ocsp" | "policy";

export interface KeyDescription {
  /** Stable name of the key: hex of the first 16 octets of SHA-256 of its SubjectPublicKeyInfo. */
  readonly id: string;
  readonly role: KeyRole;
  readonly algorithm: KeyAlgorithm;
  /** DER SubjectPublicKeyInfo. */
  readonly publicKey: Uint8Array;
}

/** A private key that stays in its signer. There is no way to export it through this interface. */
export interface SigningKey extends KeyDescription {
  /** Signs `data` (hashing is the signer's business). @throws SignerError `key-unavailable` */
  sign(data: Uint8Array): Promise<Uint8Array>;
}

/**
 * Where private keys live: files, a PKCS#11 token, a cloud KMS.
 *
 * When `generate` returns, the key is durable. `open` may be called for the same key any number of times and at once.
 */
export interface Signer {
  generate(role: KeyRole, algorithm: KeyAlgorithm): Promise<SigningKey>;
  /** @throws SignerError `key-unknown`, `wrong-role`, `key-unreadable` */
  open(id: string, role: KeyRole): Promise<SigningKey>;
  list(): Promise<readonly KeyDescription[]>;
  /** Forgets all keys in memory and ends sessions. */
  close(): Promise<void>;
}

export type SignerErrorCode =
  /** No key of that id. */
  | "key-unknown"
  /** The key exists with another role. */
  | "wrong-role"
  /** The stored key cannot be decrypted: wrong passphrase or altered file. */
  | "key-unreadable"
  /** The device that holds the key does not answer, or the session is lost. */
  | "key-unavailable";

export class SignerError extends Error {
  override readonly name = "SignerError";
  readonly code: SignerErrorCode;

  constructor(code: SignerErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
