import {
  type BoundedEntry,
  boundedLeft,
  boundedRight,
  boundedRoot,
  isBoundedDistinguished,
  isExpired,
  type LogView,
  rightmostTimestamp,
} from "./log-view.js";

/** The rightmost distinguished entry, which is always on the frontier; undefined when there is none. */
export async function rightmostDistinguished(view: LogView): Promise<number | undefined> {
  let found: number | undefined;
  for (
    let entry: BoundedEntry | undefined = await boundedRoot(view);
    entry !== undefined && isBoundedDistinguished(view, entry);
    entry = await boundedRight(view, entry)
  )
    found = entry.position;
  return found;
}

/** The distinguished entries among `target` and its ancestors, root first: those above the first that is not distinguished. */
export async function distinguishedOnPath(view: LogView, target: number): Promise<number[]> {
  const distinguished: number[] = [];
  let entry: BoundedEntry | undefined = await boundedRoot(view);
  while (entry !== undefined && isBoundedDistinguished(view, entry)) {
    distinguished.push(entry.position);
    if (entry.position === target) break;
    entry = target < entry.position ? await boundedLeft(view, entry) : await boundedRight(view, entry);
  }
  return distinguished;
}

/** Which distinguished entries are recent: the `count` rightmost, none of them expired. Monotonic, as the draft requires. */
export interface Recent {
  readonly count: number;
}

/**
 * Recent distinguished entries to the right of `stop`, left to right.
 * Draft section "Walking Distinguished Heads", "Algorithm".
 */
export async function walkDistinguished(view: LogView, recent: Recent, stop: number | undefined): Promise<number[]> {
  const rightmost = await rightmostTimestamp(view);
  const found: number[] = [];
  const walk = async (entry: BoundedEntry): Promise<void> => {
    if (!isBoundedDistinguished(view, entry)) return;
    const timestamp = await view.inspection.timestamp(entry.position);
    const rightChild = await boundedRight(view, entry);
    if (rightChild !== undefined) await walk(rightChild);
    if (stop !== undefined && entry.position <= stop) return;
    if (found.length >= recent.count || isExpired(view, timestamp, rightmost)) return;
    found.push(entry.position);
    const leftChild = await boundedLeft(view, entry);
    if (leftChild !== undefined) await walk(leftChild);
  };
  await walk(await boundedRoot(view));
  return found.toReversed();
}
