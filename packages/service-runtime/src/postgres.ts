import { Pool, type PoolClient, TypeOverrides, types as valueTypes } from "pg";

type Scalar = string | number | boolean | Uint8Array | null;
export type PostgresParameter = Scalar | readonly Scalar[];

/** Runs one statement. @returns its rows and how many it changed */
export type PostgresQuery = <Row>(
  sql: string,
  parameters?: readonly PostgresParameter[],
) => Promise<{ readonly rows: Row[]; readonly count: number }>;

/** SQL, or what SQL cannot say; runs inside the transaction of all migrations. */
export type PostgresMigration = string | ((query: PostgresQuery) => Promise<void>);

export interface PostgresOptions {
  /** As libpq takes it: `postgres://user@host/database`. */
  readonly url: string;
  /** Most connections; default 10. */
  readonly poolSize?: number;
  /** Forward-only; the table `schema_version` counts how many were applied. */
  readonly migrations: readonly PostgresMigration[];
  /** The advisory lock that migrations hold, so that two processes may start at once. */
  readonly migrationLock: number;
  /** Named where the database was written by a newer version. */
  readonly program: string;
}

/** 64-bit columns hold numbers below 2^53. */
const types = new TypeOverrides();
types.setTypeParser(valueTypes.builtins.INT8, Number);

const plain = (value: PostgresParameter): unknown =>
  value instanceof Uint8Array ? Buffer.from(value) : Array.isArray(value) ? value.map(plain) : value;

function queryOf(client: Pool | PoolClient): PostgresQuery {
  return async <Row>(sql: string, parameters: readonly PostgresParameter[] = []) => {
    const { rows, rowCount } = await client.query({ text: sql, values: parameters.map(plain) });
    return { rows: rows as Row[], count: rowCount ?? 0 };
  };
}

/** A pool of connections whose commits are durable when they return (with the server's `fsync` on). */
export class PostgresDatabase {
  readonly pool: Pool;
  /** Outside any transaction. */
  readonly query: PostgresQuery;

  private constructor(pool: Pool) {
    this.pool = pool;
    this.query = queryOf(pool);
  }

  /** Connects and migrates. */
  static async open({ url, poolSize, migrations, migrationLock, program }: PostgresOptions): Promise<PostgresDatabase> {
    const pool = new Pool({
      connectionString: url,
      max: poolSize ?? 10,
      types,
      connectionTimeoutMillis: 5000,
      options: "-c synchronous_commit=on -c statement_timeout=30000 -c idle_in_transaction_session_timeout=30000",
    });
    // A connection that breaks while nobody uses it is replaced by the pool.
    pool.on("error", () => undefined);
    const database = new PostgresDatabase(pool);
    try {
      await database.#migrate(migrations, migrationLock, program);
    } catch (error) {
      await pool.end();
      throw error;
    }
    return database;
  }

  async #migrate(migrations: readonly PostgresMigration[], lock: number, program: string): Promise<void> {
    await this.transaction(async (query) => {
      await query("select pg_advisory_xact_lock($1)", [lock]);
      await query("create table if not exists schema_version (applied integer not null)");
      const applied = (await query<{ applied: number }>("select applied from schema_version")).rows[0]?.applied;
      if ((applied ?? 0) > migrations.length)
        throw new Error(`the database was written by a newer version (schema ${applied}); upgrade ${program}`);
      for (const migration of migrations.slice(applied ?? 0))
        await (typeof migration === "string" ? query(migration) : migration(query));
      await query(
        applied === undefined ? "insert into schema_version values ($1)" : "update schema_version set applied = $1",
        [migrations.length],
      );
    });
  }

  /** Commits when `work` returns, rolls back when it throws. A connection that cannot even roll back is dropped. */
  async transaction<T>(work: (query: PostgresQuery) => Promise<T>): Promise<T> {
    const client = await this.pool.connect();
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

  async close(): Promise<void> {
    await this.pool.end();
  }
}
