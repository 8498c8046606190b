import type { LogEntryWrites, LogNodeKey, PruningPlan, StoredLogNode } from "@mls-as/keytrans/prover";
import type { PostgresQuery } from "@mls-as/service-runtime/postgres";
import { failpoint } from "../failpoint.js";
import { PostgresInspection } from "./postgres-inspection.js";
import { insertProofs, openLogDatabase } from "./postgres-reads.js";
import { packIds, paginate, type PrefixPage, unpackIds, withoutNodes } from "./prefix-pages.js";
import { settingChecksum } from "./setting-checksum.js";
import { missing, plain } from "./sqlite-reads.js";
import { HeadMovedError, LOG_TABLES, type LogStore, type Pruned, type PruneOptions } from "./store.js";
import { DEFAULT_CACHE_BYTES } from "./tree-cache.js";
import { outputsOf } from "./version-outputs.js";

/** Log entries whose superseded nodes go in one transaction. */
const PRUNE_ENTRIES = 50;

/**
 * The driver for more than one machine: any number of processes read and propose entries; the head row's update is
 * the compare-and-swap, and `synchronous_commit = on` makes a commit durable when it returns (with `fsync` on).
 */
export class PostgresLogStore extends PostgresInspection implements LogStore {
  /**
   * Connects and migrates. `url` as libpq takes it: `postgres://user@host/database`.
   * @param cacheBytes memory for pages of the prefix tree
   */
  static async open(
    url: string,
    poolSize?: number,
    cacheBytes: number = DEFAULT_CACHE_BYTES,
  ): Promise<PostgresLogStore> {
    return new PostgresLogStore(await openLogDatabase(url, poolSize), cacheBytes);
  }

  async append(writes: LogEntryWrites): Promise<void> {
    failpoint("before-head-moved");
    const pending = this.pending.take();
    const pages = paginate(writes.prefixNodes);
    await this.database.transaction(async (query) => {
      const { position, head } = writes;
      const values = [head.treeSize, head.root, head.signature, head.timestamp];
      // The row lock of this statement makes a second sequencer wait here, and then find that the head has moved.
      const moved =
        position === 0
          ? await query(
              `insert into head (id, tree_size, root, signature, "timestamp") values (1, $1, $2, $3, $4)
               on conflict do nothing`,
              values,
            )
          : await query(
              `update head set tree_size = $1, root = $2, signature = $3, "timestamp" = $4
               where id = 1 and tree_size = $5`,
              [...values, position],
            );
      if (moved.count !== 1) throw new HeadMovedError(`entry ${position} was prepared, the log has grown meanwhile`);
      failpoint("rows-writing");
      await this.#insert(query, writes, pages);
      await insertProofs(query, pending);
      failpoint("head-moving");
    });
    failpoint("after-head-moved");
    this.cache.keep(writes, pages);
  }

