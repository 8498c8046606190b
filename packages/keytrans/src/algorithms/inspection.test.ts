import { describe, expect, it } from "vitest";
import type { KeytransError } from "../errors.js";
import { Inspection } from "./inspection.js";
import type { ProofSource, RetainedEntry } from "./proof-source.js";

/** A source that says these times and roots, whatever it is asked to look up. */
function source(times: Readonly<Record<number, number>>, roots: readonly Uint8Array[] = []): ProofSource {
  let used = 0;
  return {
    timestamp: (position) => times[position] as number,
    lookUp: (_position, lookups) => {
      while (lookups.next() !== undefined) lookups.answer(true);
      return roots[used++] as Uint8Array;
    },
    ownerStops: () => true,
  };
}

const hash = (value: number): Uint8Array => new Uint8Array(32).fill(value);

describe("timestamps", () => {
  /** Codes noted when the times of `order` are asked for one after the other. */
  async function noted(times: Readonly<Record<number, number>>, order: readonly number[]): Promise<string[]> {
    const codes: string[] = [];
    const inspection = new Inspection(source(times), [], ({ code }) => void codes.push(code));
    for (const position of order) await inspection.timestamp(position);
    return codes;
  }

  it("may stay, and must not fall from left to right, in whatever order they are asked for", async () => {
    const orders = [
      [3, 7, 9],
      [9, 7, 3],
      [7, 3, 9],
      [7, 9, 3],
    ];
    for (const order of orders) {
      expect(await noted({ 3: 5, 7: 5, 9: 5 }, order)).toEqual([]);
      expect(await noted({ 3: 4, 7: 5, 9: 6 }, order)).toEqual([]);
      expect(await noted({ 3: 6, 7: 5, 9: 6 }, order)).toEqual(["non-monotonic-timestamps"]);
      expect(await noted({ 3: 5, 7: 6, 9: 5 }, order)).toEqual(["non-monotonic-timestamps"]);
      expect(await noted({ 3: 6, 7: 6, 9: 5 }, order)).toHaveLength(2);
    }
  });

  it("are asked for once, and never where they were retained", async () => {
    const asked: number[] = [];
    const once: ProofSource = { ...source({}), timestamp: (position) => (asked.push(position), position) };
    const inspection = new Inspection(once, [{ position: 3, timestamp: 2, prefixRoot: hash(1) }]);
    expect([
      await inspection.timestamp(7),
      await inspection.timestamp(3),
      await inspection.timestamp(7),
      await inspection.timestamp(5),
    ]).toEqual([7, 2, 7, 5]);
    expect(asked).toEqual([7, 5]);
    expect(inspection.inspected()).toEqual([
      { position: 5, timestamp: 5, prefixRoot: undefined },
      { position: 7, timestamp: 7, prefixRoot: undefined },
    ]);
  });

  it("that contradict a retained one are refused, and not noted: that one is the user's word alone", async () => {
    const codes: string[] = [];
    const retained: RetainedEntry[] = [{ position: 3, timestamp: 10, prefixRoot: hash(1) }];
    const inspection = new Inspection(source({ 5: 9, 1: 11, 7: 10 }), retained, ({ code }) => void codes.push(code));
    for (const position of [5, 1])
      await expect(inspection.timestamp(position)).rejects.toMatchObject({
        code: "non-monotonic-timestamps",
        message: expect.stringContaining("3"),
      } satisfies Partial<Record<keyof KeytransError, unknown>>);
    expect(await inspection.timestamp(7)).toBe(10);
    expect(codes).toEqual([]);
  });
});

describe("prefix trees", () => {
  it("are the same in every proof from one entry, retained or not", async () => {
    const times = { 3: 1, 5: 2 };
    const agreeing = new Inspection(source(times, [hash(1), hash(2), hash(1)]), []);
    await agreeing.inclusion(3, [0]);
    await agreeing.inclusion(5, [0]);
    await agreeing.inclusion(3, [1]);
    expect(agreeing.inspected().map(({ prefixRoot }) => prefixRoot)).toEqual([hash(1), hash(2)]);
    const differing = new Inspection(source(times, [hash(1), hash(2)]), []);
    await differing.inclusion(3, [0]);
    await expect(differing.inclusion(3, [1])).rejects.toMatchObject({ code: "prefix-root-mismatch" });
    const remembering = new Inspection(source(times, [hash(2)]), [{ position: 3, timestamp: 1, prefixRoot: hash(1) }]);
    await expect(remembering.inclusion(3, [0])).rejects.toMatchObject({ code: "prefix-root-mismatch" });
  });
});

describe("what a response has proven", () => {
  /** Versions that a ladder for 3 at entry 5 looks up, after something else at entry 3; everything is said to be there. */
  async function askedAfter(before: (inspection: Inspection) => Promise<unknown>): Promise<number[]> {
    const asked: number[] = [];
    const counting: ProofSource = {
      ...source({ 3: 1, 5: 2 }),
      lookUp: (position, lookups, report) => {
        for (let version = lookups.next(); version !== undefined; version = lookups.next()) {
          if (position === 5) asked.push(version);
          report(version, version <= 3);
          lookups.answer(version <= 3);
        }
        return hash(position);
      },
    };
    const inspection = new Inspection(counting, []);
    await before(inspection);
    expect(await inspection.searchLadder(5, 3, true)).toBe(0);
    return asked;
  }

  it("is left out of later search ladders; what was looked up for another purpose is not", async () => {
    const whole = await askedAfter(async () => {});
    expect(whole).toEqual([0, 1, 3, 7, 5, 4]);
    expect(await askedAfter((inspection) => inspection.searchLadder(3, 3, true))).toEqual([7, 5, 4]);
    for (const before of [
      (inspection: Inspection) => inspection.searchLadder(3, 3, false),
      (inspection: Inspection) => inspection.includes(3, [0, 1, 3]),
      (inspection: Inspection) => inspection.monitoringLadder(3, 3),
    ])
      expect(await askedAfter(before)).toEqual(whole);
  });
});
