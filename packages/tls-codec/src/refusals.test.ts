import { describe, expect, test } from "vitest";
import {
  ascending,
  bytes,
  type Codec,
  CodecError,
  compareBytes,
  decode,
  empty,
  encode,
  enumeration,
  lazy,
  mapped,
  MAX_VARINT,
  opaque,
  opaqueV,
  optional,
  Reader,
  readVarint,
  refined,
  sequence,
  struct,
  tagged,
  tryDecode,
  uint8,
  uint16,
  uint64,
  uint64Number,
  vector,
  vectorV,
  wrappedV,
  Writer,
  writeVarint,
} from "./index.js";

const unhex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(" ", ""), "hex"));

const Colour = enumeration(uint8, { red: 1, green: 2 });
const Shape = tagged("kind", enumeration(uint8, { point: 1, circle: 2 }), {
  point: struct({}),
  circle: struct({ radius: uint16 }),
});
const Inner = struct({ name: opaqueV({ max: 3 }), colour: Colour });
const Outer = struct({ id: uint8, inner: vectorV(Inner, { max: 2 }) });
const Names = ascending(vectorV(opaqueV()), compareBytes);

/** [what, codec, input, code, path, offset] */
const DECODING: [string, Codec<unknown>, string, string, string, number][] = [
  ["integer cut short", uint16, "01", "truncated", "", 0],
  ["nothing at all", uint8, "", "truncated", "", 0],
  ["leftovers", uint8, "0102", "trailing-bytes", "", 1],
  ["uint64Number past 2^53", uint64Number, "0020000000000000", "invalid-value", "", 0],
  ["varint of two bytes for 63", opaqueV(), "403f", "non-minimal-varint", "", 0],
  ["varint of four bytes for 16383", opaqueV(), "80003fff", "non-minimal-varint", "", 0],
  ["varint of four bytes for 0", opaqueV(), "80000000", "non-minimal-varint", "", 0],
  ["varint with the reserved prefix", opaqueV(), "c000000000000000", "non-minimal-varint", "", 0],
  ["varint cut short", opaqueV(), "40", "truncated", "", 0],
  ["opaque cut short", opaqueV(), "03aabb", "truncated", "", 1],
  ["opaque above its bound", opaqueV({ max: 2 }), "03aabbcc", "vector-length", "", 0],
  ["opaque below its bound", opaqueV({ min: 2 }), "01aa", "vector-length", "", 0],
  ["counted opaque above its bound", opaque(0, 2), "03aabbcc", "vector-length", "", 0],
  ["counted opaque below its bound", opaque(2, 300), "0001aa", "vector-length", "", 0],
  ["presence octet 2", optional(uint8), "0205", "invalid-presence-octet", "", 0],
  ["presence octet 255", optional(uint8), "ff", "invalid-presence-octet", "", 0],
  ["present but missing", optional(uint8), "01", "truncated", "", 1],
  ["unknown enum value", Colour, "00", "unknown-enum-value", "", 0],
  ["unknown discriminator", Shape, "0300", "unknown-enum-value", "kind", 0],
  ["case cut short", Shape, "0201", "truncated", "radius", 1],
  ["case with leftovers", Shape, "0100", "trailing-bytes", "", 1],
  ["path through vectors and structs", Outer, "07 05 01aa01 00 03", "unknown-enum-value", "inner[1].colour", 6],
  ["path to a bound", Outer, "07 04 01aa01 04", "vector-length", "inner[1].name", 5],
  ["too many elements by bytes", Outer, "07 06 0001 0001 0001", "vector-length", "inner", 1],
  ["too few elements by bytes", vectorV(uint8, { min: 2 }), "0101", "vector-length", "", 0],
  ["element runs past its vector", Outer, "07 02 03aabbcc01", "truncated", "inner[0].name", 3],
  ["vector runs past the input", Outer, "07 09 0001", "truncated", "inner", 2],
  ["too many elements by count", vector(uint8, 0, 2), "03010203", "vector-length", "", 0],
  ["too few elements by count", vector(uint8, 1, 2), "00", "vector-length", "", 0],
  ["more elements than the input holds", vector(uint16, 0, 65535), "ffff0102", "truncated", "", 2],
  ["count of an unfinished element", vector(opaque(0, 9), 0, 9), "0201aa02", "truncated", "[1]", 4],
  ["elements that take no bytes, by count", vector(empty, 0, 9), "0200000000", "invalid-value", "[0]", 1],
  ["elements that take no bytes, by bytes", vectorV(empty), "01aa", "invalid-value", "[0]", 1],
  ["equal elements of a set", Names, "0401aa01aa", "not-ascending", "[1]", 0],
  ["descending elements of a set", Names, "0401bb01aa", "not-ascending", "[1]", 0],
  ["a prefix after its extension", Names, "0502aaaa01aa", "not-ascending", "[1]", 0],
  ["wrapped with leftovers", wrappedV(uint8), "020102", "trailing-bytes", "", 2],
  ["wrapped and cut short", wrappedV(uint16), "0101", "truncated", "", 1],
  ["wrapped with a long varint", wrappedV(uint8), "400101", "non-minimal-varint", "", 0],
  [
    "a rule broken",
    struct({ even: refined(uint8, (n) => (n % 2 === 0 ? undefined : "odd")) }),
    "03",
    "invalid-value",
    "even",
    0,
  ],
  ["optional of optional", optional(optional(uint8)), "0100", "invalid-value", "", 0],
];

