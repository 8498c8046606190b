/** Everything the ghost detector can find: a closed set. See docs/ghost-detection.md for each one's exact condition. */
export const FINDING_KINDS = [
  "UNLOGGED_LEAF",
  "KEY_MISMATCH",
  "REMOVED_DEVICE_PRESENT",
  "SELF_UNKNOWN_IN_LOG",
  "SELF_UNKNOWN_IN_GROUP",
  "SELF_MISSING_FROM_LOG",
  "TRANSIENT_DEVICE",
  "PARTIAL_PRESENCE",
  "DUPLICATE_CLIENT",
  "IDENTITY_CONFLICT",
  "SIGNATURE_KEY_REUSED",
  "INVALID_SUCCESSOR",
  "UNAUTHORISED_ENTRY",
  "UNLOGGED_KEY_PACKAGE",
  "CREDENTIAL_DEGRADED",
  "VIEW_SPLIT",
  "EVIDENCE_UNAVAILABLE",
] as const;
export type FindingKind = (typeof FINDING_KINDS)[number];

/** `critical`: someone may be reading along. `serious`: a protection is off. `notice`: people should look. */
export type Severity = "critical" | "serious" | "notice";

export const SEVERITY: Readonly<Record<FindingKind, Severity>> = {
  UNLOGGED_LEAF: "critical",
  KEY_MISMATCH: "critical",
  REMOVED_DEVICE_PRESENT: "serious",
  SELF_UNKNOWN_IN_LOG: "critical",
  SELF_UNKNOWN_IN_GROUP: "critical",
  SELF_MISSING_FROM_LOG: "critical",
  TRANSIENT_DEVICE: "serious",
  PARTIAL_PRESENCE: "notice",
  DUPLICATE_CLIENT: "serious",
  IDENTITY_CONFLICT: "critical",
  SIGNATURE_KEY_REUSED: "critical",
  INVALID_SUCCESSOR: "critical",
  UNAUTHORISED_ENTRY: "serious",
  UNLOGGED_KEY_PACKAGE: "critical",
  CREDENTIAL_DEGRADED: "serious",
  VIEW_SPLIT: "critical",
  EVIDENCE_UNAVAILABLE: "serious",
};

/** Grows from `pending` (an innocent explanation is still due by the deadline) to `confirmed`; ends by a person or by itself. */
export type Life = "pending" | "suspect" | "confirmed" | "acknowledged" | "resolved";

/** The signed bytes that show a finding to someone who trusts neither side; `judgeFinding` checks them. Hex is lower-case. */
export interface EvidenceBundle {
  /** The offending certificates, leaf first, DER. */
  readonly certificates?: readonly string[];
  /** The `signature_key` of the leaf, where it matters. */
  readonly signatureKey?: string;
  /** Encoded device lists as the log served them, with the proof that did. */
  readonly lists?: readonly ListEvidence[];
  /** Heads that cannot all be true. */
  readonly heads?: readonly HeadEvidence[];
  /** Exchanges with the log that break its rules: encoded KEYTRANS evidence. */
  readonly misbehaviour?: string;
}

export interface ListEvidence {
  readonly version: number;
  /** The encoded `DeviceList`. */
  readonly value: string;
  readonly proof?: LogProof;
}

/** A log of `position + 1` entries had this root. */
export interface HeadEvidence {
  readonly position: number;
  readonly root: string;
  /** Where it came from: a lookup, gossip, a group's pin. */
  readonly source: string;
  readonly signed?: SignedHead;
}

/** A log's signature over a size and root: encoded `Configuration` and `TreeHead`. */
export interface SignedHead {
  readonly configuration: string;
  readonly treeHead: string;
}

/** A search with its answer. It convinces others when the request was made without an earlier view of the log. */
export interface LogProof {
  /** The encoded `Configuration`, `SearchRequest` and response. */
  readonly configuration: string;
  readonly request: string;
  readonly response: string;
  /** When the answer came, milliseconds since 1970. */
  readonly now: number;
  /** How many rightmost distinguished entries count as recent. */
  readonly recent: number;
}

/** One finding. Times are seconds since 1970. */
export interface Finding {
  /** Stable over the finding's whole life and over restarts. */
  readonly id: string;
  readonly kind: FindingKind;
  readonly severity: Severity;
  readonly life: Life;
  /** Whom it is about. */
  readonly user: string;
  readonly client?: string;
  readonly group?: string;
  readonly since: number;
  readonly changedAt: number;
  /** When `pending` ends unless the innocent explanation arrives. */
  readonly deadline?: number;
  readonly detail: string;
  readonly evidence: EvidenceBundle;
}

/** What a rule sees at one moment; the detector turns it into a finding with a life. */
export interface Condition {
  readonly kind: FindingKind;
  readonly level: "pending" | "suspect" | "confirmed";
  /** Tells apart findings of one kind about one user. */
  readonly subject: string;
  readonly user: string;
  readonly client?: string;
  readonly group?: string;
  readonly since: number;
  readonly deadline?: number;
  readonly detail: string;
  readonly evidence: EvidenceBundle;
}

/** Findings that end when what they report ends; all others stay confirmed until a person acknowledges them. */
export const ENDS_BY_ITSELF: ReadonlySet<FindingKind> = new Set<FindingKind>([
  "REMOVED_DEVICE_PRESENT",
  "SELF_UNKNOWN_IN_LOG",
  "SELF_UNKNOWN_IN_GROUP",
  "PARTIAL_PRESENCE",
  "DUPLICATE_CLIENT",
  "CREDENTIAL_DEGRADED",
  "EVIDENCE_UNAVAILABLE",
]);
