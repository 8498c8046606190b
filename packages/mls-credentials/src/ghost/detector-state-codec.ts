import {
  type Codec,
  CodecError,
  decode,
  encode,
  enumeration,
  mapped,
  optional,
  struct,
  uint16,
  uint8,
} from "@mls-as/tls-codec";
import type { OwnDevices } from "../own-devices.js";
import { DetectorState, type KeyOwner } from "./detector-state.js";
import { BookCodec, HeadCodec } from "./finding-codec.js";
import { GhostStateError } from "./ghost-state-error.js";
import { GroupCodec, SightingCodec } from "./group-codec.js";
import { UserLogCodec } from "./log-codec.js";
import type { MembershipLine } from "./membership-log.js";
import { blob, flag, listOf, mapOf, real, record, setOf, text } from "./state-fields.js";
import type { OwnCredential, UnknownRecord } from "./user-rules.js";

/** Number of the encoding below; a change of any part of it gets the next one. */
const FORMAT = 4;

const LineKind: Codec<MembershipLine["kind"]> = enumeration(uint8, {
  present: 1,
  joined: 2,
  left: 3,
  renewed: 4,
  "changed-key": 5,
  "own-departure": 6,
  "device-added": 7,
  "device-revoked": 8,
  "identity-changed": 9,
});
const Line: Codec<MembershipLine> = record({
  at: real,
  kind: LineKind,
  user: text,
  client: text,
  group: optional(text),
  epoch: optional(real),
});

const KeyOwnerCodec: Codec<KeyOwner> = record({ client: text, user: text, certificates: optional(listOf(text)) });
const Own: Codec<OwnDevices> = struct({
  user: text,
  trusted: listOf(struct({ client: text, spkiHash: blob })),
  revoked: listOf(struct({ spkiHash: blob, version: real })),
});
const OwnCredentialCodec: Codec<OwnCredential> = struct({
  tbsCertificateHash: text,
  client: text,
  version: real,
  notAfter: real,
  toldAt: real,
});
const Unknown: Codec<UnknownRecord> = struct({
  client: text,
  spkiHash: blob,
  tbsCertificateHash: blob,
  firstSeen: real,
  atFirstLook: flag,
  overBefore: flag,
  revived: flag,
  absentAt: real,
  endedAt: optional(real),
});

const Fields = struct({
  self: text,
  now: real,
  tickedAt: real,
  findings: BookCodec,
  membership: listOf(Line),
  logs: mapOf(text, UserLogCodec),
  groups: mapOf(text, GroupCodec),
  groupsOf: mapOf(text, setOf(text)),
  keyPackages: mapOf(text, SightingCodec),
  keyOwners: mapOf(text, KeyOwnerCodec),
  heads: mapOf(text, HeadCodec),
  ownCredentials: mapOf(text, OwnCredentialCodec),
  unknown: mapOf(text, Unknown),
  own: Own,
});

const State: Codec<DetectorState> = mapped(
  Fields,
  (fields) => {
    const state = new DetectorState(fields.self, []);
    state.now = fields.now;
    state.tickedAt = fields.tickedAt;
    for (const entry of fields.findings) state.book.restore(entry);
    state.membership.append(fields.membership);
    for (const [user, groups] of fields.groupsOf) state.groupsOf.set(user, new Set(groups));
    for (const name of ["logs", "groups", "keyPackages", "keyOwners", "heads", "ownCredentials", "unknown"] as const)
      for (const [key, value] of fields[name]) (state[name] as Map<string, unknown>).set(key, value);
    state.own = fields.own;
    return state;
  },
  (state) => ({
    self: state.own.user,
    now: state.now,
    tickedAt: state.tickedAt,
    findings: state.book.entries(),
    membership: state.membership.lines(),
    logs: state.logs,
    groups: state.groups,
    groupsOf: state.groupsOf,
    keyPackages: state.keyPackages,
    keyOwners: state.keyOwners,
    heads: state.heads,
    ownCredentials: state.ownCredentials,
    unknown: state.unknown,
    own: state.own,
  }),
);
const Stored = struct({ format: uint16, state: State });

export function encodeDetectorState(state: DetectorState): Uint8Array {
  return encode(Stored, { format: FORMAT, state });
}

/** @throws GhostStateError */
export function decodeDetectorState(bytes: Uint8Array, self: string): DetectorState {
  const format = bytes.length < 2 ? undefined : (bytes[0] as number) * 256 + (bytes[1] as number);
  if (format !== undefined && format !== FORMAT)
    throw new GhostStateError("unknown-format", "format", `format ${format}, ${FORMAT} is known`);
  let state: DetectorState;
  try {
    ({ state } = decode(Stored, bytes));
  } catch (error) {
    if (!(error instanceof CodecError)) throw error;
    throw new GhostStateError("malformed-state", error.path, `${error.code}: ${error.reason}`, error);
  }
  if (state.own.user !== self) throw new GhostStateError("wrong-user", "state.self", `of ${state.own.user}`);
  return state;
}
