import { type HttpMetrics, httpMetrics } from "@mls-as/service-runtime";
import { Counter, Gauge, Registry } from "prom-client";

export interface Metrics {
  readonly registry: Registry;
  readonly http: HttpMetrics;
  readonly refusals: Counter<"code">;
  readonly issued: Counter;
  readonly alarms: Counter<"event">;
}

/** Metrics of one service instance; gauges ask `measure` when they are read. */
export function createMetrics(measure: { openIntents: () => Promise<number> }): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const openIntents = new Gauge({
    name: "mls_as_open_intents",
    help: "Changes that are decided and not completed",
    registers,
    async collect() {
      this.set(await measure.openIntents());
    },
  });
  openIntents.set(0);
  return {
    registry,
    http: httpMetrics("mls_as", registry),
    refusals: new Counter({
      name: "mls_as_refusals_total",
      help: "Requests refused, by code",
      labelNames: ["code"],
      registers,
    }),
    issued: new Counter({ name: "mls_as_credentials_issued_total", help: "Credentials issued", registers }),
    alarms: new Counter({
      name: "mls_as_alarms_total",
      help: "What an operator must look at",
      labelNames: ["event"],
      registers,
    }),
  };
}
