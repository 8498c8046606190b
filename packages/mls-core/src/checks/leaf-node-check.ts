import { encode } from "@mls-as/tls-codec";
import { type CipherSuite, findCipherSuite } from "../cipher-suites.js";
import { encryptionKeyFault } from "../crypto/encryption-key-check.js";
import type { CryptoProvider } from "../crypto/provider.js";
import { type KeyFault, quickSignatureKeyFault, signatureKeyFault } from "../crypto/public-key-check.js";
import { SignatureLabel, verifyWithLabel } from "../sign-with-label.js";
import { MLS10 } from "../types/capabilities.js";
import { CredentialBindingTBS, credentialTypeOf, type MultiCredential } from "../types/credential.js";
import { type Extension, ExtensionType } from "../types/extension.js";
import { RequiredCapabilities, tryDecodeExtension } from "../types/extension-content.js";
import { type LeafNode, type LeafPosition, leafNodeTbs } from "../types/leaf-node.js";
import { type Violation, type ViolationCode, Violations } from "./violation.js";

const SECTION = "Leaf Node Validation";
const DEFAULT_EXTENSIONS: ReadonlySet<number> = new Set([
  ExtensionType.applicationId,
  ExtensionType.ratchetTree,
  ExtensionType.requiredCapabilities,
  ExtensionType.externalPub,
  ExtensionType.externalSenders,
]);
const DEFAULT_PROPOSALS: ReadonlySet<number> = new Set([1, 2, 3, 4, 5, 6, 7]);

/** By which clock lifetimes are judged; without `now` only their shape is. */
export interface LifetimeRule {
  /** Seconds since 1970. */
  readonly now?: bigint | undefined;
  /** Longest acceptable `not_after - not_before`, in seconds. */
  readonly maximumLifetime?: bigint | undefined;
}

/** What a leaf is judged against, besides itself. */
export interface LeafNodeRule extends LifetimeRule {
  /** The source that the leaf's place asks for. */
  readonly source?: LeafNode["leafNodeSource"] | undefined;
  /** Where the leaf stands; without it the signature of an update or commit leaf cannot hold. */
  readonly position?: LeafPosition | undefined;
  /** Of the GroupContext. */
  readonly groupExtensions?: readonly Extension[] | undefined;
}

/**
 * LeafNode validation (RFC 9420, "Leaf Node Validation"), as far as one leaf alone allows: signature, keys, capabilities,
 * extensions, source, lifetime. That the credential is genuine is for the caller to say.
 *
 * @param suite of the group or KeyPackage
 */
export async function checkLeafNode(
  provider: CryptoProvider,
  suite: number,
  leaf: LeafNode,
  rule: LeafNodeRule = {},
): Promise<Violation[]> {
  const violations = new Violations("leaf_node");
  const found = findCipherSuite(suite);
  if (found === undefined)
    violations.add("unsupported-cipher-suite", "", "MLS Cipher Suites", `suite ${suite} is not one of 1 to 7`);
  else {
    checkLeafContent(found, leaf, new GroupRequirements(rule.groupExtensions), rule, violations);
    await checkLeafSignature(provider, found, leaf, rule.position, violations);
  }
  return violations.list;
}

/** What a GroupContext's extensions ask of every member. */
export class GroupRequirements {
  readonly extensions: readonly number[];
  readonly proposals: readonly number[];
  readonly credentials: readonly number[];
  /** Whether the `required_capabilities` extension is there and does not decode. */
  readonly malformed: boolean;

  constructor(groupExtensions: readonly Extension[] = []) {
    const decoded = tryDecodeExtension(groupExtensions, ExtensionType.requiredCapabilities, RequiredCapabilities);
    const required = decoded?.ok === true ? decoded.value : undefined;
    this.malformed = decoded?.ok === false;
    const types = groupExtensions.map(({ extensionType }) => extensionType);
    this.extensions = without(DEFAULT_EXTENSIONS, [...(required?.extensionTypes ?? []), ...types]);
    this.proposals = without(DEFAULT_PROPOSALS, required?.proposalTypes ?? []);
    this.credentials = [...new Set(required?.credentialTypes)];
  }
}

