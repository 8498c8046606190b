import {
  bytes,
  decode,
  encode,
  type Infer,
  mapped,
  optional,
  refined,
  struct,
  uint16,
  uint32,
  uint64Number,
  vector,
} from "@mls-as/tls-codec";
import { OwnerHistory } from "../algorithms/index.js";
import { orMalformed } from "../errors.js";
import { AuditorTreeHead, HashValue, Label, MonitorMapEntry, TreeHead } from "../structs/index.js";
import type { ClientState } from "./state.js";

/** Version of the stored form. */
export const STATE_VERSION = 1;

/** The stored form of a `RetainedEntry`. */
export const Entry = struct({ position: uint64Number, timestamp: uint64Number, prefixRoot: HashValue });
/** Full subtree values. */
export const heads = vector(HashValue, 0, 64);

const StoredView = struct({
  treeHead: TreeHead,
  auditorTreeHead: optional(AuditorTreeHead),
  root: HashValue,
  heads,
  frontier: vector(Entry, 0, 64),
});

const StoredDistinguished = struct({
  position: uint64Number,
  timestamp: uint64Number,
  prefixRoot: HashValue,
  heads,
  root: HashValue,
  frontier: vector(Entry, 0, 64),
});

const StoredOwner = mapped(
  struct({
    start: uint64Number,
    versionAtStart: optional(uint32),
    increases: vector(struct({ position: uint64Number, version: uint32 }), 0, 2 ** 32 - 1),
  }),
  ({ start, versionAtStart, increases }) => new OwnerHistory(start, versionAtStart, increases),
  (owner) => owner,
);

const StoredVersion = struct({ version: uint32, vrfOutput: bytes(32), commitment: optional(HashValue) });
type StoredVersion = Infer<typeof StoredVersion>;

/** What is known of a label's versions. */
export const StoredVersions = mapped(
  vector(StoredVersion, 0, 2 ** 32 - 1),
  (rows) => new Map(rows.map(({ version, vrfOutput, commitment }) => [version, { vrfOutput, commitment }])),
  (map): readonly StoredVersion[] =>
    [...map].map(([version, key]) => ({ version, ...key })).sort((a, b) => a.version - b.version),
);

const StoredLabel = struct({
  label: Label,
  monitoring: vector(MonitorMapEntry, 0, 2 ** 16 - 1),
  owner: optional(StoredOwner),
  versions: StoredVersions,
});

const StoredState = struct({
  format: refined(uint16, (format) => (format === STATE_VERSION ? undefined : `unknown state format ${format}`)),
  view: optional(StoredView),
  distinguished: vector(StoredDistinguished, 0, 2 ** 8 - 1),
  labels: vector(StoredLabel, 0, 2 ** 32 - 1),
});

/** The state as bytes to keep. It holds no secret, but whoever changes it can hide a fork. */
export function encodeClientState(state: ClientState): Uint8Array {
  return encode(StoredState, { format: STATE_VERSION, ...state });
}

/** @throws KeytransError malformed, also for a format this version does not know */
export function decodeClientState(stored: Uint8Array): ClientState {
  const { view, distinguished, labels } = orMalformed("User Operations", "state", () => decode(StoredState, stored));
  return { view, distinguished, labels };
}
