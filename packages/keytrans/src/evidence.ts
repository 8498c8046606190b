/** What a bundle of signed bytes is said to prove. */
export type EvidenceKind =
  /** A good signature over a tree that does not extend the signed tree shown before. */
  | "fork"
  /** A signed tree whose timestamps decrease. */
  | "non-monotonic-timestamps"
  /** A signed tree whose binary ladders contradict the version claimed in the response, or the one verified before. */
  | "inconsistent-ladder"
  /** Signed heads of log and auditor that lie further apart than the configuration allows. */
  | "lagging-auditor";

/** The operations whose responses can accuse. */
export type EvidenceOperation = "search" | "contactMonitor" | "ownerInit" | "ownerMonitor" | "update" | "distinguished";

/** Bytes from which a third party judges a log's misbehaviour without trusting the accuser's verdict. */
export interface Evidence {
  readonly kind: EvidenceKind;
  /** The encoded `Configuration`; the judge compares its keys with the log it knows. */
  readonly configuration: Uint8Array;
  /** How many rightmost distinguished entries count as recent. */
  readonly recent: number;
  readonly operation: EvidenceOperation;
  /** The encoded client state from which the request was made, reduced to the view and the label concerned. */
  readonly state: Uint8Array;
  readonly request: Uint8Array;
  readonly responses: readonly Uint8Array[];
  /** When the response came, milliseconds. */
  readonly now: number;
  /** For a fork shown to two users: the other one's walk of distinguished heads, made without an earlier view. */
  readonly other?: { readonly request: Uint8Array; readonly response: Uint8Array; readonly now: number };
}
