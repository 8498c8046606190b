export { baseBinaryLadder, MAX_VERSION } from "./binary-ladder.js";
export { KeytransError, type KeytransErrorCode } from "./errors.js";
export {
  decodeEvidence,
  encodeEvidence,
  type Evidence,
  type EvidenceKind,
  type EvidenceOperation,
  type Exchange,
  type StatedRoot,
} from "./evidence.js";
export { logId } from "./log-id.js";
export { type Appended, type AppendedNode, appendLeaf, leafValue, rootValue } from "./log-tree/hashing.js";
export { evaluatePrefixProof, type SearchedKey } from "./prefix-tree/evaluate.js";
export * from "./structs/index.js";
export * from "./suite/index.js";
