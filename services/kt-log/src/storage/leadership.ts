import { randomBytes } from "node:crypto";
import { Client } from "pg";
import { leaderChecksum } from "./leader-checksum.js";

/** Which of several processes on one database makes the log entries. */
export interface Leadership {
  /** Whether this process is the one. May be out of date for a moment: only the compare-and-swap of the head decides. */
  readonly leading: boolean;
  /** Where the one listens; undefined when there is none. */
  leaderUrl(): Promise<string | undefined>;
  /** Says who leads, for an operator; undefined where it is this process, or nobody is known. */
  holder(): Promise<{ readonly pid?: number; readonly url: string } | undefined>;
  /** From now on others know this process by `url`. */
  advertise(url: string): Promise<void>;
  stop(): Promise<void>;
}

/** Advisory locks are per database; this number is ours. */
const LEADER_LOCK = 0x6b746c64;
const POLL_MILLISECONDS = 1000;
/** A leader that cannot reach the database for this long has lost it; the server drops it within the same time. */
const PATIENCE_MILLISECONDS = 3000;

/**
 * Elects by a session's advisory lock: it is free again as soon as the leader's connection ends, so that a killed leader
 * is followed within about a second, and a machine that vanished within the TCP timeouts set here.
 */
export class PostgresLeadership implements Leadership {
  readonly #databaseUrl: string;
  readonly #name = randomBytes(8).toString("hex");
  #url: string | undefined;
  #client: Client | undefined;
  #leading = false;
  #timer: NodeJS.Timeout | undefined;
  #polling: Promise<void> = Promise.resolve();
  #stopped = false;

  private constructor(databaseUrl: string) {
    this.#databaseUrl = databaseUrl;
  }

  /** Stands for election once before it returns, then for as long as it lives. */
  static async start(databaseUrl: string): Promise<PostgresLeadership> {
    const leadership = new PostgresLeadership(databaseUrl);
    await leadership.#poll();
    leadership.#timer = setInterval(() => {
      leadership.#polling = leadership.#polling.then(() => leadership.#poll());
    }, POLL_MILLISECONDS);
    leadership.#timer.unref();
    return leadership;
  }

  get leading(): boolean {
    return this.#leading;
  }

  async leaderUrl(): Promise<string | undefined> {
    try {
      const client = this.#client ?? (await this.#connect());
      const { rows } = await client.query<{ url: string }>("select url from leader where id = 1 and url <> ''");
      return rows[0]?.url;
    } catch {
      return undefined;
    }
  }

  async holder(): Promise<{ readonly url: string } | undefined> {
    if (this.#leading) return undefined;
    const url = await this.leaderUrl();
    return url === undefined ? undefined : { url };
  }

  async advertise(url: string): Promise<void> {
    this.#url = url;
    if (this.#leading) await this.#announce();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    await this.#polling;
    this.#leading = false;
    await this.#client?.end();
    this.#client = undefined;
  }

  async #connect(): Promise<Client> {
    const client = new Client({
      connectionString: this.#databaseUrl,
      application_name: `kt-log sequencer ${this.#name}`,
      connectionTimeoutMillis: PATIENCE_MILLISECONDS,
      query_timeout: PATIENCE_MILLISECONDS,
      options: "-c tcp_keepalives_idle=1 -c tcp_keepalives_interval=1 -c tcp_keepalives_count=3",
    });
    const lost = (): void => {
      if (this.#client === client) {
        this.#client = undefined;
        this.#leading = false;
      }
    };
    client.on("error", lost);
    client.on("end", lost);
    await client.connect();
    this.#client = client;
    return client;
  }

  /** Leading: makes sure that the session still holds the lock. Following: tries to take it. */
  async #poll(): Promise<void> {
    if (this.#stopped) return;
    try {
      const client = this.#client ?? (await this.#connect());
      if (this.#leading) {
        await client.query("select 1");
        return;
      }
      const { rows } = await client.query<{ taken: boolean }>("select pg_try_advisory_lock($1) as taken", [
        LEADER_LOCK,
      ]);
      if (rows[0]?.taken !== true) return;
      await this.#announce();
      this.#leading = true;
    } catch {
      this.#leading = false;
      const broken = this.#client;
      this.#client = undefined;
      await broken?.end().catch(() => undefined);
    }
  }

  async #announce(): Promise<void> {
    const client = this.#client;
    if (client === undefined) return;
    const { rows } = await client.query<{ term: string }>("select term from leader where id = 1");
    const [term, url] = [Number(rows[0]?.term ?? 0) + 1, this.#url ?? ""];
    await client.query(
      `insert into leader (id, url, term, checksum) values (1, $1, $2, $3)
       on conflict (id) do update set url = excluded.url, term = excluded.term, checksum = excluded.checksum`,
      [url, term, Buffer.from(leaderChecksum(url, term))],
    );
  }
}
