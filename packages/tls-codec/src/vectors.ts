import { Reader, type Writer } from "./bytes.js";
import type { Codec } from "./codec.js";
import { CodecError, rethrowWithin } from "./errors.js";
import { insertVarint, readVarint, writeVarint } from "./integers.js";

const EMPTY: Uint8Array = new Uint8Array(0);

function requireBytes(value: unknown, offset: number): void {
  if (!(value instanceof Uint8Array)) throw new CodecError("invalid-value", "not a Uint8Array", offset);
}

/** `opaque name[length]`. */
export function bytes(length: number): Codec<Uint8Array> {
  return {
    minSize: length,
    write(writer, value) {
      requireBytes(value, writer.length);
      if (value.length !== length)
        throw new CodecError("vector-length", `${value.length} bytes where ${length} are due`, writer.length);
      writer.write(value);
    },
    read: (reader) => reader.take(length),
  };
}

export interface Bounds {
  /** Fewest elements (element-counted) or bytes (varint-counted); default 0. */
  readonly min?: number;
  /** Most elements or bytes. */
  readonly max?: number;
}

function outOfBounds(length: number, min: number, max: number, offset: number): CodecError {
  return new CodecError("vector-length", `length ${length} outside ${min}..${max}`, offset);
}

/** `opaque name<V>`: a varint byte count, as in RFC 9420. */
export function opaqueV({ min = 0, max = Number.POSITIVE_INFINITY }: Bounds = {}): Codec<Uint8Array> {
  return {
    minSize: 1 + min,
    write(writer, value) {
      requireBytes(value, writer.length);
      if (value.length < min || value.length > max) throw outOfBounds(value.length, min, max, writer.length);
      writeVarint(writer, value.length);
      writer.write(value);
    },
    read(reader) {
      const start = reader.offset;
      const length = readVarint(reader);
      if (length < min || length > max) throw outOfBounds(length, min, max, start);
      return length === 0 ? EMPTY : reader.take(length);
    },
  };
}

/** `T name<V>`: a varint *byte* count, as in RFC 9420; `min` and `max` bound the number of elements. */
export function vectorV<T>(
  element: Codec<T>,
  { min = 0, max = Number.POSITIVE_INFINITY }: Bounds = {},
): Codec<readonly T[]> {
  return {
    minSize: 1 + min * element.minSize,
    write(writer, values) {
      requireArray(values, writer.length);
      if (values.length < min || values.length > max) throw outOfBounds(values.length, min, max, writer.length);
      const start = writer.length;
      writeElements(writer, element, values);
      insertVarint(writer, start);
    },
    read(reader) {
      const start = reader.offset;
      const body = reader.sub(readVarint(reader));
      const values: T[] = [];
      while (body.remaining > 0) {
        if (values.length >= max) throw outOfBounds(values.length + 1, min, max, start);
        values.push(readElement(body, element, values.length));
      }
      if (values.length < min) throw outOfBounds(values.length, min, max, start);
      return values;
    },
  };
}

/** Width of the count that can express `max`: as many bytes as `max` needs. */
function countWidth(max: number): number {
  let width = 1;
  while (max >= 256 ** width) width++;
  return width;
}

/** `opaque name<min..max>`: the count has as many bytes as `max` needs. */
export function opaque(min: number, max: number): Codec<Uint8Array> {
  const width = countWidth(max);
  return {
    minSize: width + min,
    write(writer, value) {
      requireBytes(value, writer.length);
      if (value.length < min || value.length > max) throw outOfBounds(value.length, min, max, writer.length);
      writer.uint(value.length, width);
      writer.write(value);
    },
    read(reader) {
      const start = reader.offset;
      const length = reader.uint(width);
      if (length < min || length > max) throw outOfBounds(length, min, max, start);
      return length === 0 ? EMPTY : reader.take(length);
    },
  };
}

/** `T name<min..max>` as KEYTRANS defines it: the count is in *elements* and has as many bytes as `max` needs. */
export function vector<T>(element: Codec<T>, min: number, max: number): Codec<readonly T[]> {
  const width = countWidth(max);
  return {
    minSize: width + min * element.minSize,
    write(writer, values) {
      requireArray(values, writer.length);
      if (values.length < min || values.length > max) throw outOfBounds(values.length, min, max, writer.length);
      writer.uint(values.length, width);
      writeElements(writer, element, values);
    },
    read(reader) {
      const start = reader.offset;
      const count = reader.uint(width);
      if (count < min || count > max) throw outOfBounds(count, min, max, start);
      // A count is believed only as far as the input could hold it: work stays bounded by the input's length.
      if (count * Math.max(1, element.minSize) > reader.remaining) throw reader.truncated(count * element.minSize);
      const values: T[] = [];
      while (values.length < count) values.push(readElement(reader, element, values.length));
      return values;
    },
  };
}

function requireArray(values: unknown, offset: number): void {
  if (!Array.isArray(values)) throw new CodecError("invalid-value", "not an array", offset);
}

// Elements that take no bytes are refused both ways: a count could claim any number of them, and a byte count none.
function emptyElement(offset: number): CodecError {
  return new CodecError("invalid-value", "an element is empty", offset);
}

function readElement<T>(reader: Reader, element: Codec<T>, index: number): T {
  const start = reader.offset;
  try {
    const value = element.read(reader);
    if (reader.offset === start) throw emptyElement(start);
    return value;
  } catch (error) {
    return rethrowWithin(error, `[${index}]`);
  }
}

function writeElements<T>(writer: Writer, element: Codec<T>, values: readonly T[]): void {
  let index = 0;
  try {
    for (const value of values) {
      const start = writer.length;
      element.write(writer, value);
      if (writer.length === start) throw emptyElement(start);
      index++;
    }
  } catch (error) {
    rethrowWithin(error, `[${index}]`);
  }
}

/** A vector whose elements must be strictly ascending by `compare`: duplicates and disorder are refused both ways. */
export function ascending<T>(codec: Codec<readonly T[]>, compare: (a: T, b: T) => number): Codec<readonly T[]> {
  const check = (values: readonly T[], offset: number): void => {
    for (let i = 1; i < values.length; i++)
      if (compare(values[i - 1] as T, values[i] as T) >= 0)
        throw new CodecError("not-ascending", "elements must be strictly ascending", offset).within(`[${i}]`);
  };
  return {
    minSize: codec.minSize,
    write(writer, values) {
      requireArray(values, writer.length);
      check(values, writer.length);
      codec.write(writer, values);
    },
    read(reader) {
      const start = reader.offset;
      const values = codec.read(reader);
      check(values, start);
      return values;
    },
  };
}

/** A value carried inside `opaque name<V>`: the inner encoding must fill the vector exactly. */
export function wrappedV<T>(inner: Codec<T>): Codec<T> {
  return {
    minSize: 1 + inner.minSize,
    write(writer, value) {
      const start = writer.length;
      inner.write(writer, value);
      insertVarint(writer, start);
    },
    read(reader) {
      const body: Reader = reader.sub(readVarint(reader));
      const value = inner.read(body);
      body.finish();
      return value;
    },
  };
}

/** Byte-wise order; a proper prefix sorts first. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    const difference = (a[i] as number) - (b[i] as number);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** Equality of public byte strings (returns early: never for secrets). */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && compareBytes(a, b) === 0;
}

/** The bytes of all parts, one after another. */
export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const joined = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}
