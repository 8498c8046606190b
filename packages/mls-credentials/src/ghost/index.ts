export { type Alert, AlertQueue, type AlertSchedule, DEFAULT_ALERT_SCHEDULE } from "./alert-queue.js";
export {
  type Condition,
  ENDS_BY_ITSELF,
  type EvidenceBundle,
  type Finding,
  FINDING_KINDS,
  type FindingKind,
  type HeadEvidence,
  type Life,
  type ListEvidence,
  type LogProof,
  SEVERITY,
  type Severity,
  type SignedHead,
} from "./finding.js";
export { judgeFinding } from "./evidence-judge.js";
export type { EvidenceAssumption, EvidenceJudge, EvidenceVerdict } from "./evidence-verdict.js";
export { GhostStateError, type GhostStateErrorCode } from "./ghost-state-error.js";
export { GhostDetector, type GhostDetectorOptions, type Observation } from "./ghost-detector.js";
export type { GhostEvent, SightedCredential, SightedLeaf } from "./ghost-event.js";
export type { MembershipLine } from "./membership-log.js";
