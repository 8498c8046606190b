import type { Reader, Writer } from "./bytes.js";
import type { Codec } from "./codec.js";
import { CodecError } from "./errors.js";

function unsigned(width: 1 | 2 | 3 | 4): Codec<number> {
  const limit = 256 ** width;
  return {
    minSize: width,
    write(writer, value) {
      if (!Number.isInteger(value) || value < 0 || value >= limit)
        throw new CodecError("invalid-value", `${String(value)} is not a uint${width * 8}`, writer.length);
      writer.uint(value, width);
    },
    read: (reader) => reader.uint(width),
  };
}

export const uint8: Codec<number> = unsigned(1);
export const uint16: Codec<number> = unsigned(2);
export const uint24: Codec<number> = unsigned(3);
export const uint32: Codec<number> = unsigned(4);

/** All 64 bits, as a bigint. */
export const uint64: Codec<bigint> = {
  minSize: 8,
  write(writer, value) {
    if (typeof value !== "bigint" || value < 0n || value >= 1n << 64n)
      throw new CodecError("invalid-value", `${String(value)} is not a uint64`, writer.length);
    writer.uint(Number(value >> 32n), 4);
    writer.uint(Number(value & 0xffffffffn), 4);
  },
  read(reader) {
    const high = reader.uint(4);
    const low = reader.uint(4);
    return (BigInt(high) << 32n) | BigInt(low);
  },
};

/** A uint64 whose values stay below 2^53, as a number; anything larger is refused. */
export const uint64Number: Codec<number> = {
  minSize: 8,
  write(writer, value) {
    if (!Number.isSafeInteger(value) || value < 0)
      throw new CodecError("invalid-value", `${String(value)} is not a safe unsigned integer`, writer.length);
    writer.uint(Math.floor(value / 2 ** 32), 4);
    writer.uint(value % 2 ** 32, 4);
  },
  read(reader) {
    const start = reader.offset;
    const value = reader.uint(4) * 2 ** 32 + reader.uint(4);
    if (!Number.isSafeInteger(value)) throw new CodecError("invalid-value", "exceeds 2^53-1", start);
    return value;
  },
};

/** Largest length a varint can carry: 30 bits. */
export const MAX_VARINT = 2 ** 30 - 1;

function varintWidth(value: number): 1 | 2 | 4 {
  return value < 64 ? 1 : value < 16384 ? 2 : 4;
}

/** Writes the shortest varint. RFC 9420, "Variable-Size Vector Length Headers". */
export function writeVarint(writer: Writer, value: number): void {
  if (!Number.isInteger(value) || value < 0 || value > MAX_VARINT)
    throw new CodecError("invalid-value", `${value} does not fit a varint`, writer.length);
  const width = varintWidth(value);
  const prefix = width === 1 ? 0 : width === 2 ? 0x4000 : 0x80000000;
  writer.uint(prefix + value, width);
}

/** Reads a varint and refuses any but the shortest form. */
export function readVarint(reader: Reader): number {
  const start = reader.offset;
  const prefix = reader.peek() >> 6;
  if (prefix === 3) throw new CodecError("non-minimal-varint", "reserved varint prefix 11", start);
  const width = prefix === 0 ? 1 : prefix === 1 ? 2 : 4;
  const raw = reader.uint(width);
  const value = width === 1 ? raw : width === 2 ? raw - 0x4000 : raw - 0x80000000;
  if (varintWidth(value) !== width)
    throw new CodecError("non-minimal-varint", `${value} encoded in ${width} bytes`, start);
  return value;
}

/** Inserts the varint byte count before the bytes written since `start`. */
export function insertVarint(writer: Writer, start: number): void {
  const length = writer.length - start;
  if (length > MAX_VARINT) throw new CodecError("vector-length", `${length} bytes do not fit a varint`, start);
  const width = varintWidth(length);
  const prefix = width === 1 ? 0 : width === 2 ? 0x4000 : 0x80000000;
  writer.insert(start, width);
  writer.patch(start, prefix + length, width);
}

/**
 * A closed enum: names for the values it allows, everything else refused.
 *
 * @example const CredentialStatus = enumeration(uint8, { active: 1, revoked: 2 });
 */
export function enumeration<const V extends Record<string, number>>(
  base: Codec<number>,
  values: V,
): Codec<keyof V & string> {
  const names = new Map<number, keyof V & string>();
  for (const [name, value] of Object.entries(values)) {
    if (names.has(value)) throw new TypeError(`${name} and ${names.get(value)} are both ${value}`);
    names.set(value, name);
  }
  return {
    minSize: base.minSize,
    write(writer, name: unknown) {
      const value = typeof name === "string" && Object.hasOwn(values, name) ? values[name] : undefined;
      if (value === undefined)
        throw new CodecError("unknown-enum-value", `unknown name ${String(name)}`, writer.length);
      base.write(writer, value);
    },
    read(reader) {
      const start = reader.offset;
      const value = base.read(reader);
      const name = names.get(value);
      if (name === undefined) throw new CodecError("unknown-enum-value", `unknown value ${value}`, start);
      return name;
    },
  };
}
