import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { SequencerMetrics } from "./sequencer.js";
import type { LogStore } from "./storage/store.js";

/** What an operator would alarm on, for Prometheus. No label of a user appears in any of it. */
export class Metrics {
  readonly registry = new Registry();
  readonly requests: Counter;
  readonly durations: Histogram;
  readonly sequencer: SequencerMetrics;

  constructor(store: LogStore, clock: () => number) {
    const registers = [this.registry];
    this.requests = new Counter({
      name: "kt_log_requests_total",
      help: "Requests by operation and HTTP status",
      labelNames: ["operation", "status"],
      registers,
    });
    this.durations = new Histogram({
      name: "kt_log_request_seconds",
      help: "Time to answer by operation",
      labelNames: ["operation"],
      buckets: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5],
      registers,
    });
    this.sequencer = {
      queue: new Gauge({ name: "kt_log_queue_changes", help: "Changes waiting for a log entry", registers }),
      batch: new Histogram({
        name: "kt_log_batch_changes",
        help: "Changes in one log entry",
        buckets: [1, 2, 4, 8, 16, 32, 64, 128, 255],
        registers,
      }),
      delay: new Histogram({
        name: "kt_log_sequencing_seconds",
        help: "From submission to durability",
        buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5],
        registers,
      }),
    };
    const size = new Gauge({ name: "kt_log_tree_size", help: "Entries in the log", registers });
    const age = new Gauge({ name: "kt_log_head_age_seconds", help: "Age of the rightmost entry", registers });
    this.#refresh = async () => {
      const head = await store.head();
      if (head === undefined) return;
      size.set(head.treeSize);
      age.set(Math.max(0, clock() - head.timestamp) / 1000);
    };
  }

  readonly #refresh: () => Promise<void>;

  /** The text exposition format. */
  async render(): Promise<string> {
    await this.#refresh();
    return this.registry.metrics();
  }
}
