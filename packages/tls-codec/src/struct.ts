import type { Codec, Infer } from "./codec.js";
import { CodecError, rethrowWithin } from "./errors.js";

type AnyFields = Readonly<Record<string, Codec<unknown>>>;
type StructOf<F extends AnyFields> = { readonly [K in keyof F]: Infer<F[K]> };

/**
 * Names of fields in the order of their definition. Names that JavaScript would reorder (integers) or hide (`__proto__`)
 * are a mistake in the definition: the wire format would not be what the code says.
 */
function namesInOrder(fields: object): string[] {
  const prototype: unknown = Object.getPrototypeOf(fields);
  if (prototype !== Object.prototype && prototype !== null)
    throw new TypeError("a struct cannot have a field __proto__");
  const names = Object.keys(fields);
  for (const name of names)
    if (name === "__proto__" || /^(0|[1-9][0-9]*)$/.test(name))
      throw new TypeError(`a struct cannot have a field ${name}`);
  return names;
}

function requireObject(value: unknown, offset: number): void {
  if (typeof value !== "object" || value === null)
    throw new CodecError("invalid-value", `${value === null ? "null" : typeof value} where an object is due`, offset);
}

/**
 * Fields in wire order.
 *
 * @example const LogEntry = struct({ timestamp: uint64, prefixTree: bytes(32) });
 */
export function struct<const F extends AnyFields>(fields: F): Codec<StructOf<F>> {
  const names = namesInOrder(fields);
  const codecs = Object.values(fields);
  return {
    minSize: codecs.reduce((sum, codec) => sum + codec.minSize, 0),
    write(writer, value) {
      requireObject(value, writer.length);
      let i = 0;
      try {
        for (; i < names.length; i++)
          (codecs[i] as Codec<unknown>).write(writer, (value as Record<string, unknown>)[names[i] as string]);
      } catch (error) {
        rethrowWithin(error, names[i] as string);
      }
    },
    read(reader) {
      const value: Record<string, unknown> = {};
      let i = 0;
      try {
        for (; i < names.length; i++) value[names[i] as string] = (codecs[i] as Codec<unknown>).read(reader);
      } catch (error) {
        rethrowWithin(error, names[i] as string);
      }
      return value as StructOf<F>;
    },
  };
}

/**
 * A discriminator followed by the fields its value selects: `select (Struct.tag)`.
 *
 * The value carries the discriminator as `[tag]` beside the selected fields, a discriminated union in TypeScript.
 *
 * @example const Status = tagged("status", CredentialStatus, { active: struct({}), revoked: struct({ revokedAt: uint64 }) });
 */
export function tagged<const Tag extends string, const Cases extends Readonly<Record<string, Codec<unknown>>>>(
  tag: Tag,
  discriminator: Codec<keyof Cases & string>,
  cases: Cases,
): Codec<{ [K in keyof Cases & string]: { readonly [P in Tag]: K } & Infer<Cases[K]> }[keyof Cases & string]> {
  type Value = { [K in keyof Cases & string]: { readonly [P in Tag]: K } & Infer<Cases[K]> }[keyof Cases & string];
  namesInOrder({ [tag]: discriminator });
  const caseOf = (name: keyof Cases & string, offset: number): Codec<object> => {
    if (!Object.hasOwn(cases, name))
      throw new CodecError("unknown-enum-value", `no case for ${name}`, offset).within(tag);
    return cases[name] as Codec<object>;
  };
  return {
    minSize: discriminator.minSize + Math.min(...Object.values(cases).map((codec) => codec.minSize)),
    write(writer, value) {
      requireObject(value, writer.length);
      const start = writer.length;
      const name = (value as Record<string, keyof Cases & string>)[tag] as keyof Cases & string;
      try {
        discriminator.write(writer, name);
      } catch (error) {
        rethrowWithin(error, tag);
      }
      caseOf(name, start).write(writer, value);
    },
    read(reader) {
      const start = reader.offset;
      let name: keyof Cases & string;
      try {
        name = discriminator.read(reader);
      } catch (error) {
        rethrowWithin(error, tag);
      }
      const value = { [tag]: name };
      merge(value, caseOf(name, start).read(reader));
      return value as unknown as Value;
    },
  };
}

/** Adds the fields of a part. A field of the same name would be lost and is a mistake in the definition. */
function merge(value: object, part: object): void {
  for (const name of Object.keys(part))
    if (Object.hasOwn(value, name)) throw new TypeError(`two fields are called ${name}`);
  Object.assign(value, part);
}

/** Structs and selects in sequence, presented as one flat value. */
export function sequence<A extends object, B extends object>(a: Codec<A>, b: Codec<B>): Codec<A & B>;
export function sequence<A extends object, B extends object, C extends object>(
  a: Codec<A>,
  b: Codec<B>,
  c: Codec<C>,
): Codec<A & B & C>;
export function sequence(...parts: Codec<object>[]): Codec<object> {
  return {
    minSize: parts.reduce((sum, part) => sum + part.minSize, 0),
    write(writer, value) {
      for (const part of parts) part.write(writer, value);
    },
    read(reader) {
      const value = {};
      for (const part of parts) merge(value, part.read(reader));
      return value;
    },
  };
}

/** `optional<T>`: a presence octet of 0 or 1, then the value if present; absent is `undefined`. */
export function optional<T>(codec: Codec<T>): Codec<T | undefined> {
  return {
    minSize: 1,
    write(writer, value) {
      writer.uint(value === undefined ? 0 : 1, 1);
      if (value !== undefined) codec.write(writer, value);
    },
    read(reader) {
      const start = reader.offset;
      const present = reader.uint(1);
      if (present === 0) return undefined;
      if (present === 1) {
        const value = codec.read(reader);
        // A present value that reads as absent would re-encode to other bytes.
        if (value === undefined) throw new CodecError("invalid-value", "an optional of an optional", start);
        return value;
      }
      throw new CodecError("invalid-presence-octet", `presence octet ${present}`, start);
    },
  };
}

/** `struct {}`. */
export const empty: Codec<object> = { minSize: 0, write: () => {}, read: () => ({}) };
