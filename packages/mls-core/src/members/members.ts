import { Tree } from "../trees/tree.js";
import type { Lifetime } from "../types/capabilities.js";
import type { Credential } from "../types/credential.js";
import type { LeafNode } from "../types/leaf-node.js";
import type { RatchetTree } from "../types/ratchet-tree.js";

/** What an Authentication Service wants to know of a member. */
export interface Member {
  readonly leafIndex: number;
  readonly credential: Credential;
  readonly signatureKey: Uint8Array;
  readonly encryptionKey: Uint8Array;
  /** Only of a leaf that still is as its KeyPackage brought it. */
  readonly lifetime: Lifetime | undefined;
  readonly leafNodeSource: LeafNode["leafNodeSource"];
}

export function memberOf(leafIndex: number, leaf: LeafNode): Member {
  const { credential, encryptionKey, leafNodeSource, signatureKey } = leaf;
  const lifetime = leaf.leafNodeSource === "keyPackage" ? leaf.lifetime : undefined;
  return { leafIndex, credential, signatureKey, encryptionKey, lifetime, leafNodeSource };
}

/**
 * The members of a tree, by ascending leaf index.
 *
 * @throws MlsCoreError `invalid-argument` when the nodes do not have the shape of a ratchet tree
 */
export function listMembers(tree: RatchetTree): Member[] {
  return Tree.open(tree)
    .leaves()
    .map(({ leafIndex, leafNode }) => memberOf(leafIndex, leafNode));
}
