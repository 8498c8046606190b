import type { Configuration } from "../structs/index.js";
import { left, right, root, viewUpdatePath } from "../search-tree.js";
import type { Inspection } from "./inspection.js";

/** A tree of a given size under inspection, and the durations that decide which entries count. */
export interface LogView {
  readonly inspection: Inspection;
  /** Number of log entries, at least 1. */
  readonly size: number;
  readonly configuration: Configuration;
}

/** Fetches the timestamps that extend a view of `previous` entries. Draft section "Updating Views of the Tree". */
export async function updateView({ inspection, size }: LogView, previous: number | undefined): Promise<void> {
  for (const position of viewUpdatePath(previous, size)) await inspection.timestamp(position);
}

export const rightmostTimestamp = ({ inspection, size }: LogView): Promise<number> => inspection.timestamp(size - 1);

/** Whether an entry bounded by these timestamps is distinguished. Draft section "Reasonable Monitoring Window". */
export function isDistinguished({ configuration }: LogView, leftTime: number, rightTime: number): boolean {
  return rightTime - leftTime >= Number(configuration.reasonableMonitoringWindow);
}

/** Draft section "Maximum Lifetime". */
export function isExpired(
  { configuration }: Pick<LogView, "configuration">,
  timestamp: number,
  rightmost: number,
): boolean {
  return configuration.maximumLifetime !== undefined && rightmost - timestamp >= Number(configuration.maximumLifetime);
}

/** An entry of the implicit search tree with the timestamps that bound it. */
export interface BoundedEntry {
  readonly position: number;
  readonly leftTime: number;
  readonly rightTime: number;
}

export async function boundedRoot(view: LogView): Promise<BoundedEntry> {
  return { position: root(view.size), leftTime: 0, rightTime: await rightmostTimestamp(view) };
}

/** The right child with its bounds; undefined when there is none (and then no timestamp is asked for). */
export async function boundedRight(view: LogView, entry: BoundedEntry): Promise<BoundedEntry | undefined> {
  const position = right(entry.position, view.size);
  if (position === undefined) return undefined;
  return { position, leftTime: await view.inspection.timestamp(entry.position), rightTime: entry.rightTime };
}

/** The left child with its bounds; undefined when there is none (and then no timestamp is asked for). */
export async function boundedLeft(view: LogView, entry: BoundedEntry): Promise<BoundedEntry | undefined> {
  const position = left(entry.position);
  if (position === undefined) return undefined;
  return { position, leftTime: entry.leftTime, rightTime: await view.inspection.timestamp(entry.position) };
}

export const isBoundedDistinguished = (view: LogView, entry: BoundedEntry): boolean =>
  isDistinguished(view, entry.leftTime, entry.rightTime);
