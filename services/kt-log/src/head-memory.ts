import { readFile } from "node:fs/promises";
import type { StoredHead } from "@mls-as/keytrans/prover";
import { writeDurably } from "@mls-as/service-runtime";
import { rootAt } from "./log-tree.js";
import { Problem } from "./problem.js";
import type { LogStore } from "./storage/store.js";

/** The store is older than, or another than, what this log has shown: going on would fork it. */
export class RolledBackError extends Error {
  override readonly name = "RolledBackError";
}

const REMEDY =
  "Nothing was signed. A restored backup must hold every entry that anyone has seen: restore a newer one, or, when the " +
  "entries are lost for good, retire this log and start another with new keys (docs/operating-the-log.md).";

interface Remembered {
  readonly treeSize: number;
  readonly root: string;
}

/**
 * The highest tree head this log has shown, kept outside the database (best on another disk), so that a database
 * restored from a backup is noticed before anything is signed on top of it. Written after each commit and before its
 * answer; it may lag behind the database, never the other way round.
 */
export class HeadMemory {
  readonly #path: string;
  #refusal: string | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** @throws RolledBackError where the store does not hold the remembered head */
  async check(store: LogStore): Promise<void> {
    const remembered = await this.#read();
    if (remembered === undefined) return;
    const { treeSize, root } = remembered;
    const head = await store.head();
    const fault = `The database has ${head?.treeSize ?? 0} entries, but this log has shown a tree of ${treeSize}`;
    if (head === undefined || head.treeSize < treeSize) throw new RolledBackError(`${fault}. ${REMEDY}`);
    const derived = Buffer.from(await rootAt(store, treeSize)).toString("hex");
    if (derived !== root) throw new RolledBackError(`${fault} with the root ${root}, not ${derived}. ${REMEDY}`);
  }

  /** Durable when it returns. */
  async remember({ treeSize, root }: StoredHead): Promise<void> {
    const remembered: Remembered = { treeSize, root: Buffer.from(root).toString("hex") };
    await writeDurably(this.#path, `${JSON.stringify(remembered)}\n`, 0o600);
  }

  /**
   * The writer says that it was shown a tree of `treeSize` entries. Only for a caller who proved to be the writer:
   * anyone else could stop the log with it. @throws Problem rolled-back, now and at every later {@link assertWhole}
   */
  shown(treeSize: number, head: StoredHead): void {
    if (treeSize <= head.treeSize) return;
    this.#refusal = `the writer has seen ${treeSize} entries, the database has ${head.treeSize}`;
    this.assertWhole();
  }

  /**
   * Somebody showed, under this log's own signature, a head that the database does not hold. Nothing is signed any more.
   */
  contradicted(treeSize: number, by: string): void {
    this.#refusal ??= `${by} holds this log's signature over a tree of ${treeSize} entries that the database does not continue`;
  }

  /** @throws RolledBackError for the start of a service, where {@link contradicted} was called */
  assertStartable(): void {
    if (this.#refusal !== undefined) throw new RolledBackError(`${this.#refusal}. ${REMEDY}`);
  }

  /** To be asked before anything is signed. @throws Problem rolled-back */
  assertWhole(): void {
    if (this.#refusal !== undefined) throw new Problem("rolled-back", this.#refusal);
  }

  get whole(): boolean {
    return this.#refusal === undefined;
  }

  async #read(): Promise<Remembered | undefined> {
    let text: string;
    try {
      text = await readFile(this.#path, "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
    const parsed = JSON.parse(text) as Partial<Remembered>;
    if (!Number.isSafeInteger(parsed.treeSize) || !/^[0-9a-f]{64}$/.test(parsed.root ?? ""))
      throw new RolledBackError(
        `${this.#path} does not hold a tree head; restore or, knowing what it means, remove it.`,
      );
    return parsed as Remembered;
  }
}
