import { type LabelChange, ProverError, type Rejection, sequence, type SequenceContext } from "@mls-as/keytrans/prover";
import { withSpan } from "@mls-as/service-runtime";
import { SignerError } from "@mls-as/signers";
import type { Gauge, Histogram } from "prom-client";
import { failpoint } from "./failpoint.js";
import type { HeadMemory } from "./head-memory.js";
import { Problem } from "./problem.js";
import { HeadMovedError, type LogStore } from "./storage/store.js";
import type { VrfPool } from "./vrf-pool.js";

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export interface SequencerSetting {
  /** How long the first waiting change may wait for company. */
  readonly batchMilliseconds: number;
  /** Label changes in one log entry; at most 255, so that an audited log can prove them (draft, "AuditorUpdate"). */
  readonly batchSize: number;
  /** Changes that may wait; one more is refused with `overloaded`. */
  readonly queueLimit: number;
  /** Greatest age of the rightmost entry before an empty one is added, so that silence is noticed. */
  readonly heartbeatMilliseconds: number;
}

export const SEQUENCER_DEFAULTS: SequencerSetting = {
  batchMilliseconds: 20,
  batchSize: 255,
  queueLimit: 10_000,
  heartbeatMilliseconds: 5 * 60_000,
};

export interface SequencerMetrics {
  readonly queue: Gauge;
  readonly batch: Histogram;
  readonly delay: Histogram;
}

/** What became of a submitted change. */
export type Outcome = "inserted" | "stale-version";

interface Waiting {
  readonly change: LabelChange;
  readonly since: number;
  resolve(outcome: Outcome): void;
  reject(error: unknown): void;
}

export interface SequencerOptions {
  readonly context: Omit<SequenceContext, "store">;
  readonly store: LogStore;
  readonly setting: SequencerSetting;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  /** Hears of commits that failed, also of those that nobody waits for. */
  readonly onFailure: (error: unknown) => void;
  readonly metrics?: SequencerMetrics;
  readonly memory?: HeadMemory;
  /** Computes VRF outputs while a batch fills; absent: they are computed when the batch is made. */
  readonly vrf?: Pick<VrfPool, "prepare" | "settled">;
  /** Whether this process is the one that adds heartbeats; absent: always. */
  readonly leading?: () => boolean;
}

/**
 * The one place where log entries are made: collects changes, makes one entry of each batch, and answers when the entry
 * is durable. Timestamps never decrease, whatever the clock does.
 */
