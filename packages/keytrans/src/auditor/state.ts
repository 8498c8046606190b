import { decode, encode, type Infer, refined, struct, uint16, uint64Number, vector } from "@mls-as/tls-codec";
import { orMalformed } from "../errors.js";
import { HashValue, ZERO_HASH } from "../structs/index.js";

/** Version of the stored form. */
const STATE_VERSION = 1;

const Fields = struct({
  treeSize: uint64Number,
  /** Of the newest entry processed, milliseconds. */
  timestamp: uint64Number,
  /** Prefix tree root of that entry. */
  prefixRoot: HashValue,
  /** Full subtree values of the log tree, left to right. */
  heads: vector(HashValue, 0, 64),
});

/** All an auditor remembers. Immutable. */
export type AuditorState = Infer<typeof Fields>;

/** Before the first log entry. */
export const INITIAL_AUDITOR_STATE: AuditorState = { treeSize: 0, timestamp: 0, prefixRoot: ZERO_HASH, heads: [] };

const Stored = struct({
  format: refined(uint16, (format) => (format === STATE_VERSION ? undefined : `unknown state format ${format}`)),
  state: Fields,
});

export function encodeAuditorState(state: AuditorState): Uint8Array {
  return encode(Stored, { format: STATE_VERSION, state });
}

/** @throws KeytransError malformed, also for a format this version does not know */
export function decodeAuditorState(stored: Uint8Array): AuditorState {
  return orMalformed("Auditing", "state", () => decode(Stored, stored)).state;
}
