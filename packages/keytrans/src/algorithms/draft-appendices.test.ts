import { describe, expect, it } from "vitest";
import { baseBinaryLadder, MAX_VERSION, monitoringBinaryLadder, searchBinaryLadder } from "../binary-ladder.js";
import { batchProofElements } from "../log-tree/batch-proof.js";
import { frontier, left, level, right, root, viewUpdatePath } from "../search-tree.js";

/** The draft's appendix code, in bigints so that nothing of it can overflow. */
const appendix = {
  log2(x: bigint): bigint {
    if (x === 0n) return 0n;
    let k = 0n;
    while (x >> k > 0n) k += 1n;
    return k - 1n;
  },
  level(x: bigint): bigint {
    if ((x & 1n) === 0n) return 0n;
    let k = 0n;
    while (((x >> k) & 1n) === 1n) k += 1n;
    return k;
  },
  root: (n: bigint): bigint => (1n << appendix.log2(n)) - 1n,
  left(x: bigint): bigint | undefined {
    const k = appendix.level(x);
    return k === 0n ? undefined : x ^ (1n << (k - 1n));
  },
  right(x: bigint, n: bigint): bigint | undefined {
    const k = appendix.level(x);
    if (k === 0n || x === n - 1n) return undefined;
    let child = x ^ (3n << (k - 1n));
    while (child >= n) child = appendix.left(child) as bigint;
    return child;
  },
  baseBinaryLadder(n: bigint): bigint[] {
    const out: bigint[] = [];
    for (;;) {
      const value = (1n << BigInt(out.length)) - 1n;
      out.push(value);
      if (value > n) break;
    }
    let lower = out.at(-2) as bigint;
    let upper = out.at(-1) as bigint;
    while (lower + 1n < upper) {
      const value = (lower + upper) / 2n;
      out.push(value);
      if (value <= n && value < 1n << 32n) lower = value;
      else upper = value;
    }
    return out.filter((v) => v < 1n << 32n);
  },
  searchBinaryLadder(t: bigint, n: bigint, leftInclusion: bigint[] = [], rightNonInclusion: bigint[] = []): bigint[] {
    const out = appendix.baseBinaryLadder(n);
    const end = out.findIndex((v) => (v <= n && v > t) || (v > n && v <= t));
    return out
      .slice(0, end < 0 ? out.length : end + 1)
      .filter((v) => !leftInclusion.includes(v) && !rightNonInclusion.includes(v));
  },
};

const numbers = (values: bigint[]): number[] => values.map(Number);

describe("appendix: implicit binary search tree", () => {
  it("navigates logs of every size up to 200, and large ones, as the draft's code does", () => {
    const sizes = [...Array.from({ length: 200 }, (_, i) => i + 1), 2 ** 32, 2 ** 40 + 12345, 2 ** 53 - 1];
    for (const size of sizes) {
      const n = BigInt(size);
      expect(root(size)).toBe(Number(appendix.root(n)));
      const positions = size <= 200 ? Array.from({ length: size }, (_, i) => i) : [...frontier(size), 2 ** 31 - 1];
      for (const x of positions) {
        const [b, r, l] = [BigInt(x), right(x, size), left(x)];
        expect(level(x)).toBe(Number(appendix.level(b)));
        const expectedRight = appendix.right(b, n);
        expect(r).toBe(expectedRight === undefined ? undefined : Number(expectedRight));
        const expectedLeft = appendix.left(b);
        expect(l).toBe(expectedLeft === undefined ? undefined : Number(expectedLeft));
      }
    }
  });

  it("gives the frontier of the draft's example", () => {
    expect(frontier(50)).toEqual([31, 47, 49]);
  });
});

describe("appendix: binary ladder", () => {
  it("gives the draft's ladders for versions up to 150 and around every power of two", () => {
    const versions = Array.from({ length: 150 }, (_, i) => i);
    for (let k = 8; k <= 32; k++) versions.push(2 ** k - 3, 2 ** k - 2, 2 ** k - 1);
    for (let k = 8; k < 32; k++) versions.push(2 ** k, 2 ** k + 1);
    for (const n of versions) {
      expect(baseBinaryLadder(n)).toEqual(numbers(appendix.baseBinaryLadder(BigInt(n))));
      expect(monitoringBinaryLadder(n)).toEqual(baseBinaryLadder(n).filter((version) => version <= n));
    }
    expect(baseBinaryLadder(6)).toEqual([0, 1, 3, 7, 5, 6]);
    expect(baseBinaryLadder(MAX_VERSION).at(-1)).toBe(MAX_VERSION);
  });

  it("gives the draft's search ladders, with and without omissions", () => {
    for (let t = 0; t < 40; t++)
      for (let n = 0; n < 40; n++) {
        expect(searchBinaryLadder(t, n)).toEqual(numbers(appendix.searchBinaryLadder(BigInt(t), BigInt(n))));
        const included = [0, 1, 3, 5].filter((v) => v <= n);
        const absent = [7, 15, 11].filter((v) => v > n);
        const known = {
          outcome: (v: number) => (included.includes(v) ? true : absent.includes(v) ? false : undefined),
        };
        expect(searchBinaryLadder(t, n, known)).toEqual(
          numbers(appendix.searchBinaryLadder(BigInt(t), BigInt(n), included.map(BigInt), absent.map(BigInt))),
        );
      }
  });
});

describe("appendix: worked example, the log tree's part", () => {
  it("provides the timestamps and the four heads that the draft lists", () => {
    expect(viewUpdatePath(4, 13)).toEqual([7, 11, 12]);
    expect(batchProofElements({ size: 13, leaves: [7, 11, 12], retained: 4 })).toEqual([
      { level: 1, index: 2 },
      { level: 0, index: 6 },
      { level: 1, index: 4 },
      { level: 0, index: 10 },
    ]);
  });
});