export class Sequencer {
  readonly #context: SequenceContext;
  readonly #store: LogStore;
  readonly #setting: SequencerSetting;
  readonly #clock: () => number;
  readonly #metrics: SequencerMetrics | undefined;
  readonly #onFailure: (error: unknown) => void;
  readonly #memory: HeadMemory | undefined;
  readonly #leading: () => boolean;
  readonly #vrf: Pick<VrfPool, "prepare" | "settled"> | undefined;
  #queue: Waiting[] = [];
  #working: Promise<void> | undefined;
  #batchTimer: NodeJS.Timeout | undefined;
  #heartbeatTimer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor({ context, store, setting, clock, onFailure, metrics, memory, leading, vrf }: SequencerOptions) {
    this.#vrf = vrf;
    this.#context = { ...context, store };
    this.#store = store;
    this.#setting = setting;
    this.#clock = clock;
    this.#onFailure = onFailure;
    this.#metrics = metrics;
    this.#memory = memory;
    this.#leading = leading ?? (() => true);
  }

  /**
   * Makes the genesis entry of an empty log, and keeps the rightmost entry young from now on.
   * @throws RolledBackError before anything is signed, where the store lacks entries that were shown
   */
  async start(): Promise<void> {
    await this.#memory?.check(this.#store);
    await this.#heartbeatWhenDue();
    const interval = Math.max(20, Math.min(10_000, this.#setting.heartbeatMilliseconds / 4));
    this.#heartbeatTimer = setInterval(() => {
      this.#heartbeatWhenDue().catch(this.#onFailure);
    }, interval);
    this.#heartbeatTimer.unref();
  }

  /** Settles when the change is durable in a log entry, or known not to be in any. @throws Problem */
  submit(change: LabelChange): Promise<Outcome> {
    if (this.#stopped) throw new Problem("shutting-down", undefined, { retryAfter: 5 });
    this.#memory?.assertWhole();
    if (this.#queue.length >= this.#setting.queueLimit)
      throw new Problem("overloaded", `${this.#queue.length} changes are waiting`, { retryAfter: 1 });
    const outcome = new Promise<Outcome>((resolve, reject) => {
      this.#queue.push({ change, since: this.#clock(), resolve, reject });
    });
    this.#vrf?.prepare(change);
    this.#metrics?.queue.set(this.#queue.length);
    this.#schedule();
    return outcome;
  }

  /** Commits what is waiting, then refuses more. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#heartbeatTimer);
    clearTimeout(this.#batchTimer);
    this.#batchTimer = undefined;
    while (this.#queue.length > 0 || this.#working !== undefined) await (this.#working ?? this.#startBatch());
  }

  #schedule(): void {
    if (this.#working !== undefined || this.#stopped) return;
    if (this.#queue.length >= this.#setting.batchSize) {
      clearTimeout(this.#batchTimer);
      this.#batchTimer = undefined;
      void this.#startBatch();
    } else {
      this.#batchTimer ??= setTimeout(() => {
        this.#batchTimer = undefined;
        if (this.#working === undefined) void this.#startBatch();
      }, this.#setting.batchMilliseconds);
    }
  }

  #startBatch(): Promise<void> {
    this.#working = this.#commitBatch().finally(() => {
      this.#working = undefined;
      if (this.#queue.length > 0) this.#schedule();
    });
    return this.#working;
  }

  /** Takes one batch off the queue; changes of a label that is in it already wait for the next. */
  #takeBatch(): Waiting[] {
    const labels = new Set<string>();
    const batch: Waiting[] = [];
    const rest: Waiting[] = [];
    let versions = 0;
    for (const waiting of this.#queue) {
      const label = Buffer.from(waiting.change.label).toString("latin1");
      const count = waiting.change.values.length;
      if (labels.has(label) || versions + count > Math.max(count, this.#setting.batchSize)) rest.push(waiting);
      else {
        labels.add(label);
        versions += count;
        batch.push(waiting);
      }
    }
    this.#queue = rest;
    return batch;
  }

  async #commitBatch(): Promise<void> {
    const batch = this.#takeBatch();
    if (batch.length === 0) return;
    failpoint("batch-taken");
    try {
      const rejected = await this.#traced(batch.map(({ change }) => change));
      const codes = new Map(rejected.map(({ index, code }) => [index, code]));
      for (const [index, waiting] of batch.entries()) {
        const code = codes.get(index);
        if (code === "batch-full") this.#queue.unshift(waiting);
        else if (code === undefined || code === "stale-version") waiting.resolve(code ?? "inserted");
        else waiting.reject(new Problem(code));
        if (code !== "batch-full") this.#vrf?.settled(waiting.change);
      }
      this.#metrics?.batch.observe(batch.length);
      for (const { since } of batch) this.#metrics?.delay.observe(Math.max(0, this.#clock() - since) / 1000);
    } catch (error) {
      this.#onFailure(error);
      const problem = error instanceof Problem ? error : unavailable(error);
      for (const waiting of batch) {
        waiting.reject(problem);
        this.#vrf?.settled(waiting.change);
      }
    }
    this.#metrics?.queue.set(this.#queue.length);
  }

  /** A batch is the work of many requests; its span hangs below the one that began it. */
  #traced(changes: readonly LabelChange[]): Promise<readonly Rejection[]> {
    const versions = changes.reduce((sum, { values }) => sum + values.length, 0);
    const attributes = { "kt_log.labels": changes.length, "kt_log.versions": versions };
    return withSpan("kt-log commit", attributes, () => this.#commit(changes));
  }

  /** Makes the entry durable; made again on the new head whenever another sequencer was faster. */
  async #commit(changes: readonly LabelChange[]): Promise<readonly Rejection[]> {
    for (;;) {
      this.#memory?.assertWhole();
      const last = (await this.#store.head())?.timestamp ?? 0;
      const { writes, rejected } = await withSpan("kt-log sequence", {}, () =>
        sequence(this.#context, changes, Math.max(this.#clock(), last)),
      );
      if (changes.length > 0 && rejected.length === changes.length) return rejected;
      failpoint("entry-signed");
      // Readers are answered between the two parts of the work that hold this thread longest.
      await nextTurn();
      try {
        await withSpan("kt-log append", { "kt_log.tree_size": writes.head.treeSize }, () => this.#store.append(writes));
        await this.#memory?.remember(writes.head);
        failpoint("head-remembered");
        return rejected;
      } catch (error) {
        if (!(error instanceof HeadMovedError)) throw error;
      }
    }
  }

  async #heartbeatWhenDue(): Promise<void> {
    if (this.#working !== undefined || this.#stopped || !this.#leading()) return;
    const head = await this.#store.head();
    if (head !== undefined && this.#clock() - head.timestamp < this.#setting.heartbeatMilliseconds) return;
    if (this.#working !== undefined) return;
    this.#working = this.#traced([])
      .then(() => undefined)
      .finally(() => {
        this.#working = undefined;
        if (this.#queue.length > 0) this.#schedule();
      });
    await this.#working;
  }
}

/** Whether the batch was stored may be unknown (a connection lost while committing): repeating the update tells. */
function unavailable(error: unknown): Problem {
  if (error instanceof ProverError) return new Problem("internal");
  if (error instanceof SignerError) return new Problem("signer-unavailable", undefined, { retryAfter: 5 });
  return new Problem("storage-unavailable", undefined, { retryAfter: 2 });
}
