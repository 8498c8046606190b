import { equalBytes } from "@mls-as/tls-codec";
import type { PrefixProof, PrefixSearchResult } from "../structs/index.js";
import { bitAt, splitByBit } from "./bits.js";
import type { PrefixChild, PrefixNode, PrefixNodeSource } from "./node.js";
import { type LoadedPaths, loadPaths, sortedKeys } from "./paths.js";

const self = (key: Uint8Array): Uint8Array => key;

/** Proves the outcome of the searches for `keys`, in the order given. Draft section "Prefix Tree" of "Tree Proofs". */
export async function provePrefixSearch(
  source: PrefixNodeSource,
  root: PrefixChild,
  keys: readonly Uint8Array[],
): Promise<PrefixProof> {
  const sorted = sortedKeys(keys);
  const paths = await loadPaths(source, root, sorted);
  const elements: Uint8Array[] = [];
  collectCopath(paths, root, sorted, 0, sorted.length, 0, elements);
  return { results: keys.map((key) => searchResult(paths, root, key)), elements };
}

function collectCopath(
  paths: LoadedPaths,
  child: PrefixChild,
  keys: readonly Uint8Array[],
  from: number,
  to: number,
  depth: number,
  elements: Uint8Array[],
): void {
  if (from === to) {
    elements.push(child.value);
    return;
  }
  if (child.id === 0) return;
  const node = paths.get(child.id) as PrefixNode;
  if (node.type === "leaf") return;
  const middle = splitByBit(keys, self, from, to, depth);
  collectCopath(paths, node.left, keys, from, middle, depth + 1, elements);
  collectCopath(paths, node.right, keys, middle, to, depth + 1, elements);
}

function searchResult(paths: LoadedPaths, root: PrefixChild, key: Uint8Array): PrefixSearchResult {
  let child = root;
  for (let depth = 0; ; depth++) {
    if (child.id === 0) return { resultType: "nonInclusionParent", depth };
    const node = paths.get(child.id) as PrefixNode;
    if (node.type === "leaf") {
      if (equalBytes(node.vrfOutput, key)) return { resultType: "inclusion", depth };
      return {
        resultType: "nonInclusionLeaf",
        leaf: { vrfOutput: node.vrfOutput, commitment: node.commitment },
        depth,
      };
    }
    child = bitAt(key, depth) === 0 ? node.left : node.right;
  }
}
