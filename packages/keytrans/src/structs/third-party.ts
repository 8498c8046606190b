import { bytes, type Infer, opaque, struct, uint32, uint64Number, vector } from "@mls-as/tls-codec";
import { Configuration } from "./configuration.js";
import { CombinedTreeProof, InclusionProof, PrefixLeaf, PrefixProof } from "./proofs.js";
import { Label } from "./requests.js";
import { LogEntry, TreeHead } from "./tree-head.js";

/** What the Service Operator signs for each value in third-party management. Draft section "Update Format". */
export const UpdateTBS = struct({
  config: Configuration,
  label: Label,
  version: uint32,
  value: opaque(0, 2 ** 32 - 1),
});
export type UpdateTBS = Infer<typeof UpdateTBS>;

/** One log entry's change of the prefix tree. Draft section "Auditing". */
export const AuditorUpdate = struct({
  timestamp: uint64Number,
  added: vector(PrefixLeaf, 0, 2 ** 16 - 1),
  removed: vector(PrefixLeaf, 0, 2 ** 16 - 1),
  proof: PrefixProof,
});
export type AuditorUpdate = Infer<typeof AuditorUpdate>;

/**
 * What an auditor needs to begin at another entry than the first: the log as of `tree_head`, its rightmost entry and the
 * heads that lead from it to the signed root. Ours: the draft names a starting position and not how to get there.
 */
export const AuditorCheckpoint = struct({ treeHead: TreeHead, entry: LogEntry, inclusion: InclusionProof });
export type AuditorCheckpoint = Infer<typeof AuditorCheckpoint>;

/** Roots of the log at each recent distinguished entry, left to right. Draft section "Detecting Forks". */
export const DistinguishedHead = struct({ heads: vector(bytes(32), 0, 2 ** 8 - 1) });
export type DistinguishedHead = Infer<typeof DistinguishedHead>;

/** Draft section "Provisional". */
export const CredentialUpdate = struct({ monitor: CombinedTreeProof });
export type CredentialUpdate = Infer<typeof CredentialUpdate>;