function without(defaults: ReadonlySet<number>, types: readonly number[]): readonly number[] {
  // Without duplicates: what the whole tree is asked for must not multiply.
  return [...new Set(types)].filter((type) => !defaults.has(type));
}

/** The first of `wanted` that `listed` lacks, in time linear in both. */
export function firstMissing(wanted: readonly number[], listed: readonly number[]): number | undefined {
  // A set pays only where both are long; both are empty or short in all honest leaves.
  if (wanted.length <= 4) return wanted.find((value) => !listed.includes(value));
  const set = new Set(listed);
  return wanted.find((value) => !set.has(value));
}

/** The rules that need no cryptography beyond keys' shapes. */
export function checkLeafContent(
  suite: CipherSuite,
  leaf: LeafNode,
  requirements: GroupRequirements,
  rule: LeafNodeRule,
  violations: Violations,
): void {
  const { capabilities, credential, encryptionKey, signatureKey } = leaf;
  checkKey(violations, "signature_key", quickSignatureKeyFault(suite.signatureScheme, signatureKey));
  checkKey(violations, "encryption_key", encryptionKeyFault(suite.kem, encryptionKey));
  if (rule.source !== undefined && leaf.leafNodeSource !== rule.source)
    violations.add("wrong-leaf-source", "leaf_node_source", SECTION, `${leaf.leafNodeSource}, not ${rule.source}`);
  if (leaf.leafNodeSource === "keyPackage") checkLifetime(leaf.lifetime, rule, violations);

  if (!capabilities.versions.includes(MLS10))
    violations.add("unsupported-version", "capabilities.versions", "Leaf Node Contents", "mls10 is not listed");
  if (!capabilities.cipherSuites.includes(suite.id))
    violations.add(
      "unsupported-cipher-suite",
      "capabilities.cipher_suites",
      "Required Capabilities",
      `the suite in use, ${suite.id}, is not listed`,
    );
  const type = credentialTypeOf(credential);
  const empty =
    (credential.credentialType === "x509" && credential.certificates.length === 0) ||
    ((credential.credentialType === "multi" || credential.credentialType === "weakMulti") &&
      credential.bindings.length === 0);
  if (empty) violations.add("empty-credential", "credential", "Credentials", "nothing is presented");
  const lacks = (
    code: ViolationCode,
    field: "extensions" | "proposals" | "credentials",
    wanted: readonly number[],
    section: string,
  ): void => {
    const value = firstMissing(wanted, capabilities[field]);
    if (value !== undefined) violations.add(code, `capabilities.${field}`, section, `${value} is not listed`);
  };
  lacks("unsupported-credential-type", "credentials", [type], "Leaf Node Contents");
  if (leaf.extensions.length > 0) {
    const types = leaf.extensions.map(({ extensionType }) => extensionType);
    lacks("unsupported-extension", "extensions", without(DEFAULT_EXTENSIONS, types), SECTION);
  }
  lacks("unsupported-extension", "extensions", requirements.extensions, SECTION);
  lacks("unsupported-proposal-type", "proposals", requirements.proposals, SECTION);
  lacks("unsupported-credential-type", "credentials", requirements.credentials, SECTION);
  checkUniqueExtensions(leaf.extensions, "extensions", violations);
}

function checkKey(violations: Violations, path: string, fault: KeyFault | undefined): void {
  if (fault !== undefined && fault !== "unsupported-signature-scheme")
    violations.add(fault, path, "Public Keys", fault.replaceAll("-", " "));
}

/** RFC 9420, "Extensions": at most one of each type. */
export function checkUniqueExtensions(extensions: readonly Extension[], path: string, violations: Violations): void {
  if (extensions.length < 2) return;
  const seen = new Set<number>();
  for (const { extensionType } of extensions) {
    if (seen.has(extensionType))
      return violations.add("duplicate-extension", path, "Extensions", `extension ${extensionType} appears twice`);
    seen.add(extensionType);
  }
}

