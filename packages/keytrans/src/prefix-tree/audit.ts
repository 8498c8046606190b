import { compareBytes } from "@mls-as/tls-codec";
import { KeytransError } from "../errors.js";
import { type PrefixLeaf, type PrefixProof, ZERO_HASH } from "../structs/index.js";
import type { Suite } from "../suite/index.js";
import { splitByBit } from "./bits.js";
import { evaluatePrefixProof } from "./evaluate.js";
import { prefixLeafValue, prefixParentValue } from "./hashing.js";

/** Roots of two successive versions of a prefix tree. */
export interface PrefixTransition {
  readonly before: Uint8Array;
  readonly after: Uint8Array;
}

interface AddedLeaf {
  readonly leaf: PrefixLeaf;
  /** Depth of the node at which its search ended. */
  readonly depth: number;
  /** The other leaf found there; undefined for a missing child. */
  readonly existing: PrefixLeaf | undefined;
}

const keyOf = ({ leaf }: AddedLeaf): Uint8Array => leaf.vrfOutput;
const leafKey = (leaf: PrefixLeaf): Uint8Array => leaf.vrfOutput;

/**
 * Computes the roots before and after adding leaves, from a proof that none of them was there. `added` is ascending and
 * `proof.results` are its searches in that order. Draft section "Auditing".
 * @throws KeytransError invalid-auditor-update, and what a contradictory proof gives
 */
export function evaluateAddition(suite: Suite, added: readonly PrefixLeaf[], proof: PrefixProof): PrefixTransition {
  const searched = added.map(({ vrfOutput }) => ({ vrfOutput, commitment: undefined }));
  const items = added.map((leaf, i): AddedLeaf => {
    const result = proof.results[i];
    if (result === undefined || result.resultType === "inclusion")
      throw new KeytransError(
        "invalid-auditor-update",
        "an added leaf lacks its proof of absence",
        "Auditing",
        `proof.results[${i}]`,
      );
    const existing = result.resultType === "nonInclusionLeaf" ? result.leaf : undefined;
    return { leaf, depth: result.depth, existing };
  });
  const before = evaluatePrefixProof(suite, searched, proof);
  return { before, after: foldAddition(suite, items, proof.elements) };
}

/** The proof's elements were counted by evaluating the tree before; the tree after has the same heads beside its paths. */
function foldAddition(suite: Suite, items: readonly AddedLeaf[], elements: readonly Uint8Array[]): Uint8Array {
  let used = 0;
  const fold = (from: number, to: number, depth: number): Uint8Array => {
    if (from === to) return elements[used++] as Uint8Array;
    const first = items[from] as AddedLeaf;
    if (first.depth === depth) {
      const leaves = items.slice(from, to).map(({ leaf }) => leaf);
      if (first.existing) leaves.push(first.existing);
      leaves.sort((a, b) => compareBytes(a.vrfOutput, b.vrfOutput));
      return subtreeValue(suite, leaves, 0, leaves.length, depth);
    }
    const middle = splitByBit(items, keyOf, from, to, depth);
    const left = fold(from, middle, depth + 1);
    return prefixParentValue(suite, left, fold(middle, to, depth + 1));
  };
  return fold(0, items.length, 0);
}

/** Value of the subtree at `depth` that holds exactly `leaves[from, to)`, ascending. */
function subtreeValue(
  suite: Suite,
  leaves: readonly PrefixLeaf[],
  from: number,
  to: number,
  depth: number,
): Uint8Array {
  if (from === to) return ZERO_HASH;
  if (to - from === 1) return prefixLeafValue(suite, leaves[from] as PrefixLeaf);
  const middle = splitByBit(leaves, leafKey, from, to, depth);
  const left = subtreeValue(suite, leaves, from, middle, depth + 1);
  return prefixParentValue(suite, left, subtreeValue(suite, leaves, middle, to, depth + 1));
}

/** Whether leaves are strictly ascending by VRF output. */
export function strictlyAscending(leaves: readonly PrefixLeaf[]): boolean {
  return leaves.every((leaf, i) => {
    const before = leaves[i - 1];
    return before === undefined || compareBytes(before.vrfOutput, leaf.vrfOutput) < 0;
  });
}
