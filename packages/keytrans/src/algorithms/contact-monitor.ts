import { KeytransError } from "../errors.js";
import { directPath } from "../search-tree.js";
import type { MonitorMapEntry } from "../structs/index.js";
import { distinguishedOnPath } from "./distinguished.js";
import type { LogView } from "./log-view.js";

const SECTION = "Contact Algorithm";

/** A map entry that must stay until the owner has verified the distinguished entry above it. */
export interface DeferredEntry extends MonitorMapEntry {
  readonly distinguished: number;
}

export interface ContactOutcome {
  /** The map after monitoring, ascending by position. */
  readonly map: readonly MonitorMapEntry[];
  /** Entries whose last step is left to owner monitoring. */
  readonly deferred: readonly DeferredEntry[];
}

/**
 * Moves every monitored version up the search tree to the newest entries that cover it.
 * `ownerStart` is set when owner monitoring follows in the same response.
 * Draft section "Monitoring the Tree", "Contact Algorithm".
 */
export async function contactMonitor(
  view: LogView,
  entries: readonly MonitorMapEntry[],
  ownerStart: number | undefined,
): Promise<ContactOutcome> {
  const provided = new Map<number, number>();
  const map: MonitorMapEntry[] = [];
  const deferred: DeferredEntry[] = [];
  for (const { position, version } of [...entries].sort((a, b) => b.position - a.position)) {
    const distinguished = await distinguishedOnPath(view, position);
    if (distinguished.includes(position)) continue;
    const ancestors = directPath(position, view.size).filter((ancestor) => ancestor > position);
    const first = ancestors.findIndex((ancestor) => distinguished.includes(ancestor));
    const leftToOwner = first >= 0 && ownerStart !== undefined && position >= ownerStart;
    const inspected = first < 0 ? ancestors : ancestors.slice(0, leftToOwner ? first : first + 1);

    const reached = await climb(view, position, version, inspected, provided);
    if (reached === undefined) continue;
    if (leftToOwner) deferred.push({ position: reached, version, distinguished: ancestors[first] as number });
    else if (first < 0) map.push({ position: reached, version });
  }
  return { map: greatestByPosition(map), deferred: deferred.toReversed() };
}

/**
 * A map as the draft defines it: one version for each position, the greatest. Two entries meet where one climbs to the
 * position of another that had nothing to climb.
 */
export function greatestByPosition(entries: readonly MonitorMapEntry[]): MonitorMapEntry[] {
  const greatest = new Map<number, number>();
  for (const { position, version } of entries)
    greatest.set(position, Math.max(version, greatest.get(position) ?? version));
  return [...greatest].map(([position, version]) => ({ position, version })).sort((a, b) => a.position - b.position);
}

/** Gives the last entry verified, or undefined when a greater version is already monitored from there on. */
async function climb(
  view: LogView,
  from: number,
  version: number,
  inspected: readonly number[],
  provided: Map<number, number>,
): Promise<number | undefined> {
  let reached = from;
  for (const position of inspected) {
    const other = provided.get(position);
    if (other !== undefined) {
      if (other > version) return undefined;
      throw new KeytransError(
        "non-monotonic-versions",
        `entry ${position} is to hold version ${other} after a later version ${version}`,
        SECTION,
        "entries",
      );
    }
    await view.inspection.monitoringLadder(position, version);
    provided.set(position, version);
    reached = position;
  }
  return reached;
}
