import { describe, expect, test } from "vitest";
import {
  type Codec,
  CodecError,
  encode,
  opaqueV,
  Reader,
  struct,
  uint16,
  uint32,
  uint8,
  uint64Number,
  vector,
  withEncoded,
  Writer,
} from "./index.js";

describe("one buffer serves every encoding", () => {
  test("an encoding does not change when another is made", () => {
    const first = encode(uint32, 0x01020304);
    encode(uint32, 0xffffffff);
    withEncoded(uint32, 0xeeeeeeee, (bytes) => bytes.length);
    expect(first).toEqual(Uint8Array.of(1, 2, 3, 4));
    expect(first.buffer.byteLength).toBe(4);
  });

  test("a codec may encode while it is being written", () => {
    const Nested: Codec<number> = {
      minSize: 1,
      write: (writer, value) => opaqueV().write(writer, encode(uint16, value)),
      read: () => 0,
    };
    const codec = struct({ before: uint8, nested: Nested, after: uint8 });
    expect(encode(codec, { before: 7, nested: 0x0102, after: 9 })).toEqual(Uint8Array.of(7, 2, 1, 2, 9));
  });

  test("encoding inside `use` leaves the outer bytes alone", () => {
    const outer = withEncoded(uint32, 0x0a0b0c0d, (bytes) => {
      expect(encode(uint32, 0xffffffff)).toEqual(Uint8Array.of(255, 255, 255, 255));
      return Uint8Array.from(bytes);
    });
    expect(outer).toEqual(Uint8Array.of(10, 11, 12, 13));
  });

  test("a refusal in the middle leaves nothing behind", () => {
    const codec = struct({ a: uint32, b: uint8 });
    expect(() => encode(codec, { a: 0x11223344, b: 300 })).toThrow(CodecError);
    expect(() =>
      withEncoded(uint8, 1, () => {
        throw new RangeError("the user's own");
      }),
    ).toThrow(RangeError);
    expect(encode(uint8, 5)).toEqual(Uint8Array.of(5));
  });

  test("a large encoding is right, and so is the small one after it", () => {
    const large = Array.from({ length: 100_000 }, (_, i) => i % 65536);
    const encoded = encode(vector(uint16, 0, 2 ** 24), large);
    expect(encoded).toHaveLength(4 + 200_000);
    expect(encoded.subarray(-2)).toEqual(encode(uint16, 99_999 % 65536));
  });
});

describe("integers of every width", () => {
  test.each([1, 2, 3, 4, 5, 6])("%i bytes", (width) => {
    for (const value of [0, 1, 256 ** (width - 1), 256 ** width - 1, Math.floor(256 ** width / 3)]) {
      const writer = new Writer(1);
      writer.uint(0xab, 1);
      writer.uint(value, width);
      const bytes = writer.finish();
      expect(bytes).toHaveLength(1 + width);
      const reader = new Reader(bytes, 1);
      expect(reader.uint(width)).toBe(value);
      reader.finish();
      writer.patch(1, 0, width);
      expect(writer.finish().subarray(1)).toEqual(new Uint8Array(width));
    }
  });

  test("the largest safe integer", () => {
    expect(encode(uint64Number, Number.MAX_SAFE_INTEGER)).toEqual(Uint8Array.of(0, 0x1f, 255, 255, 255, 255, 255, 255));
  });
});
