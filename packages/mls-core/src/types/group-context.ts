import { type Codec, encode, opaqueV, refined, struct, uint16, uint32, uint64 } from "@mls-as/tls-codec";
import type { CryptoProvider } from "../crypto/provider.js";
import type { SignatureScheme } from "../crypto/signature-scheme.js";
import { SignatureLabel, verifyWithLabel } from "../sign-with-label.js";
import { MLS10 } from "./capabilities.js";
import { type Extension, Extensions } from "./extension.js";

/** `ProtocolVersion version = mls10`: a struct of another version would not have this shape. */
export const ProtocolVersion: Codec<number> = refined(uint16, (version) =>
  version === MLS10 ? undefined : `protocol version ${version} is not mls10`,
);

/** RFC 9420, "Group Context". */
export interface GroupContext {
  readonly version: number;
  readonly cipherSuite: number;
  readonly groupId: Uint8Array;
  readonly epoch: bigint;
  readonly treeHash: Uint8Array;
  readonly confirmedTranscriptHash: Uint8Array;
  readonly extensions: readonly Extension[];
}
export const GroupContext: Codec<GroupContext> = struct({
  version: ProtocolVersion,
  cipherSuite: uint16,
  groupId: opaqueV(),
  epoch: uint64,
  treeHash: opaqueV(),
  confirmedTranscriptHash: opaqueV(),
  extensions: Extensions,
});

/** GroupInfoTBS of RFC 9420, "Joining via Welcome Message". */
export interface GroupInfoTBS {
  readonly groupContext: GroupContext;
  readonly extensions: readonly Extension[];
  readonly confirmationTag: Uint8Array;
  /** Leaf index. */
  readonly signer: number;
}
const groupInfoFields = {
  groupContext: GroupContext,
  extensions: Extensions,
  confirmationTag: opaqueV(),
  signer: uint32,
} as const;
export const GroupInfoTBS: Codec<GroupInfoTBS> = struct(groupInfoFields);

/** RFC 9420, "Joining via Welcome Message". */
export interface GroupInfo extends GroupInfoTBS {
  readonly signature: Uint8Array;
}
export const GroupInfo: Codec<GroupInfo> = struct({ ...groupInfoFields, signature: opaqueV() });

/** Encoded GroupInfoTBS: what a GroupInfo's signature covers. */
export function groupInfoTbs(groupInfo: GroupInfoTBS): Uint8Array {
  return encode(GroupInfoTBS, groupInfo);
}

/**
 * Whether the signature holds under the signer's key.
 *
 * @param signatureKey `signature_key` of the leaf that `signer` points to
 * @throws MlsCoreError `unsupported-signature-scheme`
 */
export function verifyGroupInfoSignature(
  provider: CryptoProvider,
  scheme: SignatureScheme,
  groupInfo: GroupInfo,
  signatureKey: Uint8Array,
): boolean | Promise<boolean> {
  const content = groupInfoTbs(groupInfo);
  return verifyWithLabel(provider, scheme, signatureKey, SignatureLabel.groupInfo, content, groupInfo.signature);
}
