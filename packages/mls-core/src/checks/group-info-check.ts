import { findCipherSuite } from "../cipher-suites.js";
import { encryptionKeyFault } from "../crypto/encryption-key-check.js";
import type { CryptoProvider } from "../crypto/provider.js";
import { SignatureLabel } from "../sign-with-label.js";
import { ExtensionType } from "../types/extension.js";
import { ExternalPub, tryDecodeExtension } from "../types/extension-content.js";
import { type GroupInfo, groupInfoTbs } from "../types/group-context.js";
import { RatchetTree } from "../types/ratchet-tree.js";
import { checkSignature, checkUniqueExtensions, type LifetimeRule } from "./leaf-node-check.js";
import { checkRatchetTree } from "./ratchet-tree-check.js";
import { type Violation, Violations } from "./violation.js";

const JOINING = "Joining via Welcome Message";

/** What a GroupInfo is judged against, besides itself. */
export interface GroupInfoRule extends LifetimeRule {
  /** The tree when it did not come in the GroupInfo's `ratchet_tree` extension; takes precedence over it. */
  readonly tree?: RatchetTree | undefined;
  /** Suite of the joiner's KeyPackage. */
  readonly cipherSuite?: number | undefined;
  /** Whether an `external_pub` extension must be there, as for an external commit. */
  readonly externalCommit?: boolean | undefined;
}

/** Signature, extensions and the whole ratchet tree of a GroupInfo, as a joiner verifies them. */
export async function checkGroupInfo(
  provider: CryptoProvider,
  groupInfo: GroupInfo,
  rule: GroupInfoRule = {},
): Promise<Violation[]> {
  const violations = new Violations();
  const { groupContext, signer } = groupInfo;
  const suite = findCipherSuite(groupContext.cipherSuite);
  if (rule.cipherSuite !== undefined && rule.cipherSuite !== groupContext.cipherSuite)
    violations.add(
      "cipher-suite-mismatch",
      "group_context.cipher_suite",
      JOINING,
      `${groupContext.cipherSuite}, the KeyPackage's is ${rule.cipherSuite}`,
    );
  checkUniqueExtensions(groupInfo.extensions, "extensions", violations);
  checkUniqueExtensions(groupContext.extensions, "group_context.extensions", violations);
  if (suite === undefined) {
    const detail = `suite ${groupContext.cipherSuite} is not one of 1 to 7`;
    violations.add("unsupported-cipher-suite", "group_context.cipher_suite", JOINING, detail);
    return violations.list;
  }
  const externalPub = tryDecodeExtension(groupInfo.extensions, ExtensionType.externalPub, ExternalPub);
  const fault = externalPub?.ok === true ? encryptionKeyFault(suite.kem, externalPub.value.externalPub) : undefined;
  if (externalPub === undefined && rule.externalCommit === true)
    violations.add("missing-external-pub", "extensions", "Joining via External Commits", "no external_pub extension");
  if (externalPub?.ok === false)
    violations.add("malformed", "extensions.external_pub", "Joining via External Commits", externalPub.error.message);
  if (fault !== undefined && fault !== "unsupported-signature-scheme")
    violations.add(fault, "extensions.external_pub", "Public Keys", fault.replaceAll("-", " "));

  const carried = tryDecodeExtension(groupInfo.extensions, ExtensionType.ratchetTree, RatchetTree);
  if (carried?.ok === false)
    violations.add("malformed", "extensions.ratchet_tree", "Ratchet Tree Extension", carried.error.message);
  const tree = rule.tree ?? (carried?.ok === true ? carried.value : undefined);
  if (tree === undefined) {
    if (carried === undefined)
      violations.add("missing-tree", "extensions", "Ratchet Tree Extension", "no tree was given and none is carried");
    return violations.list;
  }
  violations.list.push(
    ...(await checkRatchetTree(provider, {
      tree,
      cipherSuite: suite.id,
      groupId: groupContext.groupId,
      treeHash: groupContext.treeHash,
      groupExtensions: groupContext.extensions,
      now: rule.now,
      maximumLifetime: rule.maximumLifetime,
    })),
  );
  const node = tree[2 * signer];
  if (node?.nodeType !== "leaf") {
    violations.add("unknown-signer", "signer", JOINING, `leaf ${signer} is blank or out of range`);
    return violations.list;
  }
  await checkSignature(
    provider,
    suite,
    {
      key: node.leafNode.signatureKey,
      keyPath: `tree[${2 * signer}].leaf_node.signature_key`,
      label: SignatureLabel.groupInfo,
      content: groupInfoTbs(groupInfo),
    },
    groupInfo.signature,
    violations,
  );
  return violations.list;
}
