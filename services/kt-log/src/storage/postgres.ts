import type {
  LogEntryWrites,
  LogNodeKey,
  StoredEntry,
  StoredHead,
  StoredOpening,
  StoredVersion,
  StoredVrfProof,
} from "@mls-as/keytrans/prover";
import { Pool, type PoolClient, TypeOverrides, types as valueTypes } from "pg";
import { failpoint } from "../failpoint.js";
import { PendingProofs } from "./pending-proofs.js";
import { POSTGRES_MIGRATIONS } from "./postgres-schema.js";
import { HeadMovedError, type LabelVersionKey, type LabelVersionRow, type LogStore, type RowCounts } from "./store.js";

type Parameter = string | number | Uint8Array | null | readonly (string | number | Uint8Array | null)[];
type Query = <Row>(sql: string, parameters?: readonly Parameter[]) => Promise<{ rows: Row[]; count: number }>;

interface HeadRow {
  tree_size: number;
  root: Buffer;
  signature: Buffer;
  timestamp: number;
  auditor_tree_head: Buffer | null;
}

/** 64-bit columns hold positions, ids and times below 2^53. */
const types = new TypeOverrides();
types.setTypeParser(valueTypes.builtins.INT8, Number);

const plain = (bytes: Uint8Array): Uint8Array => new Uint8Array(bytes);
/** In the column `proof`: only the output is known yet. */
const NO_PROOF = new Uint8Array(0);
/** The key of the advisory lock that migrations hold. */
const MIGRATION_LOCK = 0x6b746d67;

function queryOf(client: Pool | PoolClient): Query {
  return async <Row>(sql: string, parameters: readonly Parameter[] = []) => {
    const values = parameters.map((value) => (value instanceof Uint8Array ? Buffer.from(value) : value));
    const { rows, rowCount } = await client.query({ text: sql, values });
    return { rows: rows as Row[], count: rowCount ?? 0 };
  };
}

const buffers = (rows: readonly Uint8Array[]): Buffer[] => rows.map((row) => Buffer.from(row));

/**
 * The driver for more than one machine: any number of processes read and propose entries; the head row's update is
 * the compare-and-swap, and `synchronous_commit = on` makes a commit durable when it returns (with `fsync` on).
 */
