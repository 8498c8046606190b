// Array-based trees (RFC 9420, "Array-Based Trees"). Numbers, not 32-bit integers: node indices reach 2^33.

/** Nodes of a full tree with `leafCount` leaves. */
export function nodeWidth(leafCount: number): number {
  return leafCount === 0 ? 0 : 2 * leafCount - 1;
}

/** 2 to the level of a node: 1 for leaves, 2 for their parents, … */
function spanOf(x: number): number {
  let span = 1;
  let rest = x;
  while (rest % 2 === 1) {
    span *= 2;
    rest = (rest - 1) / 2;
  }
  return span;
}

/** Leaves are level 0, their parents level 1, and so on. */
export function levelOf(x: number): number {
  return Math.log2(spanOf(x));
}

/** Node index of the root. @param leafCount a power of two */
export function rootOf(leafCount: number): number {
  return leafCount - 1;
}

/** Left child; undefined for a leaf. */
export function leftOf(x: number): number | undefined {
  const span = spanOf(x);
  return span === 1 ? undefined : x - span / 2;
}

/** Right child; undefined for a leaf. */
export function rightOf(x: number): number | undefined {
  const span = spanOf(x);
  return span === 1 ? undefined : x + span / 2;
}

/** Parent; undefined for the root. */
export function parentOf(x: number, leafCount: number): number | undefined {
  if (x === rootOf(leafCount)) return undefined;
  const span = spanOf(x);
  return Math.floor(x / (2 * span)) % 2 === 0 ? x + span : x - span;
}

/** The other child of the parent; undefined for the root. */
export function siblingOf(x: number, leafCount: number): number | undefined {
  const parent = parentOf(x, leafCount);
  if (parent === undefined) return undefined;
  return x < parent ? rightOf(parent) : leftOf(parent);
}

/** First and last leaf index below a node. */
export function leavesBelow(x: number): { readonly first: number; readonly last: number } {
  const span = spanOf(x);
  return { first: (x - span + 1) / 2, last: (x + span - 1) / 2 };
}

/** Smallest full tree that holds `length` nodes: its number of leaves. */
export function leafCountFor(length: number): number {
  let leafCount = 1;
  while (nodeWidth(leafCount) < length) leafCount *= 2;
  return leafCount;
}
