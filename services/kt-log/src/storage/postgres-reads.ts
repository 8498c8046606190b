import type {
  LogNodeKey,
  ProverStore,
  StoredEntry,
  StoredHead,
  StoredOpening,
  StoredVersion,
  StoredVrfProof,
} from "@mls-as/keytrans/prover";
import { PostgresDatabase, type PostgresQuery } from "@mls-as/service-runtime/postgres";
import { PendingProofs } from "./pending-proofs.js";
import { POSTGRES_MIGRATIONS } from "./postgres-schema.js";
import { nodeOf, PAGE_NODES } from "./prefix-pages.js";
import { type EntryRow, type HeadRow, missing, missingEntry, plain, storedEntry, storedHead } from "./sqlite-reads.js";
import { TreeCache } from "./tree-cache.js";

/** The key of the advisory lock that migrations hold. */
const MIGRATION_LOCK = 0x6b746d67;

export function openLogDatabase(url: string, poolSize?: number): Promise<PostgresDatabase> {
  const migrations = POSTGRES_MIGRATIONS;
  return PostgresDatabase.open({
    url,
    migrations,
    migrationLock: MIGRATION_LOCK,
    program: "kt-log",
    ...(poolSize === undefined ? {} : { poolSize }),
  });
}

/** What the prover reads, from PostgreSQL. Rows of the trees never change, so that one read of each is enough. */
export class PostgresReads implements ProverStore {
  protected readonly database: PostgresDatabase;
  protected readonly cache: TreeCache;
  protected query: PostgresQuery;
  protected flushing: Promise<void> = Promise.resolve();
  protected readonly pending = new PendingProofs((rows) => {
    // Only a cache: what is lost is computed again when needed.
    this.flushing = insertProofs(this.query, rows).catch(() => undefined);
  });

  protected constructor(database: PostgresDatabase, cacheBytes: number) {
    this.cache = new TreeCache(cacheBytes);
    this.database = database;
    this.query = database.query;
  }

  async head(): Promise<StoredHead | undefined> {
    const [row] = (await this.query<HeadRow>("select * from head where id = 1")).rows;
    return row && storedHead(row);
  }

  async entries(positions: readonly number[]): Promise<StoredEntry[]> {
    const { entries } = this.cache;
    const found = new Map<number, StoredEntry>();
    for (const position of positions) {
      const entry = entries.get(position);
      if (entry !== undefined) found.set(position, entry);
    }
    const asked = positions.filter((position) => !found.has(position));
    if (asked.length > 0) {
      const sql = "select * from entries where position = any($1::bigint[])";
      for (const row of (await this.query<EntryRow>(sql, [asked])).rows) {
        const entry = storedEntry(row);
        entries.set(entry.position, entry);
        found.set(entry.position, entry);
      }
    }
    const absent = positions.find((position) => !found.has(position));
    if (absent !== undefined) throw missingEntry(absent, await this.#prunedBefore());
    return positions.map((position) => found.get(position) as StoredEntry);
  }

  async #prunedBefore(): Promise<number> {
    const { rows } = await this.query<{ entries: number }>("select entries from pruning where id = 1");
    return rows[0]?.entries ?? 0;
  }

  async logNodes(keys: readonly LogNodeKey[]): Promise<Uint8Array[]> {
    const { logNodes } = this.cache;
    const found = new Map<number, Uint8Array>();
    for (const key of keys.map(TreeCache.logNodeKey)) {
      const hash = logNodes.get(key);
      if (hash !== undefined) found.set(key, hash);
    }
    const asked = keys.filter((key) => !found.has(TreeCache.logNodeKey(key)));
    if (asked.length > 0) {
      const { rows } = await this.query<{ level: number; node: number; hash: Buffer }>(
        `select level, node, hash from log_nodes
         where (level, node) in (select * from unnest($1::smallint[], $2::bigint[]))`,
        [asked.map(({ level }) => level), asked.map(({ index }) => index)],
      );
      for (const { level, node, hash } of rows) {
        const key = TreeCache.logNodeKey({ level, index: node });
        logNodes.set(key, plain(hash));
        found.set(key, plain(hash));
      }
    }
    return keys.map((key) => {
      const hash = found.get(TreeCache.logNodeKey(key));
      if (hash === undefined) throw missing(`log tree node ${key.level}/${key.index}`);
      return hash;
    });
  }

