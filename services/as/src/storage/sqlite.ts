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

interface Waiting {
  /** Runs the work, and says what to tell its caller once the commit is durable. */
  readonly run: () => () => void;
  readonly fail: (error: unknown) => void;
}

const NOTHING: Outcome = { rows: [], count: 0 };

/**
 * Writes that are asked for in one turn of the event loop are committed together: waiting for the disk is most of what a
 * commit costs. Each has a savepoint of its own, so that one that throws leaves nothing behind and the others alone.
 */
class SqliteDriver implements StoreDriver {
  readonly #database: SqliteDatabase;
  #waiting: Waiting[] = [];

  constructor(path: string) {
    this.#database = new SqliteDatabase(path, { migrations: SQLITE_MIGRATIONS, program: "mls-as" });
    // What is erased is overwritten in the file.
    this.#database.handle.pragma("secure_delete = ON");
    // The log of changes is moved into the file every 32 MB and not every 4: each time costs two syncs, and the loop.
    this.#database.handle.pragma("wal_autocheckpoint = 8000");
    this.#database.handle.pragma("cache_size = -32000");
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

  write<T>(work: () => Work<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#waiting.length === 0) setImmediate(() => this.#commit());
      this.#waiting.push({
        fail: reject,
        run: () => {
          try {
            // Within the transaction this is a savepoint.
            const result = this.#database.transaction(() => this.#drive(work()));
            return () => resolve(result);
          } catch (error) {
            return () => reject(error);
          }
        },
      });
    });
  }

  #commit(): void {
    const group = this.#waiting;
    this.#waiting = [];
    let tell: (() => void)[];
    try {
      tell = this.#database.transaction(() => group.map(({ run }) => run()));
    } catch (error) {
      for (const { fail } of group) fail(error);
      return;
    }
    for (const one of tell) one();
  }

  /** One process serves a file: its own queue of labels is all that is needed. */
  async exclusively<T>(_label: string, work: () => Promise<T>): Promise<T> {
    return await work();
  }

  async close(): Promise<void> {
    if (this.#waiting.length > 0) this.#commit();
    this.#database.close();
  }
}
