import type { Context, MiddlewareHandler } from "hono";
import { collectDefaultMetrics, Counter, Gauge, Histogram, type Registry } from "prom-client";

/** What every HTTP service counts. */
export interface HttpMetrics {
  readonly requests: Counter<"route" | "method" | "status">;
  readonly durations: Histogram<"route">;
  readonly underWay: Gauge;
}

/** `prefix` goes before the names, as `mls_as`. */
export function httpMetrics(prefix: string, registry: Registry): HttpMetrics {
  const registers = [registry];
  return {
    requests: new Counter({
      name: `${prefix}_requests_total`,
      help: "Requests answered, by route, method and HTTP status",
      labelNames: ["route", "method", "status"],
      registers,
    }),
    durations: new Histogram({
      name: `${prefix}_request_seconds`,
      help: "Time to answer, by route",
      labelNames: ["route"],
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
      registers,
    }),
    underWay: new Gauge({ name: `${prefix}_requests_under_way`, help: "Requests being answered", registers }),
  };
}

/** Methods that become metric labels; what else a stranger makes up is "other". */
const METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"]);

/** Counts every request under the name that `route` gives it: one of a closed set, never the caller's own text. */
export function observeRequests(metrics: HttpMetrics, route: (c: Context) => string): MiddlewareHandler {
  return async (c, next) => {
    const started = performance.now();
    metrics.underWay.inc();
    try {
      await next();
    } finally {
      metrics.underWay.dec();
      const name = route(c);
      const method = METHODS.has(c.req.method) ? c.req.method : "other";
      metrics.requests.inc({ route: name, method, status: c.res.status });
      metrics.durations.observe({ route: name }, (performance.now() - started) / 1000);
    }
  };
}

/** Memory, event loop lag, garbage collection and file handles of the process. Once a process. */
export function processMetrics(registry: Registry): void {
  collectDefaultMetrics({ register: registry });
}
