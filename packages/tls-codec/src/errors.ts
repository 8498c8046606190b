/** Every way an encoding or a value can be refused. */
export type CodecErrorCode =
  /** The input ended inside a value. */
  | "truncated"
  /** Bytes were left over after the value. */
  | "trailing-bytes"
  /** A varint was longer than its value needs, or used the reserved prefix `11` (RFC 9420, "Variable-Size Vector Length Headers"). */
  | "non-minimal-varint"
  /** An enum or discriminator value that its definition does not name. */
  | "unknown-enum-value"
  /** The presence octet of an optional was neither 0 nor 1. */
  | "invalid-presence-octet"
  /** A vector was shorter or longer than its definition allows. */
  | "vector-length"
  /** A set's elements were not strictly ascending. */
  | "not-ascending"
  /** A value does not fit its type (encoding), or breaks a rule its definition states. */
  | "invalid-value";

/**
 * Refusal to encode or decode a value.
 *
 * `path` names the offending field from the outermost struct inwards, as `devices[2].client`; `offset` is the byte
 * offset in the input at which decoding stopped (for encoding: bytes already written).
 */
export class CodecError extends Error {
  override readonly name = "CodecError";
  readonly code: CodecErrorCode;
  readonly offset: number;
  readonly reason: string;
  #path = "";

  constructor(code: CodecErrorCode, reason: string, offset: number) {
    super(reason);
    this.code = code;
    this.reason = reason;
    this.offset = offset;
  }

  get path(): string {
    return this.#path;
  }

  /** Called by each enclosing codec while the error unwinds: `segment` is a field name or `[index]`. */
  within(segment: string): this {
    this.#path = this.#path === "" || this.#path.startsWith("[") ? segment + this.#path : `${segment}.${this.#path}`;
    this.message = `${this.#path}: ${this.reason} (offset ${this.offset})`;
    return this;
  }
}

/** Prefixes the path of a {@link CodecError} passing through and rethrows; other errors pass unchanged. */
export function rethrowWithin(error: unknown, segment: string): never {
  if (error instanceof CodecError) error.within(segment);
  throw error;
}
