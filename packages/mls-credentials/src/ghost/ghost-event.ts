import type { EvidenceKind } from "@mls-as/keytrans";
import type { LogProof, SignedHead } from "./finding.js";

/** A credential seen in a tree or KeyPackage. Byte strings as lower-case hex, times in seconds. */
export interface SightedCredential {
  /** Whom the app's roster expects here: a user URI. */
  readonly reference: string;
  readonly type: "x509" | "basic" | "other";
  /** Names in the certificate; empty when there are none. */
  readonly user: string;
  readonly client: string;
  readonly spkiHash: string;
  readonly tbsCertificateHash: string;
  /** Whether `signature_key` beside the credential is the certificate's key. */
  readonly keyMatches: boolean;
  readonly notBefore: number;
  readonly notAfter: number;
  /** DER, leaf first; for the evidence. */
  readonly certificates?: readonly string[];
  readonly signatureKey?: string;
}

/** A leaf of a ratchet tree. `source` is its `leaf_node_source`. */
export interface SightedLeaf extends SightedCredential {
  readonly leafIndex: number;
  readonly source: "key_package" | "update" | "commit";
  /** The leaf's `encryption_key`: tells an updated leaf from one that stayed. Lower-case hex. */
  readonly encryptionKey?: string;
}

/**
 * What happens to a detector. `at` is this device's clock, seconds since 1970; it need not be exact, and may go back where
 * a wrong clock was set right.
 */
export type GhostEvent =
  /** A user's device list, proven by the log: its greatest version at `provenAt` (the log entry's time, seconds). */
  | {
      readonly type: "device-list";
      readonly at: number;
      readonly user: string;
      readonly version: number;
      readonly value: Uint8Array;
      readonly provenAt: number;
      /** False: a version of the past, read to know the whole history; `provenAt` then says nothing. Default true. */
      readonly greatest?: boolean;
      readonly proof?: LogProof;
    }
  /** A lookup failed. */
  | { readonly type: "log-unavailable"; readonly at: number; readonly user: string }
  /** A log head from anywhere: own lookups, gossip, a group's pin. */
  | {
      readonly type: "head";
      readonly at: number;
      readonly logId: string;
      readonly position: number;
      readonly root: string;
      readonly source: string;
      /** The log's signature over it, which makes a split provable. */
      readonly signed?: SignedHead;
    }
  /** An answer of the log that proves its misbehaviour: KEYTRANS evidence that `verifyEvidence` calls proven. */
  | {
      readonly type: "log-misbehaviour";
      readonly at: number;
      readonly logId: string;
      readonly kind: EvidenceKind;
      /** The encoded evidence (`encodeEvidence`). */
      readonly evidence: string;
    }
  /** A group's members at an epoch. `current`: nothing of this group waits to be processed. */
  | {
      readonly type: "tree";
      readonly at: number;
      readonly group: string;
      readonly epoch: number;
      readonly current: boolean;
      readonly leaves: readonly SightedLeaf[];
    }
  /** This device left the group. */
  | { readonly type: "left"; readonly at: number; readonly group: string }
  | { readonly type: "key-package"; readonly at: number; readonly credential: SightedCredential }
  /** A key of this device; before it enrols with it. `tbsCertificateHash` and `version` once the log acknowledged it. */
  | {
      readonly type: "own-key";
      readonly at: number;
      readonly client: string;
      readonly spkiHash: string;
      readonly enrolled?: { readonly tbsCertificateHash: string; readonly version: number; readonly notAfter: number };
    }
  /** The user said on this device: that one is mine. */
  | { readonly type: "confirm-device"; readonly at: number; readonly client: string; readonly spkiHash: string }
  | { readonly type: "acknowledge"; readonly at: number; readonly finding: string }
  /** Time has passed. To be sent after a round of lookups, so that a device coming online asks before it suspects. */
  | { readonly type: "tick"; readonly at: number };
