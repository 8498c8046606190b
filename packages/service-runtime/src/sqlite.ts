import Database from "better-sqlite3";

export type SqliteParameter = string | number | bigint | Uint8Array | null;

/** SQL, or what SQL cannot say; runs inside the transaction of all migrations. */
export type SqliteMigration = string | ((handle: Database.Database) => void);

export interface SqliteOptions {
  /** Forward-only; `user_version` counts how many were applied. */
  readonly migrations: readonly SqliteMigration[];
  /** Named where the database was written by a newer version. */
  readonly program: string;
}

/**
 * One embedded database. WAL with `synchronous = FULL`: a transaction that returned survives a power failure.
 * Statements are prepared once.
 */
export class SqliteDatabase {
  /** For what the methods here do not offer. */
  readonly handle: Database.Database;
  readonly #statements = new Map<string, Database.Statement>();

  constructor(path: string, { migrations, program }: SqliteOptions) {
    this.handle = new Database(path);
    try {
      this.handle.pragma("busy_timeout = 5000");
      this.handle.pragma("journal_mode = WAL");
      this.handle.pragma("synchronous = FULL");
      this.handle.pragma("foreign_keys = ON");
      this.#migrate(migrations, program);
    } catch (error) {
      this.handle.close();
      throw error;
    }
  }

  #migrate(migrations: readonly SqliteMigration[], program: string): void {
    const version = (): number => this.handle.pragma("user_version", { simple: true }) as number;
    if (version() === migrations.length) return;
    this.transaction(() => {
      const applied = version();
      if (applied > migrations.length)
        throw new Error(`the database was written by a newer version (schema ${applied}); upgrade ${program}`);
      for (const migration of migrations.slice(applied))
        if (typeof migration === "string") this.handle.exec(migration);
        else migration(this.handle);
      this.handle.pragma(`user_version = ${migrations.length}`);
    });
  }

  prepare(sql: string): Database.Statement {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.handle.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  get<Row>(sql: string, ...parameters: readonly SqliteParameter[]): Row | undefined {
    return this.prepare(sql).get(...parameters) as Row | undefined;
  }

  all<Row>(sql: string, ...parameters: readonly SqliteParameter[]): Row[] {
    return this.prepare(sql).all(...parameters) as Row[];
  }

  /** @returns how many rows it changed */
  run(sql: string, ...parameters: readonly SqliteParameter[]): number {
    return this.prepare(sql).run(...parameters).changes;
  }

  /** `immediate`: the write lock is taken first, so that a compare-and-swap reads what it will replace. */
  transaction<T>(work: () => T): T {
    return this.handle.transaction(work).immediate();
  }

  close(): void {
    this.handle.close();
  }
}
