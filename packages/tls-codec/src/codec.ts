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

/** Encodes one value. @throws CodecError */
export function encode<T>(codec: Codec<T>, value: T): Uint8Array {
  const writer = new Writer();
  codec.write(writer, value);
  return writer.finish();
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

/** Presents the values of `codec` as another type; either direction may refuse with `CodecError` via {@link invalid}. */
export function mapped<A, B>(codec: Codec<A>, decodeAs: (wire: A) => B, encodeAs: (value: B) => A): Codec<B> {
  return {
    minSize: codec.minSize,
    write: (writer, value) => codec.write(writer, encodeAs(value)),
    read: (reader) => decodeAs(codec.read(reader)),
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

/** A codec that is resolved at first use, for types that refer to each other. `minSize` must not depend on it. */
export function lazy<T>(resolve: () => Codec<T>, minSize = 0): Codec<T> {
  let codec: Codec<T> | undefined;
  const get = (): Codec<T> => {
    codec ??= resolve();
    return codec;
  };
  return {
    minSize,
    write: (writer, value) => get().write(writer, value),
    read: (reader) => get().read(reader),
  };
}
