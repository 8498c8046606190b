import { type Codec, empty, enumeration, opaqueV, struct, tagged, uint16, uint32 } from "@mls-as/tls-codec";
import { AppDataUpdate, AppEphemeral } from "./app-data-dictionary.js";
import { type Extension, Extensions } from "./extension.js";
import { KeyPackage } from "./key-package.js";
import { LeafNode } from "./leaf-node.js";
import { PreSharedKeyID } from "./pre-shared-key.js";

/** RFC 9420, "MLS Proposal Types", and draft-ietf-mls-extensions, "MLS Proposal Types". */
export const ProposalType = {
  add: 1,
  update: 2,
  remove: 3,
  psk: 4,
  reinit: 5,
  externalInit: 6,
  groupContextExtensions: 7,
  appDataUpdate: 8,
  appEphemeral: 9,
  selfRemove: 10,
} as const;

/** RFC 9420, "Add". */
export interface Add {
  readonly keyPackage: KeyPackage;
}
export const Add: Codec<Add> = struct({ keyPackage: KeyPackage });

/** RFC 9420, "Update". */
export interface Update {
  readonly leafNode: LeafNode;
}
export const Update: Codec<Update> = struct({ leafNode: LeafNode });

/** RFC 9420, "Remove". */
export interface Remove {
  /** Leaf index. */
  readonly removed: number;
}
export const Remove: Codec<Remove> = struct({ removed: uint32 });

/** RFC 9420, "PreSharedKey". */
export interface PreSharedKey {
  readonly psk: PreSharedKeyID;
}
export const PreSharedKey: Codec<PreSharedKey> = struct({ psk: PreSharedKeyID });

/** RFC 9420, "ReInit". */
export interface ReInit {
  readonly groupId: Uint8Array;
  readonly version: number;
  readonly cipherSuite: number;
  readonly extensions: readonly Extension[];
}
export const ReInit: Codec<ReInit> = struct({
  groupId: opaqueV(),
  version: uint16,
  cipherSuite: uint16,
  extensions: Extensions,
});

/** RFC 9420, "ExternalInit". */
export interface ExternalInit {
  readonly kemOutput: Uint8Array;
}
export const ExternalInit: Codec<ExternalInit> = struct({ kemOutput: opaqueV() });

/** RFC 9420, "GroupContextExtensions". */
export interface GroupContextExtensions {
  readonly extensions: readonly Extension[];
}
export const GroupContextExtensions: Codec<GroupContextExtensions> = struct({ extensions: Extensions });

/**
 * RFC 9420, "Proposals". A proposal carries no length, so a type without a definition here cannot be skipped: it is
 * refused with `unknown-enum-value`.
 */
export type Proposal =
  | ({ readonly proposalType: "add" } & Add)
  | ({ readonly proposalType: "update" } & Update)
  | ({ readonly proposalType: "remove" } & Remove)
  | ({ readonly proposalType: "psk" } & PreSharedKey)
  | ({ readonly proposalType: "reinit" } & ReInit)
  | ({ readonly proposalType: "externalInit" } & ExternalInit)
  | ({ readonly proposalType: "groupContextExtensions" } & GroupContextExtensions)
  | ({ readonly proposalType: "appDataUpdate" } & AppDataUpdate)
  | ({ readonly proposalType: "appEphemeral" } & AppEphemeral)
  | { readonly proposalType: "selfRemove" };

export const Proposal: Codec<Proposal> = tagged("proposalType", enumeration(uint16, ProposalType), {
  add: Add,
  update: Update,
  remove: Remove,
  psk: PreSharedKey,
  reinit: ReInit,
  externalInit: ExternalInit,
  groupContextExtensions: GroupContextExtensions,
  appDataUpdate: AppDataUpdate,
  appEphemeral: AppEphemeral,
  selfRemove: empty,
});
