import { compareBytes } from "@mls-as/tls-codec";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { KeytransErrorCode } from "../errors.js";
import { keyedHashSuite } from "../fixtures/keyed-hash-suite.js";
import type { PrefixLeaf, PrefixProof } from "../structs/index.js";
import { ZERO_HASH } from "../structs/index.js";
import { evaluateAddition, strictlyAscending } from "./audit.js";
import { bitAt } from "./bits.js";
import { evaluatePrefixProof, type SearchedKey } from "./evaluate.js";
import { prefixLeafValue, prefixParentValue } from "./hashing.js";
import { insertLeaves } from "./insert.js";
import { NO_CHILD, type PrefixChild, type PrefixNodeSource } from "./node.js";
import { provePrefixSearch } from "./search.js";

const suite = keyedHashSuite();

/** Keys that share long beginnings, so that trees are deep; no two share 255 bits, for which a proof has no depth. */
const key = fc
  .tuple(fc.integer({ min: 0, max: 255 }), fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 7 }))
  .map(([first, second, last]) => {
    const bytes = new Uint8Array(32).fill(0xa5);
    bytes[0] = first % 4 === 0 ? 0xa5 : first;
    bytes[1] = second;
    bytes[31] = 2 * last;
    return bytes;
  });
const keys = (shape: { minLength?: number; maxLength: number }) =>
  fc.uniqueArray(key, { ...shape, selector: (one) => one.join() });
const leafOf = (vrfOutput: Uint8Array): PrefixLeaf => ({
  vrfOutput,
  commitment: suite.hash(Uint8Array.of(7, ...vrfOutput)),
});
const sorted = (all: readonly Uint8Array[]): Uint8Array[] => [...all].sort(compareBytes);

/** The root by the draft's definition, computed from all leaves. */
function rootOf(leaves: readonly PrefixLeaf[], depth = 0): Uint8Array {
  const [first] = leaves;
  if (first === undefined) return ZERO_HASH;
  if (leaves.length === 1) return prefixLeafValue(suite, first);
  const half = (bit: number): Uint8Array =>
    rootOf(
      leaves.filter(({ vrfOutput }) => bitAt(vrfOutput, depth) === bit),
      depth + 1,
    );
  return prefixParentValue(suite, half(0), half(1));
}

