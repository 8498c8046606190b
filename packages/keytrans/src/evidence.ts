import {
  decode,
  encode,
  enumeration,
  type Infer,
  opaque,
  optional,
  refined,
  struct,
  uint8,
  uint16,
  uint64Number,
  vector,
} from "@mls-as/tls-codec";
import { orMalformed } from "./errors.js";
import { TreeHead } from "./structs/tree-head.js";

const kinds = enumeration(uint8, {
  /** A good signature over a tree that does not extend the signed tree shown before, or differs from one shown to another. */
  fork: 1,
  /** A signed tree whose timestamps decrease. */
  "non-monotonic-timestamps": 2,
  /** Signed trees in which a version of a label is missing where it, or a later one, must be: it was there before. */
  "inconsistent-ladder": 3,
  /** Signed heads of log and auditor that lie further apart than the configuration allows. */
  "lagging-auditor": 4,
  /** A good signature over a stated root that is not the root of the log's own signed tree at that size. */
  "wrong-root": 5,
});

/** What a bundle of signed bytes is said to prove. */
export type EvidenceKind = Infer<typeof kinds>;

const operations = enumeration(uint8, {
  search: 1,
  contactMonitor: 2,
  ownerInit: 3,
  ownerMonitor: 4,
  update: 5,
  distinguished: 6,
});

/** The operations whose responses can accuse. */
export type EvidenceOperation = Infer<typeof operations>;

const bytes = opaque(0, 2 ** 32 - 1);

const Exchange = struct({
  operation: operations,
  state: bytes,
  request: bytes,
  responses: vector(bytes, 1, 255),
  now: uint64Number,
});

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
  readonly treeHead: TreeHead;
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

/** Version of the encoded form. */
const EVIDENCE_VERSION = 1;

const StoredEvidence = struct({
  format: refined(uint16, (format) => (format === EVIDENCE_VERSION ? undefined : `unknown evidence format ${format}`)),
  kind: kinds,
  configuration: bytes,
  recent: uint16,
  exchange: Exchange,
  other: optional(Exchange),
  stated: optional(struct({ treeHead: TreeHead, root: opaque(32, 32) })),
});

/** Evidence as bytes to keep and to hand on. */
export function encodeEvidence(evidence: Evidence): Uint8Array {
  return encode(StoredEvidence, {
    ...evidence,
    format: EVIDENCE_VERSION,
    exchange: evidence,
    other: evidence.other,
    stated: evidence.stated,
  });
}

/** @throws KeytransError malformed, also for a format this version does not know */
export function decodeEvidence(stored: Uint8Array): Evidence {
  const decoded = orMalformed("Detecting Forks", "evidence", () => decode(StoredEvidence, stored));
  const { kind, configuration, recent, exchange, other, stated: root } = decoded;
  return { kind, configuration, recent, ...exchange, ...(other && { other }), ...(root && { stated: root }) };
}
