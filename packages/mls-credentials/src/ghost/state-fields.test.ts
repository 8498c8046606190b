import { type Codec, CodecError, decode, encode, optional } from "@mls-as/tls-codec";
import { describe, expect, it } from "vitest";
import { blob, flag, hexText, listOf, mapOf, real, record, setOf, text } from "./state-fields.js";

const codeOf = (work: () => unknown): string | undefined => {
  try {
    work();
  } catch (error) {
    if (error instanceof CodecError) return error.code;
    throw error;
  }
  return undefined;
};
const same = <T>(codec: Codec<T>, value: T): void => expect(decode(codec, encode(codec, value))).toStrictEqual(value);

describe("fields of a kept state", () => {
  it("come back as they were", () => {
    for (const value of ["", "a", "größer ✓", "\uFEFFwith a mark", "\u0000"]) same(text, value);
    for (const value of [0, -0, 1.5, -1, 2 ** 60, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY])
      same(real, value);
    for (const value of [true, false]) same(flag, value);
    for (const value of ["", "00ff", "a9"]) same(hexText, value);
    expect(codeOf(() => decode(flag, Uint8Array.of(2)))).toBe("unknown-enum-value");
    same(blob, Uint8Array.of(1, 2));
    same(listOf(text), ["b", "a", "b"]);
    same(mapOf(text, real), new Map(Object.entries({ b: 1, a: 2 })));
    same(setOf(text), new Set(["b", "a"]));
  });

  it("have one encoding", () => {
    const four = (length: number): number[] => [0, 0, 0, length];
    expect([...encode(text, "é")]).toEqual([...four(2), 0xc3, 0xa9]);
    expect([...encode(hexText, "0aff")]).toEqual([...four(2), 0x0a, 0xff]);
    expect([...encode(real, 1)]).toEqual([0x3f, 0xf0, 0, 0, 0, 0, 0, 0]);
    expect([encode(flag, false)[0], encode(flag, true)[0]]).toEqual([0, 1]);
    expect([...encode(mapOf(flag, flag), new Map([[true, false]]))]).toEqual([...four(1), 1, 0]);
    expect([...encode(setOf(flag), new Set([true, false]))]).toEqual([...four(2), 1, 0]);
  });

  it("real numbers are read wherever they stand", () => {
    expect(decode(listOf(real), encode(listOf(real), [1, 2, 3.5]))).toEqual([1, 2, 3.5]);
  });

  it.each<[string, () => unknown]>([
    ["text that is not UTF-8", () => decode(text, Uint8Array.of(0, 0, 0, 1, 0xff))],
    ["no number", () => encode(real, Number.NaN)],
    ["bytes of no number", () => decode(real, Uint8Array.of(0x7f, 0xf8, 0, 0, 0, 0, 0, 0))],
    ["half an octet", () => encode(hexText, "0")],
    ["capitals in hex", () => encode(hexText, "0A")],
    ["what is not hex, before", () => encode(hexText, "g0")],
    ["what is not hex, after", () => encode(hexText, "0g")],
    ["a key twice", () => decode(mapOf(flag, flag), Uint8Array.of(0, 0, 0, 2, 1, 0, 1, 1))],
    ["a value twice", () => decode(setOf(flag), Uint8Array.of(0, 0, 0, 2, 1, 1))],
  ])("refuse %s", (_, work) => {
    expect(codeOf(work)).toBe("invalid-value");
  });

  it("leave out of a record what is absent, and nothing else", () => {
    const codec = record({ name: text, count: optional(real), open: optional(flag) });
    same<object>(codec as Codec<object>, { name: "" });
    same<object>(codec as Codec<object>, { name: "a", count: 0 });
    same<object>(codec as Codec<object>, { name: "a", open: false });
    same<object>(codec as Codec<object>, { name: "a", count: 1, open: true });
  });
});
