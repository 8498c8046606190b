export * from "./cipher-suites.js";
export { encryptionKeyFault } from "./crypto/encryption-key-check.js";
export { nobleProvider, signaturePublicKey } from "./crypto/noble-provider.js";
export type { CryptoProvider, HashName } from "./crypto/provider.js";
export {
  checkSignaturePublicKey,
  type KeyFault,
  quickSignatureKeyFault,
  signatureKeyFault,
} from "./crypto/public-key-check.js";
export { SignatureScheme } from "./crypto/signature-scheme.js";
export { webCryptoProvider } from "./crypto/web-provider.js";
export * from "./errors.js";
export * from "./ref-hash.js";
export * from "./sign-with-label.js";
export * from "./types/capabilities.js";
export * from "./types/credential.js";
export * from "./types/extension.js";
export * from "./types/key-package.js";
export * from "./types/leaf-node.js";
export * from "./types/ratchet-tree.js";
export * from "./types/app-data-dictionary.js";
export * from "./types/commit.js";
export * from "./types/extension-content.js";
export * from "./types/framed-content.js";
export * from "./types/group-context.js";
export * from "./types/mls-message.js";
export * from "./types/pre-shared-key.js";
export * from "./types/proposal.js";
export * from "./types/public-message.js";
export * from "./types/welcome.js";
export { checkGroupInfo, type GroupInfoRule } from "./checks/group-info-check.js";
export { checkKeyPackage, type KeyPackageRule } from "./checks/key-package-check.js";
export { checkLeafNode, type LeafNodeRule, type LifetimeRule } from "./checks/leaf-node-check.js";
export { checkRatchetTree, type RatchetTreeRule } from "./checks/ratchet-tree-check.js";
export type { Violation, ViolationCode } from "./checks/violation.js";
export { treeHash, treeHashes } from "./trees/tree-hash.js";
export * from "./trees/tree-math.js";
export * from "./trees/tree.js";
export { parentHash } from "./checks/parent-hash-check.js";
export { checkPublicMessage, type GroupState } from "./checks/public-message-check.js";
export * from "./members/members.js";
export * from "./members/tree-difference.js";
export {
  type ExternalCommitPreflight,
  type JudgedExternalCommit,
  preflightExternalCommit,
} from "./preflight/external-commit-preflight.js";
export { type GroupInfoPreflight, type JudgedGroup, preflightGroupInfo } from "./preflight/group-info-preflight.js";
export { preflightKeyPackage } from "./preflight/key-package-preflight.js";
export type { PreflightLimits, Verdict } from "./preflight/verdict.js";
