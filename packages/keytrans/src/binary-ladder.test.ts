import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  baseBinaryLadder,
  InclusionLookups,
  type Lookups,
  MAX_VERSION,
  monitoringBinaryLadder,
  SearchLadder,
} from "./binary-ladder.js";

const version = fc.oneof(
  fc.integer({ min: 0, max: 40 }),
  fc.integer({ min: 0, max: MAX_VERSION }),
  fc.integer({ min: 0, max: 40 }).map((less) => MAX_VERSION - less),
);

/** Answers a series from the greatest version there is; undefined: there is none. */
function answered(lookups: Lookups, greatest: number | undefined): number[] {
  const asked: number[] = [];
  for (let next = lookups.next(); next !== undefined; next = lookups.next()) {
    asked.push(next);
    lookups.answer(greatest !== undefined && next <= greatest);
  }
  expect(lookups.next()).toBeUndefined();
  return asked;
}

describe("a search ladder", () => {
  it("compares any two versions there can be, without a version beyond the greatest", () => {
    fc.assert(
      fc.property(version, version, (target, greatest) => {
        const ladder = new SearchLadder(target);
        const asked = answered(ladder, greatest);
        expect(ladder.comparison).toBe(Math.sign(greatest - target));
        expect(asked.every((one) => one <= MAX_VERSION)).toBe(true);
        expect(asked.length).toBeLessThanOrEqual(65);
        if (greatest === target) expect(asked).toEqual(baseBinaryLadder(target));
      }),
    );
    for (const target of [MAX_VERSION, MAX_VERSION - 1, 2 ** 31, 2 ** 31 - 1]) {
      const ladder = new SearchLadder(target);
      answered(ladder, MAX_VERSION);
      expect(ladder.comparison).toBe(target === MAX_VERSION ? 0 : 1);
    }
  });

  it("ends at once where there is no version at all", () => {
    for (const target of [0, 1, 7, MAX_VERSION]) {
      const ladder = new SearchLadder(target);
      expect(answered(ladder, undefined)).toEqual([0]);
      expect(ladder.comparison).toBe(-1);
    }
  });

  it("comes to the same with fewer lookups where outcomes are known", () => {
    fc.assert(
      fc.property(version, version, fc.array(version), (target, greatest, told) => {
        const known = new Set([...told, ...baseBinaryLadder(target).filter((_, i) => i % 2 === 0)]);
        const outcome = (one: number) => (known.has(one) ? one <= greatest : undefined);
        const ladder = new SearchLadder(target, { outcome });
        const asked = answered(ladder, greatest);
        expect(ladder.comparison).toBe(Math.sign(greatest - target));
        expect(asked.some((one) => known.has(one))).toBe(false);
      }),
    );
  });
});

describe("other series", () => {
  it("monitor the versions up to the target, itself among them", () => {
    fc.assert(
      fc.property(version, (target) => {
        const asked = monitoringBinaryLadder(target);
        expect(asked).toEqual(baseBinaryLadder(target).filter((one) => one <= target));
        expect(Math.max(...asked)).toBe(target);
      }),
    );
    expect([0, 1, 2, 6].map(monitoringBinaryLadder)).toEqual([[0], [0, 1], [0, 1, 2], [0, 1, 3, 5, 6]]);
    expect(baseBinaryLadder(6)).toEqual([0, 1, 3, 7, 5, 6]);
  });

  it("ask for a fixed list, and say whether all of it is there", () => {
    const all = new InclusionLookups([3, 1, 2]);
    expect(answered(all, 3)).toEqual([3, 1, 2]);
    expect(all.allIncluded).toBe(true);
    const some = new InclusionLookups([3, 1, 2]);
    expect(answered(some, 2)).toEqual([3, 1, 2]);
    expect(some.allIncluded).toBe(false);
    expect(answered(new InclusionLookups([]), undefined)).toEqual([]);
  });
});
