import { encode, equalBytes } from "@mls-as/tls-codec";
import { type CipherSuite, findCipherSuite } from "../cipher-suites.js";
import {
  checkLeafContent,
  checkLeafSignature,
  GroupRequirements,
  type LifetimeRule,
} from "../checks/leaf-node-check.js";
import { checkPublicMessage, type GroupState } from "../checks/public-message-check.js";
import { checkUpdatePath } from "../checks/update-path-check.js";
import type { Violations } from "../checks/violation.js";
import type { CryptoProvider } from "../crypto/provider.js";
import { leftmostFreeLeaf, withFreshLeaf, withoutLeaf } from "../trees/tree-change.js";
import { Credential, credentialTypeOf } from "../types/credential.js";
import type { Commit, UpdatePath } from "../types/commit.js";
import type { LeafNode } from "../types/leaf-node.js";
import type { RatchetTree } from "../types/ratchet-tree.js";
import { ratchetTreeFault } from "../types/ratchet-tree.js";
import { PublicMessage } from "../types/public-message.js";
import { decodeMessage, decodeWithin, judge, type PreflightLimits, type Verdict } from "./verdict.js";

const SECTION = "Proposal List Validation";
const JOINING = "Joining via External Commits";

/** What an external commit is judged against. */
export interface ExternalCommitPreflight extends GroupState, LifetimeRule, PreflightLimits {
  /**
   * Whether the joiner is the client that it removes, by the application's rule. Without it, only an equal credential is the
   * same client.
   */
  readonly sameClient?: ((removed: LeafNode, joiner: LeafNode) => boolean) | undefined;
}

/** A judged external commit. */
export interface JudgedExternalCommit {
  readonly message: PublicMessage;
  /** Where the joiner will stand; undefined when it cannot be said. */
  readonly leafIndex: number | undefined;
  /** Leaf index that the commit removes. */
  readonly removed: number | undefined;
}

/**
 * Judges an external commit before it is handed to an MLS library (RFC 9420, "Joining via External Commits" and "Proposal List
 * Validation"): its proposals, its path, the joiner's leaf, and its signature. Never throws on hostile input.
 *
 * @param bytes an MLSMessage that holds a PublicMessage, or with `framing: "raw"` the bare PublicMessage
 */
export async function preflightExternalCommit(
  provider: CryptoProvider,
  bytes: Uint8Array,
  rule: ExternalCommitPreflight,
): Promise<Verdict<JudgedExternalCommit>> {
  return await judge(async (violations) => {
    const message =
      rule.framing === "raw"
        ? decodeWithin(PublicMessage, bytes, rule, violations)
        : decodeMessage("publicMessage", bytes, rule, violations)?.publicMessage;
    if (message === undefined) return { value: undefined, found: [] };
    const { content } = message;
    let leafIndex: number | undefined;
    let removed: number | undefined;
    if (content.sender.senderType !== "newMemberCommit")
      violations.add(
        "unknown-sender",
        "content.sender",
        JOINING,
        `${content.sender.senderType}, not new_member_commit`,
      );
    else if (content.contentType === "commit") {
      const inCommit = violations.at("content.commit");
      removed = checkProposals(content.commit, inCommit);
      const suite = findCipherSuite(rule.context.cipherSuite);
      const { path } = content.commit;
      if (path !== undefined && suite !== undefined && ratchetTreeFault(rule.tree) === undefined)
        leafIndex = await checkJoiner(provider, suite, path, removed, rule, inCommit);
    }
    const found = await checkPublicMessage(provider, message, rule);
    return { value: { message, leafIndex, removed }, found };
  });
}

