import type { EvidenceOperation } from "@mls-as/keytrans";

/** A request with its answer: enough to verify it again, anywhere, without the log. */
export interface Exchange {
  readonly operation: EvidenceOperation;
  /** The encoded `Configuration` of the log. */
  readonly configuration: Uint8Array;
  /** How many rightmost distinguished entries count as recent. */
  readonly recent: number;
  /** The encoded client state from which the request was made. */
  readonly state: Uint8Array;
  readonly request: Uint8Array;
  readonly responses: readonly Uint8Array[];
  /** When the answer came, milliseconds. */
  readonly now: number;
}
