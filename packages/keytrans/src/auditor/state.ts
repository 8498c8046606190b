import { decode, encode, type Infer, refined, struct, uint16, uint64Number, vector } from "@mls-as/tls-codec";
import { orMalformed } from "../errors.js";
import { HashValue, ZERO_HASH } from "../structs/index.js";

/** Version of the stored form. Version 1 lacked `start`, which was always 0. */
const STATE_VERSION = 2;

const fields = {
  treeSize: uint64Number,
  /** Of the newest entry processed, milliseconds. */
  timestamp: uint64Number,
  /** Prefix tree root of that entry. */
  prefixRoot: HashValue,
  /** Full subtree values of the log tree, left to right. */
  heads: vector(HashValue, 0, 64),
};
const FirstFields = struct(fields);
const Fields = struct({
  ...fields,
  /** Position of the first entry that this auditor processed. */
  start: uint64Number,
});

/** All an auditor remembers. Immutable. */
export type AuditorState = Infer<typeof Fields>;

/** Before the first log entry. */
export const INITIAL_AUDITOR_STATE: AuditorState = {
  treeSize: 0,
  timestamp: 0,
  prefixRoot: ZERO_HASH,
  heads: [],
  start: 0,
};

const format = (known: number) =>
  refined(uint16, (value) => (value === known ? undefined : `unknown state format ${value}`));
const FirstStored = struct({ format: format(1), state: FirstFields });
const Stored = struct({ format: format(STATE_VERSION), state: Fields });

export function encodeAuditorState(state: AuditorState): Uint8Array {
  return encode(Stored, { format: STATE_VERSION, state });
}

/** @throws KeytransError malformed, also for a format this version does not know */
export function decodeAuditorState(stored: Uint8Array): AuditorState {
  return orMalformed("Auditing", "state", () => {
    if (stored[0] !== 0 || stored[1] !== 1) return decode(Stored, stored).state;
    return { ...decode(FirstStored, stored).state, start: 0 };
  });
}