/** Exactly one ExternalInit, at most one Remove, any PreSharedKey, nothing else, nothing by reference. */
function checkProposals({ proposals }: Commit, violations: Violations): number | undefined {
  let inits = 0;
  const removes: number[] = [];
  for (const [i, entry] of proposals.entries()) {
    const path = `proposals[${i}]`;
    if (entry.type === "reference") {
      violations.add("proposal-not-allowed", path, JOINING, "a proposal by reference");
      continue;
    }
    const { proposal } = entry;
    if (proposal.proposalType === "externalInit") inits++;
    else if (proposal.proposalType === "remove") removes.push(proposal.removed);
    else if (proposal.proposalType !== "psk")
      violations.add("proposal-not-allowed", path, SECTION, `${proposal.proposalType} in an external commit`);
  }
  if (inits !== 1) violations.add("proposal-not-allowed", "proposals", SECTION, `${inits} ExternalInit, not one`);
  if (removes.length > 1) violations.add("proposal-not-allowed", "proposals", SECTION, "more than one Remove");
  return removes[0];
}

/** @returns the joiner's leaf index */
async function checkJoiner(
  provider: CryptoProvider,
  suite: CipherSuite,
  path: UpdatePath,
  removed: number | undefined,
  rule: ExternalCommitPreflight,
  violations: Violations,
): Promise<number> {
  const { leafNode: joiner } = path;
  const old = removed === undefined ? undefined : rule.tree[2 * removed];
  if (removed !== undefined && old?.nodeType !== "leaf")
    violations.add("unknown-leaf", "proposals", SECTION, `leaf ${removed} is blank or out of range`);
  const inPath = violations.at("path");
  const inLeaf = inPath.at("leaf_node");
  let { tree }: { tree: RatchetTree } = rule;
  if (removed !== undefined && old?.nodeType === "leaf") {
    checkSameClient(old.leafNode, joiner, rule, violations);
    tree = withoutLeaf(tree, removed);
  }
  checkAmongMembers(tree, joiner, inLeaf);
  const leafIndex = leftmostFreeLeaf(tree);
  const requirements = new GroupRequirements(rule.context.extensions);
  checkLeafContent(suite, joiner, requirements, { ...rule, source: "commit" }, inLeaf);
  const { groupId } = rule.context;
  if (joiner.leafNodeSource !== "keyPackage")
    await checkLeafSignature(provider, suite, joiner, { groupId, leafIndex }, inLeaf);
  checkUpdatePath(provider, suite, withFreshLeaf(tree, leafIndex, joiner), leafIndex, path, inPath);
  return leafIndex;
}

/** The joiner must be what an Update of the removed leaf could have been. */
function checkSameClient(
  removed: LeafNode,
  joiner: LeafNode,
  { sameClient }: ExternalCommitPreflight,
  violations: Violations,
): void {
  const same =
    sameClient === undefined
      ? equalBytes(encode(Credential, removed.credential), encode(Credential, joiner.credential))
      : sameClient(removed, joiner);
  if (!same) violations.add("not-same-client", "proposals", SECTION, "the removed leaf is another client's");
  if (equalBytes(removed.encryptionKey, joiner.encryptionKey))
    violations.add("encryption-key-reused", "path.leaf_node.encryption_key", "Update", "the removed leaf's key again");
}

/** Keys not held by another member; credential types supported by all, both ways. */
function checkAmongMembers(tree: RatchetTree, joiner: LeafNode, violations: Violations): void {
  const type = credentialTypeOf(joiner.credential);
  const supported = new Set(joiner.capabilities.credentials);
  const found = { signature: false, encryption: false, unsupported: false };
  for (const node of tree) {
    if (node === undefined) continue;
    const { encryptionKey } = node.nodeType === "leaf" ? node.leafNode : node.parentNode;
    found.encryption ||= equalBytes(encryptionKey, joiner.encryptionKey);
    if (node.nodeType !== "leaf") continue;
    found.signature ||= equalBytes(node.leafNode.signatureKey, joiner.signatureKey);
    found.unsupported ||=
      !supported.has(credentialTypeOf(node.leafNode.credential)) ||
      !node.leafNode.capabilities.credentials.includes(type);
  }
  const section = "Leaf Node Validation";
  if (found.signature) violations.add("duplicate-signature-key", "signature_key", section, "another member's key");
  if (found.encryption) violations.add("duplicate-encryption-key", "encryption_key", section, "another node's key");
  if (found.unsupported)
    violations.add("unsupported-credential-type", "credential", section, "not supported by all, or not supporting all");
}
