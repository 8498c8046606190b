import { KeytransError } from "../errors.js";
import {
  type BoundedEntry,
  boundedLeft,
  boundedRight,
  boundedRoot,
  isBoundedDistinguished,
  type LogView,
} from "./log-view.js";

const SECTION = "Owner Algorithm";

/** Which version the owner expects at an entry right of its start; undefined: none. */
export type ExpectedVersion = (position: number) => number | undefined | Promise<number | undefined>;

export interface OwnerMonitorOutcome {
  /** Distinguished entries verified, left to right. */
  readonly verified: readonly number[];
  /** Whether the walk reached the rightmost distinguished entry; if not, ask again (or learn of newer versions first). */
  readonly complete: boolean;
}

/**
 * Verifies the distinguished entries right of `start`, as far as the response goes.
 * Draft section "Monitoring the Tree", "Owner Algorithm", second part.
 */
export async function ownerMonitor(
  view: LogView,
  start: number,
  expected: ExpectedVersion,
): Promise<OwnerMonitorOutcome> {
  const verified: number[] = [];
  let complete = true;
  const walk = async (entry: BoundedEntry | undefined): Promise<void> => {
    if (entry === undefined || !isBoundedDistinguished(view, entry)) return;
    const { position } = entry;
    if (position > start) {
      await walk(await boundedLeft(view, entry));
      const version = await expected(position);
      if (await view.inspection.ownerStops(position, version)) {
        complete = false;
        return;
      }
      const comparison = await view.inspection.searchLadder(position, version ?? 0, false);
      if (comparison !== (version === undefined ? -1 : 0))
        view.inspection.violated(
          new KeytransError(
            "inconsistent-ladder",
            `entry ${position} contradicts the expected greatest version`,
            SECTION,
            "monitor.prefixProofs",
          ),
        );
      verified.push(position);
    }
    await walk(await boundedRight(view, entry));
  };
  await walk(await boundedRoot(view));
  return { verified, complete };
}
