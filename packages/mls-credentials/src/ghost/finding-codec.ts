import { type Codec, CodecError, enumeration, mapped, optional, struct, uint8 } from "@mls-as/tls-codec";
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
  heads: optional(listOf(HeadCodec)),
  misbehaviour: optional(hexText),
});

const FindingCodec: Codec<Finding> = record({
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

/** Findings, or what holds one each. A list that speaks for many of them is kept once. */
function sharingLists<T extends { readonly finding: Finding }>(held: Codec<T>): Codec<readonly T[]> {
  const Entry = struct({ held, lists: listOf(real) });
  return mapped(
    struct({ lists: listOf(ListCodec), entries: listOf(Entry) }),
    ({ lists, entries }, offset) =>
      entries.map(({ held: entry, lists: numbers }) => {
        if (numbers.length === 0) return entry;
        const shown = numbers.map((number) => {
          const list = lists[number];
          if (list === undefined) throw new CodecError("invalid-value", `list ${number} of ${lists.length}`, offset);
          return list;
        });
        const { finding } = entry;
        return { ...entry, finding: { ...finding, evidence: { ...finding.evidence, lists: shown } } };
      }),
    (entries) => {
      const table = new ListTable();
      const stored = entries.map((entry) => {
        const { lists = [], ...evidence } = entry.finding.evidence;
        return {
          held: { ...entry, finding: { ...entry.finding, evidence } },
          lists: lists.map((list) => table.add(list)),
        };
      });
      return { lists: table.lists, entries: stored };
    },
  );
}

/** Each list once, in the order in which they first come: equal histories are to give equal bytes, whichever objects hold them. */
class ListTable {
  readonly lists: ListEvidence[] = [];
  readonly #byObject = new Map<ListEvidence, number>();
  readonly #byValue = new Map<string, number>();

  add(list: ListEvidence): number {
    const known = this.#byObject.get(list);
    if (known !== undefined) return known;
    const value = JSON.stringify([list.version, list.value, list.proof]);
    const number = this.#byValue.get(value) ?? this.lists.push(list) - 1;
    this.#byValue.set(value, number);
    this.#byObject.set(list, number);
    return number;
  }
}

export const BookCodec: Codec<readonly BookEntry[]> = sharingLists(
  struct({ finding: FindingCodec, scope: text, acknowledged: optional(Level), ended: flag }),
);

export const FindingsCodec: Codec<readonly Finding[]> = mapped(
  sharingLists(struct({ finding: FindingCodec })),
  (held) => held.map(({ finding }) => finding),
  (findings) => findings.map((finding) => ({ finding })),
);