describe("decoding refuses with code, path and offset", () => {
  test.each(DECODING)("%s", (_, codec, input, code, path, offset) => {
    const decoded = tryDecode(codec, unhex(input));
    if (decoded.ok) throw new Error(`accepted as ${JSON.stringify(decoded.value)}`);
    expect(decoded.error).toMatchObject({ code, path, offset, name: "CodecError" });
    const { reason } = decoded.error;
    expect(decoded.error.message).toBe(path === "" ? reason : `${path}: ${reason} (offset ${offset})`);
    expect(() => decode(codec, unhex(input))).toThrow(CodecError);
  });
});

/** [what, encode, code, path] */
const ENCODING: [string, () => Uint8Array, string, string][] = [
  ["256 as uint8", () => encode(uint8, 256), "invalid-value", ""],
  ["a fraction", () => encode(uint16, 1.5), "invalid-value", ""],
  ["a negative uint64", () => encode(uint64, -1n), "invalid-value", ""],
  ["2^64", () => encode(uint64, 2n ** 64n), "invalid-value", ""],
  ["a number as uint64", () => encode(uint64 as Codec<unknown>, 1), "invalid-value", ""],
  ["2^53", () => encode(uint64Number, 2 ** 53), "invalid-value", ""],
  [
    "fixed bytes of another length",
    () => encode(struct({ id: bytes(2) }), { id: new Uint8Array(3) }),
    "vector-length",
    "id",
  ],
  ["an array for bytes", () => encode(bytes(2) as Codec<unknown>, [1, 2]), "invalid-value", ""],
  ["opaque past its bound", () => encode(opaque(0, 255), new Uint8Array(256)), "vector-length", ""],
  [
    "a vector past its bound",
    () => encode(Outer, { id: 1, inner: [1, 2, 3].map(() => ({ name: new Uint8Array(), colour: "red" as const })) }),
    "vector-length",
    "inner",
  ],
  ["an unknown name", () => encode(Colour as Codec<string>, "toString"), "unknown-enum-value", ""],
  ["an unknown case", () => encode(Shape as Codec<unknown>, { kind: "square" }), "unknown-enum-value", "kind"],
  ["a missing field", () => encode(Outer as Codec<unknown>, { id: 1 }), "invalid-value", "inner"],
  [
    "a bad field deep inside",
    () => encode(Outer, { id: 1, inner: [{ name: new Uint8Array(4), colour: "red" }] }),
    "vector-length",
    "inner[0].name",
  ],
  ["an unsorted set", () => encode(Names, [Uint8Array.of(2), Uint8Array.of(1)]), "not-ascending", "[1]"],
  ["elements that take no bytes", () => encode(vector(empty, 0, 9), [{}]), "invalid-value", "[0]"],
  [
    "a broken rule",
    () =>
      encode(
        refined(uint8, () => "never"),
        1,
      ),
    "invalid-value",
    "",
  ],
];

describe("encoding refuses what does not fit", () => {
  test.each(ENCODING)("%s", (_, attempt, code, path) => {
    expect(attempt).toThrow(expect.objectContaining({ name: "CodecError", code, path }));
  });
});

describe("varints", () => {
  test.each([
    [0, "00"],
    [63, "3f"],
    [64, "4040"],
    [16383, "7fff"],
    [16384, "80004000"],
    [MAX_VARINT, "bfffffff"],
  ])("%i is %s", (value, expected) => {
    const writer = new Writer();
    writeVarint(writer, value);
    expect(Buffer.from(writer.finish()).toString("hex")).toBe(expected);
    expect(readVarint(new Reader(unhex(expected)))).toBe(value);
  });

  test("what takes more than 30 bits is refused", () => {
    for (const value of [MAX_VARINT + 1, -1, 0.5]) expect(() => writeVarint(new Writer(), value)).toThrow(CodecError);
  });
});

