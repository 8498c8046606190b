/** Every way a key, a signature request or an argument can be refused by this package. Decoders throw `CodecError`. */
export type MlsCoreErrorCode =
  /** Not one of the cipher suites 1 to 7. */
  | "unsupported-cipher-suite"
  /** Not a signature scheme of the cipher suites 1 to 7. */
  | "unsupported-signature-scheme"
  /** A key has another length than its scheme prescribes. */
  | "key-length"
  /** A NIST key in compressed form, or with a form octet other than 4. */
  | "compressed-key"
  /** A key that is not a point on its curve. */
  | "off-curve-key"
  /** A coordinate that is not reduced. */
  | "non-canonical-key"
  /** A key of small order: signatures under it hold for many messages, secrets encrypted to it are public. */
  | "small-order-key"
  /** A private key of the wrong length or range. */
  | "invalid-private-key"
  /** An argument of the caller, not input from the network, is unusable. */
  | "invalid-argument";

/** Refusal with a stable code, the field it concerns, and the section (by title) of the rule. */
export class MlsCoreError extends Error {
  override readonly name = "MlsCoreError";
  readonly code: MlsCoreErrorCode;
  readonly path: string;
  readonly section: string;

  constructor(code: MlsCoreErrorCode, path: string, section: string, reason: string) {
    super(path === "" ? reason : `${path}: ${reason}`);
    this.code = code;
    this.path = path;
    this.section = section;
  }
}
