import type { MonitorMapEntry } from "../structs/index.js";

/**
 * The map with one more proven label-version pair. A position keeps its greatest version, and a version its leftmost
 * position, from which monitoring passes every later one.
 */
export function monitored(map: readonly MonitorMapEntry[], added: MonitorMapEntry): MonitorMapEntry[] {
  const sameVersion = map.find(({ version }) => version === added.version);
  if (sameVersion !== undefined && sameVersion.position <= added.position) return [...map];
  const samePosition = map.find(({ position }) => position === added.position);
  if (samePosition !== undefined && samePosition.version > added.version) return [...map];
  const others = map.filter((entry) => entry !== sameVersion && entry !== samePosition);
  return [...others, added].sort((a, b) => a.position - b.position);
}
