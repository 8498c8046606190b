import type { PathReasonCode, ProfileReasonCode } from "./certificate/index.js";

/** Reasons the verifier itself gives, beside those of path validation and of the certificate profile. */
export type VerifierReasonCode =
  | "malformed-certificate"
  | "empty-chain"
  /** A certificate of the chain does not directly certify the one before it (RFC 9420, "Credentials"). */
  | "chain-order"
  /** No trust for this identity domain in the policy. */
  | "unknown-domain"
  | "invalid-reference"
  | "scheme-not-allowed"
  | "credential-type-not-allowed"
  | "cipher-suite-not-allowed"
  /** The GroupContext lacks an extension that the policy wants in every group. */
  | "mandatory-extension-missing"
  /** An extension that the policy wants nowhere. */
  | "forbidden-extension"
  | "external-senders-not-allowed"
  | "external-join-not-allowed"
  /** A joiner by external commit takes the place of somebody else. */
  | "invalid-successor"
  /** A KeyPackage that is good for longer than the policy lets it be. */
  | "key-package-lifetime"
  /** A leaf that has not been updated for longer than the policy lets members stay. */
  | "stay-too-long"
  /** The GroupContext is another group's, epoch's or suite's than the tree is said to be of. */
  | "group-context-mismatch"
  | "credential-expired"
  | "credential-revoked"
  /** The log proves a device list without this certificate. */
  | "unlogged"
  /** The list holds the certificate under another client, or with another key. */
  | "record-mismatch"
  /** The device list offered as evidence is another user's. */
  | "evidence-of-other-user"
  /** The evidence is older than the credential: a newer device brings its own proof. */
  | "evidence-older-than-credential"
  | "evidence-unavailable"
  | "staple-required"
  | "staple-too-old"
  /** The policy pins another log than the one the evidence comes from. */
  | "evidence-of-other-log"
  /** The group has no pins: time and evidence are this member's own, and others may decide otherwise. */
  | "local-basis";

export type ReasonCode = VerifierReasonCode | PathReasonCode | ProfileReasonCode;

/** One thing that speaks against a credential, or that people should know. */
export interface Reason {
  readonly code: ReasonCode;
  /** `refusal` decides; `warning` is shown; `notice` is for the record. */
  readonly severity: "refusal" | "warning" | "notice";
  /** Title of the section of the standard or the design that says so. */
  readonly section: string;
  /** What it is about, as `certificates[0].subjectAltName`. */
  readonly path: string;
  readonly detail: string;
  /** Seconds since 1970 after which a warning becomes a refusal. */
  readonly deadline?: number;
}

/** How the credential stands; the first that applies, so that expired, revoked and unlogged are told apart. */
export type Standing = "invalid" | "revoked" | "unlogged" | "unproven" | "not-yet-valid" | "expired" | "valid";

/** What a decision rested on; equal bases and equal bytes give equal decisions. */
export interface Basis {
  /** Seconds since 1970 by which validity was judged. */
  readonly time: number;
  readonly timeSource: "pin" | "stated" | "local";
  /** base64url SHA-256 of the policy's payload. */
  readonly policyDigest: string;
  /** Position of the log entry that the device list was proven at. */
  readonly logPosition?: number;
  readonly deviceListVersion?: number;
}

/** Whether a member may be in the group: the same for every member with the same basis. Serialisable as JSON. */
export interface Acceptance {
  readonly accepted: boolean;
  readonly standing: Standing;
  readonly reasons: readonly Reason[];
  readonly basis: Basis;
  /** The presented names, when the certificate has them. */
  readonly user?: string;
  readonly client?: string;
  /** Lower-case hex. */
  readonly tbsCertificateHash?: string;
  readonly spkiHash?: string;
  /** Seconds since 1970. */
  readonly notBefore?: number;
  readonly notAfter?: number;
}

/** What this member alone knows in addition: never decides about membership. */
export interface LocalView {
  readonly time: number;
  readonly reasons: readonly Reason[];
}

/** Acceptance and local findings of one credential, kept apart. */
export interface Verdict {
  readonly acceptance: Acceptance;
  readonly local?: LocalView;
}
