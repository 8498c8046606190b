import { describe, expect, it } from "vitest";
import { bitAt, sharePrefix } from "./bits.js";

const key = (...bytes: number[]): Uint8Array => Uint8Array.from({ length: 32 }, (_, i) => bytes[i] ?? 0);

describe("bits of search keys", () => {
  it("two keys share a prefix up to the first bit in which they differ, and no further", () => {
    const one = key(0xa5, 0x3c, 0x0f);
    for (let differing = 0; differing < 256; differing++) {
      const other = one.slice();
      other[differing >> 3] = (other[differing >> 3] as number) ^ (0x80 >> (differing & 7));
      expect(bitAt(one, differing)).not.toBe(bitAt(other, differing));
      for (let depth = 0; depth <= 256; depth++)
        if (sharePrefix(one, other, depth) !== depth <= differing)
          throw new Error(`differing in bit ${differing}: wrong at depth ${depth}`);
    }
    expect(sharePrefix(one, one.slice(), 256)).toBe(true);
  });
});
