import { AuditorTreeHead, type Configuration } from "@mls-as/keytrans";
import { type HttpMetrics, httpMetrics } from "@mls-as/service-runtime";
import { decode } from "@mls-as/tls-codec";
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { SequencerMetrics } from "./sequencer.js";
import type { LogStore } from "./storage/store.js";
import { witnessLag } from "./witnessing/witness-lag.js";
import type { Witnessing } from "./witnessing/witnessing.js";

export interface WitnessMetrics {
  readonly size: Gauge<"witness">;
  readonly cosigned: Gauge<"witness">;
  readonly failures: Counter<"witness" | "reason">;
  readonly checkpoint: Gauge;
  readonly quorum: Gauge;
}

export interface MetricsSource {
  readonly store: LogStore;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  readonly configuration: Configuration;
}

/** What an operator would alarm on, for Prometheus (`docs/kt-log-alerts.yml`). No label of a user appears in any of it. */
export class Metrics {
  readonly registry = new Registry();
  readonly http: HttpMetrics;
  readonly refusals: Counter<"code">;
  readonly proofs: Histogram<"operation">;
  readonly sequencer: SequencerMetrics;
  readonly failedCommits: Counter;
  readonly witnesses: WitnessMetrics;
  /** Set once there is one. */
  witnessing: Witnessing | undefined;
  readonly #source: MetricsSource;
  readonly #gauges: ReturnType<typeof headGauges>;

  constructor(source: MetricsSource) {
    this.#source = source;
    const { registry } = this;
    const registers = [registry];
    this.http = httpMetrics("kt_log", registry);
    this.refusals = new Counter({
      name: "kt_log_refusals_total",
      help: "Requests refused, by problem code",
      labelNames: ["code"],
      registers,
    });
    this.proofs = new Histogram({
      name: "kt_log_proof_seconds",
      help: "Time to make an answer with its proofs, by operation",
      labelNames: ["operation"],
      buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5],
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
    this.failedCommits = new Counter({
      name: "kt_log_failed_commits_total",
      help: "Log entries that could not be stored",
      registers,
    });
    this.witnesses = witnessMetrics(registers);
    this.#gauges = headGauges(registers);
  }

  /** The text exposition format. */
  async render(): Promise<string> {
    await this.#refresh();
    return this.registry.metrics();
  }

  async #refresh(): Promise<void> {
    const { store, clock, configuration } = this.#source;
    const { hits, misses } = store.cacheCounts;
    this.#gauges.hits.set(hits);
    this.#gauges.misses.set(misses);
    const head = await store.head();
    if (head === undefined) return;
    this.#gauges.size.set(head.treeSize);
    this.#gauges.age.set(Math.max(0, clock() - head.timestamp) / 1000);
    if (configuration.mode === "thirdPartyAuditing") {
      const audited = head.auditorTreeHead === undefined ? 0 : decode(AuditorTreeHead, head.auditorTreeHead).timestamp;
      this.#gauges.auditor.set((head.timestamp - audited) / 1000);
      this.#gauges.auditorLimit.set(Number(configuration.maxAuditorLag) / 1000);
    }
    if (this.witnessing !== undefined)
      this.#gauges.witness.set((await witnessLag(store, this.witnessing, clock())) / 1000);
  }
}

function witnessMetrics(registers: Registry[]): WitnessMetrics {
  const labelNames = ["witness"] as const;
  return {
    size: new Gauge({
      name: "kt_log_witness_size",
      help: "Leaves that a witness cosigned last",
      labelNames,
      registers,
    }),
    cosigned: new Gauge({
      name: "kt_log_witness_cosigned_timestamp_seconds",
      help: "When a witness cosigned last",
      labelNames,
      registers,
    }),
    failures: new Counter({
      name: "kt_log_witness_failures_total",
      help: "Checkpoints that a witness did not cosign, by reason",
      labelNames: ["witness", "reason"],
      registers,
    }),
    checkpoint: new Gauge({ name: "kt_log_checkpoint_size", help: "Leaves of the newest checkpoint", registers }),
    quorum: new Gauge({ name: "kt_log_quorum_size", help: "Leaves of the newest checkpoint with a quorum", registers }),
  };
}

function headGauges(registers: Registry[]) {
  const gauge = (name: string, help: string): Gauge => new Gauge({ name, help, registers });
  return {
    size: gauge("kt_log_tree_size", "Entries in the log"),
    age: gauge("kt_log_head_age_seconds", "Age of the rightmost entry"),
    hits: gauge("kt_log_cache_hits", "Rows of the trees found in memory since the start"),
    misses: gauge("kt_log_cache_misses", "Rows of the trees read from the database since the start"),
    auditor: gauge("kt_log_auditor_lag_seconds", "How far the auditor's head lies behind the newest entry"),
    auditorLimit: gauge("kt_log_auditor_lag_limit_seconds", "max_auditor_lag of the configuration"),
    witness: gauge("kt_log_witness_lag_seconds", "Age of the oldest entry that no quorum has cosigned; 0 for none"),
  };
}
