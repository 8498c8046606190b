import { randomBytes } from "node:crypto";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startKtLog } from "@mls-as/kt-log";
import { SearchRequest, UpdateRequest } from "@mls-as/keytrans";
import { nodeSuite } from "@mls-as/keytrans/node";
import { encode } from "@mls-as/tls-codec";
import type { Benchmark, Measurement } from "./main.js";

const LABELS = 5000;
const SEARCHES = 2000;
const VALUE_BYTES = 300;

const labelOf = (i: number): Uint8Array => new TextEncoder().encode(`mimi://mls.example/u/user${i}`);

/** Runs `work` for 0 … count-1, `atOnce` side by side. @returns milliseconds of each, ascending, and of all together */
async function spread(count: number, atOnce: number, work: (i: number) => Promise<void>) {
  const times: number[] = [];
  let next = 0;
  const begun = performance.now();
  const worker = async (): Promise<void> => {
    for (let i = next++; i < count; i = next++) {
      const started = performance.now();
      await work(i);
      times.push(performance.now() - started);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return { times: times.sort((a, b) => a - b), total: performance.now() - begun };
}

async function vrfProofMilliseconds(): Promise<number> {
  const suite = await nodeSuite(2);
  const key = suite.importVrfPrivateKey(new Uint8Array(randomBytes(32)));
  const times = Array.from({ length: 300 }, () => {
    const started = performance.now();
    key.prove(new Uint8Array(randomBytes(40)));
    return performance.now() - started;
  });
  return times.sort((a, b) => a - b)[150] ?? 0;
}

/** Durable updates and first searches over HTTP on SQLite, client and log in one process; proofs are not verified. */
async function log(): Promise<readonly Measurement[]> {
  const folder = await mkdtemp(join(tmpdir(), "kt-log-bench-"));
  const service = await startKtLog({ dataDir: folder, port: 0, quiet: true });
  const post = async (path: string, body: Uint8Array): Promise<void> => {
    const headers = { "content-type": "application/octet-stream", authorization: `Bearer ${service.writerToken}` };
    const response = await fetch(service.url + path, { method: "POST", headers, body: body.slice().buffer });
    if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
    await response.arrayBuffer();
  };
  try {
    const updates = await spread(LABELS, 300, (i) => {
      const values = [{ value: new Uint8Array(randomBytes(VALUE_BYTES)) }];
      return post(
        "/v1/update",
        encode(UpdateRequest, { last: undefined, label: labelOf(i), greatestVersion: undefined, values }),
      );
    });
    const searches = await spread(SEARCHES, 16, (i) => {
      const label = labelOf((i * 7919) % LABELS);
      return post("/v1/search", encode(SearchRequest, { last: undefined, label, version: undefined }));
    });
    const single = await spread(50, 1, (i) => {
      const values = [{ value: new Uint8Array(randomBytes(VALUE_BYTES)) }];
      const label = labelOf(LABELS + i);
      return post("/v1/update", encode(UpdateRequest, { last: undefined, label, greatestVersion: undefined, values }));
    });
    await service.close();
    const { size } = await stat(join(folder, "log.sqlite"));
    const at = (times: readonly number[], share: number): number => times[Math.floor(times.length * share)] ?? 0;
    const vrf = Number((await vrfProofMilliseconds()).toFixed(3));
    const params = { labels: LABELS, vrfProofMs: vrf };
    return [
      { name: "kt-log/updates", unit: "updates/s", value: (LABELS / updates.total) * 1000, samples: LABELS, params },
      { name: "kt-log/update-alone", unit: "ms", value: at(single.times, 0.5), samples: 50, params },
      {
        name: "kt-log/searches",
        unit: "searches/s",
        value: (SEARCHES / searches.total) * 1000,
        samples: SEARCHES,
        params,
      },
      { name: "kt-log/search-p50", unit: "ms", value: at(searches.times, 0.5), samples: SEARCHES, params },
      { name: "kt-log/search-p99", unit: "ms", value: at(searches.times, 0.99), samples: SEARCHES, params },
      { name: "kt-log/database-bytes", unit: "bytes/update", value: size / (LABELS + 50), samples: 1, params },
    ];
  } finally {
    await service.close();
    await rm(folder, { recursive: true });
  }
}

export const benchmarks: readonly Benchmark[] = [{ name: "kt-log", run: log }];
