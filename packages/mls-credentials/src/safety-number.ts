import { bytes, compareBytes, encode, equalBytes, opaqueV, struct, uint64, vectorV } from "@mls-as/tls-codec";
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
