import { KeytransError } from "../errors.js";
import { right, root } from "../search-tree.js";
import { rightmostDistinguished } from "./distinguished.js";
import type { LogView } from "./log-view.js";

const SECTION = "Greatest-Version Search";

/** Where a search ended. */
export interface SearchOutcome {
  /** The terminal log entry. */
  readonly position: number;
  /** It lies right of the rightmost distinguished entry: a contact must monitor. */
  readonly undistinguished: boolean;
}

/**
 * Verifies that `version` is the label's greatest: down the frontier from the rightmost distinguished entry, no entry
 * may hold a greater version, and the last must hold this one. Draft section "Greatest-Version Search", "Algorithm".
 */
export async function greatestVersionSearch(view: LogView, version: number): Promise<SearchOutcome> {
  const start = await rightmostDistinguished(view);
  let terminal: number | undefined;
  for (let x: number | undefined = start ?? root(view.size); x !== undefined; x = right(x, view.size)) {
    const comparison = await view.inspection.searchLadder(x, version, true);
    if (comparison > 0) view.inspection.violated(inconsistent(x, "holds a greater version than the one claimed"));
    else if (comparison === 0) terminal ??= x;
    else if (x === view.size - 1) view.inspection.violated(inconsistent(x, "does not hold the claimed version"));
  }
  const position = terminal ?? view.size - 1;
  return { position, undistinguished: start === undefined || position > start };
}

function inconsistent(position: number, what: string): KeytransError {
  return new KeytransError("inconsistent-ladder", `entry ${position} ${what}`, SECTION, "search.prefixProofs");
}
