import { compareBytes, equalBytes } from "@mls-as/tls-codec";
import { KeytransError } from "../errors.js";
import { type PrefixProof, type PrefixSearchResult, ZERO_HASH } from "../structs/index.js";
import type { Suite } from "../suite/index.js";
import { sharePrefix, splitByBit } from "./bits.js";
import { prefixLeafValue, prefixParentValue } from "./hashing.js";

const SECTION = "Prefix Tree (Tree Proofs)";

/** A search key with the commitment that an inclusion result is about. */
export interface SearchedKey {
  readonly vrfOutput: Uint8Array;
  readonly commitment: Uint8Array | undefined;
}

/** The node at which a search ended. */
interface Terminal {
  readonly key: Uint8Array;
  readonly depth: number;
  readonly value: Uint8Array;
}

/**
 * Root of the prefix tree that a proof is from, if the results for `keys` are true.
 * @throws KeytransError invalid-prefix-proof, unexpected-count, unexpected-field
 */
export function evaluatePrefixProof(suite: Suite, keys: readonly SearchedKey[], proof: PrefixProof): Uint8Array {
  if (keys.length !== proof.results.length)
    throw new KeytransError(
      "unexpected-count",
      `${proof.results.length} search results where ${keys.length} are due`,
      SECTION,
      "results",
    );
  const terminals = proof.results.map((result, i) => terminal(suite, keys[i] as SearchedKey, result, i));
  terminals.sort((a, b) => compareBytes(a.key, b.key));
  return foldTerminals(suite, terminals, proof.elements);
}

function terminal(
  suite: Suite,
  { vrfOutput, commitment }: SearchedKey,
  result: PrefixSearchResult,
  i: number,
): Terminal {
  const { depth } = result;
  switch (result.resultType) {
    case "inclusion":
      if (commitment === undefined)
        throw new KeytransError("unexpected-field", "included version without a commitment", SECTION, `results[${i}]`);
      return { key: vrfOutput, depth, value: prefixLeafValue(suite, { vrfOutput, commitment }) };
    case "nonInclusionLeaf":
      if (equalBytes(result.leaf.vrfOutput, vrfOutput))
        throw invalid("a non-inclusion result ends at the leaf searched for", i);
      if (!sharePrefix(result.leaf.vrfOutput, vrfOutput, depth))
        throw invalid("the leaf does not lie on the search path", i);
      return { key: vrfOutput, depth, value: prefixLeafValue(suite, result.leaf) };
    case "nonInclusionParent":
      return { key: vrfOutput, depth, value: ZERO_HASH };
  }
}

/** Hashes terminal nodes (sorted by key) and the remaining heads, left to right, up to the root. */
export function foldTerminals(
  suite: Suite,
  terminals: readonly Terminal[],
  elements: readonly Uint8Array[],
): Uint8Array {
  let used = 0;
  const fold = (from: number, to: number, depth: number): Uint8Array => {
    if (from === to) {
      const element = elements[used++];
      if (element === undefined) throw countError(elements.length);
      return element;
    }
    const first = terminals[from] as Terminal;
    let ending = 0;
    for (let i = from; i < to; i++) if ((terminals[i] as Terminal).depth === depth) ending++;
    if (ending > 0) {
      if (ending !== to - from) throw invalid("a search path runs through the end of another", from);
      for (let i = from + 1; i < to; i++)
        if (!equalBytes((terminals[i] as Terminal).value, first.value))
          throw invalid("two searches end at one place with different nodes", i);
      return first.value;
    }
    if (depth === 255) throw invalid("a search path is longer than its key", from);
    const middle = splitByBit(terminals, ({ key }) => key, from, to, depth);
    const left = fold(from, middle, depth + 1);
    const right = fold(middle, to, depth + 1);
    return prefixParentValue(suite, left, right);
  };
  const root = fold(0, terminals.length, 0);
  if (used !== elements.length) throw countError(elements.length);
  return root;
}

function invalid(message: string, index: number): KeytransError {
  return new KeytransError("invalid-prefix-proof", message, SECTION, `results[${index}]`);
}

function countError(actual: number): KeytransError {
  return new KeytransError("unexpected-count", `${actual} elements are not as many as are due`, SECTION, "elements");
}
