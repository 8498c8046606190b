export { type DerivedEntry, deriveEntry, type EntryContext } from "./entry.js";
export { ProverError, type ProverErrorCode } from "./errors.js";
export type { ProverContext, VrfEvaluator } from "./label-vrf.js";
export { checkManagerUpdate, type OperatorContext, signManagerUpdate } from "./management.js";
export { MemoryStore } from "./memory-store.js";
export { type PruningPlan, planPruning } from "./pruning.js";
export { createProver, type Prover, type ProverOptions } from "./prover.js";
export {
  type LabelChange,
  MAX_AUDITED_CHANGES,
  type Rejection,
  type RejectionCode,
  sequence,
  type SequenceContext,
  type Sequenced,
} from "./sequence.js";
export type {
  LogEntryWrites,
  LogNodeKey,
  ProverStore,
  StoredEntry,
  StoredHead,
  StoredLogNode,
  StoredOpening,
  StoredPrefixNode,
  StoredVersion,
  StoredVrfProof,
} from "./store.js";
export type { UpdatePlan } from "./update.js";
