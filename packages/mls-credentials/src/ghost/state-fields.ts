import {
  bytes,
  type Codec,
  CodecError,
  enumeration,
  mapped,
  opaque,
  refined,
  struct,
  uint8,
  vector,
} from "@mls-as/tls-codec";
import { bytesKey } from "../bytes-key.js";
import { hexBytes } from "./sighting-rules.js";

/** Longest text or byte string of a state. */
const MAX_BYTES = 2 ** 32 - 1;

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/** UTF-8 text. */
export const text: Codec<string> = mapped(
  opaque(0, MAX_BYTES),
  (octets, offset) => {
    try {
      return utf8.decode(octets);
    } catch {
      throw new CodecError("invalid-value", "not UTF-8", offset);
    }
  },
  (value) => encoder.encode(value),
);

/** Bytes. */
export const blob: Codec<Uint8Array> = opaque(0, MAX_BYTES);

/** A byte string that is lower-case hex in memory. */
export const hexText: Codec<string> = mapped(opaque(0, MAX_BYTES), bytesKey, (value, offset) => {
  if (value.length % 2 !== 0 || !/^[0-9a-f]*$/.test(value)) throw new CodecError("invalid-value", "not hex", offset);
  return hexBytes(value);
});

/** Any number but NaN, as binary64: times may be fractions, and -Infinity stands for "never". */
export const real: Codec<number> = refined(
  mapped(
    bytes(8),
    (octets) => new DataView(octets.buffer, octets.byteOffset, 8).getFloat64(0),
    (value) => {
      const octets = new Uint8Array(8);
      new DataView(octets.buffer).setFloat64(0, value);
      return octets;
    },
  ),
  (value) => (Number.isNaN(value) ? "not a number" : undefined),
);

export const flag: Codec<boolean> = mapped(
  enumeration(uint8, { no: 0, yes: 1 }),
  (value) => value === "yes",
  (value) => (value ? "yes" : "no"),
);

export const listOf = <T>(element: Codec<T>): Codec<readonly T[]> => vector(element, 0, MAX_BYTES);

/** Entries in their order, no key twice. */
export function mapOf<K, V>(key: Codec<K>, value: Codec<V>): Codec<ReadonlyMap<K, V>> {
  return mapped(
    listOf(struct({ key, value })),
    (entries, offset) => {
      const map = new Map(entries.map((entry) => [entry.key, entry.value]));
      if (map.size !== entries.length) throw new CodecError("invalid-value", "a key occurs twice", offset);
      return map;
    },
    (map) => [...map].map(([k, v]) => ({ key: k, value: v })),
  );
}

export function setOf<T>(element: Codec<T>): Codec<ReadonlySet<T>> {
  return mapped(
    listOf(element),
    (values, offset) => {
      const set = new Set(values);
      if (set.size !== values.length) throw new CodecError("invalid-value", "a value occurs twice", offset);
      return set;
    },
    (set) => [...set],
  );
}

type AnyFields = Readonly<Record<string, Codec<unknown>>>;
type ValueOf<C> = C extends Codec<infer T> ? T : never;

/** The fields' values, with those that may be absent as optional members. */
export type RecordOf<F extends AnyFields> = {
  readonly [K in keyof F as undefined extends ValueOf<F[K]> ? never : K]: ValueOf<F[K]>;
} & {
  readonly [K in keyof F as undefined extends ValueOf<F[K]> ? K : never]?: Exclude<ValueOf<F[K]>, undefined>;
};

/** A struct whose absent optional fields are left out of the value, as the types of this package have them. */
export function record<const F extends AnyFields>(fields: F): Codec<RecordOf<F>> {
  const codec: Codec<object> = struct(fields);
  return mapped(
    codec,
    (value) => Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as RecordOf<F>,
    (value) => value,
  );
}
