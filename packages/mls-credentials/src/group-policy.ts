import {
  type Extension,
  ExtensionType,
  type ExternalSender,
  ExternalSenders,
  type GroupContext,
  type KeyPackage,
  type LeafNode,
  type Lifetime,
  tryDecodeExtension,
} from "@mls-as/mls-core";
import type { ValidationPolicy } from "./policy.js";
import type { Reason, VerifierReasonCode } from "./verdict.js";

const SECTION = "Validation policy";

function reason(
  code: VerifierReasonCode,
  path: string,
  detail: string,
  severity: Reason["severity"] = "refusal",
): Reason {
  return { code, severity, section: SECTION, path, detail };
}

/** What a policy says about a group's context: cipher suite, extensions, external senders at all. */
export function groupContextReasons(context: GroupContext, policy: ValidationPolicy): Reason[] {
  const reasons: Reason[] = [];
  if (!policy.cipherSuites.includes(context.cipherSuite))
    reasons.push(reason("cipher-suite-not-allowed", "groupContext.cipherSuite", `suite ${context.cipherSuite}`));
  const present = new Set(context.extensions.map(({ extensionType }) => extensionType));
  for (const type of policy.mandatoryExtensions)
    if (!present.has(type))
      reasons.push(reason("mandatory-extension-missing", "groupContext.extensions", `extension ${type} is missing`));
  reasons.push(...forbiddenExtensions(context.extensions, "groupContext.extensions", policy));
  if (present.has(ExtensionType.externalSenders) && policy.externalSenders === "refuse")
    reasons.push(
      reason("external-senders-not-allowed", "groupContext.extensions", "the policy allows no external senders"),
    );
  return reasons;
}

/** The external senders of a group; undefined when the extension does not decode. */
export function externalSendersOf(context: GroupContext): readonly ExternalSender[] | undefined {
  const decoded = tryDecodeExtension(context.extensions, ExtensionType.externalSenders, ExternalSenders);
  if (decoded === undefined) return [];
  return decoded.ok ? decoded.value : undefined;
}

/**
 * What a policy says about a member's leaf besides its credential.
 *
 * A leaf that still is as its KeyPackage brought it joined while the KeyPackage was valid: the stay is counted from its
 * `not_after`, so that nobody is told to be idle who may have joined later.
 *
 * @param time seconds since 1970
 */
export function leafReasons(leaf: LeafNode, policy: ValidationPolicy, time: number): Reason[] {
  const reasons = forbiddenExtensions(leaf.extensions, "leafNode.extensions", policy);
  if (leaf.leafNodeSource !== "keyPackage") return reasons;
  const since = leaf.lifetime.notAfter;
  if (BigInt(time) > since + BigInt(policy.longestStay))
    reasons.push(reason("stay-too-long", "leafNode.lifetime", `not updated since ${since} at the latest`, "warning"));
  return reasons;
}

/** What a policy says about a KeyPackage besides its credential. */
export function keyPackageReasons(keyPackage: KeyPackage, policy: ValidationPolicy): Reason[] {
  const reasons = forbiddenExtensions(keyPackage.extensions, "extensions", policy);
  if (!policy.cipherSuites.includes(keyPackage.cipherSuite))
    reasons.push(reason("cipher-suite-not-allowed", "cipherSuite", `suite ${keyPackage.cipherSuite}`));
  const { leafNode } = keyPackage;
  reasons.push(...forbiddenExtensions(leafNode.extensions, "leafNode.extensions", policy));
  if (leafNode.leafNodeSource === "keyPackage") {
    const length = lengthOf(leafNode.lifetime);
    if (length > BigInt(policy.maximumLifetime.keyPackage))
      reasons.push(reason("key-package-lifetime", "leafNode.lifetime", `good for ${length} s`));
  }
  return reasons;
}

const lengthOf = ({ notBefore, notAfter }: Lifetime): bigint => notAfter - notBefore;

function forbiddenExtensions(
  extensions: readonly Extension[],
  path: string,
  { forbiddenExtensions: forbidden }: ValidationPolicy,
): Reason[] {
  return extensions
    .filter(({ extensionType }) => forbidden.includes(extensionType))
    .map(({ extensionType }) => reason("forbidden-extension", path, `extension ${extensionType}`));
}
