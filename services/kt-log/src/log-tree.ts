import { createHash } from "node:crypto";
import { LogEntry } from "@mls-as/keytrans";
import type { LogNodeKey, ProverStore } from "@mls-as/keytrans/prover";
import { encode } from "@mls-as/tls-codec";

/** SHA-256, the hash of both cipher suites of the draft. */
export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
}

/** Draft section "Log Tree" of "Cryptographic Computations". Derived here a second time, to check the prover's. */
export function logLeaf(timestamp: number, prefixRoot: Uint8Array): Uint8Array {
  return sha256(encode(LogEntry, { timestamp, prefixTree: prefixRoot }));
}

/** Value of the parent of two subtrees; a subtree of level 0 is a leaf. */
export function logParent(left: Uint8Array, leftLevel: number, right: Uint8Array, rightLevel: number): Uint8Array {
  return sha256(Uint8Array.of(Math.min(leftLevel, 1)), left, Uint8Array.of(Math.min(rightLevel, 1)), right);
}

/** Heads of the balanced subtrees that make up a log of `size` entries, left to right: one for each bit of `size`. */
export function subtreesOf(size: number): LogNodeKey[] {
  const keys: LogNodeKey[] = [];
  let start = 0;
  for (let level = 52; level >= 0; level--) {
    const width = 2 ** level;
    if (size - start < width) continue;
    keys.push({ level, index: start / width });
    start += width;
  }
  return keys;
}

/** Root over the subtree heads of a log, left to right. */
export function logRoot(keys: readonly LogNodeKey[], heads: readonly Uint8Array[]): Uint8Array {
  let value: Uint8Array | undefined;
  let level = 0;
  for (let i = keys.length - 1; i >= 0; i--) {
    const head = heads[i];
    const key = keys[i];
    if (head === undefined || key === undefined) throw new RangeError("one head for each subtree");
    if (value === undefined) {
      value = head;
      level = key.level;
    } else {
      value = logParent(head, key.level, value, level);
      level = key.level + 1;
    }
  }
  if (value === undefined) throw new RangeError("an empty log has no root");
  return value;
}

/** The root that the log had at `size` entries, 1 ≤ size ≤ its present size. */
export async function rootAt(store: ProverStore, size: number): Promise<Uint8Array> {
  const keys = subtreesOf(size);
  return logRoot(keys, await store.logNodes(keys));
}
