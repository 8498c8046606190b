/** What a bundle of signed bytes is said to prove. */
export type EvidenceKind =
  /** A good signature over a tree that does not extend the signed tree shown before, or differs from one shown to another. */
  | "fork"
  /** A signed tree whose timestamps decrease. */
  | "non-monotonic-timestamps"
  /** Signed trees in which a version of a label is missing where it, or a later one, must be: it was there before. */
  | "inconsistent-ladder"
  /** Signed heads of log and auditor that lie further apart than the configuration allows. */
  | "lagging-auditor"
  /** A good signature over a stated root that is not the root of the log's own signed tree at that size. */
  | "wrong-root";

/** The operations whose responses can accuse. */
export type EvidenceOperation = "search" | "contactMonitor" | "ownerInit" | "ownerMonitor" | "update" | "distinguished";

/** A question to the log with what it answered. */
export interface Exchange {
  readonly operation: EvidenceOperation;
  /** The encoded client state from which the request was made, reduced to the view and the label concerned. */
  readonly state: Uint8Array;
  readonly request: Uint8Array;
  readonly responses: readonly Uint8Array[];
  /** When the response came, milliseconds. */
  readonly now: number;
}

/** A tree head together with the root that was stated with it, say in a checkpoint or by another user. */
export interface StatedRoot {
  readonly treeHead: { readonly treeSize: number; readonly signature: Uint8Array };
  /** 32 bytes. */
  readonly root: Uint8Array;
}

/** Bytes from which a third party judges a log's misbehaviour without trusting the accuser's verdict. */
export interface Evidence extends Exchange {
  readonly kind: EvidenceKind;
  /** The encoded `Configuration`; the judge compares its keys with the log it knows. */
  readonly configuration: Uint8Array;
  /** How many rightmost distinguished entries count as recent. */
  readonly recent: number;
  /** A second exchange that contradicts the first: with another user, or the same user's at another time. */
  readonly other?: Exchange | undefined;
  /** What `wrong-root` is about. */
  readonly stated?: StatedRoot | undefined;
}
