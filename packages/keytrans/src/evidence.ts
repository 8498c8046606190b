/** What a bundle of signed bytes is said to prove. */
export type EvidenceKind =
  /** Two tree heads signed by one log that cannot belong to one history. */
  | "fork"
  /** A signed tree whose timestamps decrease. */
  | "non-monotonic-timestamps"
  /** A signed tree whose binary ladders contradict each other or the claimed version. */
  | "inconsistent-ladder"
  /** A good signature over a tree that does not extend the one shown before. */
  | "inconsistent-root"
  /** An auditor's head that lags more than the configuration allows. */
  | "lagging-auditor";

/** Bytes from which a third party judges a log's misbehaviour without trusting the accuser. All times in milliseconds. */
export interface Evidence {
  readonly kind: EvidenceKind;
  /** The encoded `Configuration`. */
  readonly configuration: Uint8Array;
  /** Request and response pairs, in the order in which one client made them, from its first contact. */
  readonly exchanges: readonly { readonly request: Uint8Array; readonly response: Uint8Array; readonly now: number }[];
}
