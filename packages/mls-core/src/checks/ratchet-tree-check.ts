import { equalBytes } from "@mls-as/tls-codec";
import { findCipherSuite } from "../cipher-suites.js";
import { encryptionKeyFault } from "../crypto/encryption-key-check.js";
import type { CryptoProvider } from "../crypto/provider.js";
import { treeHashes } from "../trees/tree-hash.js";
import { rootOf } from "../trees/tree-math.js";
import { Tree } from "../trees/tree.js";
import { credentialTypeOf } from "../types/credential.js";
import type { Extension } from "../types/extension.js";
import { type RatchetTree, ratchetTreeFault } from "../types/ratchet-tree.js";
import { checkUniqueKeys } from "./key-uniqueness-check.js";
import {
  checkLeafContent,
  checkLeafSignature,
  firstMissing,
  GroupRequirements,
  type LifetimeRule,
} from "./leaf-node-check.js";
import { checkParentHashes } from "./parent-hash-check.js";
import { checkUnmergedLeaves } from "./unmerged-leaves-check.js";
import { type Violation, Violations } from "./violation.js";

const JOINING = "Joining via Welcome Message";

/** The tree as it came, and what the group says about it. */
export interface RatchetTreeRule extends LifetimeRule {
  readonly tree: RatchetTree;
  readonly cipherSuite: number;
  readonly groupId: Uint8Array;
  /** Of the GroupContext; without it the tree hash is not compared. */
  readonly treeHash?: Uint8Array | undefined;
  /** Of the GroupContext. */
  readonly groupExtensions?: readonly Extension[] | undefined;
}

/**
 * Ratchet tree validation as a joiner does it (RFC 9420, "Joining via Welcome Message"): tree hash, parent hashes, every leaf
 * with its signature, unmerged leaves, uniqueness of keys, and that all members support all credential types in use.
 *
 * Work is linear in the tree's size, apart from a factor of its depth for unmerged leaves; nothing recurses.
 */
export async function checkRatchetTree(provider: CryptoProvider, rule: RatchetTreeRule): Promise<Violation[]> {
  const violations = new Violations();
  const suite = findCipherSuite(rule.cipherSuite);
  if (suite === undefined) {
    violations.add("unsupported-cipher-suite", "cipher_suite", "MLS Cipher Suites", `suite ${rule.cipherSuite}`);
    return violations.list;
  }
  const fault = ratchetTreeFault(rule.tree);
  if (fault !== undefined) {
    violations.add("malformed", "tree", "Ratchet Tree Extension", fault);
    return violations.list;
  }
  const tree = Tree.open(rule.tree);
  const hashes = treeHashes(provider, suite.id, tree);
  if (rule.treeHash !== undefined && !equalBytes(rule.treeHash, hashes[rootOf(tree.leafCount)] as Uint8Array))
    violations.add("tree-hash-mismatch", "tree_hash", JOINING, "the tree does not hash to the tree hash");
  checkUnmergedLeaves(tree, violations);
  checkParentHashes(provider, suite.id, tree, hashes, violations);
  checkUniqueKeys(tree, violations);
  for (const x of tree.parents()) {
    const keyFault = encryptionKeyFault(suite.kem, tree.parentNode(x)?.encryptionKey ?? new Uint8Array());
    if (keyFault !== undefined && keyFault !== "unsupported-signature-scheme")
      violations.add(keyFault, `tree[${x}].parent_node.encryption_key`, "Public Keys", keyFault.replaceAll("-", " "));
  }
  checkCredentialSupport(tree, violations);
  const requirements = new GroupRequirements(rule.groupExtensions);
  if (requirements.malformed)
    violations.add("malformed", "extensions", "Required Capabilities", "required_capabilities does not decode");
  for (const { leafIndex, leafNode } of tree.leaves()) {
    const inLeaf = violations.at(`tree[${2 * leafIndex}].leaf_node`);
    checkLeafContent(suite, leafNode, requirements, rule, inLeaf);
    await checkLeafSignature(provider, suite, leafNode, { groupId: rule.groupId, leafIndex }, inLeaf);
  }
  return violations.list;
}

/** Every member supports the credential types of all others (RFC 9420, "Leaf Node Validation"). */
function checkCredentialSupport(tree: Tree, violations: Violations): void {
  const leaves = tree.leaves();
  const inUse = [...new Set(leaves.map(({ leafNode }) => credentialTypeOf(leafNode.credential)))];
  for (const { leafIndex, leafNode } of leaves) {
    const type = firstMissing(inUse, leafNode.capabilities.credentials);
    // A leaf that does not list its own type is told by its own check.
    if (type === undefined || type === credentialTypeOf(leafNode.credential)) continue;
    violations.add(
      "unsupported-credential-type",
      `tree[${2 * leafIndex}].leaf_node.capabilities.credentials`,
      "Leaf Node Validation",
      `type ${type}, in use by another member, is not listed`,
    );
  }
}
