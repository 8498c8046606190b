import type { LogEntryWrites, ProverStore, StoredVrfProof } from "@mls-as/keytrans/prover";

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
  /** A value set once at `init` (the encoded `Configuration`, the writer token's hash). */
  setting(key: string): Promise<Uint8Array | undefined>;
  /** Sets a value that has none yet, durably. @throws Error when it has one */
  initialise(settings: ReadonlyMap<string, Uint8Array>): Promise<void>;
  /** Encoded `AuditorUpdate`s from `start` on, at most `limit`; empty outside third-party auditing. */
  auditorUpdates(start: number, limit: number): Promise<readonly Uint8Array[]>;
  /** Replaces the newest `AuditorTreeHead`, durably. */
  saveAuditorTreeHead(auditorTreeHead: Uint8Array): Promise<void>;
  /**
   * Deletes what opens the commitments of a label's versions up to `throughVersion`: their values are gone, the trees
   * stay as they are. @returns how many were deleted
   */
  eraseOpenings(label: Uint8Array, throughVersion: number): Promise<number>;
  close(): Promise<void>;
}

/** What `fsck` reads besides: every row there is, in an order in which it can be read piece by piece. */
export interface LogInspection {
  /** From now on all reads see the log as it is now, whatever is appended meanwhile. For a store used by nobody else. */
  freeze(): Promise<void>;
  /** All label-versions in the order of their entries; at most `limit` rows after the given one. */
  labelVersions(after: LabelVersionKey | undefined, limit: number): Promise<readonly LabelVersionRow[]>;
  /** All VRF proofs by label and version; at most `limit` rows after the given one. */
  allVrfProofs(after: Pick<LabelVersionKey, "label" | "version"> | undefined, limit: number): Promise<StoredVrfProof[]>;
  /** Node ids that left the tree with the entry at `position`. */
  supersededAt(position: number): Promise<readonly number[]>;
  /** How many rows each table has, so that rows that belong to nothing are noticed. */
  rowCounts(): Promise<RowCounts>;
  /** What the database itself finds wrong with its pages and indexes; empty when nothing. */
  integrity(): Promise<readonly string[]>;
}

export interface RowCounts {
  readonly entries: number;
  readonly logNodes: number;
  readonly prefixNodes: number;
  readonly superseded: number;
  readonly versions: number;
  readonly openings: number;
}

export interface LabelVersionKey {
  readonly position: number;
  readonly label: Uint8Array;
  readonly version: number;
}

export interface LabelVersionRow extends LabelVersionKey {
  readonly commitment: Uint8Array;
}
