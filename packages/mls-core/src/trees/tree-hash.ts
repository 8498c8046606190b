import { type Codec, opaqueV, optional, struct, uint32, uint8, withEncoded } from "@mls-as/tls-codec";
import { cipherSuite } from "../cipher-suites.js";
import type { CryptoProvider } from "../crypto/provider.js";
import { LeafNode } from "../types/leaf-node.js";
import { ParentNode, type RatchetTree } from "../types/ratchet-tree.js";
import { leavesBelow, leftOf, parentOf, rightOf, rootOf } from "./tree-math.js";
import { Tree } from "./tree.js";

const LEAF = 1;
const PARENT = 2;
const LeafHashInput: Codec<{ nodeType: number; leafIndex: number; leafNode: LeafNode | undefined }> = struct({
  nodeType: uint8,
  leafIndex: uint32,
  leafNode: optional(LeafNode),
});
const ParentHashInput = struct({
  nodeType: uint8,
  parentNode: optional(ParentNode),
  leftHash: opaqueV(),
  rightHash: opaqueV(),
});

/** Hashes nodes as RFC 9420, "Tree Hashes", says. */
class TreeHasher {
  readonly #hash: (data: Uint8Array) => Uint8Array;

  constructor(provider: CryptoProvider, suite: number) {
    const { hash } = cipherSuite(suite);
    this.#hash = (data) => provider.hash(hash, data);
  }

  leaf(leafIndex: number, leafNode: LeafNode | undefined): Uint8Array {
    return withEncoded(LeafHashInput, { nodeType: LEAF, leafIndex, leafNode }, this.#hash);
  }

  parent(parentNode: ParentNode | undefined, leftHash: Uint8Array, rightHash: Uint8Array): Uint8Array {
    return withEncoded(ParentHashInput, { nodeType: PARENT, parentNode, leftHash, rightHash }, this.#hash);
  }
}

/** Tree hashes of all nodes, by node index. @throws MlsCoreError `unsupported-cipher-suite` */
export function treeHashes(provider: CryptoProvider, suite: number, tree: Tree): Uint8Array[] {
  const hasher = new TreeHasher(provider, suite);
  const hashes: Uint8Array[] = [];
  for (let leaf = 0; leaf < tree.leafCount; leaf++) hashes[2 * leaf] = hasher.leaf(leaf, tree.leaf(leaf));
  for (let half = 1; half < tree.leafCount; half *= 2)
    for (let x = 2 * half - 1; x < tree.width; x += 4 * half)
      hashes[x] = hasher.parent(tree.parentNode(x), hashes[x - half] as Uint8Array, hashes[x + half] as Uint8Array);
  return hashes;
}

/**
 * The tree hash of a whole tree.
 *
 * @throws MlsCoreError `unsupported-cipher-suite`, `invalid-argument`
 */
export function treeHash(provider: CryptoProvider, suite: number, nodes: RatchetTree): Uint8Array {
  const tree = Tree.open(nodes);
  return treeHashes(provider, suite, tree)[rootOf(tree.leafCount)] as Uint8Array;
}

/**
 * The tree hash of `sibling` as it was before the leaves in `unmerged` came: `original_sibling_tree_hash` of RFC 9420,
 * "Parent Hashes". Only paths from those leaves are hashed anew.
 *
 * @param unmerged leaf indices, inside or outside of the subtree
 */
export function originalTreeHash(
  provider: CryptoProvider,
  suite: number,
  tree: Tree,
  hashes: readonly Uint8Array[],
  sibling: number,
  unmerged: readonly number[],
): Uint8Array {
  const { first, last } = leavesBelow(sibling);
  const blanked = new Set(unmerged.filter((leaf) => leaf >= first && leaf <= last));
  if (blanked.size === 0) return hashes[sibling] as Uint8Array;
  const hasher = new TreeHasher(provider, suite);
  const changed = new Map<number, Uint8Array>();
  const hashOf = (x: number): Uint8Array => (changed.get(x) ?? hashes[x]) as Uint8Array;
  for (const leaf of blanked) changed.set(2 * leaf, hasher.leaf(leaf, undefined));
  let row = [...changed.keys()];
  while (row[0] !== sibling) {
    row = [...new Set(row.map((x) => parentOf(x, tree.leafCount) as number))];
    for (const x of row) {
      const node = tree.parentNode(x);
      const kept = node && { ...node, unmergedLeaves: node.unmergedLeaves.filter((leaf) => !blanked.has(leaf)) };
      changed.set(x, hasher.parent(kept, hashOf(leftOf(x) as number), hashOf(rightOf(x) as number)));
    }
  }
  return hashOf(sibling);
}
