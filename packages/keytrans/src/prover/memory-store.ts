import { ProverError } from "./errors.js";
import type {
  LogEntryWrites,
  LogNodeKey,
  ProverStore,
  StoredEntry,
  StoredHead,
  StoredOpening,
  StoredVersion,
  StoredVrfProof,
} from "./store.js";

/** Map keys for byte strings: one UTF-16 unit a byte. */
function byteKey(bytes: Uint8Array): string {
  let key = "";
  for (const byte of bytes) key += String.fromCharCode(byte);
  return key;
}

interface LabelRows {
  versions: StoredVersion[];
  openings: (StoredOpening | undefined)[];
  vrfProofs: StoredVrfProof[];
}

/** A first row gets an array of its own size: arrays that grow from nothing take room for many, and most labels have one row. */
function placed<T>(rows: T[], index: number, row: T): T[] {
  if (index === 0 && rows.length === 0) return [row];
  rows[index] = row;
  return rows;
}

/** A log in memory, for tests and measurements. Node rows live in slabs, so that millions of them fit. */
export class MemoryStore implements ProverStore {
  #head: StoredHead | undefined;
  readonly #entries: (StoredEntry | undefined)[] = [];
  readonly #logLevels: Uint8Array[][] = [];
  readonly #nodes = new NodeSlab();
  #prunedBefore = 0;
  readonly #labels = new Map<string, LabelRows>();
  /** Encoded `AuditorUpdate`s by position. */
  readonly auditorUpdates: Uint8Array[] = [];
  /** Superseded node ids by position. */
  readonly superseded = new Map<number, readonly number[]>();

  /** Persists one entry. @throws Error when the tree size is no longer `writes.position` */
  apply(writes: LogEntryWrites): void {
    if (writes.position !== this.#entries.length) throw new Error("the head has moved");
    this.#entries.push(writes.entry);
    for (const { level, index, hash } of writes.logNodes) {
      this.#logLevels[level] ??= [];
      (this.#logLevels[level] as Uint8Array[])[index] = hash;
    }
    for (const { id, bytes } of writes.prefixNodes) this.#nodes.set(id, bytes);
    for (const row of writes.versions) {
      const rows = this.#rows(row.label);
      rows.versions = placed(rows.versions, row.version, row);
    }
    for (const row of writes.openings) {
      const rows = this.#rows(row.label);
      rows.openings = placed(rows.openings, row.version, row);
    }
    this.saveVrfProofs(writes.vrfProofs);
    if (writes.superseded.length > 0) this.superseded.set(writes.position, writes.superseded);
    if (writes.auditorUpdate) this.auditorUpdates[writes.position] = writes.auditorUpdate;
    this.#head = { ...writes.head, auditorTreeHead: writes.head.auditorTreeHead ?? this.#head?.auditorTreeHead };
  }

  /** Stores the auditor's newest head. */
  setAuditorTreeHead(auditorTreeHead: Uint8Array): void {
    if (this.#head) this.#head = { ...this.#head, auditorTreeHead };
  }

  /** Forgets what opens a commitment. */
  deleteOpening(label: Uint8Array, version: number): void {
    this.#rows(label).openings[version] = undefined;
  }

  /** Drops prefix tree versions of the entries before `position` (and those entries' superseded nodes). */
  prunePrefixTrees(position: number): void {
    for (const [at, ids] of this.superseded) {
      if (at > position) continue;
      for (const id of ids) this.#nodes.delete(id);
      this.superseded.delete(at);
    }
  }

  /** Drops the log entries before `position` but for `kept`. */
  pruneEntries(position: number, kept: readonly number[]): void {
    const keep = new Set(kept);
    this.#prunedBefore = Math.max(position, this.#prunedBefore);
    for (let i = 0; i < position; i++) if (!keep.has(i)) this.#entries[i] = undefined;
  }

  head(): StoredHead | undefined {
    return this.#head;
  }

  entries(positions: readonly number[]): StoredEntry[] {
    return positions.map((position) => {
      if (position < this.#prunedBefore && this.#entries[position] === undefined)
        throw new ProverError("version-expired", `entry ${position} has expired and was pruned`, "Maximum Lifetime");
      return found(this.#entries[position], `entry ${position}`);
    });
  }

  logNodes(keys: readonly LogNodeKey[]): Uint8Array[] {
    return keys.map(({ level, index }) => found(this.#logLevels[level]?.[index], `log node ${level}/${index}`));
  }

  prefixNodes(ids: readonly number[]): Uint8Array[] {
    return ids.map((id) => this.#nodes.get(id));
  }

  greatestVersions(label: Uint8Array, positions: readonly number[]): (number | undefined)[] {
    const versions = this.#labels.get(byteKey(label))?.versions ?? [];
    return positions.map((position) => {
      let low = 0;
      let high = versions.length;
      while (low < high) {
        const middle = (low + high) >> 1;
        if ((versions[middle] as StoredVersion).position <= position) low = middle + 1;
        else high = middle;
      }
      return low === 0 ? undefined : low - 1;
    });
  }

  versions(label: Uint8Array, versions: readonly number[]): (StoredVersion | undefined)[] {
    const rows = this.#labels.get(byteKey(label));
    return versions.map((version) => rows?.versions[version]);
  }

  opening(label: Uint8Array, version: number): StoredOpening | undefined {
    return this.#labels.get(byteKey(label))?.openings[version];
  }

  vrfProofs(label: Uint8Array, versions: readonly number[]): (StoredVrfProof | undefined)[] {
    const rows = this.#labels.get(byteKey(label));
    return versions.map((version) => rows?.vrfProofs[version]);
  }

  saveVrfProofs(proofs: readonly StoredVrfProof[]): void {
    for (const row of proofs) {
      const rows = this.#rows(row.label);
      if (rows.vrfProofs[row.version]?.proof !== undefined) continue;
      rows.vrfProofs = placed(rows.vrfProofs, row.version, row);
    }
  }

  #rows(label: Uint8Array): LabelRows {
    const key = byteKey(label);
    let rows = this.#labels.get(key);
    if (rows === undefined) {
      rows = { versions: [], openings: [], vrfProofs: [] };
      this.#labels.set(key, rows);
    }
    return rows;
  }
}

function found<T>(row: T | undefined, what: string): T {
  if (row === undefined) throw new Error(`${what} is not stored`);
  return row;
}

const SLOT = 84;
const SLOTS = 2 ** 14;

/** Byte strings of up to 83 bytes by small integer, without an object for each. */
class NodeSlab {
  readonly #slabs: Uint8Array[] = [];

  set(id: number, bytes: Uint8Array): void {
    const number = Math.floor(id / SLOTS);
    this.#slabs[number] ??= new Uint8Array(SLOT * SLOTS);
    const slab = this.#slabs[number] as Uint8Array;
    const offset = (id % SLOTS) * SLOT;
    slab[offset] = bytes.length;
    slab.set(bytes, offset + 1);
  }

  get(id: number): Uint8Array {
    const slab = this.#slabs[Math.floor(id / SLOTS)];
    const offset = (id % SLOTS) * SLOT;
    const length = slab?.[offset] ?? 0;
    if (slab === undefined || length === 0) throw new Error(`prefix node ${id} is not stored`);
    return slab.subarray(offset + 1, offset + 1 + length);
  }

  delete(id: number): void {
    const slab = this.#slabs[Math.floor(id / SLOTS)];
    if (slab) slab[(id % SLOTS) * SLOT] = 0;
  }
}
