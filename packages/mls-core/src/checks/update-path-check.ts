import { equalBytes } from "@mls-as/tls-codec";
import type { CipherSuite } from "../cipher-suites.js";
import { encryptionKeyFault } from "../crypto/encryption-key-check.js";
import type { CryptoProvider } from "../crypto/provider.js";
import { filteredDirectPath } from "../trees/filtered-path.js";
import { treeHashes } from "../trees/tree-hash.js";
import { Tree } from "../trees/tree.js";
import type { UpdatePath } from "../types/commit.js";
import type { RatchetTree } from "../types/ratchet-tree.js";
import { keyString } from "./key-uniqueness-check.js";
import { parentHash } from "./parent-hash-check.js";
import type { Violations } from "./violation.js";

const SECTION = "Update Paths";

/**
 * Whether an UpdatePath fits the leaf's place: one node for each node of the filtered direct path, one ciphertext for each
 * recipient, sound and fresh keys, and the parent hash in the leaf.
 *
 * @param nodes the tree in which the leaf is set and its direct path blank
 * @param newLeaves leaves added by the same commit, to whom no path secret is encrypted
 */
export function checkUpdatePath(
  provider: CryptoProvider,
  suite: CipherSuite,
  nodes: RatchetTree,
  leafIndex: number,
  path: UpdatePath,
  violations: Violations,
  newLeaves: ReadonlySet<number> = new Set(),
): void {
  const tree = Tree.open(nodes);
  const steps = filteredDirectPath(tree, leafIndex);
  if (path.nodes.length !== steps.length) {
    violations.add("invalid-path", "nodes", SECTION, `${path.nodes.length} nodes where ${steps.length} are due`);
    return;
  }
  const keys = new Set<string>();
  for (const { leafNode } of tree.leaves()) keys.add(keyString(leafNode.encryptionKey));
  for (const x of tree.parents()) keys.add(keyString(tree.parentNode(x)?.encryptionKey ?? new Uint8Array()));
  for (const [i, { encryptedPathSecret, encryptionKey }] of path.nodes.entries()) {
    const fault = encryptionKeyFault(suite.kem, encryptionKey);
    if (fault !== undefined && fault !== "unsupported-signature-scheme")
      violations.add(fault, `nodes[${i}].encryption_key`, "Public Keys", fault.replaceAll("-", " "));
    const text = keyString(encryptionKey);
    if (keys.has(text))
      violations.add("duplicate-encryption-key", `nodes[${i}].encryption_key`, SECTION, "a key that is in the tree");
    keys.add(text);
    const due = steps[i]?.recipients.filter((x) => !newLeaves.has(x / 2)).length ?? 0;
    if (encryptedPathSecret.length !== due)
      violations.add(
        "invalid-path",
        `nodes[${i}].encrypted_path_secret`,
        SECTION,
        `${encryptedPathSecret.length} ciphertexts where ${due} are due`,
      );
  }
  const hashes = treeHashes(provider, suite.id, tree);
  let above: Uint8Array = new Uint8Array();
  for (let i = steps.length - 1; i >= 0; i--) {
    const encryptionKey = path.nodes[i]?.encryptionKey ?? new Uint8Array();
    const sibling = hashes[steps[i]?.copathChild ?? 0] as Uint8Array;
    above = parentHash(provider, suite.id, { encryptionKey, parentHash: above }, sibling);
  }
  const { leafNode } = path;
  if (leafNode.leafNodeSource === "commit" && !equalBytes(leafNode.parentHash, above))
    violations.add(
      "invalid-parent-hash",
      "leaf_node.parent_hash",
      "Verifying Parent Hashes",
      "not what the path hashes to",
    );
}
