import { type Codec, encode, enumeration, opaqueV, sequence, struct, tagged, uint32, uint8 } from "@mls-as/tls-codec";
import type { CryptoProvider } from "../crypto/provider.js";
import type { SignatureScheme } from "../crypto/signature-scheme.js";
import { MlsCoreError } from "../errors.js";
import { SignatureLabel, verifyWithLabel } from "../sign-with-label.js";
import { Capabilities, Lifetime } from "./capabilities.js";
import { Credential } from "./credential.js";
import { Extension, Extensions } from "./extension.js";

const LeafNodeSource = enumeration(uint8, { keyPackage: 1, update: 2, commit: 3 });

interface LeafNodeFields {
  readonly encryptionKey: Uint8Array;
  readonly signatureKey: Uint8Array;
  readonly credential: Credential;
  readonly capabilities: Capabilities;
}
type SourceFields =
  | { readonly leafNodeSource: "keyPackage"; readonly lifetime: Lifetime }
  | { readonly leafNodeSource: "update" }
  | { readonly leafNodeSource: "commit"; readonly parentHash: Uint8Array };

/** A leaf before it is signed. */
export type UnsignedLeafNode = LeafNodeFields & SourceFields & { readonly extensions: readonly Extension[] };

/** RFC 9420, "Leaf Node Contents". */
export type LeafNode = UnsignedLeafNode & { readonly signature: Uint8Array };

const Fields = struct({
  encryptionKey: opaqueV(),
  signatureKey: opaqueV(),
  credential: Credential,
  capabilities: Capabilities,
});
const Source: Codec<SourceFields> = tagged("leafNodeSource", LeafNodeSource, {
  keyPackage: struct({ lifetime: Lifetime }),
  update: struct({}),
  commit: struct({ parentHash: opaqueV() }),
});

const Unsigned: Codec<UnsignedLeafNode> = sequence(Fields, Source, struct({ extensions: Extensions }));
export const LeafNode: Codec<LeafNode> = sequence(
  Fields,
  Source,
  struct({ extensions: Extensions, signature: opaqueV() }),
);

/** Where a leaf stands; its signature covers this unless it comes from a KeyPackage. */
export interface LeafPosition {
  readonly groupId: Uint8Array;
  readonly leafIndex: number;
}
const Position: Codec<LeafPosition> = struct({ groupId: opaqueV(), leafIndex: uint32 });
const Positioned = struct({ leaf: Unsigned, position: Position });

/**
 * Encoded LeafNodeTBS of RFC 9420, "Leaf Node Contents".
 *
 * @param position needed when `leafNodeSource` is update or commit
 * @throws MlsCoreError `invalid-argument` when it is needed and missing
 */
export function leafNodeTbs(leaf: UnsignedLeafNode, position?: LeafPosition): Uint8Array {
  if (leaf.leafNodeSource === "keyPackage") return encode(Unsigned, leaf);
  if (position === undefined)
    throw new MlsCoreError(
      "invalid-argument",
      "position",
      "RFC 9420, Leaf Node Contents",
      `a leaf of source ${leaf.leafNodeSource} is signed for a group and a position`,
    );
  return encode(Positioned, { leaf, position });
}

/**
 * Whether the leaf's own signature holds.
 *
 * @throws MlsCoreError `unsupported-signature-scheme`, `invalid-argument`
 */
export function verifyLeafNodeSignature(
  provider: CryptoProvider,
  scheme: SignatureScheme,
  leaf: LeafNode,
  position?: LeafPosition,
): boolean | Promise<boolean> {
  const content = leafNodeTbs(leaf, position);
  return verifyWithLabel(provider, scheme, leaf.signatureKey, SignatureLabel.leafNode, content, leaf.signature);
}
