export { type AddCheckpoint, formatAddCheckpoint, parseAddCheckpoint } from "./add-checkpoint.js";
export { type Checkpoint, formatCheckpoint, parseCheckpoint } from "./checkpoint.js";
export { cosign, cosignedAt } from "./cosignature.js";
export {
  consistencyProof,
  EMPTY_TREE,
  hashLeaf,
  hashNode,
  inclusionProof,
  inclusionRoot,
  isConsistent,
  type SizedRoot,
  type SubtreeKey,
  type SubtreeSource,
  treeRoot,
} from "./rfc6962-tree.js";
export {
  formatVerifierKey,
  isSignedBy,
  LOG_KEY,
  parseSignedNote,
  parseVerifierKey,
  type SignedNote,
  signatureLine,
  signaturesBy,
  signNote,
  type VerifierKey,
  verifierKey,
  WITNESS_KEY,
} from "./signed-note.js";
export { meetsQuorum, parseTlogPolicy, type TlogPolicy } from "./tlog-policy.js";
export {
  addCheckpoint,
  originHash,
  type WitnessAnswer,
  type WitnessedCheckpoint,
  type WitnessSetting,
} from "./witness.js";
export {
  decodeWitnessedHeads,
  encodeWitnessedHeads,
  hashWitnessLeaf,
  type WitnessedHead,
  type WitnessedHeads,
  witnessLeaf,
} from "./witnessed-heads.js";