  async prefixNodes(ids: readonly number[]): Promise<Uint8Array[]> {
    const { prefixPages } = this.cache;
    const found = new Map<number, Uint8Array>();
    for (const id of ids) {
      const bytes = prefixPages.get(id);
      if (bytes !== undefined) found.set(id, bytes);
    }
    const asked = ids.filter((id) => !found.has(id));
    if (asked.length > 0) {
      const { rows } = await this.query<{ first: number; nodes: Buffer }>(
        `select distinct page.first, page.nodes from unnest($1::bigint[]) as asked (id), lateral
           (select first, nodes from prefix_pages where first <= asked.id order by first desc limit 1) as page`,
        [asked],
      );
      for (const { first, nodes } of rows) {
        const page = { first, nodes: plain(nodes) };
        prefixPages.set(page);
        for (const id of asked) {
          if (id < first || id >= first + PAGE_NODES) continue;
          const bytes = nodeOf(page.nodes, id - first);
          if (bytes !== undefined) found.set(id, bytes);
        }
      }
    }
    return ids.map((id) => {
      const bytes = found.get(id);
      if (bytes === undefined) throw missing(`prefix tree node ${id}`);
      return bytes;
    });
  }

  async greatestVersions(label: Uint8Array, positions: readonly number[]): Promise<(number | undefined)[]> {
    const { rows } = await this.query<{ version: number | null }>(
      `select (select version from label_versions as row where label = $1 and row.position <= asked.position
               order by version desc limit 1) as version
       from unnest($2::bigint[]) with ordinality as asked (position, place) order by place`,
      [label, positions],
    );
    return rows.map(({ version }) => version ?? undefined);
  }

  async versions(label: Uint8Array, versions: readonly number[]): Promise<(StoredVersion | undefined)[]> {
    const { rows } = await this.query<{ version: number; position: number; commitment: Buffer }>(
      "select version, position, commitment from label_versions where label = $1 and version = any($2::bigint[])",
      [label, versions],
    );
    const found = new Map(
      rows.map((row) => [row.version, { ...row, label, commitment: plain(row.commitment) } satisfies StoredVersion]),
    );
    return versions.map((version) => found.get(version));
  }

  async commitmentOpening(label: Uint8Array, version: number): Promise<Uint8Array | undefined> {
    const { rows } = await this.query<{ opening: Buffer }>(
      "select opening from openings join label_versions using (id) where label = $1 and version = $2",
      [label, version],
    );
    return rows[0] && plain(rows[0].opening);
  }

  async opening(label: Uint8Array, version: number): Promise<StoredOpening | undefined> {
    const { rows } = await this.query<{ opening: Buffer; value: Buffer; suffix: Buffer | null }>(
      "select opening, value, suffix from openings join label_versions using (id) where label = $1 and version = $2",
      [label, version],
    );
    const [row] = rows;
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

  async vrfProofs(label: Uint8Array, versions: readonly number[]): Promise<(StoredVrfProof | undefined)[]> {
    const pending = versions.map((version) => this.pending.get(label, version));
    const asked = versions.filter((_, i) => pending[i] === undefined);
    if (asked.length === 0) return pending;
    const { rows } = await this.query<{ version: number; output: Buffer; proof: Buffer | null }>(
      `select version, coalesce(made.output, logged.output) as output, proof
       from (select version, output from label_versions where label = $1 and version = any($2::bigint[])) as logged
       full join (select version, output, proof from vrf_proofs where label = $1 and version = any($2::bigint[])) as made
         using (version)`,
      [label, asked],
    );
    const found = new Map<number, StoredVrfProof>();
    for (const { version, output, proof } of rows)
      found.set(version, { label, version, output: plain(output), proof: proof === null ? undefined : plain(proof) });
    return versions.map((version, i) => pending[i] ?? found.get(version));
  }

  async saveVrfProofs(proofs: readonly StoredVrfProof[]): Promise<void> {
    this.pending.keep(proofs);
  }
}

/** In one order everywhere, so that two processes that keep the same proofs do not wait for each other in a circle. */
export async function insertProofs(query: PostgresQuery, rows: readonly StoredVrfProof[]): Promise<void> {
  const proofs = rows
    .flatMap(({ label, version, output, proof }) => (proof === undefined ? [] : [{ label, version, output, proof }]))
    .sort((a, b) => Buffer.compare(a.label, b.label) || a.version - b.version);
  if (proofs.length === 0) return;
  await query(
    `insert into vrf_proofs select * from unnest($1::bytea[], $2::bigint[], $3::bytea[], $4::bytea[])
     on conflict (label, version) do nothing`,
    [
      proofs.map(({ label }) => label),
      proofs.map(({ version }) => version),
      proofs.map(({ output }) => output),
      proofs.map(({ proof }) => proof),
    ],
  );
}
