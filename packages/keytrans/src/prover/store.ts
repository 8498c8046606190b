import type { Awaitable } from "../algorithms/index.js";

/** The newest tree head. Moved by compare-and-swap on `treeSize`, so that two sequencers cannot fork the log. */
export interface StoredHead {
  readonly treeSize: number;
  /** Root of the log tree. */
  readonly root: Uint8Array;
  readonly signature: Uint8Array;
  /** Of the rightmost entry, milliseconds. */
  readonly timestamp: number;
  /** Third-party auditing: the newest encoded `AuditorTreeHead`. */
  readonly auditorTreeHead?: Uint8Array | undefined;
}

export interface StoredEntry {
  readonly position: number;
  /** Milliseconds. */
  readonly timestamp: number;
  readonly prefixRoot: Uint8Array;
  /** Node id of the prefix tree's root; 0 for the empty tree. */
  readonly prefixNode: number;
  /** First node id that no entry up to this one uses. */
  readonly nextNode: number;
}

export interface LogNodeKey {
  readonly level: number;
  readonly index: number;
}

/** Head of the balanced subtree over leaves `index · 2^level` … `(index + 1) · 2^level - 1`. Immutable. */
export interface StoredLogNode extends LogNodeKey {
  readonly hash: Uint8Array;
}

/** A prefix tree node. Immutable; ids ascend without gaps over the whole log. */
export interface StoredPrefixNode {
  readonly id: number;
  readonly bytes: Uint8Array;
}

export interface StoredVersion {
  readonly label: Uint8Array;
  readonly version: number;
  /** The entry that inserted it. */
  readonly position: number;
  /** All zeros for a skipped version. */
  readonly commitment: Uint8Array;
}

/** What opens a commitment. May be deleted on its own; skipped versions have none. */
export interface StoredOpening {
  readonly label: Uint8Array;
  readonly version: number;
  readonly opening: Uint8Array;
  readonly value: Uint8Array;
  /** Third-party management: the Service Operator's signature. */
  readonly suffix?: Uint8Array | undefined;
}

/** What the VRF gives for a label-version pair. Sequencing needs the output alone; the proof is made when first served. */
export interface StoredVrfProof {
  readonly label: Uint8Array;
  readonly version: number;
  readonly output: Uint8Array;
  /** Undefined until it was served for the first time. */
  readonly proof: Uint8Array | undefined;
}

/**
 * What a prover reads. Any method may answer at once or with a promise, in the order of its arguments.
 *
 * Contract: when `head()` has shown tree size n, every row of the entries before n is visible to every later call, also
 * from another process. Rows never change; they only disappear: prefix nodes and log entries by pruning (never one that
 * an unexpired entry or the frontier of an unexpired entry needs), openings by privacy deletion. Rows of entries at or
 * beyond n may already be visible; the prover ignores them. No snapshot is needed across calls.
 */
export interface ProverStore {
  /** Undefined before the first entry. */
  head(): Awaitable<StoredHead | undefined>;
  /** All rows must exist. @throws ProverError version-expired for a row that pruning dropped */
  entries(positions: readonly number[]): Awaitable<readonly StoredEntry[]>;
  logNodes(keys: readonly LogNodeKey[]): Awaitable<readonly Uint8Array[]>;
  prefixNodes(ids: readonly number[]): Awaitable<readonly Uint8Array[]>;
  /** For each position the greatest version whose entry is at or before it. */
  greatestVersions(label: Uint8Array, positions: readonly number[]): Awaitable<readonly (number | undefined)[]>;
  versions(label: Uint8Array, versions: readonly number[]): Awaitable<readonly (StoredVersion | undefined)[]>;
  opening(label: Uint8Array, version: number): Awaitable<StoredOpening | undefined>;
  vrfProofs(label: Uint8Array, versions: readonly number[]): Awaitable<readonly (StoredVrfProof | undefined)[]>;
  /**
   * Keeps what had to be computed: inserts rows, and gives a proof to rows that have none. Never replaces an output or a
   * proof. Proofs may be lost (they are made again), outputs of existing versions may not.
   */
  saveVrfProofs(proofs: readonly StoredVrfProof[]): Awaitable<void>;
}

/** One log entry, to be persisted atomically and only if the stored tree size still is `position`. */
export interface LogEntryWrites {
  readonly position: number;
  readonly head: StoredHead;
  readonly entry: StoredEntry;
  readonly logNodes: readonly StoredLogNode[];
  readonly prefixNodes: readonly StoredPrefixNode[];
  /** Node ids that no tree from this entry on contains: free once every entry before `position` is pruned. */
  readonly superseded: readonly number[];
  readonly versions: readonly StoredVersion[];
  readonly openings: readonly StoredOpening[];
  /** Outputs of the new versions; stored by the rule of {@link ProverStore.saveVrfProofs}, and durably. */
  readonly vrfProofs: readonly StoredVrfProof[];
  /** Third-party auditing: the encoded `AuditorUpdate` of this entry. */
  readonly auditorUpdate?: Uint8Array | undefined;
}
