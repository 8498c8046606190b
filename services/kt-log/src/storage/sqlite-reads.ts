import {
  type LogNodeKey,
  ProverError,
  type ProverStore,
  type StoredEntry,
  type StoredHead,
  type StoredOpening,
  type StoredVersion,
  type StoredVrfProof,
} from "@mls-as/keytrans/prover";
import { SqliteDatabase } from "@mls-as/service-runtime/sqlite";
import { PendingProofs } from "./pending-proofs.js";
import { nodeOf } from "./prefix-pages.js";
import { SQLITE_MIGRATIONS } from "./schema.js";
import { DEFAULT_CACHE_BYTES, TreeCache } from "./tree-cache.js";

/** Rows hold Buffers; the protocol's code is promised plain arrays of its own. */
export const plain = (bytes: Uint8Array): Uint8Array => new Uint8Array(bytes);

export interface HeadRow {
  tree_size: number;
  root: Buffer;
  signature: Buffer;
  timestamp: number;
  auditor_tree_head: Buffer | null;
}

export interface EntryRow {
  position: number;
  timestamp: number;
  prefix_root: Buffer;
  prefix_node: number;
  next_node: number;
}

export const storedHead = (row: HeadRow): StoredHead => ({
  treeSize: row.tree_size,
  root: plain(row.root),
  signature: plain(row.signature),
  timestamp: row.timestamp,
  ...(row.auditor_tree_head === null ? {} : { auditorTreeHead: plain(row.auditor_tree_head) }),
});

export const storedEntry = (row: EntryRow): StoredEntry => ({
  position: row.position,
  timestamp: row.timestamp,
  prefixRoot: plain(row.prefix_root),
  prefixNode: row.prefix_node,
  nextNode: row.next_node,
});

/** A row that the contract promises is missing: pruned, or the database is damaged. */
export function missing(what: string): Error {
  return new Error(`the database has no ${what}; run kt-log fsck`);
}

/** An entry that pruning removed is an answer to the user; any other is a damage. */
export function missingEntry(position: number, prunedBefore: number): Error {
  return position < prunedBefore
    ? new ProverError("version-expired", `entry ${position} has expired and was pruned`, "Maximum Lifetime")
    : missing(`log entry ${position}`);
}

/** What the prover reads, from one SQLite file: WAL with synchronous=FULL, so that a commit is durable when it returns. */
export class SqliteReads implements ProverStore {
  protected readonly db: SqliteDatabase;
  protected readonly cache: TreeCache;
  protected readonly pending: PendingProofs;

  /** @param cacheBytes memory for pages of the prefix tree */
  constructor(path: string, cacheBytes: number = DEFAULT_CACHE_BYTES) {
    this.cache = new TreeCache(cacheBytes);
    this.db = new SqliteDatabase(path, { migrations: SQLITE_MIGRATIONS, program: "kt-log" });
    // Labels are found by an index whose pages are hit at random: its upper levels should stay in memory.
    this.db.handle.pragma("cache_size = -65536");
    // What is deleted is overwritten: an erased value must not stay in free pages.
    this.db.handle.pragma("secure_delete = ON");
    this.pending = new PendingProofs((rows) => {
      try {
        this.db.transaction(() => this.insertProofs(rows));
      } catch {
        // Only a cache: computed again when needed.
      }
    });
  }

  protected insertProofs(proofs: readonly StoredVrfProof[]): void {
    for (const { label, version, output, proof } of proofs)
      if (proof !== undefined)
        this.db.run("insert or ignore into vrf_proofs values (?, ?, ?, ?)", label, version, output, proof);
  }

  head(): StoredHead | undefined {
    const row = this.db.get<HeadRow>("select * from head where id = 1");
    return row && storedHead(row);
  }

  entries(positions: readonly number[]): StoredEntry[] {
    return positions.map((position) => {
      const known = this.cache.entries.get(position);
      if (known !== undefined) return known;
      const row = this.db.get<EntryRow>("select * from entries where position = ?", position);
      if (row === undefined) throw missingEntry(position, this.prunedBefore());
      const entry = storedEntry(row);
      this.cache.entries.set(position, entry);
      return entry;
    });
  }

  protected prunedBefore(): number {
    return this.db.get<{ entries: number }>("select entries from pruning where id = 1")?.entries ?? 0;
  }

