/** The head of a balanced subtree: leaves `index · 2^level` up to, not including, `(index + 1) · 2^level`. */
export interface Subtree {
  readonly level: number;
  readonly index: number;
}

export const subtreeStart = ({ level, index }: Subtree): number => index * 2 ** level;
export const subtreeEnd = ({ level, index }: Subtree): number => (index + 1) * 2 ** level;
export const leftHalf = ({ level, index }: Subtree): Subtree => ({ level: level - 1, index: 2 * index });
export const rightHalf = ({ level, index }: Subtree): Subtree => ({ level: level - 1, index: 2 * index + 1 });
/** A map key. */
export const subtreeKey = ({ level, index }: Subtree): string => `${level}/${index}`;

/** The largest balanced subtrees of a log of `size` entries, left to right. */
export function fullSubtrees(size: number): Subtree[] {
  const subtrees: Subtree[] = [];
  let start = 0;
  for (let level = 52; level >= 0; level--) {
    const width = 2 ** level;
    if (size - start < width) continue;
    subtrees.push({ level, index: start / width });
    start += width;
  }
  return subtrees;
}