export class PostgresLogStore implements LogStore {
  readonly #pool: Pool;
  readonly #pending = new PendingProofs((rows) => {
    // Only a cache: what is lost is computed again when needed.
    this.#flushing = insertProofs(this.#query, rows).catch(() => undefined);
  });
  #flushing: Promise<void> = Promise.resolve();
  #query: Query;
  #frozen: PoolClient | undefined;

  private constructor(pool: Pool) {
    this.#pool = pool;
    this.#query = queryOf(pool);
  }

  /** Connects and migrates. `url` as libpq takes it: `postgres://user@host/database`. */
  static async open(url: string, poolSize = 10): Promise<PostgresLogStore> {
    const pool = new Pool({
      connectionString: url,
      max: poolSize,
      types,
      connectionTimeoutMillis: 5000,
      options: "-c synchronous_commit=on -c statement_timeout=30000 -c idle_in_transaction_session_timeout=30000",
    });
    // A connection that breaks while nobody uses it is replaced by the pool.
    pool.on("error", () => undefined);
    const store = new PostgresLogStore(pool);
    try {
      await store.#migrate();
    } catch (error) {
      await pool.end();
      throw error;
    }
    return store;
  }

  async #migrate(): Promise<void> {
    await this.#transaction(async (query) => {
      await query("select pg_advisory_xact_lock($1)", [MIGRATION_LOCK]);
      await query("create table if not exists schema_version (applied integer not null)");
      const applied = (await query<{ applied: number }>("select applied from schema_version")).rows[0]?.applied;
      if ((applied ?? 0) > POSTGRES_MIGRATIONS.length)
        throw new Error(`the database was written by a newer version (schema ${applied}); upgrade kt-log`);
      for (const migration of POSTGRES_MIGRATIONS.slice(applied ?? 0)) await query(migration);
      await query(
        applied === undefined ? "insert into schema_version values ($1)" : "update schema_version set applied = $1",
        [POSTGRES_MIGRATIONS.length],
      );
    });
  }

  async #transaction<T>(work: (query: Query) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect();
    let broken: Error | undefined;
    try {
      await client.query("begin");
      const result = await work(queryOf(client));
      await client.query("commit");
      return result;
    } catch (error) {
      await client.query("rollback").catch((cause: Error) => {
        broken = cause;
      });
      throw error;
    } finally {
      client.release(broken);
    }
  }

  async append(writes: LogEntryWrites): Promise<void> {
    failpoint("before-head-moved");
    const pending = this.#pending.take();
    await this.#transaction(async (query) => {
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
      await this.#insert(query, writes, pending);
      failpoint("head-moving");
    });
    failpoint("after-head-moved");
  }

  async #insert(query: Query, writes: LogEntryWrites, pending: readonly StoredVrfProof[]): Promise<void> {
    const { position, entry, logNodes, prefixNodes, superseded, versions, openings, auditorUpdate } = writes;
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
      buffers(logNodes.map(({ hash }) => hash)),
    ]);
    if (prefixNodes.length > 0)
      await query("insert into prefix_nodes select * from unnest($1::bigint[], $2::bytea[])", [
        prefixNodes.map(({ id }) => id),
        buffers(prefixNodes.map(({ bytes }) => bytes)),
      ]);
    if (superseded.length > 0)
      await query("insert into superseded select $1, unnest($2::bigint[])", [position, superseded]);
    if (versions.length > 0)
      await query("insert into versions select * from unnest($1::bytea[], $2::bigint[], $3::bigint[], $4::bytea[])", [
        buffers(versions.map(({ label }) => label)),
        versions.map(({ version }) => version),
        versions.map((row) => row.position),
        buffers(versions.map(({ commitment }) => commitment)),
      ]);
    if (openings.length > 0)
      await query(
        "insert into openings select * from unnest($1::bytea[], $2::bigint[], $3::bytea[], $4::bytea[], $5::bytea[])",
        [
          buffers(openings.map(({ label }) => label)),
          openings.map(({ version }) => version),
          buffers(openings.map(({ opening }) => opening)),
          buffers(openings.map(({ value }) => value)),
          openings.map(({ suffix }) => (suffix === undefined ? null : Buffer.from(suffix))),
        ],
      );
    await insertProofs(query, writes.vrfProofs);
    await insertProofs(query, pending);
    if (auditorUpdate !== undefined)
      await query("insert into auditor_updates values ($1, $2)", [position, auditorUpdate]);
  }

  async setting(key: string): Promise<Uint8Array | undefined> {
    const { rows } = await this.#query<{ value: Buffer }>("select value from settings where key = $1", [key]);
    return rows[0] && plain(rows[0].value);
  }

  async initialise(settings: ReadonlyMap<string, Uint8Array>): Promise<void> {
    await this.#transaction(async (query) => {
      for (const [key, value] of settings) await query("insert into settings values ($1, $2)", [key, value]);
    });
  }

  async auditorUpdates(start: number, limit: number): Promise<readonly Uint8Array[]> {
    const sql = "select bytes from auditor_updates where position >= $1 order by position limit $2";
    return (await this.#query<{ bytes: Buffer }>(sql, [start, limit])).rows.map(({ bytes }) => plain(bytes));
  }

  async saveAuditorTreeHead(auditorTreeHead: Uint8Array): Promise<void> {
    await this.#query("update head set auditor_tree_head = $1 where id = 1", [auditorTreeHead]);
  }

  async eraseOpenings(label: Uint8Array, throughVersion: number): Promise<number> {
    const sql = "delete from openings where label = $1 and version <= $2";
    return (await this.#query(sql, [label, throughVersion])).count;
  }

  async freeze(): Promise<void> {
    this.#frozen = await this.#pool.connect();
    await this.#frozen.query("set idle_in_transaction_session_timeout = 0");
    await this.#frozen.query("begin isolation level repeatable read read only");
    // The snapshot is taken by the first statement that reads, not by `begin`.
    await this.#frozen.query("select 1 from schema_version");
    this.#query = queryOf(this.#frozen);
  }

  async labelVersions(after: LabelVersionKey | undefined, limit: number): Promise<readonly LabelVersionRow[]> {
    const { rows } = await this.#query<{ position: number; label: Buffer; version: number; commitment: Buffer }>(
      `select position, label, version, commitment from versions
       where (position, label, version) > ($1, $2, $3) order by position, label, version limit $4`,
      [after?.position ?? -1, after?.label ?? new Uint8Array(), after?.version ?? -1, limit],
    );
    return rows.map((row) => ({ ...row, label: plain(row.label), commitment: plain(row.commitment) }));
  }

  async allVrfProofs(
    after: Pick<LabelVersionKey, "label" | "version"> | undefined,
    limit: number,
  ): Promise<StoredVrfProof[]> {
    const { rows } = await this.#query<{ label: Buffer; version: number; output: Buffer; proof: Buffer }>(
      `select label, version, output, proof from vrf_proofs where (label, version) > ($1, $2)
       order by label, version limit $3`,
      [after?.label ?? new Uint8Array(), after?.version ?? -1, limit],
    );
    return rows.map(({ label, version, output, proof }) => ({
      label: plain(label),
      version,
      output: plain(output),
      proof: proof.length === 0 ? undefined : plain(proof),
    }));
  }

  async supersededAt(position: number): Promise<readonly number[]> {
    const sql = "select id from superseded where position = $1 order by id";
    return (await this.#query<{ id: number }>(sql, [position])).rows.map(({ id }) => id);
  }

  async rowCounts(): Promise<RowCounts> {
    const { rows } = await this.#query<RowCounts>(
      `select (select count(*) from entries) as "entries", (select count(*) from log_nodes) as "logNodes",
         (select count(*) from prefix_nodes) as "prefixNodes", (select count(*) from superseded) as "superseded",
         (select count(*) from versions) as "versions", (select count(*) from openings) as "openings"`,
    );
    return rows[0] as RowCounts;
  }

  /** PostgreSQL checks its pages when it reads them (`initdb --data-checksums`). */
  async integrity(): Promise<readonly string[]> {
    return [];
  }

  async head(): Promise<StoredHead | undefined> {
    const row = (await this.#query<HeadRow>("select * from head where id = 1")).rows[0];
    return (
      row && {
        treeSize: row.tree_size,
        root: plain(row.root),
        signature: plain(row.signature),
        timestamp: row.timestamp,
        ...(row.auditor_tree_head === null ? {} : { auditorTreeHead: plain(row.auditor_tree_head) }),
      }
    );
  }

  async entries(positions: readonly number[]): Promise<StoredEntry[]> {
    const { rows } = await this.#query<{
      position: number;
      timestamp: number;
      prefix_root: Buffer;
      prefix_node: number;
      next_node: number;
    }>("select * from entries where position = any($1::bigint[])", [positions]);
    const found = new Map(rows.map((row) => [row.position, row]));
    return positions.map((position) => {
      const row = required(found.get(position), `log entry ${position}`);
      return {
        position,
        timestamp: row.timestamp,
        prefixRoot: plain(row.prefix_root),
        prefixNode: row.prefix_node,
        nextNode: row.next_node,
      };
    });
  }

  async logNodes(keys: readonly LogNodeKey[]): Promise<Uint8Array[]> {
    const { rows } = await this.#query<{ level: number; node: number; hash: Buffer }>(
      "select level, node, hash from log_nodes where (level, node) in (select * from unnest($1::smallint[], $2::bigint[]))",
      [keys.map(({ level }) => level), keys.map(({ index }) => index)],
    );
    const found = new Map(rows.map(({ level, node, hash }) => [`${level}/${node}`, hash]));
    return keys.map(({ level, index }) =>
      plain(required(found.get(`${level}/${index}`), `log tree node ${level}/${index}`)),
    );
  }

  async prefixNodes(ids: readonly number[]): Promise<Uint8Array[]> {
    const { rows } = await this.#query<{ id: number; bytes: Buffer }>(
      "select id, bytes from prefix_nodes where id = any($1::bigint[])",
      [ids],
    );
    const found = new Map(rows.map(({ id, bytes }) => [id, bytes]));
    return ids.map((id) => plain(required(found.get(id), `prefix tree node ${id}`)));
  }

  async greatestVersions(label: Uint8Array, positions: readonly number[]): Promise<(number | undefined)[]> {
    const { rows } = await this.#query<{ version: number | null }>(
      `select (select version from versions where label = $1 and versions.position <= asked.position
               order by version desc limit 1) as version
       from unnest($2::bigint[]) with ordinality as asked (position, place) order by place`,
      [label, positions],
    );
    return rows.map(({ version }) => version ?? undefined);
  }

  async versions(label: Uint8Array, versions: readonly number[]): Promise<(StoredVersion | undefined)[]> {
    const { rows } = await this.#query<{ version: number; position: number; commitment: Buffer }>(
      "select version, position, commitment from versions where label = $1 and version = any($2::bigint[])",
      [label, versions],
    );
    const found = new Map(
      rows.map((row) => [row.version, { ...row, label, commitment: plain(row.commitment) } satisfies StoredVersion]),
    );
    return versions.map((version) => found.get(version));
  }

  async opening(label: Uint8Array, version: number): Promise<StoredOpening | undefined> {
    const { rows } = await this.#query<{ opening: Buffer; value: Buffer; suffix: Buffer | null }>(
      "select opening, value, suffix from openings where label = $1 and version = $2",
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
    const pending = versions.map((version) => this.#pending.get(label, version));
    const asked = versions.filter((_, i) => pending[i] === undefined);
    if (asked.length === 0) return pending;
    const { rows } = await this.#query<{ version: number; output: Buffer; proof: Buffer }>(
      "select version, output, proof from vrf_proofs where label = $1 and version = any($2::bigint[])",
      [label, asked],
    );
    const found = new Map(
      rows.map(({ version, output, proof }) => [
        version,
        {
          label,
          version,
          output: plain(output),
          proof: proof.length === 0 ? undefined : plain(proof),
        } satisfies StoredVrfProof,
      ]),
    );
    return versions.map((version, i) => pending[i] ?? found.get(version));
  }

  async saveVrfProofs(proofs: readonly StoredVrfProof[]): Promise<void> {
    this.#pending.keep(proofs);
  }

  async close(): Promise<void> {
    this.#frozen?.release(true);
    this.#frozen = undefined;
    this.#query = queryOf(this.#pool);
    await this.#flushing;
    await insertProofs(this.#query, this.#pending.take()).catch(() => undefined);
    await this.#pool.end();
  }
}

/** In one order everywhere, so that two processes that keep the same proofs do not wait for each other in a circle. */
async function insertProofs(query: Query, rows: readonly StoredVrfProof[]): Promise<void> {
  if (rows.length === 0) return;
  const proofs = [...rows].sort((a, b) => Buffer.compare(a.label, b.label) || a.version - b.version);
  await query(
    `insert into vrf_proofs select * from unnest($1::bytea[], $2::bigint[], $3::bytea[], $4::bytea[])
     on conflict (label, version) do update set proof = excluded.proof where length(vrf_proofs.proof) = 0`,
    [
      buffers(proofs.map(({ label }) => label)),
      proofs.map(({ version }) => version),
      buffers(proofs.map(({ output }) => output)),
      buffers(proofs.map(({ proof }) => proof ?? NO_PROOF)),
    ],
  );
}

function required<T>(row: T | undefined, what: string): T {
  if (row === undefined) throw new Error(`the database has no ${what}; run kt-log fsck`);
  return row;
}
