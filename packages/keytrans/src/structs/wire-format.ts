import {
  bytes,
  type Codec,
  empty,
  enumeration,
  type Infer,
  opaque,
  optional,
  sequence,
  struct,
  tagged,
  uint8,
  uint32,
  uint64Number,
  vector,
} from "@mls-as/tls-codec";
import { OPENING_LENGTH, type Suite } from "../suite/index.js";
import type { Configuration } from "./configuration.js";
import { HashValue } from "./hash-value.js";
import { CombinedTreeProof, PrefixProof } from "./proofs.js";
import { Label, LabelValue } from "./requests.js";
import { AuditorTreeHead, TreeHead } from "./tree-head.js";

/** Absent outside third-party management. */
export interface UpdateSuffix {
  readonly signature?: Uint8Array;
}

export interface UpdateValue {
  readonly value: Uint8Array;
  readonly suffix: UpdateSuffix;
}

export type FullTreeHead =
  | { readonly headType: "same" }
  | { readonly headType: "updated"; readonly treeHead: TreeHead; readonly auditorTreeHead?: AuditorTreeHead };

/** The opening of one new version's commitment. */
export interface UpdateInfo {
  readonly opening: Uint8Array;
  readonly suffix: UpdateSuffix;
}

export interface BinaryLadderStep {
  readonly proof: Uint8Array;
  readonly commitment: Uint8Array | undefined;
}

const NO_SUFFIX: Codec<UpdateSuffix> = empty;
const SIGNED_SUFFIX: Codec<UpdateSuffix> = struct({ signature: opaque(0, 2 ** 16 - 1) }) as Codec<UpdateSuffix>;
const FullTreeHeadType = enumeration(uint8, { same: 1, updated: 2 });
const CredentialType = enumeration(uint8, { standard: 1, provisional: 2 });

/** Codecs of the structs whose shape depends on the cipher suite or the deployment mode. */
export function wireFormat(suite: Suite, configuration: Configuration) {
  const managed = configuration.mode === "thirdPartyManagement";
  const suffix = managed ? SIGNED_SUFFIX : NO_SUFFIX;
  const updated =
    configuration.mode === "thirdPartyAuditing"
      ? struct({ treeHead: TreeHead, auditorTreeHead: AuditorTreeHead })
      : struct({ treeHead: TreeHead });
  const FullTreeHead = tagged("headType", FullTreeHeadType, {
    same: empty,
    updated: updated as Codec<object>,
  }) as unknown as Codec<FullTreeHead>;
  const opening = bytes(OPENING_LENGTH);
  const UpdateValue: Codec<UpdateValue> = struct({ value: opaque(0, 2 ** 32 - 1), suffix });
  const step: Codec<BinaryLadderStep> = struct({
    proof: bytes(suite.vrfProofLength),
    commitment: optional(HashValue),
  });
  const ladder = vector(step, 0, 2 ** 8 - 1);
  const found = struct({ opening, value: UpdateValue, binaryLadder: ladder, search: CombinedTreeProof });
  const version = struct({ version: uint32 });

  const GreatestSearchResponse = sequence(struct({ fullTreeHead: FullTreeHead }), version, found);
  const FixedSearchResponse = sequence(struct({ fullTreeHead: FullTreeHead }), found);
  const MonitorResponse = struct({ fullTreeHead: FullTreeHead, monitor: CombinedTreeProof });
  const OwnerInitResponse = struct({
    fullTreeHead: FullTreeHead,
    greatestVersions: vector(uint32, 0, 2 ** 8 - 1),
    binaryLadder: vector(step, 0, 2 ** 16 - 1),
    init: CombinedTreeProof,
  });
  const UpdateInfo: Codec<UpdateInfo> = struct({ opening, suffix });
  const skipped: Codec<{ readonly skippedVersions?: number }> = managed ? struct({ skippedVersions: uint32 }) : empty;
  const UpdateResponse = sequence(
    sequence(struct({ fullTreeHead: FullTreeHead, position: uint64Number }), skipped),
    struct({
      values: vector(LabelValue, 0, 2 ** 8 - 1),
      info: vector(UpdateInfo, 0, 2 ** 8 - 1),
      binaryLadder: ladder,
      update: CombinedTreeProof,
    }),
  );
  const DistinguishedResponse = struct({ fullTreeHead: FullTreeHead, distinguished: CombinedTreeProof });
  const Credential = sequence(
    struct({
      label: Label,
      version: uint32,
      opening,
      value: UpdateValue,
      binaryLadder: ladder,
      position: uint64Number,
    }),
    tagged("credentialType", CredentialType, {
      standard: struct({ distinguished: PrefixProof }),
      provisional: struct({ treeHead: TreeHead, search: CombinedTreeProof }),
    }),
  );
  const ManagerUpdateRequest = struct({
    last: optional(uint64Number),
    label: Label,
    greatestVersion: optional(uint32),
    values: vector(UpdateValue, 0, 2 ** 8 - 1),
    signedVersion: uint32,
  });
  return {
    FullTreeHead,
    UpdateValue,
    GreatestSearchResponse,
    FixedSearchResponse,
    MonitorResponse,
    OwnerInitResponse,
    UpdateResponse,
    DistinguishedResponse,
    Credential,
    ManagerUpdateRequest,
  };
}

export type WireFormat = ReturnType<typeof wireFormat>;
/** The `SearchResponse` of either form; a greatest-version search names the version it claims. */
export type SearchResponse = Infer<WireFormat["FixedSearchResponse"]> & { readonly version?: number };
export type OwnerInitResponse = Infer<WireFormat["OwnerInitResponse"]>;
export type UpdateResponse = Infer<WireFormat["UpdateResponse"]>;
export type MonitorResponse = Infer<WireFormat["MonitorResponse"]>;
export type DistinguishedResponse = Infer<WireFormat["DistinguishedResponse"]>;
/** KEYTRANS's Credential, named apart from the MLS one. */
export type KtCredential = Infer<WireFormat["Credential"]>;
export type ManagerUpdateRequest = Infer<WireFormat["ManagerUpdateRequest"]>;
