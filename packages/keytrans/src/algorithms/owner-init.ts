import { baseBinaryLadder } from "../binary-ladder.js";
import { KeytransError } from "../errors.js";
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

const SECTION = "Owner Algorithm";

/**
 * The entries that an owner starting at `start` inspects: `start`, then its ancestors to the left, nearest first, up to
 * the first expired one. @throws KeytransError invalid-start
 */
export async function ownerInitEntries(view: LogView, start: number): Promise<number[]> {
  if (start >= view.size) throw invalidStart(start, "lies beyond the log");
  const rightmost = await rightmostTimestamp(view);
  const path: { position: number; expired: boolean }[] = [];
  for (let entry: BoundedEntry = await boundedRoot(view); ; ) {
    if (!isBoundedDistinguished(view, entry)) throw invalidStart(start, "is not distinguished");
    const expired = isExpired(view, await view.inspection.timestamp(entry.position), rightmost);
    path.unshift({ position: entry.position, expired });
    if (entry.position === start) {
      if (expired) throw invalidStart(start, "has expired");
      break;
    }
    entry = (start < entry.position ? await boundedLeft(view, entry) : await boundedRight(view, entry)) as BoundedEntry;
  }
  const inspected: number[] = [];
  for (const { position, expired } of path) {
    if (position > start) continue;
    if (expired) break;
    inspected.push(position);
  }
  return inspected;
}

/** Versions whose VRF proofs an owner needs to start, ascending. */
export function ownerInitVersions(greatestVersions: readonly number[]): number[] {
  const versions = new Set([0]);
  for (const greatest of greatestVersions) for (const version of baseBinaryLadder(greatest)) versions.add(version);
  return [...versions].sort((a, b) => a - b);
}

/** Verifies the claimed greatest versions at the entries of {@link ownerInitEntries}. Draft section "Owner Algorithm", first part. */
export async function ownerInit(
  view: LogView,
  entries: readonly number[],
  greatestVersions: readonly number[],
): Promise<void> {
  if (greatestVersions.length > entries.length)
    throw new KeytransError("unexpected-count", "more versions than log entries", SECTION, "greatestVersions");
  greatestVersions.forEach((version, i) => {
    if (i > 0 && version > (greatestVersions[i - 1] as number))
      throw new KeytransError("non-monotonic-versions", "versions must not ascend", SECTION, `greatestVersions[${i}]`);
  });
  for (const [i, position] of entries.entries()) {
    const version = greatestVersions[i];
    const comparison = await view.inspection.searchLadder(position, version ?? 0, false);
    if (comparison !== (version === undefined ? -1 : 0))
      view.inspection.violated(
        new KeytransError(
          "inconsistent-ladder",
          `entry ${position} contradicts the claimed greatest version`,
          SECTION,
          "init.prefixProofs",
        ),
      );
  }
}

function invalidStart(start: number, why: string): KeytransError {
  return new KeytransError("invalid-start", `starting position ${start} ${why}`, SECTION, "start");
}
