import { concatBytes, equalBytes } from "@mls-as/tls-codec";
import { sha256 } from "@noble/hashes/sha2.js";

/** A complete subtree: leaves `index · 2^level` … `(index + 1) · 2^level - 1`. */
export interface SubtreeKey {
  readonly level: number;
  readonly index: number;
}

/** Leaves `start` to `end`, without `end`. */
interface LeafRange {
  readonly start: number;
  readonly end: number;
}

/** Root of the empty tree: RFC 6962, "Merkle Hash Trees". */
export const EMPTY_TREE: Uint8Array = sha256(new Uint8Array(0));

export const hashLeaf = (data: Uint8Array): Uint8Array => sha256(concatBytes(Uint8Array.of(0), data));
export const hashNode = (left: Uint8Array, right: Uint8Array): Uint8Array =>
  sha256(concatBytes(Uint8Array.of(1), left, right));

/** The largest power of two smaller than `size`, for `size` > 1. */
function splitOf(size: number): number {
  let split = 1;
  while (split * 2 < size) split *= 2;
  return split;
}

/** The complete subtrees of a range that is a node of some RFC 6962 tree, left to right. */
function subtreesOf({ start, end }: LeafRange): SubtreeKey[] {
  const keys: SubtreeKey[] = [];
  let at = start;
  while (at < end) {
    let level = 0;
    while (at + 2 ** (level + 1) <= end && at % 2 ** (level + 1) === 0) level++;
    keys.push({ level, index: at / 2 ** level });
    at += 2 ** level;
  }
  return keys;
}

/** Siblings of a leaf's way to the root, lowest first. RFC 6962, "Merkle Audit Paths". */
function auditRanges(index: number, { start, end }: LeafRange): LeafRange[] {
  if (end - start <= 1) return [];
  const middle = start + splitOf(end - start);
  return index < middle
    ? [...auditRanges(index, { start, end: middle }), { start: middle, end }]
    : [...auditRanges(index, { start: middle, end }), { start, end: middle }];
}

/** RFC 6962, "Merkle Consistency Proofs"; `whole`: the subtree is the old tree's own. */
function consistencyRanges(old: number, { start, end }: LeafRange, whole: boolean): LeafRange[] {
  if (old === end) return whole ? [] : [{ start, end }];
  const middle = start + splitOf(end - start);
  return old <= middle
    ? [...consistencyRanges(old, { start, end: middle }, whole), { start: middle, end }]
    : [...consistencyRanges(old, { start: middle, end }, false), { start, end: middle }];
}

/** Gives the hashes of complete subtrees, in the order of the keys. */
export type SubtreeSource = (keys: readonly SubtreeKey[]) => Promise<readonly Uint8Array[]> | readonly Uint8Array[];

async function hashesOf(ranges: readonly LeafRange[], source: SubtreeSource): Promise<Uint8Array[]> {
  const parts = ranges.map(subtreesOf);
  const hashes = await source(parts.flat());
  let next = 0;
  return parts.map((keys) => {
    const row = hashes.slice(next, next + keys.length);
    next += keys.length;
    if (row.length !== keys.length) throw new RangeError("one hash for each subtree");
    return row.reduceRight((right, left) => hashNode(left, right));
  });
}

/** Root of the tree of `size` leaves. */
export async function treeRoot(size: number, source: SubtreeSource): Promise<Uint8Array> {
  if (size === 0) return EMPTY_TREE;
  const [root] = await hashesOf([{ start: 0, end: size }], source);
  return root as Uint8Array;
}

/** Audit path of leaf `index` in the tree of `size` leaves, lowest first. */
export async function inclusionProof(index: number, size: number, source: SubtreeSource): Promise<Uint8Array[]> {
  if (index < 0 || index >= size) throw new RangeError("the leaf is not in the tree");
  return hashesOf(auditRanges(index, { start: 0, end: size }), source);
}

/** Proof that the tree of `size` leaves continues that of `old` leaves; empty for `old` 0. */
export async function consistencyProof(old: number, size: number, source: SubtreeSource): Promise<Uint8Array[]> {
  if (old < 0 || old > size) throw new RangeError("the old tree is not the smaller one");
  return old === 0 ? [] : hashesOf(consistencyRanges(old, { start: 0, end: size }, true), source);
}

/** The root that an RFC 6962 audit path leads to; undefined where its length does not fit. */
export function inclusionRoot(
  index: number,
  size: number,
  leaf: Uint8Array,
  path: readonly Uint8Array[],
): Uint8Array | undefined {
  if (index >= size) return undefined;
  let node = index;
  let last = size - 1;
  let value = leaf;
  for (const sibling of path) {
    if (last === 0 || sibling.length !== 32) return undefined;
    if (node % 2 === 1 || node === last) {
      value = hashNode(sibling, value);
      while (node % 2 === 0 && node !== 0) {
        node = node / 2;
        last = Math.floor(last / 2);
      }
    } else value = hashNode(value, sibling);
    node = Math.floor(node / 2);
    last = Math.floor(last / 2);
  }
  return last === 0 ? value : undefined;
}

export interface SizedRoot {
  readonly size: number;
  readonly root: Uint8Array;
}

/** Whether a consistency proof shows that `next` continues `before`. RFC 6962, "Merkle Consistency Proofs". */
export function isConsistent(before: SizedRoot, next: SizedRoot, proof: readonly Uint8Array[]): boolean {
  if (before.size > next.size || proof.some(({ length }) => length !== 32)) return false;
  if (before.size === 0) return proof.length === 0;
  if (before.size === next.size) return proof.length === 0 && equalBytes(before.root, next.root);
  let node = before.size - 1;
  let last = next.size - 1;
  while (node % 2 === 1) {
    node = Math.floor(node / 2);
    last = Math.floor(last / 2);
  }
  // A complete old tree is a node of the new one: the proof leaves it out.
  const [first, ...rest] = node === 0 ? [before.root, ...proof] : proof;
  if (first === undefined) return false;
  let old = first;
  let value = first;
  for (const sibling of rest) {
    if (last === 0) return false;
    if (node % 2 === 1 || node === last) {
      old = hashNode(sibling, old);
      value = hashNode(sibling, value);
      while (node % 2 === 0 && node !== 0) {
        node = node / 2;
        last = Math.floor(last / 2);
      }
    } else value = hashNode(value, sibling);
    node = Math.floor(node / 2);
    last = Math.floor(last / 2);
  }
  return last === 0 && equalBytes(old, before.root) && equalBytes(value, next.root);
}
