import { SqliteDatabase } from "@mls-as/service-runtime/sqlite";
import { SQLITE_MIGRATIONS } from "./schema.js";
import type { Sealing } from "./sealing.js";
import { SqlStore, type StoreDriver } from "./sql-store.js";
import type { Outcome, Statement, Work } from "./statement.js";

/** The embedded store: one file, one service process; a commit is durable when it returns. */
export class SqliteStore extends SqlStore {
  constructor(path: string, sealing: Sealing) {
    super(new SqliteDriver(path), sealing);
  }
}

class SqliteDriver implements StoreDriver {
  readonly #database: SqliteDatabase;

  constructor(path: string) {
    this.#database = new SqliteDatabase(path, { migrations: SQLITE_MIGRATIONS, program: "mls-as" });
    // What is erased is overwritten in the file.
    this.#database.handle.pragma("secure_delete = ON");
  }

  #execute({ kind, sql, parameters }: Statement): Outcome {
    // A write transaction is `immediate`: it holds the only writer's lock from its beginning.
    if (kind === "lock") return NOTHING;
    if (kind === "all") return { rows: this.#database.all(sql, ...parameters), count: 0 };
    return { rows: [], count: this.#database.run(sql, ...parameters) };
  }

  #drive<T>(work: Work<T>): T {
    let step = work.next();
    while (step.done !== true) step = work.next(this.#execute(step.value));
    return step.value;
  }

  async read<T>(work: Work<T>): Promise<T> {
    return this.#drive(work);
  }

  async write<T>(work: () => Work<T>): Promise<T> {
    return this.#database.transaction(() => this.#drive(work()));
  }

  /** One process serves a file: its own queue of labels is all that is needed. */
  async exclusively<T>(_label: string, work: () => Promise<T>): Promise<T> {
    return await work();
  }

  async close(): Promise<void> {
    this.#database.close();
  }
}

const NOTHING: Outcome = { rows: [], count: 0 };
