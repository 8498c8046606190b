import * as fc from "fast-check";
import { expect, test } from "vitest";
import { nodesOf, packIds, paginate, unpackIds, withoutNodes } from "./prefix-pages.js";

const rows = fc.array(fc.uint8Array({ minLength: 1, maxLength: 255 }), { minLength: 1, maxLength: 80 });

test("nodes come out of their pages as they went in, under their ids", () => {
  fc.assert(
    fc.property(rows, fc.nat(2 ** 40), (bytes, from) => {
      const nodes = bytes.map((row, i) => ({ id: from + i, bytes: row }));
      const found = paginate(nodes).flatMap(({ first, nodes: page }) =>
        nodesOf(page).map((row, i) => ({ id: first + i, bytes: row })),
      );
      expect(found).toEqual(nodes);
    }),
    { numRuns: 50 },
  );
});

test("pruning leaves the other nodes under their ids, and nothing of a page that is empty", () => {
  fc.assert(
    fc.property(rows, fc.func(fc.boolean()), (bytes, goes) => {
      const nodes = bytes.map((row, i) => ({ id: 7 + i, bytes: row }));
      const gone = new Set(nodes.filter(({ id }) => goes(id)).map(({ id }) => id));
      for (const page of paginate(nodes)) {
        const before = nodesOf(page.nodes);
        const left = withoutNodes(page, gone);
        const all = before.every((_, i) => gone.has(page.first + i));
        expect(left === undefined).toBe(all);
        if (left !== undefined)
          for (const [i, row] of nodesOf(left.nodes).entries())
            expect(row).toEqual(gone.has(page.first + i) ? new Uint8Array() : before[i]);
      }
    }),
    { numRuns: 50 },
  );
});

test("a page whose lengths do not add up is refused", () => {
  expect(() => nodesOf(Uint8Array.of(2, 1))).toThrow(RangeError);
  expect(() => nodesOf(Uint8Array.of(0, 0, 16))).toThrow(RangeError);
});

test("lists of ids are packed without loss, and a list cut short is refused", () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer({ min: 0, max: 2 ** 50 }), { maxLength: 40 }), (ids) => {
      const sorted = [...ids].sort((a, b) => a - b);
      expect(unpackIds(packIds(ids))).toEqual(sorted);
    }),
  );
  // The same id twice, ids in a longer spelling than theirs.
  for (const other of [
    [5, 0],
    [0, 0],
    [0x80, 0],
    [0x85, 0],
    [0x80, 0x80, 1, 0x81, 0x00],
  ])
    expect(() => unpackIds(Uint8Array.from(other)), other.join()).toThrow(RangeError);
  expect(() => unpackIds(Uint8Array.of(0x81))).toThrow(RangeError);
  expect(() => unpackIds(new Uint8Array(9).fill(0xff))).toThrow(RangeError);
});

test("no bit of a list of ids can be flipped unnoticed", () => {
  for (const ids of [
    [1, 2, 3],
    [5, 6, 134, 135, 16_519, 16_520],
    [2 ** 40, 2 ** 40 + 1, 2 ** 40 + 129],
  ]) {
    const packed = packIds(ids);
    for (let bit = 0; bit < 8 * packed.length; bit++) {
      const flipped = packed.with(bit >> 3, (packed[bit >> 3] as number) ^ (1 << (bit & 7)));
      let read: number[] | undefined;
      try {
        read = unpackIds(flipped);
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError);
        continue;
      }
      expect(new Set(read).size).toBe(read.length);
      expect(packIds(read)).toEqual(flipped);
      expect(read).not.toEqual(ids);
    }
  }
});