/** A tree grown in batches, each version of it readable. */
class Tree {
  readonly #nodes = new Map<number, Uint8Array>();
  readonly source: PrefixNodeSource = {
    prefixNodes: (ids) => ids.map((id) => this.#nodes.get(id) as Uint8Array),
  };
  root: PrefixChild = NO_CHILD;
  #nextId = 1;

  async add(added: readonly Uint8Array[]): Promise<void> {
    const inserted = await insertLeaves(suite, this.source, this.root, sorted(added).map(leafOf), this.#nextId);
    for (const { id, bytes } of inserted.nodes) this.#nodes.set(id, bytes);
    this.root = inserted.root;
    this.#nextId = inserted.nextId;
  }

  static async of(...batches: readonly (readonly Uint8Array[])[]): Promise<Tree> {
    const tree = new Tree();
    for (const batch of batches) await tree.add(batch);
    return tree;
  }
}

const searches = (wanted: readonly Uint8Array[]): SearchedKey[] => wanted.map(leafOf);
const refusal = (code: KeytransErrorCode, path: string) =>
  expect.objectContaining({ name: "KeytransError", code, path });

describe("a prefix tree", () => {
  it("has the root of its leaves, in whatever batches they came", async () => {
    await fc.assert(
      fc.asyncProperty(keys({ maxLength: 24 }), fc.nat(24), async (all, cut) => {
        const tree = await Tree.of(all.slice(0, cut), all.slice(cut));
        expect(tree.root.value).toEqual(rootOf(all.map(leafOf)));
        if (all.length > 0) await expect(tree.add(all.slice(0, 1))).rejects.toMatchObject({ code: "invalid-argument" });
      }),
    );
  });

  it("proves each search to its root, what is there and what is not", async () => {
    await fc.assert(
      fc.asyncProperty(
        keys({ maxLength: 20 }),
        keys({ minLength: 1, maxLength: 6 }),
        fc.nat(6),
        async (all, others, n) => {
          const tree = await Tree.of(all);
          const wanted = [...others, ...all.slice(0, n)].filter(
            (one, i, list) => list.findIndex((other) => other.join() === one.join()) === i,
          );
          const proof = await provePrefixSearch(tree.source, tree.root, wanted);
          const present = new Set(all.map((one) => one.join()));
          expect(proof.results.map(({ resultType }) => resultType === "inclusion")).toEqual(
            wanted.map((one) => present.has(one.join())),
          );
          expect(evaluatePrefixProof(suite, searches(wanted), proof)).toEqual(tree.root.value);
        },
      ),
    );
  });

  it("proves nothing else: with any part changed the proof is refused or leads to another root", async () => {
    await fc.assert(
      fc.asyncProperty(
        keys({ minLength: 1, maxLength: 14 }),
        keys({ minLength: 1, maxLength: 4 }),
        fc.nat(),
        async (all, wanted, choice) => {
          const tree = await Tree.of(all);
          const proof = await provePrefixSearch(tree.source, tree.root, wanted);
          for (const changed of changesOf(proof, choice)) {
            let root: Uint8Array | undefined;
            try {
              root = evaluatePrefixProof(suite, searches(wanted), changed);
            } catch (error) {
              expect(error).toMatchObject({ name: "KeytransError" });
            }
            expect(root).not.toEqual(tree.root.value);
          }
        },
      ),
    );
  });

  it("says what is wrong with a proof, and where", async () => {
    const all = [0x00, 0x40, 0x80, 0xc0, 0xc1].map((first) => new Uint8Array(32).with(0, first));
    const tree = await Tree.of(all);
    const [there, absent] = [all[0] as Uint8Array, new Uint8Array(32).with(0, 0xc2)];
    const wanted = [absent, there];
    const proof = await provePrefixSearch(tree.source, tree.root, wanted);
    const [missing, included] = proof.results as [PrefixProof["results"][0], PrefixProof["results"][0]];
    const evaluate = (change: Partial<PrefixProof>, of: readonly SearchedKey[] = searches(wanted)) =>
      evaluatePrefixProof(suite, of, { ...proof, ...change });
    expect(evaluate({})).toEqual(tree.root.value);
    expect(() => evaluate({ results: [missing] })).toThrow(refusal("unexpected-count", "results"));
    expect(() => evaluate({ elements: proof.elements.slice(1) })).toThrow(refusal("unexpected-count", "elements"));
    expect(() => evaluate({ elements: [...proof.elements, ZERO_HASH] })).toThrow(
      refusal("unexpected-count", "elements"),
    );
    expect(() => evaluate({}, [leafOf(absent), { vrfOutput: there, commitment: undefined }])).toThrow(
      refusal("unexpected-field", "results[1]"),
    );
    const found = (leaf: PrefixLeaf, depth: number) => ({ resultType: "nonInclusionLeaf", leaf, depth }) as const;
    expect(() => evaluate({ results: [found(leafOf(absent), 3), included] })).toThrow(
      refusal("invalid-prefix-proof", "results[0]"),
    );
    // The leaf shown shares two bits with the key, and no third.
    const cousin = leafOf(new Uint8Array(32).with(0, 0xe0));
    expect(() => evaluate({ results: [found(cousin, 3), included] })).toThrow(
      refusal("invalid-prefix-proof", "results[0]"),
    );
    // One search ends above the other, on its path.
    const near = new Uint8Array(32).with(0, 0xc3);
    const parent = (depth: number) => ({ resultType: "nonInclusionParent", depth }) as const;
    expect(() => evaluate({ results: [parent(1), parent(5)] }, searches([absent, near]))).toThrow(
      refusal("invalid-prefix-proof", "results[0]"),
    );
    expect(() =>
      evaluate({ results: [parent(1), found(leafOf(all[3] as Uint8Array), 1)] }, searches([absent, near])),
    ).toThrow(refusal("invalid-prefix-proof", "results[1]"));
    // Both agree to the last bit, where no node can be.
    const [even, odd] = [there.with(31, 2), there.with(31, 3)];
    expect(() => evaluate({ results: [parent(255), parent(254)] }, searches([even, odd]))).toThrow(
      expect.objectContaining({ code: "invalid-prefix-proof" }),
    );
  });
});

/** Proofs with one part changed. */
function* changesOf(proof: PrefixProof, choice: number): Generator<PrefixProof> {
  const { results, elements } = proof;
  if (elements.length > 0) {
    const at = choice % elements.length;
    const element = elements[at] as Uint8Array;
    yield { ...proof, elements: elements.with(at, element.with(choice % 32, (element[choice % 32] as number) ^ 1)) };
    yield { ...proof, elements: elements.slice(0, -1) };
  }
  yield { ...proof, elements: [...elements, new Uint8Array(32)] };
  const at = choice % results.length;
  const result = results[at] as PrefixProof["results"][0];
  for (const depth of [result.depth + 1, result.depth - 1, 255])
    if (depth >= 0 && depth !== result.depth) yield { ...proof, results: results.with(at, { ...result, depth }) };
  const { depth } = result;
  yield {
    ...proof,
    results: results.with(
      at,
      result.resultType === "inclusion"
        ? { resultType: "nonInclusionParent", depth }
        : { resultType: "inclusion", depth },
    ),
  };
  if (result.resultType !== "nonInclusionLeaf") return;
  const { leaf } = result;
  for (const other of [
    { ...leaf, commitment: leaf.commitment.with(0, (leaf.commitment[0] as number) ^ 1) },
    { ...leaf, vrfOutput: leaf.vrfOutput.with(31, (leaf.vrfOutput[31] as number) ^ 128) },
  ])
    yield { ...proof, results: results.with(at, { ...result, leaf: other }) };
}

describe("an addition", () => {
  it("leads from the root before to the root after, and refuses leaves that were there", async () => {
    await fc.assert(
      fc.asyncProperty(keys({ maxLength: 24 }), fc.nat(24), async (all, cut) => {
        const [before, added] = [all.slice(0, cut), sorted(all.slice(cut))];
        const tree = await Tree.of(before);
        const proof = await provePrefixSearch(tree.source, tree.root, added);
        const leaves = added.map(leafOf);
        expect(evaluateAddition(suite, leaves, proof)).toEqual({
          before: rootOf(before.map(leafOf)),
          after: rootOf(all.map(leafOf)),
        });
        const [known] = before;
        if (known === undefined) return;
        const claimed = await provePrefixSearch(tree.source, tree.root, [known]);
        expect(() => evaluateAddition(suite, [leafOf(known)], claimed)).toThrow(
          refusal("invalid-auditor-update", "proof.results[0]"),
        );
        expect(() => evaluateAddition(suite, [leafOf(known)], { ...claimed, results: [] })).toThrow(
          refusal("invalid-auditor-update", "proof.results[0]"),
        );
      }),
    );
  });

  it("is of leaves that ascend strictly", () => {
    const [a, b] = [1, 2].map((first) => leafOf(new Uint8Array(32).with(31, first))) as [PrefixLeaf, PrefixLeaf];
    expect([[], [a], [a, b]].map(strictlyAscending)).toEqual([true, true, true]);
    expect(
      [
        [a, a],
        [b, a],
        [a, b, b],
      ].map(strictlyAscending),
    ).toEqual([false, false, false]);
  });
});
