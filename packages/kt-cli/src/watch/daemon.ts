import { createServer, type Server } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import type { Context } from "../context.js";
import { Failure } from "../failure.js";
import type { AlertKind } from "./alert.js";
import type { Round } from "./round.js";

/** What a daemon has done so far, for its metrics and its health. */
export class DaemonRecord {
  readonly #context: Context;
  readonly #patience: number;
  readonly #alerts = new Map<AlertKind, number>();
  readonly #started: number;
  #rounds = 0;
  #failures = 0;
  #lastRound: number | undefined;
  #lastWhole: number | undefined;
  #open = 0;
  #undelivered = 0;
  #treeSize = 0;
  #headTime = 0;

  /** @param patience milliseconds without a complete look after which the daemon is not healthy */
  constructor(context: Context, patience: number) {
    this.#context = context;
    this.#patience = patience;
    this.#started = context.clock();
  }

  note({ alerts, fresh, looks, undelivered, whole }: Round): void {
    const now = this.#context.clock();
    this.#rounds++;
    this.#lastRound = now;
    if (whole) this.#lastWhole = now;
    else this.#failures++;
    this.#open = alerts.length;
    this.#undelivered = undelivered;
    for (const { kind } of fresh) this.#alerts.set(kind, (this.#alerts.get(kind) ?? 0) + 1);
    for (const { greatest } of looks.values()) {
      this.#treeSize = Math.max(this.#treeSize, greatest.result.treeSize);
      this.#headTime = Math.max(this.#headTime, greatest.result.timestamp);
    }
  }

  get healthy(): boolean {
    return this.#context.clock() - (this.#lastWhole ?? this.#started) <= this.#patience;
  }

  get ready(): boolean {
    return this.#lastWhole !== undefined && this.healthy;
  }

  /** Prometheus text format. */
  metrics(): string {
    const seconds = (milliseconds: number | undefined): number => Math.floor((milliseconds ?? 0) / 1000);
    const lines = [
      ...metric("kt_watch_rounds_total", "counter", "Looks at the log", this.#rounds),
      ...metric(
        "kt_watch_incomplete_rounds_total",
        "counter",
        "Looks that could not verify every label",
        this.#failures,
      ),
      ...metric("kt_watch_last_round_timestamp_seconds", "gauge", "End of the last look", seconds(this.#lastRound)),
      ...metric(
        "kt_watch_last_complete_round_timestamp_seconds",
        "gauge",
        "End of the last look that verified everything",
        seconds(this.#lastWhole),
      ),
      ...metric("kt_watch_open_alerts", "gauge", "Alerts that hold at the last look", this.#open),
      ...metric("kt_watch_undelivered_alerts", "gauge", "Deliveries that wait for another try", this.#undelivered),
      ...metric("kt_watch_tree_size", "gauge", "Entries of the newest verified head", this.#treeSize),
      ...metric(
        "kt_watch_head_timestamp_seconds",
        "gauge",
        "Time of the newest verified head",
        seconds(this.#headTime),
      ),
      "# HELP kt_watch_alerts_total Alerts found, by kind",
      "# TYPE kt_watch_alerts_total counter",
      ...[...this.#alerts].map(([kind, count]) => `kt_watch_alerts_total{kind="${kind}"} ${count}`),
    ];
    return `${lines.join("\n")}\n`;
  }
}

const metric = (name: string, type: string, help: string, value: number): string[] => [
  `# HELP ${name} ${help}`,
  `# TYPE ${name} ${type}`,
  `${name} ${value}`,
];

/** Serves `/metrics`, `/healthz` and `/readyz` on `HOST:PORT`. Gives the address. @throws Failure usage */
export async function serveRecord(record: DaemonRecord, listen: string): Promise<{ server: Server; address: string }> {
  const match = /^(?:(.+):)?(\d{1,5})$/.exec(listen);
  if (match === null || Number(match[2]) > 65_535)
    throw new Failure("usage", "--listen takes HOST:PORT or PORT", { path: "--listen" });
  const server = createServer((request, response) => {
    const answer = (status: number, text: string): void =>
      void response
        .writeHead(status, { "content-type": "text/plain; charset=utf-8", "cache-control": "no-store" })
        .end(text);
    if (request.url === "/metrics") answer(200, record.metrics());
    else if (request.url === "/healthz")
      answer(record.healthy ? 200 : 503, record.healthy ? "ok\n" : "no complete look for too long\n");
    else if (request.url === "/readyz") answer(record.ready ? 200 : 503, record.ready ? "ok\n" : "not ready\n");
    else answer(404, "not here\n");
  });
  server.listen(Number(match[2]), match[1] ?? "127.0.0.1");
  try {
    await once(server, "listening");
  } catch (cause) {
    throw new Failure("usage", `${listen} cannot be listened on`, { path: "--listen", cause });
  }
  const { address, port } = server.address() as AddressInfo;
  return { server, address: `http://${address.includes(":") ? `[${address}]` : address}:${port}` };
}
