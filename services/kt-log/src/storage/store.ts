import type {
  LogEntryWrites,
  LogNodeKey,
  ProverStore,
  PruningPlan,
  StoredEntry,
  StoredLogNode,
  StoredVrfProof,
} from "@mls-as/keytrans/prover";
import type { PrefixPage } from "./prefix-pages.js";

type Awaitable<T> = T | Promise<T>;

/** The tree head moved while an entry was being prepared: another sequencer was faster. */
export class HeadMovedError extends Error {
  override readonly name = "HeadMovedError";
}

/**
 * What the service keeps, beyond what the prover reads ({@link ProverStore}).
 *
 * `append` is the only way the head moves. It is atomic and a compare-and-swap: all rows of `writes` and the new head
 * become visible together, and only if the stored tree size still is `writes.position`; otherwise nothing changes and
 * {@link HeadMovedError} is thrown. When it returns, all of it survives a power failure.
 */
export interface LogStore extends ProverStore, LogInspection {
  append(writes: LogEntryWrites): Promise<void>;
  /** A value set at `init` (the encoded `Configuration`, the writer token's hash) or by {@link replaceSetting}. */
  setting(key: string): Promise<Uint8Array | undefined>;
  /** Sets values that there are none of yet, durably. @throws Error when there is one */
  initialise(settings: ReadonlyMap<string, Uint8Array>): Promise<void>;
  /** Sets a value or replaces it, durably. */
  replaceSetting(key: string, value: Uint8Array): Promise<void>;
  /** Encoded `AuditorUpdate`s from `start` on, at most `limit`; empty outside third-party auditing. */
  auditorUpdates(start: number, limit: number): Promise<readonly Uint8Array[]>;
  /** Replaces the newest `AuditorTreeHead`, durably. */
  saveAuditorTreeHead(auditorTreeHead: Uint8Array): Promise<void>;
  /** Node hashes of the parallel log that witnesses cosign (RFC 6962). All rows must exist. */
  witnessNodes(keys: readonly LogNodeKey[]): Awaitable<readonly Uint8Array[]>;
  /** Adds such nodes, durably; those that there are stay as they are. */
  saveWitnessNodes(rows: readonly StoredLogNode[]): Promise<void>;
  /**
   * Deletes what opens the commitments of a label's versions up to `throughVersion`: their values are gone, the trees
   * stay as they are. @returns how many were deleted
   */
  eraseOpenings(label: Uint8Array, throughVersion: number): Promise<number>;
  /**
   * Deletes what a log with a maximum lifetime may forget: prefix tree nodes superseded at or before
   * `plan.firstUnexpired` and, with `entries`, the log entries before it but those in `plan.kept`. In pieces, each of
   * them atomic; interrupted, it is taken up again by the next call. Serving goes on meanwhile.
   */
  prune(plan: PruningPlan, options?: PruneOptions): Promise<Pruned>;
  /** Deletes what an interrupted import left. @throws Error where the store holds a log: it has settings */
  clear(): Promise<void>;
  /** The opening of a version's commitment alone: the same few octets are read, whatever the value's size. */
  commitmentOpening(label: Uint8Array, version: number): Uint8Array | undefined | Promise<Uint8Array | undefined>;
  /** How often rows of the trees were found in memory, and how often not. */
  readonly cacheCounts: { readonly hits: number; readonly misses: number };
  close(): Promise<void>;
}

export interface PruneOptions {
  /** Whether expired log entries go too: users whose view ends in one cannot be served any more. */
  readonly entries?: boolean;
  readonly onProgress?: ((position: number) => void) | undefined;
}

export interface Pruned {
  readonly nodes: number;
  readonly entries: number;
}

/** What pruning has removed, so that `fsck` knows what may be missing. */
export interface PruningState {
  /** Nodes superseded at or before this entry are gone. */
  readonly trees: number;
  /** Entries before this position are gone, but for `kept`. */
  readonly entries: number;
  readonly kept: readonly number[];
}

/** What `fsck` and `export` read besides: every row there is, in an order in which it can be read piece by piece. */
export interface LogInspection {
  /** From now on all reads see the log as it is now, whatever is appended meanwhile. For a store used by nobody else. */
  freeze(): Promise<void>;
  /** All settings by key. */
  settings(): Promise<readonly SettingRow[]>;
  /** Entries at and after `position`, ascending, at most `limit`. */
  entriesFrom(position: number, limit: number): Promise<readonly StoredEntry[]>;
  /** All label-versions in the order in which they were logged; at most `limit` rows after the row with this id. */
  labelVersions(after: number, limit: number): Promise<readonly LabelVersionRow[]>;
  /** Pages after the one whose first node is `after`, ascending, at most `limit`. */
  prefixPages(after: number, limit: number): Promise<readonly PrefixPage[]>;
  /** Entries at and after `position` with the node ids that left the tree with them, at most `limit`. */
  supersededFrom(position: number, limit: number): Promise<readonly SupersededRow[]>;
  /** All VRF proofs by label and version; at most `limit` rows after the given one. */
  allVrfProofs(
    after: { readonly label: Uint8Array; readonly version: number } | undefined,
    limit: number,
  ): Promise<readonly StoredVrfProof[]>;
  /** Encoded `AuditorUpdate`s with their positions. */
  auditorUpdatesFrom(
    position: number,
    limit: number,
  ): Promise<readonly { readonly position: number; readonly bytes: Uint8Array }[]>;
  /** All nodes of the parallel log by level and index; at most `limit` after the given one. */
  witnessNodesFrom(after: LogNodeKey | undefined, limit: number): Promise<readonly StoredLogNode[]>;
  /** Undefined where nothing was ever pruned. */
  pruning(): Promise<PruningState | undefined>;
  /** How many rows each table has, so that rows that belong to nothing are noticed. */
  rowCounts(): Promise<RowCounts>;
  /** What the database itself finds wrong with its pages and indexes, and with rows that only it uses; empty when nothing. */
  integrity(): Promise<readonly string[]>;
}

export interface SettingRow {
  readonly key: string;
  readonly value: Uint8Array;
  /** {@link settingChecksum} of both. */
  readonly checksum: Uint8Array;
}

export interface SupersededRow {
  readonly position: number;
  /** Undefined where what is stored is no list of ids. */
  readonly ids: readonly number[] | undefined;
}

export interface RowCounts {
  readonly entries: number;
  readonly logNodes: number;
  readonly superseded: number;
  readonly versions: number;
  readonly openings: number;
}

export interface LabelVersionRow {
  /** Counts from 1 without gaps, in the order of log entries. */
  readonly id: number;
  readonly position: number;
  readonly label: Uint8Array;
  readonly version: number;
  readonly commitment: Uint8Array;
  /** Of the VRF. */
  readonly output: Uint8Array;
  /** Undefined where it was erased, or the version was skipped. */
  readonly opening?:
    | { readonly opening: Uint8Array; readonly value: Uint8Array; readonly suffix?: Uint8Array }
    | undefined;
}

/** The tables that hold rows of a log, settings aside. */
export const LOG_TABLES = [
  "head",
  "entries",
  "log_nodes",
  "prefix_pages",
  "superseded_nodes",
  "label_versions",
  "openings",
  "vrf_proofs",
  "auditor_updates",
  "pruning",
  "witness_nodes",
] as const;