  async #insert(query: PostgresQuery, writes: LogEntryWrites, pages: readonly PrefixPage[]): Promise<void> {
    const { position, entry, logNodes, superseded, auditorUpdate } = writes;
    await query("insert into entries values ($1, $2, $3, $4, $5)", [
      position,
      entry.timestamp,
      entry.prefixRoot,
      entry.prefixNode,
      entry.nextNode,
    ]);
    await query("insert into log_nodes select * from unnest($1::smallint[], $2::bigint[], $3::bytea[])", [
      logNodes.map(({ level }) => level),
      logNodes.map(({ index }) => index),
      logNodes.map(({ hash }) => hash),
    ]);
    if (pages.length > 0)
      await query("insert into prefix_pages select * from unnest($1::bigint[], $2::bytea[])", [
        pages.map(({ first }) => first),
        pages.map(({ nodes }) => nodes),
      ]);
    if (superseded.length > 0)
      await query("insert into superseded_nodes values ($1, $2)", [position, packIds(superseded)]);
    await insertVersions(query, writes);
    await insertProofs(query, writes.vrfProofs);
    if (auditorUpdate !== undefined)
      await query("insert into auditor_updates values ($1, $2)", [position, auditorUpdate]);
  }

  async setting(key: string): Promise<Uint8Array | undefined> {
    const { rows } = await this.query<{ value: Buffer }>("select value from settings where key = $1", [key]);
    return rows[0] && plain(rows[0].value);
  }

  async initialise(settings: ReadonlyMap<string, Uint8Array>): Promise<void> {
    await this.database.transaction(async (query) => {
      for (const [key, value] of settings)
        await query("insert into settings values ($1, $2, $3)", [key, value, settingChecksum(key, value)]);
    });
  }

  async replaceSetting(key: string, value: Uint8Array): Promise<void> {
    await this.query(
      `insert into settings values ($1, $2, $3)
       on conflict (key) do update set value = excluded.value, checksum = excluded.checksum`,
      [key, value, settingChecksum(key, value)],
    );
  }

  async auditorUpdates(start: number, limit: number): Promise<readonly Uint8Array[]> {
    return (await this.auditorUpdatesFrom(start, limit)).map(({ bytes }) => bytes);
  }

  async saveAuditorTreeHead(auditorTreeHead: Uint8Array): Promise<void> {
    await this.query("update head set auditor_tree_head = $1 where id = 1", [auditorTreeHead]);
  }

  async witnessNodes(keys: readonly LogNodeKey[]): Promise<Uint8Array[]> {
    const { rows } = await this.query<{ level: number; node: number; hash: Buffer }>(
      `select level, node, hash from witness_nodes
       where (level, node) in (select * from unnest($1::smallint[], $2::bigint[]))`,
      [keys.map(({ level }) => level), keys.map(({ index }) => index)],
    );
    const found = new Map(rows.map(({ level, node, hash }) => [`${level}/${node}`, plain(hash)]));
    return keys.map(({ level, index }) => {
      const hash = found.get(`${level}/${index}`);
      if (hash === undefined) throw missing(`witness log node ${level}/${index}`);
      return hash;
    });
  }

  async saveWitnessNodes(rows: readonly StoredLogNode[]): Promise<void> {
    await this.query(
      `insert into witness_nodes select * from unnest($1::smallint[], $2::bigint[], $3::bytea[]) on conflict do nothing`,
      [rows.map(({ level }) => level), rows.map(({ index }) => index), rows.map(({ hash }) => hash)],
    );
  }

  async eraseOpenings(label: Uint8Array, throughVersion: number): Promise<number> {
    const sql = "delete from openings where id in (select id from label_versions where label = $1 and version <= $2)";
    return (await this.query(sql, [label, throughVersion])).count;
  }

  async prune(plan: PruningPlan, { entries = false, onProgress }: PruneOptions = {}): Promise<Pruned> {
    const pruned = { nodes: 0, entries: 0 };
    for (;;) {
      const { rows } = await this.query<{ position: number; ids: Buffer }>(
        "select position, ids from superseded_nodes where position <= $1 order by position limit $2",
        [plan.firstUnexpired, PRUNE_ENTRIES],
      );
      const last = rows.at(-1)?.position;
      await this.database.transaction(async (query) => {
        const gone = new Set(rows.flatMap(({ ids }) => unpackIds(ids)));
        await removeNodes(query, gone);
        await query("delete from superseded_nodes where position <= $1", [last ?? -1]);
        pruned.nodes += gone.size;
        await query(
          `insert into pruning values (1, $1, 0, ''::bytea)
           on conflict (id) do update set trees = greatest(pruning.trees, excluded.trees)`,
          [last ?? plan.firstUnexpired],
        );
        if (last === undefined && entries) pruned.entries = await removeEntries(query, plan);
      });
      failpoint("pruning");
      if (last === undefined) return pruned;
      onProgress?.(last);
    }
  }

  async clear(): Promise<void> {
    await this.database.transaction(async (query) => {
      if ((await query("select 1 from settings")).rows.length > 0) throw new Error("the database holds a log");
      await query(`truncate ${LOG_TABLES.join(", ")}`);
    });
    this.cache.clear();
  }

  get cacheCounts(): { readonly hits: number; readonly misses: number } {
    const { hits, misses } = this.cache.prefixPages;
    return { hits, misses };
  }

  async close(): Promise<void> {
    this.frozen?.release(true);
    this.frozen = undefined;
    this.query = this.database.query;
    await this.flushing;
    await insertProofs(this.query, this.pending.take()).catch(() => undefined);
    await this.database.close();
  }
}

async function insertVersions(query: PostgresQuery, writes: LogEntryWrites): Promise<void> {
  const { versions, openings } = writes;
  if (versions.length === 0) return;
  const outputs = outputsOf(writes);
  const { rows } = await query<{ id: number | null }>("select max(id) as id from label_versions");
  const first = (rows[0]?.id ?? 0) + 1;
  await query(
    `insert into label_versions
     select * from unnest($1::bigint[], $2::bigint[], $3::bytea[], $4::bigint[], $5::bytea[], $6::bytea[])`,
    [
      versions.map((_, i) => first + i),
      versions.map(({ position }) => position),
      versions.map(({ label }) => label),
      versions.map(({ version }) => version),
      versions.map(({ commitment }) => commitment),
      versions.map((row) => outputs.get(row)),
    ],
  );
  if (openings.length === 0) return;
  const ids = new Map(versions.map((row, i) => [outputs.keyOf(row), first + i]));
  await query("insert into openings select * from unnest($1::bigint[], $2::bytea[], $3::bytea[], $4::bytea[])", [
    openings.map((row) => ids.get(outputs.keyOf(row)) ?? null),
    openings.map(({ opening }) => opening),
    openings.map(({ value }) => value),
    openings.map(({ suffix }) => suffix ?? null),
  ]);
}

async function removeNodes(query: PostgresQuery, gone: ReadonlySet<number>): Promise<void> {
  const { rows } = await query<{ first: number; nodes: Buffer }>(
    `select distinct page.first, page.nodes from unnest($1::bigint[]) as gone (id), lateral
       (select first, nodes from prefix_pages where first <= gone.id order by first desc limit 1) as page`,
    [[...gone]],
  );
  for (const page of rows) {
    const left = withoutNodes(page, gone);
    if (left === undefined) await query("delete from prefix_pages where first = $1", [page.first]);
    else await query("update prefix_pages set nodes = $1 where first = $2", [left.nodes, page.first]);
  }
}

async function removeEntries(query: PostgresQuery, { firstUnexpired, kept }: PruningPlan): Promise<number> {
  await query("update pruning set entries = $1, kept = $2 where id = 1 and entries <= $1", [
    firstUnexpired,
    packIds(kept),
  ]);
  const sql = "delete from entries where position < $1 and not (position = any($2::bigint[]))";
  return (await query(sql, [firstUnexpired, kept])).count;
}
