/** Every way the bytes of a certificate, CRL or OCSP response can be refused. */
export type CertificateErrorCode =
  /** Not the distinguished encoding: length form, order, padding, trailing bytes (X.690). */
  | "malformed-der"
  /** Valid DER that is not a Certificate of RFC 5280. */
  | "malformed-certificate"
  /** A known extension whose value does not have the type its OID promises. */
  | "malformed-extension"
  /** Two extensions with the same OID. */
  | "duplicate-extension"
  /** Valid DER that is not a CertificateList of RFC 5280. */
  | "malformed-crl"
  /** Valid DER that is not an OCSPResponse of RFC 6960. */
  | "malformed-ocsp";

/**
 * Refusal to read a DER structure.
 *
 * `path` names the field from the outermost structure inwards, as `tbsCertificate.extensions[2]`; `offset` is the byte
 * offset in the input; `section` names the rule that was broken.
 */
export class CertificateError extends Error {
  override readonly name = "CertificateError";
  readonly code: CertificateErrorCode;
  readonly section: string;
  readonly offset: number;
  #path: string;

  constructor(code: CertificateErrorCode, section: string, detail: string, offset: number, path = "") {
    super(detail);
    this.code = code;
    this.section = section;
    this.offset = offset;
    this.#path = path;
  }

  get path(): string {
    return this.#path;
  }

  /** Called by each enclosing structure while the error unwinds. */
  within(segment: string): this {
    this.#path = this.#path === "" || this.#path.startsWith("[") ? segment + this.#path : `${segment}.${this.#path}`;
    return this;
  }
}

/** Runs `read`; a {@link CertificateError} passing through gets `segment` in front of its path. */
export function readingField<T>(segment: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof CertificateError) error.within(segment);
    throw error;
  }
}
