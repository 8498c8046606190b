import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  ascending,
  bytes,
  type Codec,
  CodecError,
  compareBytes,
  decode,
  encode,
  enumeration,
  equalBytes,
  lazy,
  mapped,
  opaque,
  opaqueV,
  optional,
  refined,
  sequence,
  struct,
  tagged,
  tryDecode,
  uint8,
  uint16,
  uint24,
  uint32,
  uint64,
  uint64Number,
  vector,
  vectorV,
  wrappedV,
} from "./index.js";

/** A codec with values that fit it. */
interface Sample {
  readonly name: string;
  readonly codec: Codec<unknown>;
  readonly values: fc.Arbitrary<unknown>;
}

const sample = <T>(name: string, codec: Codec<T>, values: fc.Arbitrary<T>): Sample => ({
  name,
  codec: codec as Codec<unknown>,
  values,
});

const octets = (max: number, min = 0): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: min, maxLength: max });
const unsigned = (bits: number): fc.Arbitrary<number> =>
  fc.oneof(fc.integer({ min: 0, max: 2 ** bits - 1 }), fc.constantFrom(0, 1, 2 ** bits - 1));

const LEAVES: readonly Sample[] = [
  sample("uint8", uint8, unsigned(8)),
  sample("uint16", uint16, unsigned(16)),
  sample("uint24", uint24, unsigned(24)),
  sample("uint32", uint32, unsigned(32)),
  sample("uint64", uint64, fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })),
  sample("uint64Number", uint64Number, fc.maxSafeNat()),
  sample("bytes(3)", bytes(3), octets(3, 3)),
  sample("opaque(0,255)", opaque(0, 255), octets(40)),
  sample("opaque(2,65535)", opaque(2, 65535), octets(300, 2)),
  sample("opaqueV", opaqueV(), fc.oneof(octets(10), octets(80, 60))),
  sample("opaqueV(1..4)", opaqueV({ min: 1, max: 4 }), octets(4, 1)),
  sample("enumeration", enumeration(uint16, { one: 1, two: 2, last: 0xffff }), fc.constantFrom("one", "two", "last")),
];

/** Each combinator over any codec. Element-counted and byte-counted vectors refuse elements that take no bytes. */
const wrap = (inner: Sample, other: Sample): Sample[] => [
  sample(`optional(${inner.name})`, optional(inner.codec), fc.option(inner.values, { nil: undefined })),
  sample(`vector(${inner.name})`, vector(inner.codec, 0, 300), fc.array(inner.values, { maxLength: 5 })),
  sample(`vectorV(${inner.name})`, vectorV(inner.codec, { max: 6 }), fc.array(inner.values, { maxLength: 6 })),
  sample(`wrappedV(${inner.name})`, wrappedV(inner.codec), inner.values),
  sample(
    `lazy(${inner.name})`,
    lazy(() => inner.codec, inner.codec.minSize),
    inner.values,
  ),
  sample(
    `struct(${inner.name}, ${other.name})`,
    struct({ first: inner.codec, second: other.codec }),
    fc.record({ first: inner.values, second: other.values }),
  ),
  sample(
    `sequence(${inner.name}, ${other.name})`,
    sequence(struct({ a: inner.codec }), struct({ b: other.codec, c: uint8 })),
    fc.record({ a: inner.values, b: other.values, c: unsigned(8) }),
  ),
  sample(
    `tagged(${inner.name}, ${other.name})`,
    tagged("kind", enumeration(uint8, { left: 1, right: 2 }), {
      left: struct({ value: inner.codec }),
      right: struct({ other: other.codec }),
    }) as Codec<unknown>,
    fc.oneof(
      fc.record({ kind: fc.constant("left"), value: inner.values }),
      fc.record({ kind: fc.constant("right"), other: other.values }),
    ),
  ),
  sample(
    `mapped(${inner.name})`,
    mapped(
      inner.codec,
      (value) => [value] as const,
      ([value]) => value,
    ) as Codec<unknown>,
    inner.values.map((value) => [value]),
  ),
  sample(
    `refined(${inner.name})`,
    refined(inner.codec, () => undefined),
    inner.values,
  ),
];

const optionalInside = (entry: Sample): boolean =>
  entry.name.startsWith("optional") ||
  entry.name.startsWith("lazy(optional") ||
  entry.name.startsWith("refined(optional");
