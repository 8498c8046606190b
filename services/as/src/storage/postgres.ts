import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { PostgresDatabase, type PostgresQuery } from "@mls-as/service-runtime/postgres";
import { Client } from "pg";
import { POSTGRES_MIGRATIONS } from "./schema.js";
import type { Sealing } from "./sealing.js";
import { SqlStore, type StoreDriver } from "./sql-store.js";
import type { Outcome, Statement, Work } from "./statement.js";

/** Keys of advisory locks. Those of labels have two parts, the first of which is LABELS. */
const MIGRATIONS = 0x6d61_736d;
const DECISIONS = 0x6d61_7364;
const LABELS = 0x6d61_736c;
/** Milliseconds between tries for a label that another process works on. */
const FIRST_WAIT = 5;
const LONGEST_WAIT = 100;

/** The store for more than one process. */
export class PostgresStore extends SqlStore {
  /** Connects and migrates. @param url as libpq takes it: `postgres://user@host/database` */
  static async open(url: string, sealing: Sealing, poolSize = 10): Promise<PostgresStore> {
    const database = await PostgresDatabase.open({
      url,
      poolSize,
      migrations: POSTGRES_MIGRATIONS,
      migrationLock: MIGRATIONS,
      program: "mls-as",
    });
    return new PostgresStore(new PostgresDriver(database, url), sealing);
  }
}

class PostgresDriver implements StoreDriver {
  readonly #database: PostgresDatabase;
  readonly #labels: LabelLocks;

  constructor(database: PostgresDatabase, url: string) {
    this.#database = database;
    this.#labels = new LabelLocks(url);
  }

  async read<T>(work: Work<T>): Promise<T> {
    return await drive(this.#database.query, work);
  }

  async write<T>(work: () => Work<T>): Promise<T> {
    return await this.#database.transaction((query) => drive(query, work()));
  }

  async exclusively<T>(label: string, work: () => Promise<T>): Promise<T> {
    return await this.#labels.run(label, work);
  }

  async close(): Promise<void> {
    await this.#labels.close();
    await this.#database.close();
  }
}

async function drive<T>(query: PostgresQuery, work: Work<T>): Promise<T> {
  let step = work.next();
  while (step.done !== true) step = work.next(await execute(query, step.value));
  return step.value;
}

async function execute(query: PostgresQuery, { kind, sql, parameters }: Statement): Promise<Outcome> {
  if (kind === "lock") return await query("select pg_advisory_xact_lock($1)", [DECISIONS]);
  return await query(numbered(sql), parameters);
}

const texts = new Map<string, string>();

/** `?` becomes `$1`, `$2`, …; no statement here has a question mark in a literal. */
function numbered(sql: string): string {
  let text = texts.get(sql);
  if (text === undefined) {
    let count = 0;
    text = sql.replaceAll("?", () => `$${++count}`);
    texts.set(sql, text);
  }
  return text;
}

/**
 * Labels that this process works on, as advisory locks of one session: they vanish with the process, however it ends.
 * Should the session break, transactions remain correct without them; two processes then only do the same work twice.
 */
class LabelLocks {
  readonly #url: string;
  #session: Promise<Client> | undefined;

  constructor(url: string) {
    this.#url = url;
  }

  async #client(): Promise<Client> {
    this.#session ??= this.#connect();
    return await this.#session;
  }

  async #connect(): Promise<Client> {
    const client = new Client({ connectionString: this.#url, connectionTimeoutMillis: 5000 });
    const forget = (): void => {
      this.#session = undefined;
    };
    client.on("error", forget).on("end", forget);
    try {
      await client.connect();
      return client;
    } catch (error) {
      forget();
      throw error;
    }
  }

  async run<T>(label: string, work: () => Promise<T>): Promise<T> {
    const key = createHash("sha256").update(label).digest().readInt32BE(0);
    await this.#take(key);
    try {
      return await work();
    } finally {
      const client = await this.#client().catch(() => undefined);
      await client?.query("select pg_advisory_unlock($1, $2)", [LABELS, key]).catch(() => undefined);
    }
  }

  /** A session may take a lock twice: two labels of this process with one key do not exclude one another, which is well. */
  async #take(key: number): Promise<void> {
    for (let wait = FIRST_WAIT; ; wait = Math.min(wait * 2, LONGEST_WAIT)) {
      const client = await this.#client();
      const { rows } = await client.query<{ taken: boolean }>("select pg_try_advisory_lock($1, $2) as taken", [
        LABELS,
        key,
      ]);
      if (rows[0]?.taken === true) return;
      await sleep(wait * (0.5 + Math.random()));
    }
  }

  async close(): Promise<void> {
    const session = await this.#session?.catch(() => undefined);
    await session?.end();
  }
}
