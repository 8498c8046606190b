/** Bit `depth` of a 32-byte search key, the most significant first. */
export function bitAt(key: Uint8Array, depth: number): 0 | 1 {
  return (((key[depth >> 3] as number) >> (7 - (depth & 7))) & 1) as 0 | 1;
}

/** Whether two keys agree in their first `depth` bits. */
export function sharePrefix(a: Uint8Array, b: Uint8Array, depth: number): boolean {
  const whole = depth >> 3;
  for (let i = 0; i < whole; i++) if (a[i] !== b[i]) return false;
  const rest = depth & 7;
  return rest === 0 || ((a[whole] as number) ^ (b[whole] as number)) >> (8 - rest) === 0;
}

/** Index of the first element of `sorted[from, to)` whose bit at `depth` is 1. All share their first `depth` bits. */
export function splitByBit<T>(
  sorted: readonly T[],
  keyOf: (element: T) => Uint8Array,
  from: number,
  to: number,
  depth: number,
): number {
  let low = from;
  let high = to;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (bitAt(keyOf(sorted[middle] as T), depth) === 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