  logNodes(keys: readonly LogNodeKey[]): Uint8Array[] {
    return keys.map((key) => {
      const known = this.cache.logNodes.get(TreeCache.logNodeKey(key));
      if (known !== undefined) return known;
      const { level, index } = key;
      const sql = "select hash from log_nodes where level = ? and node = ?";
      const row = this.db.get<{ hash: Buffer }>(sql, level, index);
      if (row === undefined) throw missing(`log tree node ${level}/${index}`);
      const hash = plain(row.hash);
      this.cache.logNodes.set(TreeCache.logNodeKey(key), hash);
      return hash;
    });
  }

  prefixNodes(ids: readonly number[]): Uint8Array[] {
    return ids.map((id) => this.cache.prefixPages.get(id) ?? this.#readNode(id));
  }

  /** Keeps the whole page: its other nodes lie on the same search paths. */
  #readNode(id: number): Uint8Array {
    const sql = "select first, nodes from prefix_pages where first <= ? order by first desc limit 1";
    const row = this.db.get<{ first: number; nodes: Buffer }>(sql, id);
    const page = row && { first: row.first, nodes: plain(row.nodes) };
    const node = page && nodeOf(page.nodes, id - page.first);
    if (page === undefined || node === undefined) throw missing(`prefix tree node ${id}`);
    this.cache.prefixPages.set(page);
    return node;
  }

  greatestVersions(label: Uint8Array, positions: readonly number[]): (number | undefined)[] {
    const sql = "select version, position from label_versions where label = ? order by version desc limit 1";
    const greatest = this.db.get<{ version: number; position: number }>(sql, label);
    return positions.map((position) => {
      if (greatest === undefined) return undefined;
      if (greatest.position <= position) return greatest.version;
      let low = 0;
      let high = greatest.version;
      while (low < high) {
        const middle = Math.floor((low + high) / 2);
        if (this.#positionOf(label, middle) <= position) low = middle + 1;
        else high = middle;
      }
      return low === 0 ? undefined : low - 1;
    });
  }

  #positionOf(label: Uint8Array, version: number): number {
    const sql = "select position from label_versions where label = ? and version = ?";
    const row = this.db.get<{ position: number }>(sql, label, version);
    if (row === undefined) throw missing(`version ${version} of a label that has later ones`);
    return row.position;
  }

  versions(label: Uint8Array, versions: readonly number[]): (StoredVersion | undefined)[] {
    const sql = "select position, commitment from label_versions where label = ? and version = ?";
    return versions.map((version) => {
      const row = this.db.get<{ position: number; commitment: Buffer }>(sql, label, version);
      return row && { label, version, position: row.position, commitment: plain(row.commitment) };
    });
  }

  commitmentOpening(label: Uint8Array, version: number): Uint8Array | undefined {
    const row = this.db.get<{ opening: Buffer }>(
      "select opening from openings join label_versions using (id) where label = ? and version = ?",
      label,
      version,
    );
    return row && plain(row.opening);
  }

  opening(label: Uint8Array, version: number): StoredOpening | undefined {
    const row = this.db.get<{ opening: Buffer; value: Buffer; suffix: Buffer | null }>(
      `select opening, value, suffix from openings join label_versions using (id) where label = ? and version = ?`,
      label,
      version,
    );
    return (
      row && {
        label,
        version,
        opening: plain(row.opening),
        value: plain(row.value),
        ...(row.suffix === null ? {} : { suffix: plain(row.suffix) }),
      }
    );
  }

  vrfProofs(label: Uint8Array, versions: readonly number[]): (StoredVrfProof | undefined)[] {
    return versions.map((version) => {
      const pending = this.pending.get(label, version);
      if (pending !== undefined) return pending;
      const proven = "select output, proof from vrf_proofs where label = ? and version = ?";
      const row = this.db.get<{ output: Buffer; proof: Buffer }>(proven, label, version);
      if (row !== undefined) return { label, version, output: plain(row.output), proof: plain(row.proof) };
      const logged = "select output from label_versions where label = ? and version = ?";
      const unproven = this.db.get<{ output: Buffer }>(logged, label, version);
      return unproven && { label, version, output: plain(unproven.output), proof: undefined };
    });
  }

  saveVrfProofs(proofs: readonly StoredVrfProof[]): void {
    this.pending.keep(proofs);
  }
}
