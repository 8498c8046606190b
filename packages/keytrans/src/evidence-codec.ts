import {
  decode,
  encode,
  enumeration,
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
import type { Evidence } from "./evidence.js";
import { HashValue, TreeHead } from "./structs/index.js";

/** Version of the encoded form. */
const EVIDENCE_VERSION = 1;

const Kind = enumeration(uint8, {
  fork: 1,
  "non-monotonic-timestamps": 2,
  "inconsistent-ladder": 3,
  "lagging-auditor": 4,
  "wrong-root": 5,
});
const Operation = enumeration(uint8, {
  search: 1,
  contactMonitor: 2,
  ownerInit: 3,
  ownerMonitor: 4,
  update: 5,
  distinguished: 6,
});
const bytes = opaque(0, 2 ** 32 - 1);
const Exchange = struct({
  operation: Operation,
  state: bytes,
  request: bytes,
  responses: vector(bytes, 1, 255),
  now: uint64Number,
});
const StoredEvidence = struct({
  format: refined(uint16, (format) => (format === EVIDENCE_VERSION ? undefined : `unknown evidence format ${format}`)),
  kind: Kind,
  configuration: bytes,
  recent: uint16,
  exchange: Exchange,
  other: optional(Exchange),
  stated: optional(struct({ treeHead: TreeHead, root: HashValue })),
});

/** Evidence as bytes to keep and to hand on. */
export function encodeEvidence(evidence: Evidence): Uint8Array {
  const { kind, configuration, recent, other, stated } = evidence;
  const fields = { format: EVIDENCE_VERSION, kind, configuration, recent, exchange: evidence, other, stated };
  return encode(StoredEvidence, fields);
}

/** @throws KeytransError malformed, also for a format this version does not know */
export function decodeEvidence(stored: Uint8Array): Evidence {
  const decoded = orMalformed("Detecting Forks", "evidence", () => decode(StoredEvidence, stored));
  const { kind, configuration, recent, exchange, other, stated: root } = decoded;
  return { kind, configuration, recent, ...exchange, ...(other && { other }), ...(root && { stated: root }) };
}