describe("the two vector dialects", () => {
  test("KEYTRANS counts elements, MLS counts bytes", () => {
    expect(encode(vector(uint16, 0, 255), [1, 2, 3])).toEqual(unhex("03 0001 0002 0003"));
    expect(encode(vector(uint16, 0, 256), [1])).toEqual(unhex("0001 0001"));
    expect(encode(vectorV(uint16), [1, 2, 3])).toEqual(unhex("06 0001 0002 0003"));
  });

  test("the count takes as many bytes as its maximum needs", () => {
    for (const [max, width] of [
      [255, 1],
      [256, 2],
      [65535, 2],
      [65536, 3],
      [2 ** 24 - 1, 3],
      [2 ** 32 - 1, 4],
    ] as const)
      expect(encode(opaque(0, max), new Uint8Array())).toHaveLength(width);
  });
});

/** `levels` presence octets of 1, then a 0. */
function depth(levels: number): Uint8Array {
  return Uint8Array.from({ length: levels + 1 }, (_, i) => (i < levels ? 1 : 0));
}

describe("work stays bounded by the input", () => {
  test("a count of four billion costs nothing", () => {
    const huge = vector(
      lazy(() => optional(uint8)),
      0,
      2 ** 32 - 1,
    );
    const started = performance.now();
    expect(() => decode(huge, unhex("ffffffff0000"))).toThrow(expect.objectContaining({ code: "truncated" }));
    expect(() => decode(opaque(0, 2 ** 32 - 1), unhex("ffffffff00"))).toThrow(CodecError);
    expect(() => decode(opaqueV(), unhex("bfffffff00"))).toThrow(CodecError);
    expect(performance.now() - started).toBeLessThan(100);
  });

  test("nesting cannot exhaust the stack", () => {
    interface Node {
      readonly child: Node | undefined;
    }
    const Node: Codec<Node> = struct({ child: optional(lazy(() => Node, 1)) });
    expect(encode(Node, decode(Node, depth(100)))).toEqual(depth(100));
    expect(() => decode(Node, depth(100_000))).toThrow(expect.objectContaining({ code: "invalid-value" }));
    expect(decode(Node, depth(3))).toEqual({ child: { child: { child: { child: undefined } } } });
  });
});

describe("mistakes in a definition", () => {
  test("names that JavaScript reorders or hides", () => {
    expect(() => struct({ b: uint8, 1: uint8 })).toThrow(TypeError);
    expect(() => struct({ ["__proto__"]: uint8, a: uint8 })).toThrow(TypeError);
    const hidden = Object.setPrototypeOf({ a: uint8 }, { b: uint8 }) as Record<string, Codec<number>>;
    expect(() => struct(hidden)).toThrow(TypeError);
    expect(() => tagged("__proto__", Colour, { red: empty, green: empty })).toThrow(TypeError);
  });

  test("two names for one enum value", () => {
    expect(() => enumeration(uint8, { a: 1, b: 1 })).toThrow(TypeError);
  });

  test("two fields of one name, which would lose a value", () => {
    expect(() => decode(sequence(struct({ a: uint8 }), struct({ a: uint8 })), unhex("0102"))).toThrow(TypeError);
    const clash = tagged("kind", Colour, { red: struct({ kind: uint8 }), green: empty }) as Codec<unknown>;
    expect(() => decode(clash, unhex("0102"))).toThrow(TypeError);
  });
});

function fail(): never {
  throw new RangeError("not the input's fault");
}

describe("errors pass through", () => {
  test("tryDecode does not swallow other errors", () => {
    expect(() => tryDecode(struct({ a: mapped(uint8, fail, fail) }), unhex("01"))).toThrow(RangeError);
  });

  test("a mapping refuses at the offset it is given", () => {
    const Letter = mapped(
      uint8,
      (value, offset) => {
        if (value < 65) throw new CodecError("invalid-value", "no letter", offset);
        return String.fromCharCode(value);
      },
      (letter: string) => letter.charCodeAt(0),
    );
    expect(() => decode(struct({ id: uint8, letter: Letter }), unhex("0001"))).toThrow(
      expect.objectContaining({ path: "letter", offset: 1 }),
    );
  });
});

describe("Writer and Reader", () => {
  test("a writer grows, and what it returned does not change afterwards", () => {
    const writer = new Writer(1);
    for (let i = 0; i < 1000; i++) writer.uint(i, 2);
    const first = writer.finish();
    writer.write(new Uint8Array(5000));
    expect(first).toHaveLength(2000);
    expect(writer.finish()).toHaveLength(7000);
    expect(writer.finish().subarray(0, 2000)).toEqual(first);
  });

  test("a sub-reader ends where it was told and reports offsets of the whole", () => {
    const reader = new Reader(unhex("0001020304"));
    reader.uint(1);
    const sub = reader.sub(2);
    expect(reader.offset).toBe(3);
    expect(sub.take(2)).toEqual(unhex("0102"));
    expect(() => sub.uint(1)).toThrow(expect.objectContaining({ code: "truncated", offset: 3 }));
    expect(reader.peek()).toBe(3);
    expect(() => reader.finish()).toThrow(expect.objectContaining({ code: "trailing-bytes", offset: 3 }));
  });
});
