import {
  bytes,
  compareBytes,
  encode,
  equalBytes,
  opaqueV,
  struct,
  tryDecode,
  uint64,
  vectorV,
} from "@mls-as/tls-codec";
import { sha512 } from "@noble/hashes/sha2.js";
import { AsciiText, type DeviceList } from "./device-list.js";
import { parseUserUri } from "./identity/identity-uri.js";

const LABEL = Uint8Array.from("MLS-AS safety number 1", (letter) => letter.charCodeAt(0));
const ROUNDS = 5200;

const Side = struct({
  label: opaqueV(),
  logId: bytes(32),
  identity: AsciiText,
  keys: vectorV(bytes(32)),
});

/** Hashes of a user's active, unexpired keys, ascending and without repetition. `time` in seconds since 1970. */
export function activeKeys(list: DeviceList, time: number): readonly Uint8Array[] {
  const keys = list.devices
    .flatMap((device) => device.credentials)
    .filter(({ status, notAfter }) => status === "active" && notAfter >= BigInt(time))
    .map(({ spkiHash }) => spkiHash)
    .sort(compareBytes);
  return keys.filter((key, i) => i === 0 || !equalBytes(key, keys[i - 1] as Uint8Array));
}

/**
 * Sixty digits that two users compare in person: thirty for each side, the smaller identity first, so that both see the
 * same. They cover both users' active keys and the log, and change whenever a device or key does.
 *
 * Each half is taken from SHA-512 iterated 5,200 times over the side's encoding, in six groups of five digits.
 */
export function safetyNumber(logId: Uint8Array, a: DeviceList, b: DeviceList, time: number): string {
  const halves = [a, b]
    .map((list) => ({ identity: parseUserUri(list.identity).uri, keys: activeKeys(list, time) }))
    .sort((x, y) => (x.identity < y.identity ? -1 : x.identity > y.identity ? 1 : 0))
    .map(({ identity, keys }) => digitsOf(encode(Side, { label: LABEL, logId, identity, keys })));
  return halves.join("");
}

function digitsOf(side: Uint8Array): string {
  let hash = sha512(side);
  for (let round = 1; round < ROUNDS; round++) {
    const input = new Uint8Array(hash.length + side.length);
    input.set(hash);
    input.set(side, hash.length);
    hash = sha512(input);
  }
  let digits = "";
  for (let group = 0; group < 6; group++) {
    const chunk = hash.subarray(group * 5, group * 5 + 5).reduce((value, octet) => value * 256 + octet, 0);
    digits += String(chunk % 100_000).padStart(5, "0");
  }
  return digits;
}

const SAFETY_FORMAT = Uint8Array.of(1);

/** What a QR code carries beside the number: the heads of the log that its maker has seen, to compare views. */
export const SafetyPayload = struct({
  format: bytes(1),
  logId: bytes(32),
  identity: AsciiText,
  keys: vectorV(bytes(32)),
  heads: vectorV(struct({ position: uint64, root: bytes(32) })),
});

/** Groups of five digits, for reading aloud. */
export function spokenSafetyNumber(digits: string): readonly string[] {
  return digits.match(/.{5}/g) ?? [];
}

/** Whether two members hold the same group: MLS epoch authenticators, compared without an early end. */
export function sameEpochAuthenticator(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length || a.length === 0) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= (a[i] as number) ^ (b[i] as number);
  return difference === 0;
}

/** One side's QR payload: what it knows of a user's keys, and the log's heads that it has proven. */
export function safetyPayload(
  list: DeviceList,
  logId: Uint8Array,
  heads: readonly { readonly position: bigint; readonly root: Uint8Array }[],
  time: number,
): Uint8Array {
  return encode(SafetyPayload, {
    format: SAFETY_FORMAT,
    logId,
    identity: list.identity,
    keys: [...activeKeys(list, time)],
    heads: [...heads],
  });
}

/** What a scanned payload says against this device's own view. */
export type SafetyDifference =
  /** Not a payload of this format. */
  | "malformed"
  /** They use another log: nothing can be compared. */
  | "other-log"
  /** It is about another person than was meant. */
  | "other-identity"
  /** Their device shows other keys for this person than the log shows here. */
  | "keys-differ"
  /** Both have proven the same entry with different roots: the log shows two histories. */
  | "views-split"
  /** No head is known to both: look again when both have walked further. */
  | "nothing-in-common";

/** What this device knows of the person whose code it scans. */
export interface SafetyView {
  readonly list: DeviceList;
  readonly logId: Uint8Array;
  readonly heads: readonly { readonly position: bigint; readonly root: Uint8Array }[];
  readonly time: number;
}

/**
 * Compares a scanned code, which its owner's device made about its own user, with what the log shows here. Empty: both see
 * the same keys and the same log.
 */
export function compareSafetyPayload(scanned: Uint8Array, view: SafetyView): SafetyDifference[] {
  const decoded = tryDecode(SafetyPayload, scanned);
  if (!decoded.ok || !equalBytes(decoded.value.format, SAFETY_FORMAT)) return ["malformed"];
  const { logId, identity, keys, heads } = decoded.value;
  if (!equalBytes(logId, view.logId)) return ["other-log"];
  if (identity !== view.list.identity) return ["other-identity"];
  const differences: SafetyDifference[] = [];
  const ours = activeKeys(view.list, view.time);
  if (keys.length !== ours.length || keys.some((key, i) => !equalBytes(key, ours[i] as Uint8Array)))
    differences.push("keys-differ");
  const shared = heads.flatMap(({ position, root }) => {
    const known = view.heads.find((head) => head.position === position);
    return known === undefined ? [] : [equalBytes(known.root, root)];
  });
  if (shared.includes(false)) differences.push("views-split");
  else if (shared.length === 0) differences.push("nothing-in-common");
  return differences;
}
