import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  directPath,
  floorLog2,
  frontier,
  left,
  level,
  pathFromRoot,
  right,
  root,
  viewUpdatePath,
} from "./search-tree.js";

const LARGEST = 2 ** 53 - 1;
const size = fc.oneof(
  fc.integer({ min: 1, max: 200 }),
  fc.maxSafeInteger().map((n) => Math.max(1, Math.abs(n))),
);

describe("positions beyond 32 bits", () => {
  it("have the arithmetic of those below", () => {
    for (let exponent = 0; exponent < 53; exponent++) {
      const power = 2 ** exponent;
      expect([floorLog2(power), floorLog2(2 * power - 1)]).toEqual([exponent, exponent]);
      expect([level(power - 1), level(power === 1 ? 2 : power)]).toEqual([exponent, 0]);
      expect([root(power), root(2 * power - 1)]).toEqual([power - 1, power - 1]);
    }
    expect(floorLog2(0)).toBe(0);
    expect(left(2 ** 40 - 1)).toBe(2 ** 39 - 1);
    expect(right(2 ** 40 - 1, LARGEST)).toBe(2 ** 40 + 2 ** 39 - 1);
    expect(right(2 ** 40 - 1, 2 ** 40 + 5)).toBe(2 ** 40 + 3);
    expect(right(2 ** 40 - 1, 2 ** 40)).toBeUndefined();
  });

  it("lie on a path from the root that halves what is left, and is walked back by the direct path", () => {
    fc.assert(
      fc.property(size, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (entries, part) => {
        const position = Math.floor(entries * part);
        const path = pathFromRoot(position, entries);
        expect(path.length).toBeLessThanOrEqual(floorLog2(entries) + 1);
        const [low, high] = path.reduce(([from, to], x) => (position < x ? [from, x] : [x + 1, to]), [0, entries]);
        expect(low <= position && position < high).toBe(true);
        expect(new Set(path).size).toBe(path.length);
        expect(directPath(position, entries)).toEqual(path.toReversed());
      }),
    );
  });

  it("are on the frontier to the last, and an updated view asks for what is new of it", () => {
    fc.assert(
      fc.property(size, size, (a, b) => {
        const [before, after] = a < b ? [a, b] : [b, a];
        const entries = frontier(after);
        expect(entries[0]).toBe(root(after));
        expect(entries.at(-1)).toBe(after - 1);
        expect(viewUpdatePath(undefined, after)).toEqual(entries);
        const asked = viewUpdatePath(before, after);
        if (before === after) expect(asked).toEqual([]);
        expect(asked.every((x, i) => x >= before && (i === 0 || x > (asked[i - 1] as number)))).toBe(true);
        const known = new Set([...frontier(before), ...asked]);
        expect(entries.every((x) => known.has(x))).toBe(true);
      }),
    );
  });
});
