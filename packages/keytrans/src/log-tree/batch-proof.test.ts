import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { keyedHashSuite } from "../fixtures/keyed-hash-suite.js";
import type { KeytransError } from "../errors.js";
import { type BatchShape, batchProofElements, evaluateBatchProof } from "./batch-proof.js";
import { appendLeaf, parentValue, rootValue } from "./hashing.js";
import { fullSubtrees, type Subtree, subtreeEnd, subtreeKey, subtreeStart } from "./subtrees.js";

const suite = keyedHashSuite();
const leaf = (i: number): Uint8Array => new Uint8Array(32).fill(i + 1);

/** A subtree's value, from its leaves. */
function valueOf({ level, index }: Subtree): Uint8Array {
  if (level === 0) return leaf(index);
  const [left, right] = [2 * index, 2 * index + 1].map((child) => valueOf({ level: level - 1, index: child }));
  return parentValue(suite, left as Uint8Array, level - 1, right as Uint8Array, level - 1);
}
const headsOf = (size: number): Uint8Array[] => fullSubtrees(size).map(valueOf);
const rootOf = (size: number): Uint8Array => rootValue(suite, size, headsOf(size));

const shapes: fc.Arbitrary<BatchShape> = fc.integer({ min: 1, max: 70 }).chain((size) =>
  fc.record({
    size: fc.constant(size),
    leaves: fc
      .uniqueArray(fc.integer({ min: 0, max: size - 1 }), { maxLength: 6 })
      .map((all) => all.sort((a, b) => a - b)),
    retained: fc.option(fc.integer({ min: 1, max: size }), { nil: undefined }),
    additional: fc.option(fc.integer({ min: 1, max: size }), { nil: undefined }),
  }),
);
const prove = (shape: BatchShape): Uint8Array[] => batchProofElements(shape).map(valueOf);
const evaluate = (shape: BatchShape, elements = prove(shape), noted?: KeytransError[], retained?: Uint8Array[]) =>
  evaluateBatchProof(
    suite,
    shape,
    shape.leaves.map(leaf),
    retained ?? (shape.retained === undefined ? [] : headsOf(shape.retained)),
    elements,
    noted && ((violation) => void noted.push(violation)),
  );

describe("a batch proof", () => {
  it("leads to the root, and to the root of each size that it reaches", () => {
    fc.assert(
      fc.property(shapes, (shape) => {
        const tree = evaluate(shape);
        expect([tree.size, tree.root, tree.heads]).toEqual([shape.size, rootOf(shape.size), headsOf(shape.size)]);
        const reached = new Set(tree.reachableSizes());
        expect(reached.has(shape.size)).toBe(true);
        if (shape.additional !== undefined) expect(reached.has(shape.additional)).toBe(true);
        for (let size = 1; size <= shape.size; size++) {
          const known = reached.has(size);
          expect(tree.rootAt(size), `${size}`).toEqual(known ? rootOf(size) : undefined);
          expect(tree.headsAt(size), `${size}`).toEqual(known ? headsOf(size) : undefined);
        }
      }),
    );
  });

  it("holds no element that could be computed, and none twice", () => {
    fc.assert(
      fc.property(shapes, (shape) => {
        const elements = batchProofElements(shape);
        expect(new Set(elements.map(subtreeKey)).size).toBe(elements.length);
        const retained = new Set(shape.retained === undefined ? [] : fullSubtrees(shape.retained).map(subtreeKey));
        for (const [i, element] of elements.entries()) {
          const [start, end] = [subtreeStart(element), subtreeEnd(element)];
          if (i > 0) expect(start).toBeGreaterThanOrEqual(subtreeEnd(elements[i - 1] as Subtree));
          expect(retained.has(subtreeKey(element)), subtreeKey(element)).toBe(false);
          expect(shape.leaves.some((position) => position >= start && position < end)).toBe(false);
        }
      }),
    );
  });

  it("is refused with an element more or fewer, and changes the root with any other", () => {
    fc.assert(
      fc.property(shapes, fc.nat(), (shape, choice) => {
        const elements = prove(shape);
        const count = expect.objectContaining({ code: "unexpected-count", path: "inclusion.elements" });
        expect(() => evaluate(shape, [...elements, leaf(0)])).toThrow(count);
        if (elements.length === 0) return;
        expect(() => evaluate(shape, elements.slice(0, -1))).toThrow(count);
        const at = choice % elements.length;
        const other = elements.with(at, new Uint8Array(32));
        const noted: KeytransError[] = [];
        expect(evaluate(shape, other, noted).root).not.toEqual(rootOf(shape.size));
      }),
    );
  });

  it("names a retained subtree that it recomputes to another value, and only then", () => {
    let mismatches = 0;
    fc.assert(
      fc.property(shapes, fc.nat(), (shape, choice) => {
        if (shape.retained === undefined) return;
        const heads = headsOf(shape.retained);
        const at = choice % heads.length;
        const subtree = fullSubtrees(shape.retained)[at] as Subtree;
        const [start, end] = [subtreeStart(subtree), subtreeEnd(subtree)];
        const cut = shape.additional !== undefined && start < shape.additional && shape.additional < end;
        const recomputed = cut || shape.leaves.some((position) => position >= start && position < end);
        const wrong = heads.with(at, new Uint8Array(32));
        const noted: KeytransError[] = [];
        const tree = evaluate(shape, undefined, noted, wrong);
        expect(noted.map(({ code }) => code)).toEqual(recomputed ? ["retained-subtree-mismatch"] : []);
        // What is recomputed counts, and what is not, is taken from memory.
        if (recomputed) expect(tree.root).toEqual(rootOf(shape.size));
        else expect(tree.root).not.toEqual(rootOf(shape.size));
        if (!recomputed) return;
        mismatches++;
        expect(() => evaluate(shape, undefined, undefined, wrong)).toThrow(
          expect.objectContaining({ code: "retained-subtree-mismatch" }),
        );
      }),
    );
    expect(mismatches).toBeGreaterThan(0);
  });
});

describe("appending leaves", () => {
  it("makes the heads of the whole tree, and names each subtree once it is complete", () => {
    let heads: readonly Uint8Array[] = [];
    const seen = new Set<string>();
    for (let size = 0; size < 70; size++) {
      const appended = appendLeaf(suite, size, heads, leaf(size));
      heads = appended.heads;
      expect(heads).toEqual(headsOf(size + 1));
      for (const { level, index, hash } of appended.nodes) {
        expect(subtreeEnd({ level, index })).toBe(size + 1);
        expect(hash).toEqual(valueOf({ level, index }));
        seen.add(subtreeKey({ level, index }));
      }
    }
    for (let size = 1; size <= 70; size++)
      for (const subtree of fullSubtrees(size)) expect(seen.has(subtreeKey(subtree))).toBe(true);
  });

  it("tells leaves from parents", () => {
    const [a, b] = [leaf(1), leaf(2)];
    const values = [
      [0, 0],
      [0, 1],
      [1, 0],
      [1, 1],
    ].map(([left, right]) => parentValue(suite, a, left as number, b, right as number).join());
    expect(new Set(values).size).toBe(4);
    expect(parentValue(suite, a, 2, b, 3)).toEqual(parentValue(suite, a, 1, b, 1));
  });
});
