import { pathFromRoot } from "../search-tree.js";
import type { Configuration } from "../structs/index.js";
import type { ProverStore, StoredEntry } from "./store.js";

/** What a log with a maximum lifetime may forget now. */
export interface PruningPlan {
  /**
   * The first unexpired entry. Prefix tree versions of the entries before it may go: nodes superseded at or before it.
   * So may the log entries before it, except those in `kept`, and openings and versions are unaffected.
   */
  readonly firstUnexpired: number;
  /** Expired entries whose timestamp and prefix tree root searches still need: on the paths to the boundary. */
  readonly kept: readonly number[];
}

/**
 * Plans pruning; undefined where the log defines no maximum lifetime or nothing has expired since `from`, the
 * `firstUnexpired` of the plan before, whose log entries may be gone. Users whose view ends before
 * `firstUnexpired` can no longer be served once log entries are dropped: prefer to drop prefix trees only.
 * Draft sections "Maximum Lifetime" and "Log Entry Maximum Lifetime and the Reasonable Monitoring Window".
 */
export async function planPruning(
  store: ProverStore,
  { maximumLifetime }: Configuration,
  from = 0,
): Promise<PruningPlan | undefined> {
  const head = await store.head();
  if (head === undefined || maximumLifetime === undefined) return undefined;
  const expired = (entry: StoredEntry): boolean => head.timestamp - entry.timestamp >= Number(maximumLifetime);
  let low = from;
  let high = head.treeSize - 1;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (expired((await store.entries([middle]))[0] as StoredEntry)) low = middle + 1;
    else high = middle;
  }
  if (low === from) return undefined;
  // A search walks past expired entries towards the boundary: down to the last expired or the first unexpired one.
  const paths = [...pathFromRoot(low, head.treeSize), ...pathFromRoot(low - 1, head.treeSize), low - 1];
  const kept = [...new Set(paths)].filter((position) => position < low).sort((a, b) => a - b);
  return { firstUnexpired: low, kept };
}
