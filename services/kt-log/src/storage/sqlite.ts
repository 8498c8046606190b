import type { LogEntryWrites, LogNodeKey, PruningPlan, StoredLogNode } from "@mls-as/keytrans/prover";
import { failpoint } from "../failpoint.js";
import { packIds, paginate, type PrefixPage, unpackIds, withoutNodes } from "./prefix-pages.js";
import { settingChecksum } from "./setting-checksum.js";
import { SqliteInspection } from "./sqlite-inspection.js";
import { missing, plain } from "./sqlite-reads.js";
import { HeadMovedError, LOG_TABLES, type LogStore, type Pruned, type PruneOptions } from "./store.js";
import { outputsOf } from "./version-outputs.js";

/** Log entries whose superseded nodes go in one transaction, so that nobody waits long for the write lock. */
const PRUNE_ENTRIES = 50;

/** The embedded driver: one file, one writer at a time. */
export class SqliteLogStore extends SqliteInspection implements LogStore {
  async append(writes: LogEntryWrites): Promise<void> {
    failpoint("before-head-moved");
    const pending = this.pending.take();
    const pages = paginate(writes.prefixNodes);
    this.db.transaction(() => {
      const size = this.db.get<{ tree_size: number }>("select tree_size from head where id = 1")?.tree_size ?? 0;
      if (size !== writes.position)
        throw new HeadMovedError(`entry ${writes.position} was prepared, the log has ${size} entries`);
      failpoint("rows-writing");
      this.#insert(writes, pages);
      this.insertProofs(pending);
      const { treeSize, root, signature, timestamp } = writes.head;
      this.db.run(
        `insert into head (id, tree_size, root, signature, timestamp) values (1, ?, ?, ?, ?)
         on conflict (id) do update set tree_size = excluded.tree_size, root = excluded.root,
           signature = excluded.signature, timestamp = excluded.timestamp`,
        treeSize,
        root,
        signature,
        timestamp,
      );
      failpoint("head-moving");
    });
    failpoint("after-head-moved");
    this.cache.keep(writes, pages);
  }

