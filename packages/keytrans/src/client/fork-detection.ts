import { decode, encode, equalBytes } from "@mls-as/tls-codec";
import { KeytransError, orMalformed } from "../errors.js";
import { DistinguishedHead } from "../structs/index.js";
import type { ClientState } from "./state.js";

const SECTION = "Detecting Forks";

/** The roots to exchange with other users, encoded: one for each recent distinguished entry, left to right. */
export function distinguishedHead(state: ClientState): Uint8Array {
  return encode(DistinguishedHead, { heads: state.distinguished.map(({ root }) => root) });
}

/** Whether one list is the other moved by fewer places than it is long. @throws KeytransError fork */
export function compareRoots(ours: readonly Uint8Array[], theirs: readonly Uint8Array[]): void {
  if (ours.length !== theirs.length)
    throw new KeytransError("unexpected-count", "the lists must have the same size", SECTION, "heads");
  const matches = (left: readonly Uint8Array[], right: readonly Uint8Array[], shift: number): boolean => {
    for (let i = shift; i < right.length; i++)
      if (!equalBytes(left[i - shift] as Uint8Array, right[i] as Uint8Array)) return false;
    return true;
  };
  for (let shift = 0; shift < ours.length; shift++)
    if (matches(ours, theirs, shift) || matches(theirs, ours, shift)) return;
  throw new KeytransError("fork", "no overlap of the distinguished roots", SECTION, "heads");
}

/**
 * Compares the roots known here with a `DistinguishedHead` received over a channel that the log cannot partition.
 * @throws KeytransError fork, unexpected-count, malformed
 */
export function compareDistinguishedHead(state: ClientState, received: Uint8Array): void {
  const { heads } = orMalformed(SECTION, "distinguishedHead", () => decode(DistinguishedHead, received));
  compareRoots(
    state.distinguished.map(({ root }) => root),
    heads,
  );
}
