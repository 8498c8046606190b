export { OwnerHistory, type RetainedEntry, type VersionIncrease } from "../algorithms/index.js";
export { type ClientOptions, createClient, type KtClient } from "./client.js";
export {
  type CredentialResult,
  credentialUpdateRequest,
  finalizeCredential,
  type PendingCredential,
} from "./credential.js";
export {
  decodeCredentialQueue,
  decodePendingCredential,
  encodeCredentialQueue,
  encodePendingCredential,
} from "./credential-codec.js";
export {
  type CredentialQueue,
  EMPTY_CREDENTIAL_QUEUE,
  forgetCredential,
  MAX_QUEUED,
  type ReceivedCredential,
  type ReceivedUpdate,
  type SettledCredentials,
} from "./credential-queue.js";
export type { DistinguishedResult } from "./distinguished.js";
export { exchangeOf, forkEvidence, ladderEvidence, type Walk, wrongRootEvidence } from "./evidence.js";
export { type EvidenceVerdict, verifyEvidence } from "./evidence-verdict.js";
export { compareDistinguishedHead, compareRoots, distinguishedHead } from "./fork-detection.js";
export {
  type ContactMonitorResult,
  labelsToMonitor,
  type MonitorArguments,
  type OwnerMonitorResult,
} from "./monitor.js";
export type { Prepared, Verified } from "./operation.js";
export type { OwnerInitArguments, OwnerInitResult } from "./owner-init.js";
export type { SearchedKey } from "../prefix-tree/evaluate.js";
export type { SearchArguments, SearchResult } from "./search.js";
export {
  type ClientState,
  INITIAL_STATE,
  type KnownDistinguished,
  type LabelState,
  labelState,
  type TreeView,
} from "./state.js";
export { decodeClientState, encodeClientState } from "./state-codec.js";
export type { UpdateArguments, UpdateResult } from "./update.js";
export type { ClientSetting, ProvenTree } from "./verified-tree.js";
export {
  inclusionRoot,
  meetsQuorum,
  parseTlogPolicy,
  type TlogPolicy,
  verifyWitnessedHead,
  type WitnessProof,
} from "./witness/index.js";