const ONE_DEEP = LEAVES.flatMap((leaf, i) => wrap(leaf, LEAVES[(i * 5 + 3) % LEAVES.length] as Sample));
const TWO_DEEP = ONE_DEEP.flatMap((entry, i) =>
  wrap(entry, ONE_DEEP[(i * 7 + 11) % ONE_DEEP.length] as Sample).filter(
    (outer) => !(outer.name.startsWith("optional") && optionalInside(entry)),
  ),
);
const ALL = [
  ...LEAVES,
  ...ONE_DEEP,
  ...TWO_DEEP,
  sample(
    "ascending",
    ascending(vectorV(opaqueV()), compareBytes),
    fc.uniqueArray(octets(4), { selector: (value) => value.join() }).map((values) => values.toSorted(compareBytes)),
  ),
];

/** Whether the decoder refuses with a located `CodecError`, or read exactly what it would write. */
function isCanonical(codec: Codec<unknown>, input: Uint8Array): boolean {
  const decoded = tryDecode(codec, input);
  if (decoded.ok) return equalBytes(encode(codec, decoded.value), input);
  return decoded.error.offset >= 0 && decoded.error.offset <= input.length;
}

describe(`${ALL.length} codecs, every combinator over every other`, () => {
  test("a value survives encoding and decoding", () => {
    for (const { name, codec, values } of ALL)
      fc.assert(
        fc.property(values, (value) => {
          const encoded = encode(codec, value);
          expect(encoded.length).toBeGreaterThanOrEqual(codec.minSize);
          expect({ name, value: decode(codec, encoded) }).toEqual({ name, value });
        }),
        { numRuns: 8 },
      );
  });

  test("every prefix is refused as too short, every extension as too long", () => {
    for (const { name, codec, values } of ALL)
      fc.assert(
        fc.property(values, fc.nat(), (value, cut) => {
          const encoded = encode(codec, value);
          expect({ name, ...tryDecode(codec, encoded.slice(0, cut % encoded.length)) }).toMatchObject({
            name,
            ok: false,
          });
          const longer = new Uint8Array(encoded.length + 1);
          longer.set(encoded);
          expect({ name, ...tryDecode(codec, longer) }).toMatchObject({
            name,
            ok: false,
            error: { code: "trailing-bytes", offset: encoded.length },
          });
        }),
        { numRuns: 3 },
      );
  });

  test("whatever is accepted re-encodes to the same bytes: changed encodings", () => {
    for (const { name, codec, values } of ALL)
      fc.assert(
        fc.property(values, fc.nat(), fc.integer({ min: 1, max: 255 }), (value, at, change) => {
          const encoded = encode(codec, value);
          const i = at % encoded.length;
          encoded[i] = (encoded[i] as number) ^ change;
          expect({ name, canonical: isCanonical(codec, encoded) }).toEqual({ name, canonical: true });
        }),
        { numRuns: 8 },
      );
  });

  test("whatever is accepted re-encodes to the same bytes: arbitrary input", () => {
    for (const { name, codec } of ALL)
      fc.assert(
        fc.property(
          fc.oneof(
            octets(24),
            fc.array(fc.constantFrom(0, 1, 2, 3, 0x40, 0x80), { maxLength: 24 }).map((list) => Uint8Array.from(list)),
          ),
          (input) => {
            expect({ name, input, canonical: isCanonical(codec, input) }).toEqual({ name, input, canonical: true });
          },
        ),
        { numRuns: 8 },
      );
  });

  test("a value of another type is refused when encoding, with CodecError", () => {
    for (const { name, codec } of ALL) {
      if (name.startsWith("mapped") || name.includes("mapped(")) continue; // the mapping's own business
      for (const value of [null, "text", Number.NaN, -1, Symbol.iterator])
        expect(() => encode(codec, value)).toThrow(CodecError);
    }
  });

  test("decoded values do not share memory with the input", () => {
    for (const { name, codec, values } of ALL)
      fc.assert(
        fc.property(values, (value) => {
          const encoded = encode(codec, value);
          for (const input of [encoded, Buffer.from(encoded)]) {
            const decoded = decode(codec, input);
            input.fill(0xee);
            expect({ name, value: decoded }).toEqual({ name, value });
            input.set(encode(codec, value));
          }
        }),
        { numRuns: 2 },
      );
  });
});
