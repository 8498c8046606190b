import { join, uint, vector } from "./wire.js";

export type Hash = (data: Uint8Array) => Uint8Array;
export interface Leaf {
  readonly key: Uint8Array;
  readonly commitment: Uint8Array;
}
const ZERO = new Uint8Array(32);

// ---- Implicit binary search tree: by its inductive definition ("Implicit Binary Search Tree").

/** The path from the root down to `position` in the search tree over [0, size). */
export function pathTo(position: number, size: number): number[] {
  const path: number[] = [];
  let [start, end] = [0, size];
  for (;;) {
    const root = start + 2 ** Math.floor(Math.log2(end - start)) - 1;
    path.push(root);
    if (root === position) return path;
    if (position < root) end = root;
    else start = root + 1;
  }
}

export function children(position: number, size: number): { left: number | undefined; right: number | undefined } {
  let [start, end] = [0, size];
  for (;;) {
    const root = start + 2 ** Math.floor(Math.log2(end - start)) - 1;
    const below = (from: number, to: number): number | undefined =>
      from < to ? from + 2 ** Math.floor(Math.log2(to - from)) - 1 : undefined;
    if (root === position) return { left: below(start, root), right: below(root + 1, end) };
    if (position < root) end = root;
    else start = root + 1;
  }
}

export const frontier = (size: number): number[] => pathTo(size - 1, size);

// ---- Log tree ("Log Tree" under "Cryptographic Computations" and "Tree Proofs").

/** Value of the node over the leaves [start, end): every hash computed anew. */
export function logNode(hash: Hash, leaves: readonly Uint8Array[], start: number, end: number): Uint8Array {
  if (end - start === 1) return leaves[start] as Uint8Array;
  const middle = split(start, end);
  const content = (from: number, to: number): Uint8Array =>
    join(uint(to - from === 1 ? 0 : 1, 1), logNode(hash, leaves, from, to));
  return hash(join(content(start, middle), content(middle, end)));
}

function split(start: number, end: number): number {
  let width = 1;
  while (width * 2 < end - start) width *= 2;
  return start + width;
}

const balanced = (size: number): boolean => Number.isInteger(Math.log2(size));

/**
 * The batch proof: heads of balanced subtrees, left to right, that together with the `known` leaves and the full subtrees
 * retained from size `last` give the root at `size`, and the root at `auditorSize` when there is one.
 */
export function inclusionProof(
  hash: Hash,
  leaves: readonly Uint8Array[],
  size: number,
  known: ReadonlySet<number>,
  last: number,
  auditorSize: number | undefined,
): Uint8Array[] {
  const elements: Uint8Array[] = [];
  const visit = (start: number, end: number): void => {
    if (end - start === 1 && known.has(start)) return;
    const inside = (cut: number): boolean => start < cut && cut < end;
    let needed = inside(last) || (auditorSize !== undefined && inside(auditorSize));
    for (let i = start; i < end; i++) needed ||= known.has(i);
    if (needed || !balanced(end - start)) {
      const middle = split(start, end);
      visit(start, middle);
      visit(middle, end);
      return;
    }
    if (!isFullSubtree(start, end, last)) elements.push(logNode(hash, leaves, start, end));
  };
  visit(0, size);
  return elements;
}

/** Whether [start, end) is one of the full subtrees of a tree with `size` leaves. */
function isFullSubtree(start: number, end: number, size: number): boolean {
  let from = 0;
  while (from < size) {
    const width = 2 ** Math.floor(Math.log2(size - from));
    if (from === start && from + width === end) return true;
    from += width;
  }
  return false;
}

// ---- Prefix tree ("Prefix Tree" under "Cryptographic Computations" and "Tree Proofs").

function bit(key: Uint8Array, depth: number): number {
  return ((key[depth >> 3] as number) >> (7 - (depth & 7))) & 1;
}
const side = (leaves: readonly Leaf[], depth: number, value: number): Leaf[] =>
  leaves.filter(({ key }) => bit(key, depth) === value);

export function prefixNode(hash: Hash, leaves: readonly Leaf[], depth = 0): Uint8Array {
  const [first, second] = leaves;
  if (first === undefined) return ZERO;
  if (second === undefined) return hash(join(uint(2, 1), first.key, first.commitment));
  const child = (value: number): Uint8Array => prefixNode(hash, side(leaves, depth, value), depth + 1);
  return hash(join(uint(3, 1), child(0), child(1)));
}

/** An encoded `PrefixProof` for the keys, in the order given. */
export function prefixProof(hash: Hash, tree: readonly Leaf[], keys: readonly Uint8Array[]): Uint8Array {
  const results = keys.map((key) => {
    let [leaves, depth]: [readonly Leaf[], number] = [tree, 0];
    while (leaves.length > 1) leaves = side(leaves, depth, bit(key, depth++));
    const [leaf] = leaves;
    if (leaf === undefined) return join(uint(3, 1), uint(depth, 1));
    if (Buffer.compare(leaf.key, key) === 0) return join(uint(1, 1), uint(depth, 1));
    return join(uint(2, 1), leaf.key, leaf.commitment, uint(depth, 1));
  });
  const elements: Uint8Array[] = [];
  const visit = (leaves: readonly Leaf[], depth: number, searched: readonly Uint8Array[]): void => {
    if (searched.length === 0) elements.push(prefixNode(hash, leaves, depth));
    else if (leaves.length > 1)
      for (const value of [0, 1])
        visit(
          side(leaves, depth, value),
          depth + 1,
          searched.filter((key) => bit(key, depth) === value),
        );
  };
  visit(tree, 0, keys);
  return join(vector(results, 1), vector(elements, 2));
}

/** `LogEntry` hashed: the value of a log tree leaf. */
export function logLeaf(hash: Hash, timestamp: number, prefixRoot: Uint8Array): Uint8Array {
  return hash(join(uint(timestamp, 8), prefixRoot));
}
