import { type Codec, encode, opaqueV, struct, uint16 } from "@mls-as/tls-codec";
import { cipherSuite } from "../cipher-suites.js";
import type { CryptoProvider } from "../crypto/provider.js";
import { keyPackageRef } from "../ref-hash.js";
import { SignatureLabel, verifyWithLabel } from "../sign-with-label.js";
import { type Extension, Extensions } from "./extension.js";
import { LeafNode } from "./leaf-node.js";

/** KeyPackageTBS of RFC 9420, "Key Packages". */
export interface KeyPackageTBS {
  /** ProtocolVersion; 1 is mls10. Another is preserved, and refused by the checks. */
  readonly version: number;
  readonly cipherSuite: number;
  readonly initKey: Uint8Array;
  readonly leafNode: LeafNode;
  readonly extensions: readonly Extension[];
}
const fields = {
  version: uint16,
  cipherSuite: uint16,
  initKey: opaqueV(),
  leafNode: LeafNode,
  extensions: Extensions,
} as const;
export const KeyPackageTBS: Codec<KeyPackageTBS> = struct(fields);

/** RFC 9420, "Key Packages". */
export interface KeyPackage extends KeyPackageTBS {
  readonly signature: Uint8Array;
}
export const KeyPackage: Codec<KeyPackage> = struct({ ...fields, signature: opaqueV() });

/** Encoded KeyPackageTBS: what a KeyPackage's signature covers. */
export function keyPackageTbs(keyPackage: KeyPackageTBS): Uint8Array {
  return encode(KeyPackageTBS, keyPackage);
}

/**
 * Whether the outer signature holds; the leaf's own is separate.
 *
 * @throws MlsCoreError `unsupported-cipher-suite`
 */
export function verifyKeyPackageSignature(
  provider: CryptoProvider,
  keyPackage: KeyPackage,
): boolean | Promise<boolean> {
  const { signatureScheme } = cipherSuite(keyPackage.cipherSuite);
  const { signatureKey } = keyPackage.leafNode;
  const content = keyPackageTbs(keyPackage);
  return verifyWithLabel(
    provider,
    signatureScheme,
    signatureKey,
    SignatureLabel.keyPackage,
    content,
    keyPackage.signature,
  );
}

/** KeyPackageRef with the hash of its own suite. @throws MlsCoreError `unsupported-cipher-suite` */
export function referenceOf(provider: CryptoProvider, keyPackage: KeyPackage): Uint8Array {
  return keyPackageRef(provider, keyPackage.cipherSuite, encode(KeyPackage, keyPackage));
}
