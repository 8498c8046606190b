import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { writeDurably } from "@mls-as/service-runtime";
import Database from "better-sqlite3";
import type { Leadership } from "./leadership.js";

const LOCK_FILE = "sequencer.lock";
const HOLDER_FILE = "sequencer.json";
const POLL_MILLISECONDS = 500;

/** Who makes the log entries of a data folder. */
export interface LockHolder {
  readonly pid: number;
  /** Empty until it listens. */
  readonly url: string;
}

/**
 * Elects one of the processes on a data folder: it holds an exclusive lock of the operating system on a file beside the
 * database for as long as it lives, and the next one takes over when it is gone. The file is an empty SQLite database,
 * because Node itself cannot lock files.
 */
export class SqliteLeadership implements Leadership {
  readonly #lock: Database.Database;
  readonly #holderPath: string;
  #url = "";
  #leading = false;
  #stopped = false;
  #timer: NodeJS.Timeout | undefined;
  #polling: Promise<void> = Promise.resolve();

  private constructor(dataDir: string) {
    this.#lock = new Database(join(dataDir, LOCK_FILE), { timeout: 0 });
    this.#holderPath = join(dataDir, HOLDER_FILE);
  }

  /** Stands for election once before it returns, then for as long as it lives. */
  static async start(dataDir: string): Promise<SqliteLeadership> {
    const leadership = new SqliteLeadership(dataDir);
    await leadership.#poll();
    leadership.#timer = setInterval(() => {
      leadership.#polling = leadership.#polling.then(() => leadership.#poll()).catch(() => undefined);
    }, POLL_MILLISECONDS);
    leadership.#timer.unref();
    return leadership;
  }

  get leading(): boolean {
    return this.#leading;
  }

  /** Who leads, where it is another process. */
  async holder(): Promise<LockHolder | undefined> {
    if (this.#leading) return undefined;
    try {
      const { pid, url } = JSON.parse(await readFile(this.#holderPath, "utf8")) as Partial<LockHolder>;
      return typeof pid === "number" && typeof url === "string" ? { pid, url } : undefined;
    } catch {
      return undefined;
    }
  }

  async leaderUrl(): Promise<string | undefined> {
    const url = (await this.holder())?.url;
    return url === "" ? undefined : url;
  }

  async advertise(url: string): Promise<void> {
    this.#url = url;
    if (this.#leading) await this.#announce();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    await this.#polling;
    if (this.#leading) await rm(this.#holderPath, { force: true });
    this.#leading = false;
    this.#lock.close();
  }

  async #poll(): Promise<void> {
    if (this.#stopped || this.#leading) return;
    try {
      this.#lock.exec("begin exclusive");
    } catch (error) {
      if ((error as { code?: unknown }).code !== "SQLITE_BUSY") throw error;
      return;
    }
    await this.#announce();
    this.#leading = true;
  }

  async #announce(): Promise<void> {
    const holder: LockHolder = { pid: process.pid, url: this.#url };
    await writeDurably(this.#holderPath, `${JSON.stringify(holder)}\n`, 0o600);
  }
}
