import { equalBytes, opaqueV, struct, withEncoded } from "@mls-as/tls-codec";
import { cipherSuite } from "../cipher-suites.js";
import type { CryptoProvider } from "../crypto/provider.js";
import { leavesBelow, leftOf, rightOf } from "../trees/tree-math.js";
import { originalTreeHash } from "../trees/tree-hash.js";
import { resolution, type Tree } from "../trees/tree.js";
import type { ParentNode } from "../types/ratchet-tree.js";
import type { Violations } from "./violation.js";

const SECTION = "Verifying Parent Hashes";
const ParentHashInput = struct({
  encryptionKey: opaqueV(),
  parentHash: opaqueV(),
  originalSiblingTreeHash: opaqueV(),
});

/** The parent hash of a node towards the copath child with this original tree hash (RFC 9420, "Parent Hashes"). */
export function parentHash(
  provider: CryptoProvider,
  suite: number,
  { encryptionKey, parentHash: above }: Pick<ParentNode, "encryptionKey" | "parentHash">,
  originalSiblingTreeHash: Uint8Array,
): Uint8Array {
  const { hash } = cipherSuite(suite);
  const input = { encryptionKey, parentHash: above, originalSiblingTreeHash };
  return withEncoded(ParentHashInput, input, (encoded) => provider.hash(hash, encoded));
}

/**
 * The only descendant on the side of `child` that can carry P's parent hash: what remains of the resolution of `child`
 * without P's unmerged leaves there, if that is one node. Undefined otherwise.
 */
function candidate(tree: Tree, child: number, unmerged: readonly number[]): number | undefined {
  const { first, last } = leavesBelow(child);
  const expected = new Set<number>();
  for (const leaf of unmerged) if (leaf >= first && leaf <= last) expected.add(2 * leaf);
  const resolved = resolution(tree, child);
  if (resolved.length !== expected.size + 1) return undefined;
  const others = resolved.filter((node) => !expected.has(node));
  return others.length === 1 ? others[0] : undefined;
}

/**
 * Verifies that every parent node is parent-hash valid: exactly one descendant was set together with it.
 *
 * @param hashes tree hashes of all nodes
 */
export function checkParentHashes(
  provider: CryptoProvider,
  suite: number,
  tree: Tree,
  hashes: readonly Uint8Array[],
  violations: Violations,
): void {
  for (const x of tree.parents()) {
    const node = tree.parentNode(x) as ParentNode;
    const [left, right] = [leftOf(x) as number, rightOf(x) as number];
    let matches = 0;
    for (const [child, sibling] of [
      [left, right],
      [right, left],
    ] as const) {
      const descendant = candidate(tree, child, node.unmergedLeaves);
      const claimed = descendant === undefined ? undefined : claimedParentHash(tree, descendant);
      if (claimed === undefined) continue;
      const original = originalTreeHash(provider, suite, tree, hashes, sibling, node.unmergedLeaves);
      if (equalBytes(claimed, parentHash(provider, suite, node, original))) matches++;
    }
    if (matches !== 1)
      violations.add(
        "invalid-parent-hash",
        `tree[${x}].parent_node`,
        SECTION,
        `${matches === 0 ? "no descendant" : "more than one descendant"} was set together with this node`,
      );
  }
}

function claimedParentHash(tree: Tree, nodeIndex: number): Uint8Array | undefined {
  const node = tree.node(nodeIndex);
  if (node?.nodeType === "parent") return node.parentNode.parentHash;
  return node?.leafNode.leafNodeSource === "commit" ? node.leafNode.parentHash : undefined;
}
