import { equalBytes } from "@mls-as/tls-codec";
import { findCipherSuite } from "../cipher-suites.js";
import { encryptionKeyFault } from "../crypto/encryption-key-check.js";
import type { CryptoProvider } from "../crypto/provider.js";
import { SignatureLabel } from "../sign-with-label.js";
import { MLS10 } from "../types/capabilities.js";
import type { Extension } from "../types/extension.js";
import { type KeyPackage, keyPackageTbs } from "../types/key-package.js";
import {
  checkLeafContent,
  checkLeafSignature,
  checkSignature,
  checkUniqueExtensions,
  GroupRequirements,
  type LifetimeRule,
} from "./leaf-node-check.js";
import { type Violation, Violations } from "./violation.js";

const SECTION = "KeyPackage Validation";

/** What a KeyPackage is judged against, besides itself. */
export interface KeyPackageRule extends LifetimeRule {
  /** Suite of the group that the client is to be added to. */
  readonly cipherSuite?: number | undefined;
  /** Extensions of that group's GroupContext. */
  readonly groupExtensions?: readonly Extension[] | undefined;
}

/** KeyPackage validation (RFC 9420, "KeyPackage Validation"): every broken rule, the genuineness of the credential excepted. */
export async function checkKeyPackage(
  provider: CryptoProvider,
  keyPackage: KeyPackage,
  rule: KeyPackageRule = {},
): Promise<Violation[]> {
  const violations = new Violations();
  const { cipherSuite, initKey, leafNode, version } = keyPackage;
  if (version !== MLS10) violations.add("unsupported-version", "version", SECTION, `version ${version} is not mls10`);
  if (rule.cipherSuite !== undefined && rule.cipherSuite !== cipherSuite)
    violations.add(
      "cipher-suite-mismatch",
      "cipher_suite",
      SECTION,
      `${cipherSuite}, the group's is ${rule.cipherSuite}`,
    );
  checkUniqueExtensions(keyPackage.extensions, "extensions", violations);
  if (equalBytes(initKey, leafNode.encryptionKey))
    violations.add("init-key-reused", "init_key", SECTION, "init_key equals leaf_node.encryption_key");
  const suite = findCipherSuite(cipherSuite);
  if (suite === undefined) {
    violations.add("unsupported-cipher-suite", "cipher_suite", SECTION, `suite ${cipherSuite} is not one of 1 to 7`);
    return violations.list;
  }
  const fault = encryptionKeyFault(suite.kem, initKey);
  if (fault !== undefined && fault !== "unsupported-signature-scheme")
    violations.add(fault, "init_key", "Public Keys", fault.replaceAll("-", " "));
  const inLeaf = violations.at("leaf_node");
  const leafRule = { ...rule, source: "keyPackage" } as const;
  checkLeafContent(suite, leafNode, new GroupRequirements(rule.groupExtensions), leafRule, inLeaf);
  // The leaf of another source is signed for a position that a KeyPackage does not have.
  if (leafNode.leafNodeSource === "keyPackage") await checkLeafSignature(provider, suite, leafNode, undefined, inLeaf);
  await checkSignature(
    provider,
    suite,
    {
      key: leafNode.signatureKey,
      keyPath: "leaf_node.signature_key",
      label: SignatureLabel.keyPackage,
      content: keyPackageTbs(keyPackage),
    },
    keyPackage.signature,
    violations,
  );
  return violations.list;
}
