import { type Codec, opaqueV, optional, struct, uint16, vectorV } from "@mls-as/tls-codec";
import { HPKECiphertext } from "./commit.js";
import { PreSharedKeyID } from "./pre-shared-key.js";

/** RFC 9420, "Joining via Welcome Message". */
export interface GroupSecrets {
  readonly joinerSecret: Uint8Array;
  readonly pathSecret: { readonly pathSecret: Uint8Array } | undefined;
  readonly psks: readonly PreSharedKeyID[];
}
export const GroupSecrets: Codec<GroupSecrets> = struct({
  joinerSecret: opaqueV(),
  pathSecret: optional(struct({ pathSecret: opaqueV() })),
  psks: vectorV(PreSharedKeyID),
});

/** RFC 9420, "Joining via Welcome Message". */
export interface EncryptedGroupSecrets {
  /** KeyPackageRef. */
  readonly newMember: Uint8Array;
  readonly encryptedGroupSecrets: HPKECiphertext;
}
export const EncryptedGroupSecrets: Codec<EncryptedGroupSecrets> = struct({
  newMember: opaqueV(),
  encryptedGroupSecrets: HPKECiphertext,
});

/** RFC 9420, "Joining via Welcome Message". */
export interface Welcome {
  readonly cipherSuite: number;
  readonly secrets: readonly EncryptedGroupSecrets[];
  readonly encryptedGroupInfo: Uint8Array;
}
export const Welcome: Codec<Welcome> = struct({
  cipherSuite: uint16,
  secrets: vectorV(EncryptedGroupSecrets),
  encryptedGroupInfo: opaqueV(),
});
