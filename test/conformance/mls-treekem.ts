import {
  cipherSuite,
  type Node,
  parentHash,
  parentOf,
  RatchetTree,
  resolution,
  siblingOf,
  Tree,
  treeHash,
  treeHashes,
  UpdatePath,
} from "@mls-as/mls-core";
import { nodeProvider } from "@mls-as/mls-core/node";
import { Case, type CaseKind } from "./mls-case.js";
import { encryptionPublicKey, signaturePublicKeyOf } from "./mls-keys.js";
import { leafSignature } from "./mls-messages.js";
import { fullWidth, joinable, withoutTrailingBlanks } from "./mls-trees.js";

/** The direct path of a leaf, bottom up, with its copath, without the parents that need no key. RFC 9420, "Filtered Direct Path". */
function filteredDirectPath(tree: Tree, leafIndex: number): { node: number; copath: number }[] {
  const path: { node: number; copath: number }[] = [];
  let below = 2 * leafIndex;
  for (let x = parentOf(below, tree.leafCount); x !== undefined; x = parentOf(x, tree.leafCount)) {
    const copath = siblingOf(below, tree.leafCount) as number;
    if (resolution(tree, copath).length > 0) path.push({ node: x, copath });
    below = x;
  }
  return path;
}

/** Merges an update path into the tree, as RFC 9420, "Synchronizing Views of the Tree", says; the leaf's parent hash is compared. */
function merge(vector: Case, what: string, suite: number, before: RatchetTree, sender: number, path: UpdatePath) {
  const tree = Tree.open(before);
  const filtered = filteredDirectPath(tree, sender);
  vector.equal(`${what} nodes`, path.nodes.length, filtered.length);
  const nodes: (Node | undefined)[] = fullWidth(before);
  for (let x = parentOf(2 * sender, tree.leafCount); x !== undefined; x = parentOf(x, tree.leafCount))
    nodes[x] = undefined;
  const hashes = treeHashes(nodeProvider, suite, tree); // of the copath, which stays as it is
  let above: Uint8Array = new Uint8Array(0);
  for (let i = filtered.length - 1; i >= 0; i--) {
    const { node, copath } = filtered[i] as { node: number; copath: number };
    const { encryptionKey } = path.nodes[i] as UpdatePath["nodes"][number];
    nodes[node] = { nodeType: "parent", parentNode: { encryptionKey, parentHash: above, unmergedLeaves: [] } };
    above = parentHash(nodeProvider, suite, { encryptionKey, parentHash: above }, hashes[copath] as Uint8Array);
  }
  const { leafNode } = path;
  if (leafNode.leafNodeSource !== "commit") throw new Error(`${what}: a leaf of source ${leafNode.leafNodeSource}`);
  vector.equalBytes(`${what} parent_hash`, leafNode.parentHash, above);
  nodes[2 * sender] = { nodeType: "leaf", leafNode };
  return withoutTrailingBlanks(nodes);
}

/** `treekem`: keys of the leaves, the tree, each update path merged, the tree hash after it. Path secrets are not this project's. */
export const treekem: CaseKind = {
  fields: [
    "cipher_suite",
    "group_id",
    "epoch",
    "confirmed_transcript_hash",
    "ratchet_tree",
    "leaves_private",
    "update_paths",
  ],
  async check(vector) {
    const suite = vector.integer("cipher_suite");
    const groupId = vector.bytes("group_id");
    const tree = vector.decoded("ratchet_tree", RatchetTree);
    await joinable(vector, tree, suite, groupId);
    for (const [i, fields] of vector.list("leaves_private").entries()) {
      const entry = new Case(fields, ["index", "encryption_priv", "signature_priv", "path_secrets"]);
      const leaf = Tree.open(tree).leaf(entry.integer("index"));
      if (leaf === undefined) throw new Error(`leaves_private[${i}] is of a blank leaf`);
      const encryptionKey = encryptionPublicKey(suite, entry.bytes("encryption_priv"));
      vector.equalBytes(`leaves_private[${i}] encryption key`, leaf.encryptionKey, encryptionKey);
      const signatureKey = signaturePublicKeyOf(cipherSuite(suite).signatureScheme, entry.bytes("signature_priv"));
      vector.equalBytes(`leaves_private[${i}] signature key`, leaf.signatureKey, signatureKey);
    }
    for (const [i, fields] of vector.list("update_paths").entries()) {
      const entry = new Case(fields, ["sender", "update_path", "path_secrets", "commit_secret", "tree_hash_after"]);
      const what = `update_paths[${i}]`;
      const sender = entry.integer("sender");
      const path = vector.decodedBytes(what, UpdatePath, entry.bytes("update_path"));
      await leafSignature(vector, what, suite, path.leafNode, { groupId, leafIndex: sender });
      const after = merge(vector, what, suite, tree, sender, path);
      vector.equalBytes(
        `${what} tree_hash_after`,
        treeHash(nodeProvider, suite, after),
        entry.bytes("tree_hash_after"),
      );
      await joinable(vector, after, suite, groupId);
    }
  },
};
