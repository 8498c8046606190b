/** Algorithms of a service's own keys. Signatures: Ed25519 raw 64 octets; P-256 with SHA-256, DER `ECDSA-Sig-Value`. */
export type KeyAlgorithm = "Ed25519" | "P-256";

/** What a key is for. A key has one role for life; a signer refuses to open it for another. */
export type KeyRole = "root" | "issuing" | "ocsp" | "policy" | "tree-head";

export const KEY_ALGORITHMS: readonly KeyAlgorithm[] = ["Ed25519", "P-256"];
export const KEY_ROLES: readonly KeyRole[] = ["root", "issuing", "ocsp", "policy", "tree-head"];

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
  /**
   * Signs `data` (hashing is the signer's business).
   *
   * @throws SignerError `key-unavailable`, `token-unavailable`, `pin-refused`, `module-unusable`; the key may work
   *   again later
   */
  sign(data: Uint8Array): Promise<Uint8Array>;
}

/**
 * Where private keys live: files, a PKCS#11 token, a cloud KMS.
 *
 * When `generate` returns, the key is durable. `open` may be called for the same key any number of times and at once;
 * keys opened before `close` refuse to sign after it.
 */
export interface Signer {
  generate(role: KeyRole, algorithm: KeyAlgorithm): Promise<SigningKey>;
  /** @throws SignerError `key-unknown`, `wrong-role`, `key-unreadable`, `key-exportable`, `token-unavailable` */
  open(id: string, role: KeyRole): Promise<SigningKey>;
  list(): Promise<readonly KeyDescription[]>;
  /** Forgets all keys in memory and ends sessions. */
  close(): Promise<void>;
}

export type SignerErrorCode =
  /** No key of that id. */
  | "key-unknown"
  /** The key exists with another role, or the role is not one this process may use. */
  | "wrong-role"
  /** The stored key cannot be decrypted: wrong passphrase or altered file. */
  | "key-unreadable"
  /** The token would hand out the private key; a key like that is not used. */
  | "key-exportable"
  /** The key could not be used just now: the device failed, or the signer is closed. */
  | "key-unavailable"
  /** The token is not there: removed, not initialised, or another one. */
  | "token-unavailable"
  /** The token refused the PIN. It is not tried again before its source changes, since tokens lock. */
  | "pin-refused"
  /** The PKCS#11 library cannot be loaded. */
  | "module-unusable"
  /** The token or the service cannot make or use keys of this algorithm. */
  | "algorithm-unsupported"
  /** A `pkcs11:` URI that is malformed, ambiguous, or lacks what is needed. */
  | "uri-invalid"
  /** Neither a passphrase nor a file with one was given, or the file is empty. */
  | "passphrase-missing";

export class SignerError extends Error {
  override readonly name = "SignerError";
  readonly code: SignerErrorCode;
  /** What is at fault: a key id, a file, an attribute of a URI, a token. Empty when it is the signer as a whole. */
  readonly path: string;
  /** The specification's section by title, where one was broken. */
  readonly section: string | undefined;

  constructor(
    code: SignerErrorCode,
    message: string,
    options: ErrorOptions & { readonly path?: string; readonly section?: string } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.path = options.path ?? "";
    this.section = options.section;
  }
}