  #insert(writes: LogEntryWrites, pages: readonly PrefixPage[]): void {
    const { db } = this;
    const { position, timestamp, prefixRoot, prefixNode, nextNode } = writes.entry;
    db.run("insert into entries values (?, ?, ?, ?, ?)", position, timestamp, prefixRoot, prefixNode, nextNode);
    for (const { level, index, hash } of writes.logNodes)
      db.run("insert into log_nodes values (?, ?, ?)", level, index, hash);
    for (const { first, nodes } of pages) db.run("insert into prefix_pages values (?, ?)", first, nodes);
    if (writes.superseded.length > 0)
      db.run("insert into superseded_nodes values (?, ?)", position, packIds(writes.superseded));
    let id = db.get<{ id: number | null }>("select max(id) as id from label_versions")?.id ?? 0;
    const ids = new Map<string, number>();
    const outputs = outputsOf(writes);
    for (const row of writes.versions) {
      const { label, version, commitment } = row;
      const output = outputs.get(row);
      db.run(
        "insert into label_versions values (?, ?, ?, ?, ?, ?)",
        ++id,
        position,
        label,
        version,
        commitment,
        output,
      );
      ids.set(outputs.keyOf(row), id);
    }
    for (const row of writes.openings) {
      const { opening, value, suffix } = row;
      const of = ids.get(outputs.keyOf(row)) ?? null;
      db.run("insert into openings values (?, ?, ?, ?)", of, opening, value, suffix ?? null);
    }
    this.insertProofs(writes.vrfProofs);
    if (writes.auditorUpdate !== undefined)
      db.run("insert into auditor_updates values (?, ?)", position, writes.auditorUpdate);
  }

  async setting(key: string): Promise<Uint8Array | undefined> {
    const row = this.db.get<{ value: Buffer }>("select value from settings where key = ?", key);
    return row && plain(row.value);
  }

  async initialise(settings: ReadonlyMap<string, Uint8Array>): Promise<void> {
    this.db.transaction(() => {
      for (const [key, value] of settings)
        this.db.run("insert into settings values (?, ?, ?)", key, value, settingChecksum(key, value));
    });
  }

  async replaceSetting(key: string, value: Uint8Array): Promise<void> {
    this.db.run("insert or replace into settings values (?, ?, ?)", key, value, settingChecksum(key, value));
  }

  async auditorUpdates(start: number, limit: number): Promise<readonly Uint8Array[]> {
    return (await this.auditorUpdatesFrom(start, limit)).map(({ bytes }) => bytes);
  }

  async saveAuditorTreeHead(auditorTreeHead: Uint8Array): Promise<void> {
    this.db.run("update head set auditor_tree_head = ? where id = 1", auditorTreeHead);
  }

  witnessNodes(keys: readonly LogNodeKey[]): Uint8Array[] {
    return keys.map(({ level, index }) => {
      const sql = "select hash from witness_nodes where level = ? and node = ?";
      const row = this.db.get<{ hash: Buffer }>(sql, level, index);
      if (row === undefined) throw missing(`witness log node ${level}/${index}`);
      return plain(row.hash);
    });
  }

  async saveWitnessNodes(rows: readonly StoredLogNode[]): Promise<void> {
    this.db.transaction(() => {
      for (const { level, index, hash } of rows)
        this.db.run("insert or ignore into witness_nodes values (?, ?, ?)", level, index, hash);
    });
  }

  async eraseOpenings(label: Uint8Array, throughVersion: number): Promise<number> {
    const deleted = this.db.run(
      "delete from openings where id in (select id from label_versions where label = ? and version <= ?)",
      label,
      throughVersion,
    );
    // What was deleted must not stay in the write-ahead log either.
    this.db.handle.pragma("wal_checkpoint(TRUNCATE)");
    return deleted;
  }

  async prune(plan: PruningPlan, { entries = false, onProgress }: PruneOptions = {}): Promise<Pruned> {
    const pruned = { nodes: 0, entries: 0 };
    for (;;) {
      const rows = this.db.all<{ position: number; ids: Buffer }>(
        "select position, ids from superseded_nodes where position <= ? order by position limit ?",
        plan.firstUnexpired,
        PRUNE_ENTRIES,
      );
      const last = rows.at(-1)?.position;
      this.db.transaction(() => {
        const gone = new Set(rows.flatMap(({ ids }) => unpackIds(ids)));
        this.#removeNodes(gone);
        this.db.run("delete from superseded_nodes where position <= ?", last ?? -1);
        pruned.nodes += gone.size;
        if (last === undefined) pruned.entries = this.#finishPruning(plan, entries);
        else this.#pruningReached(last);
      });
      failpoint("pruning");
      if (last === undefined) return pruned;
      onProgress?.(last);
      await new Promise(setImmediate);
    }
  }

  #removeNodes(gone: ReadonlySet<number>): void {
    const pages = new Map<number, Uint8Array>();
    for (const id of gone) {
      const sql = "select first, nodes from prefix_pages where first <= ? order by first desc limit 1";
      const page = this.db.get<{ first: number; nodes: Buffer }>(sql, id);
      if (page !== undefined) pages.set(page.first, page.nodes);
    }
    for (const [first, nodes] of pages) {
      const left = withoutNodes({ first, nodes }, gone);
      if (left === undefined) this.db.run("delete from prefix_pages where first = ?", first);
      else this.db.run("update prefix_pages set nodes = ? where first = ?", left.nodes, first);
    }
  }

  #pruningReached(position: number): void {
    const sql = `insert into pruning values (1, ?, 0, x'') on conflict do update set trees = max(trees, excluded.trees)`;
    this.db.run(sql, position);
  }

  #finishPruning({ firstUnexpired, kept }: PruningPlan, entries: boolean): number {
    this.#pruningReached(firstUnexpired);
    if (!entries) return 0;
    this.db.run(
      "update pruning set entries = ?, kept = ? where id = 1 and entries <= ?",
      firstUnexpired,
      packIds(kept),
      firstUnexpired,
    );
    const keep = JSON.stringify(kept);
    const sql = "delete from entries where position < ? and position not in (select value from json_each(?))";
    return this.db.run(sql, firstUnexpired, keep);
  }

  async clear(): Promise<void> {
    this.db.transaction(() => {
      if (this.db.get("select 1 from settings") !== undefined) throw new Error("the database holds a log");
      for (const table of LOG_TABLES) this.db.handle.exec(`delete from ${table}`);
    });
    this.cache.clear();
  }

  get cacheCounts(): { readonly hits: number; readonly misses: number } {
    const { hits, misses } = this.cache.prefixPages;
    return { hits, misses };
  }

  async close(): Promise<void> {
    const pending = this.pending.take();
    if (pending.length > 0 && !this.db.handle.inTransaction) this.insertProofs(pending);
    this.db.close();
  }
}
