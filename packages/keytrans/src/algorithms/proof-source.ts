import type { Lookups } from "../binary-ladder.js";

export type Awaitable<T> = T | Promise<T>;

/**
 * Where an algorithm's data comes from: the log's own storage, while it records what was asked for, or a received
 * `CombinedTreeProof`, which it consumes. The order of calls is the wire format.
 */
export interface ProofSource {
  /** Timestamp of a log entry whose timestamp was not asked for before. */
  timestamp(position: number): Awaitable<number>;
  /** Runs `lookups` to its end against the log entry's prefix tree, reports each outcome, and gives the tree's root. */
  lookUp(
    position: number,
    lookups: Lookups,
    report: (version: number, included: boolean) => void,
  ): Awaitable<Uint8Array>;
  /** Whether owner monitoring ends here. `expected` is the version that the owner expects (undefined: none). */
  ownerStops(position: number, expected: number | undefined): Awaitable<boolean>;
}

/** The part of a log entry that a user retains. */
export interface RetainedEntry {
  readonly position: number;
  readonly timestamp: number;
  readonly prefixRoot: Uint8Array;
}
