import {
  decode,
  encode,
  mapped,
  opaque,
  refined,
  struct,
  uint16,
  uint32,
  uint64Number,
  vector,
} from "@mls-as/tls-codec";
import { orMalformed } from "../errors.js";
import { HashValue, Label } from "../structs/index.js";
import type { PendingCredential } from "./credential.js";
import type { CredentialQueue } from "./credential-queue.js";
import type { KnownVersions } from "./received-proof.js";
import { Entry, heads, StoredVersions } from "./state-codec.js";

/** Version of the stored form. */
const QUEUE_VERSION = 1;
const SECTION = "Credentials";

const Pending = struct({
  label: Label,
  version: uint32,
  value: opaque(0, 2 ** 32 - 1),
  position: uint64Number,
  terminal: uint64Number,
  prefixRoot: HashValue,
  tree: struct({ size: uint64Number, heads, frontier: vector(Entry, 0, 64) }),
  versions: mapped(
    StoredVersions,
    (versions): KnownVersions => versions,
    (versions) => new Map(versions),
  ),
});
const received = vector(struct({ bytes: opaque(0, 2 ** 32 - 1) }), 0, 2 ** 16 - 1);
const format = refined(uint16, (value) => (value === QUEUE_VERSION ? undefined : `unknown queue format ${value}`));
const StoredPending = struct({ format, pending: Pending });
const StoredQueue = struct({
  format,
  unverified: received,
  provisional: vector(Pending, 0, 2 ** 16 - 1),
  updates: received,
});

/** One credential that waits for final verification, as bytes to keep. */
export function encodePendingCredential(pending: PendingCredential): Uint8Array {
  return encode(StoredPending, { format: QUEUE_VERSION, pending });
}

/** @throws KeytransError malformed, also for a format this version does not know */
export function decodePendingCredential(stored: Uint8Array): PendingCredential {
  return orMalformed(SECTION, "pending", () => decode(StoredPending, stored)).pending;
}

/** The queue as bytes to keep. */
export function encodeCredentialQueue({ unverified, provisional, updates }: CredentialQueue): Uint8Array {
  const wrap = (all: readonly Uint8Array[]) => all.map((bytes) => ({ bytes }));
  const stored = { unverified: wrap(unverified), provisional, updates: wrap(updates) };
  return encode(StoredQueue, { format: QUEUE_VERSION, ...stored });
}

/** @throws KeytransError malformed, also for a format this version does not know */
export function decodeCredentialQueue(stored: Uint8Array): CredentialQueue {
  const { unverified, provisional, updates } = orMalformed(SECTION, "queue", () => decode(StoredQueue, stored));
  return {
    unverified: unverified.map(({ bytes }) => bytes),
    provisional,
    updates: updates.map(({ bytes }) => bytes),
  };
}
