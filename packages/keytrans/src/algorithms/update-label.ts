import { baseBinaryLadder, SearchLadder } from "../binary-ladder.js";
import { KeytransError } from "../errors.js";
import { frontier } from "../search-tree.js";
import { distinguishedOnPath } from "./distinguished.js";
import type { LogView } from "./log-view.js";
import type { Awaitable } from "./proof-source.js";

const SECTION = "Updating a Label";

/** What prover and owner both know about a label before the update. */
export interface PreviousVersions {
  /** Previous greatest version; undefined when the label did not exist. */
  readonly greatest: number | undefined;
  /** The entry that inserted it; where the owner only knows that it is at or before its start, that start. */
  readonly lastPosition: number;
  /** Greatest version at an entry of the previous tree, from the owner's start on. */
  greatestAt(position: number): Awaitable<number | undefined>;
}

/** Versions whose VRF proofs come with an update from `previous` that created versions up to `last`, ascending. */
export function updateVersions(previous: number | undefined, last: number): number[] {
  const versions = new Set(baseBinaryLadder(last));
  for (let version = (previous ?? -1) + 1; version <= last; version++) versions.add(version);
  for (const known of previous === undefined ? [0] : baseBinaryLadder(previous)) versions.delete(known);
  return [...versions].sort((a, b) => a - b);
}

/** Whether the entry with the new versions is distinguished; if not, its owner must monitor it. */
export interface UpdateOutcome {
  readonly distinguished: boolean;
}

/**
 * Verifies that the versions after `previous.greatest` up to `last` were created at `position`, none before.
 * Draft section "Updating a Label", "Algorithm".
 */
export async function updateLabel(
  view: LogView,
  previous: PreviousVersions,
  position: number,
  last: number,
): Promise<UpdateOutcome> {
  if (position > 0) await verifyPreviousTree(view, previous, position);
  const ladder = new Set(baseBinaryLadder(last));
  const others: number[] = [];
  for (let version = (previous.greatest ?? -1) + 1; version <= last; version++)
    if (!ladder.has(version)) others.push(version);

  const distinguished = (await distinguishedOnPath(view, position)).includes(position);
  if (!distinguished && (await view.inspection.searchLadder(position, last, true)) !== 0)
    view.inspection.violated(inconsistent(position, "does not hold exactly the new versions"));
  if (others.length > 0) await view.inspection.inclusion(position, others);
  return { distinguished };
}

/** A greatest-version search in the tree before the update, as far as the owner has not seen it yet. */
async function verifyPreviousTree(view: LogView, previous: PreviousVersions, position: number): Promise<void> {
  const distinguished = new Set(await distinguishedOnPath(view, position - 1));
  const entries = frontier(position);
  const first = entries.findIndex((entry) => !distinguished.has(entry));
  if (first < 0) return;
  // A greatest-version search would begin at the last distinguished entry: what it shows there is omitted here as well.
  if (first > 0) await assumeLadder(view, previous, entries[first - 1] as number);
  for (const entry of entries.slice(first)) {
    if (previous.greatest !== undefined && entry <= previous.lastPosition) {
      await assumeLadder(view, previous, entry);
      continue;
    }
    const comparison = await view.inspection.searchLadder(entry, previous.greatest ?? 0, true);
    if (comparison !== (previous.greatest === undefined ? -1 : 0))
      view.inspection.violated(inconsistent(entry, "does not hold the previous greatest version as its greatest"));
  }
}

/** Marks as proven what a search ladder would show at an entry that is not inspected (again). */
async function assumeLadder(view: LogView, previous: PreviousVersions, position: number): Promise<void> {
  const greatest = await previous.greatestAt(position);
  const ladder = new SearchLadder(previous.greatest ?? 0, view.inspection.proven.at(position));
  for (let version = ladder.next(); version !== undefined; version = ladder.next()) {
    const included = greatest !== undefined && version <= greatest;
    view.inspection.proven.record(position, version, included);
    ladder.answer(included);
  }
}

function inconsistent(position: number, what: string): KeytransError {
  return new KeytransError("inconsistent-ladder", `entry ${position} ${what}`, SECTION, "update.prefixProofs");
}
