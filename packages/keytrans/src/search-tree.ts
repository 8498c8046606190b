/**
 * The implicit binary search tree over the entries of a log. Positions are safe integers, so all of it is arithmetic:
 * the bit operators of JavaScript stop at 32 bits. Draft section "Implicit Binary Search Tree" and its appendix.
 */

/** Exponent of the largest power of two that is at most `x`; 0 for 0. */
export function floorLog2(x: number): number {
  if (x < 2 ** 32) return x === 0 ? 0 : 31 - Math.clz32(x);
  return 32 + floorLog2(Math.floor(x / 2 ** 32));
}

/** Leaves are at level 0; a node one above its highest child. */
export function level(position: number): number {
  let k = 0;
  let rest = position;
  while (rest % 2 === 1) {
    rest = (rest - 1) / 2;
    k++;
  }
  return k;
}

/** The root of a log of `size` ≥ 1 entries. */
export function root(size: number): number {
  return 2 ** floorLog2(size) - 1;
}

/** The left child; undefined for a leaf. */
export function left(position: number): number | undefined {
  const k = level(position);
  return k === 0 ? undefined : position - 2 ** (k - 1);
}

/** The right child in a log of `size` entries; undefined when there is none. */
export function right(position: number, size: number): number | undefined {
  let k = level(position);
  if (k === 0 || position === size - 1) return undefined;
  k--;
  let child = position + 2 ** k;
  while (child >= size) {
    k--;
    child -= 2 ** k;
  }
  return child;
}

/** The nodes from the root down to `position`, itself excluded. */
export function pathFromRoot(position: number, size: number): number[] {
  const path: number[] = [];
  let x = root(size);
  while (x !== position) {
    path.push(x);
    x = (position < x ? left(x) : right(x, size)) as number;
  }
  return path;
}

/** The ancestors of `position`, nearest first. */
export function directPath(position: number, size: number): number[] {
  return pathFromRoot(position, size).toReversed();
}

/** The root, its right child, and so on to the rightmost entry. */
export function frontier(size: number): number[] {
  const entries: number[] = [];
  for (let x: number | undefined = root(size); x !== undefined; x = right(x, size)) entries.push(x);
  return entries;
}

/**
 * The entries whose timestamps bring a view of `previous` entries (undefined: none) to `size`, left to right.
 * Draft section "Updating Views of the Tree", "Algorithm".
 */
export function viewUpdatePath(previous: number | undefined, size: number): number[] {
  if (previous === undefined) return frontier(size);
  const path = directPath(previous - 1, size).filter((x) => x >= previous);
  for (let x = right(path.at(-1) ?? previous - 1, size); x !== undefined; x = right(x, size)) path.push(x);
  return path;
}