function checkLifetime(
  { notBefore, notAfter }: { readonly notBefore: bigint; readonly notAfter: bigint },
  { now, maximumLifetime }: LifetimeRule,
  violations: Violations,
): void {
  const span = `${notBefore} to ${notAfter}`;
  if (notAfter < notBefore) violations.add("empty-lifetime", "lifetime", "Leaf Node Contents", span);
  else if (maximumLifetime !== undefined && notAfter - notBefore > maximumLifetime)
    violations.add("lifetime-too-long", "lifetime", "Leaf Node Contents", `${span} is more than ${maximumLifetime} s`);
  if (now !== undefined && now < notBefore)
    violations.add("not-yet-valid", "lifetime", SECTION, `${now} < ${notBefore}`);
  if (now !== undefined && now > notAfter) violations.add("expired", "lifetime", SECTION, `${now} > ${notAfter}`);
}

/** The leaf's own signature, and those of its credential's bindings. A key that is off its curve is found here. */
export async function checkLeafSignature(
  provider: CryptoProvider,
  suite: CipherSuite,
  leaf: LeafNode,
  position: LeafPosition | undefined,
  violations: Violations,
): Promise<void> {
  const { credential, signatureKey } = leaf;
  if (leaf.leafNodeSource !== "keyPackage" && position === undefined)
    violations.add("invalid-signature", "signature", SECTION, "signed for a group and a position that are not given");
  else {
    const content = leafNodeTbs(leaf, position);
    await checkSignature(
      provider,
      suite,
      { key: signatureKey, keyPath: "signature_key", label: SignatureLabel.leafNode, content },
      leaf.signature,
      violations,
    );
  }
  if (credential.credentialType === "multi" || credential.credentialType === "weakMulti")
    await checkBindings(provider, credential, signatureKey, violations.at("credential"));
}

/** What a signature is said to cover, and by whom. */
export interface SignedContent {
  readonly key: Uint8Array;
  readonly keyPath: string;
  readonly label: string;
  readonly content: Uint8Array;
}

/** Adds a violation unless the signature holds; a key that is off its curve is named as such. */
export async function checkSignature(
  provider: CryptoProvider,
  { signatureScheme }: CipherSuite,
  { key, keyPath, label, content }: SignedContent,
  signature: Uint8Array,
  violations: Violations,
): Promise<void> {
  if (await verifyWithLabel(provider, signatureScheme, key, label, content, signature)) return;
  const quick = quickSignatureKeyFault(signatureScheme, key);
  if (quick === undefined) checkKey(violations, keyPath, signatureKeyFault(signatureScheme, key));
  violations.add("invalid-signature", "signature", "Signing", "the signature does not hold");
}

async function checkBindings(
  provider: CryptoProvider,
  { credentialType, bindings }: MultiCredential,
  signatureKey: Uint8Array,
  violations: Violations,
): Promise<void> {
  for (const [i, { cipherSuite, credential, credentialKey, signature }] of bindings.entries()) {
    const path = `bindings[${i}]`;
    const suite = findCipherSuite(cipherSuite);
    if (suite === undefined) {
      // A weak multi-credential may hold bindings that this client does not support.
      if (credentialType === "multi")
        violations.add("unsupported-cipher-suite", path, "MLS Cipher Suites", `suite ${cipherSuite}`);
      continue;
    }
    const content = encode(CredentialBindingTBS, { cipherSuite, credential, credentialKey, signatureKey });
    const label = SignatureLabel.credentialBinding;
    if (!(await verifyWithLabel(provider, suite.signatureScheme, credentialKey, label, content, signature)))
      violations.add(
        "invalid-credential-binding",
        path,
        "Credential Validation",
        "the binding's signature does not hold",
      );
  }
}
