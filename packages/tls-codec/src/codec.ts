import { Reader, Writer } from "./bytes.js";
import { CodecError } from "./errors.js";

/** One definition of a wire type, for both directions. Compose with the combinators of this package. */
export interface Codec<T> {
  /** Appends the encoding of `value`. @throws CodecError when `value` does not fit the type. */
  write(writer: Writer, value: T): void;
  /** Consumes one value. @throws CodecError */
  read(reader: Reader): T;
  /** Fewest bytes an encoding takes; 0 when it may be empty. Vectors use it to refuse counts the input cannot hold. */
  readonly minSize: number;
}

/** The value type of a codec. */
export type Infer<C> = C extends Codec<infer T> ? T : never;

/** Larger buffers are not kept. */
const SPARE_CAPACITY = 1 << 16;
let spare: Writer | undefined;

/**
 * Hands the encoding of `value` to `use` without a copy, for encodings that are only hashed or measured.
 *
 * @param use must not keep the bytes: they are overwritten after it returns
 * @throws CodecError
 */
export function withEncoded<T, R>(codec: Codec<T>, value: T, use: (encoded: Uint8Array) => R): R {
  // One buffer serves most calls: allocating it anew costs more than small encodings do. Codecs may call encode themselves.
  const writer = spare ?? new Writer();
  spare = undefined;
  writer.length = 0;
  try {
    codec.write(writer, value);
    return use(writer.view());
  } finally {
    if (writer.capacity <= SPARE_CAPACITY) spare = writer;
  }
}

const copy = (encoded: Uint8Array): Uint8Array => encoded.slice();

/** Encodes one value. @throws CodecError */
export function encode<T>(codec: Codec<T>, value: T): Uint8Array {
  return withEncoded(codec, value, copy);
}

/** Decodes exactly one value; trailing bytes are an error. @throws CodecError */
export function decode<T>(codec: Codec<T>, bytes: Uint8Array): T {
  const reader = new Reader(bytes);
  const value = codec.read(reader);
  reader.finish();
  return value;
}

export type Decoded<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: CodecError };

/** Like {@link decode}, with the refusal as a value. Errors that are not the input's fault are still thrown. */
export function tryDecode<T>(codec: Codec<T>, bytes: Uint8Array): Decoded<T> {
  try {
    return { ok: true, value: decode(codec, bytes) };
  } catch (error) {
    if (error instanceof CodecError) return { ok: false, error };
    throw error;
  }
}

/**
 * Presents the values of `codec` as another type. Either direction may refuse by throwing a `CodecError` at the `offset`
 * it is given; `encodeAs(decodeAs(wire))` must give `wire` back, or a value would re-encode to other bytes.
 */
export function mapped<A, B>(
  codec: Codec<A>,
  decodeAs: (wire: A, offset: number) => B,
  encodeAs: (value: B, offset: number) => A,
): Codec<B> {
  return {
    minSize: codec.minSize,
    write: (writer, value) => codec.write(writer, encodeAs(value, writer.length)),
    read(reader) {
      const start = reader.offset;
      return decodeAs(codec.read(reader), start);
    },
  };
}

/** Adds a rule to a codec, checked in both directions. `check` returns the reason for refusal, or undefined. */
export function refined<T>(codec: Codec<T>, check: (value: T) => string | undefined): Codec<T> {
  return {
    minSize: codec.minSize,
    write(writer, value) {
      const reason = check(value);
      if (reason !== undefined) throw new CodecError("invalid-value", reason, writer.length);
      codec.write(writer, value);
    },
    read(reader) {
      const start = reader.offset;
      const value = codec.read(reader);
      const reason = check(value);
      if (reason !== undefined) throw new CodecError("invalid-value", reason, start);
      return value;
    },
  };
}

/** How deep a type may contain itself: input must not be able to exhaust the stack. */
const MAX_NESTING = 128;

/**
 * A codec that is resolved at first use, for types that refer to each other or to themselves (up to 128 levels deep).
 *
 * @param minSize fewest bytes of an encoding; must not depend on the codec, which does not exist yet
 */
export function lazy<T>(resolve: () => Codec<T>, minSize = 0): Codec<T> {
  let codec: Codec<T> | undefined;
  let nesting = 0;
  const within = <R>(offset: number, step: (codec: Codec<T>) => R): R => {
    if (nesting >= MAX_NESTING)
      throw new CodecError("invalid-value", `nested deeper than ${MAX_NESTING} levels`, offset);
    codec ??= resolve();
    nesting++;
    try {
      return step(codec);
    } finally {
      nesting--;
    }
  };
  return {
    minSize,
    write: (writer, value) => within(writer.length, (inner) => inner.write(writer, value)),
    read: (reader) => within(reader.offset, (inner) => inner.read(reader)),
  };
}
