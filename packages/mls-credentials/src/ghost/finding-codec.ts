import { type Codec, enumeration, optional, struct, uint8 } from "@mls-as/tls-codec";
import type { BookEntry } from "./finding-book.js";
import {
  type Finding,
  FINDING_KINDS,
  type FindingKind,
  type HeadEvidence,
  type ListEvidence,
  type LogProof,
} from "./finding.js";
import { flag, hexText, listOf, real, record, text } from "./state-fields.js";

/** The closed set, numbered from 1 in its order. */
const Kind: Codec<FindingKind> = enumeration(
  uint8,
  Object.fromEntries(FINDING_KINDS.map((kind, i) => [kind, i + 1])) as Record<FindingKind, number>,
);
const Severity = enumeration(uint8, { critical: 1, serious: 2, notice: 3 });
const Level = enumeration(uint8, { pending: 1, suspect: 2, confirmed: 3 });
const Life = enumeration(uint8, { pending: 1, suspect: 2, confirmed: 3, acknowledged: 4, resolved: 5 });

export const ProofCodec: Codec<LogProof> = struct({
  configuration: hexText,
  request: hexText,
  response: hexText,
  now: real,
  recent: real,
});

const ListCodec: Codec<ListEvidence> = record({ version: real, value: hexText, proof: optional(ProofCodec) });

export const HeadCodec: Codec<HeadEvidence> = record({
  position: real,
  root: text,
  source: text,
  signed: optional(struct({ configuration: hexText, treeHead: hexText })),
});

const Evidence = record({
  certificates: optional(listOf(text)),
  signatureKey: optional(text),
  lists: optional(listOf(ListCodec)),
  heads: optional(listOf(HeadCodec)),
  misbehaviour: optional(hexText),
});

/** A finding as it is kept. */
export const FindingCodec: Codec<Finding> = record({
  id: text,
  kind: Kind,
  severity: Severity,
  life: Life,
  user: text,
  client: optional(text),
  group: optional(text),
  since: real,
  changedAt: real,
  deadline: optional(real),
  detail: text,
  evidence: Evidence,
});

export const BookEntryCodec: Codec<BookEntry> = struct({
  finding: FindingCodec,
  scope: text,
  acknowledged: optional(Level),
  ended: flag,
});
