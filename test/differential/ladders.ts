/** The lookups of a binary ladder, played step by step ("Binary Ladder"): `greatest` is undefined when nothing exists. */
function play(greatest: number | undefined, ends: (version: number, included: boolean) => boolean): number[] {
  const looked: number[] = [];
  const included = (version: number): boolean => greatest !== undefined && version <= greatest && version < 2 ** 32;
  const look = (version: number): boolean => {
    if (version >= 2 ** 32) return false; // skipped: as if it were a non-inclusion
    looked.push(version);
    return ends(version, included(version));
  };
  let [lower, upper] = [-1, 0];
  for (let exponent = 0; ; exponent++) {
    upper = 2 ** exponent - 1;
    if (look(upper)) return looked;
    if (!included(upper)) break;
    lower = upper;
  }
  while (lower >= 0 && lower + 1 < upper) {
    const middle = Math.floor((lower + upper) / 2);
    if (look(middle)) return looked;
    if (included(middle)) lower = middle;
    else upper = middle;
  }
  return looked;
}

/** Lookups that establish `greatest` exactly. */
export const baseLadder = (greatest: number): number[] => play(greatest, () => false);

/** Lookups of a search binary ladder for `target` in a tree where `greatest` is the greatest version. */
export function searchLadder(target: number, greatest: number | undefined): number[] {
  return play(greatest, (version, included) => (included ? version > target : version <= target));
}

export const monitoringLadder = (target: number): number[] => baseLadder(target).filter((version) => version <= target);
