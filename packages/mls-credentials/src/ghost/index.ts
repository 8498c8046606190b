export {
  type Condition,
  ENDS_BY_ITSELF,
  type EvidenceBundle,
  type Finding,
  FINDING_KINDS,
  type FindingKind,
  type Life,
  type LogProof,
  SEVERITY,
  type Severity,
} from "./finding.js";
export { GhostDetector, type GhostDetectorOptions, type Observation } from "./ghost-detector.js";
export type { GhostEvent, SightedCredential, SightedLeaf } from "./ghost-event.js";
export type { MembershipChange } from "./group-memory.js";
