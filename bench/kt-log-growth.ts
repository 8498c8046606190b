import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { fileURLToPath } from "node:url";
import { SearchRequest, UpdateRequest } from "@mls-as/keytrans";
import { nodeSuite } from "@mls-as/keytrans/node";
import { encode } from "@mls-as/tls-codec";
import Database from "better-sqlite3";
import type * as Configured from "../services/kt-log/src/config.js";
import type * as Opened from "../services/kt-log/src/context.js";
import type * as Made from "../services/kt-log/src/data-folder.js";
import { closedLoop, openLoop, serveLog } from "./kt-log-load.js";
import type { Benchmark, Measurement } from "./main.js";

/** Numbers of labels at which everything is measured; the whole growth: KT_LOG_BENCH_SIZES=10000,100000,1000000. */
const SIZES = (process.env["KT_LOG_BENCH_SIZES"] ?? "10000").split(",").map(Number);
/** A folder in which an interrupted preload is continued; it is kept. Absent: one that is removed at the end. */
const FOLDER = process.env["KT_LOG_BENCH_DATA"];
const VALUE_BYTES = 300;
const AT_ONCE = 512;
/** Updates of the last stretch before each size, whose rate counts as that of the size. */
const STRETCH = 4000;
const HTTP_UPDATES = 3000;
const SEARCHES = 4000;
/** Labels that are searched: first without their VRF proofs stored, then with them. */
const SEARCHED = 2000;
const RATE = 500;

const utf8 = new TextEncoder();
const labelOf = (i: number): Uint8Array => utf8.encode(`mimi://mls.example/u/user${i}`);
const value = (): Uint8Array => new Uint8Array(randomBytes(VALUE_BYTES));
const cpu = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

/** The built service: its worker threads are files beside it. */
async function service<T>(file: string): Promise<T> {
  const path = fileURLToPath(new URL(`../services/kt-log/dist/${file}`, import.meta.url));
  return (await import(pathToFileURL(path).href)) as T;
}

/** Updates through the sequencer with full batches, no HTTP and no proofs. @returns the rate of the last stretch */
async function preload(dataDir: string, from: number, to: number) {
  const { readConfig } = await service<typeof Configured>("config.js");
  const { openContext, closeContext } = await service<typeof Opened>("context.js");
  const { initialise } = await service<typeof Made>("data-folder.js");
  const config = readConfig({}, { dataDir, logLevel: "error" });
  if (from === 0) await initialise(config);
  const context = await openContext(config);
  const fill = (first: number, count: number) =>
    closedLoop(count, AT_ONCE, (i) =>
      context.sequencer.submit({ label: labelOf(first + i), greatestVersion: undefined, values: [{ value: value() }] }),
    );
  const stretch = Math.min(STRETCH, to - from);
  const started = performance.now();
  await fill(from, to - from - stretch);
  const begun = cpu();
  const { perSecond } = await fill(to - stretch, stretch);
  const cpuEach = (cpu() - begun) / stretch;
  const { cacheCounts } = context.store;
  await closeContext(context);
  return {
    perSecond,
    cpuEach,
    overall: ((to - from) / (performance.now() - started)) * 1000,
    cacheHits: cacheCounts.hits / (cacheCounts.hits + cacheCounts.misses),
  };
}

/** What one update or search cannot cost less than, measured in the same minute on the same busy machine. */
async function bareCosts(folder: string) {
  const suite = await nodeSuite(2);
  const key = suite.importVrfPrivateKey(new Uint8Array(randomBytes(32)));
  const median = (count: number, work: () => void): number => {
    const times = Array.from({ length: count }, () => {
      const started = performance.now();
      work();
      return performance.now() - started;
    });
    return times.sort((a, b) => a - b)[count >> 1] ?? 0;
  };
  const input = new Uint8Array(randomBytes(40));
  const node = new Uint8Array(65);
  const db = new Database(join(folder, "bare.sqlite"));
  db.pragma("journal_mode = WAL");
  db.pragma("synchronous = FULL");
  db.exec("create table if not exists t (b blob)");
  const insert = db.prepare("insert into t values (?)");
  const costs = {
    vrfOutputMs: median(200, () => key.output(input)),
    vrfProofMs: median(200, () => key.prove(input)),
    hashMs:
      median(50, () => {
        for (let i = 0; i < 1000; i++) suite.hash(node);
      }) / 1000,
    commitMs: median(200, () => insert.run(node)),
  };
  db.close();
  return costs;
}

async function measureOver(dataDir: string, size: number) {
  const log = await serveLog(dataDir);
  try {
    const writer = { authorization: `Bearer ${log.writerToken}`, prefer: "return=minimal" };
    const update = (i: number): Uint8Array =>
      encode(UpdateRequest, { last: undefined, label: labelOf(i), greatestVersion: 0, values: [{ value: value() }] });
    const search = (i: number, last?: number): Promise<Uint8Array> => {
      const label = labelOf(((i % SEARCHED) * 7919) % size);
      return log.post("/v1/search", encode(SearchRequest, { last, label, version: undefined }));
    };
    const costOf = async <T>(count: number, work: () => Promise<T>): Promise<T & { cpuEach: number }> => {
      const before = log.cpu();
      const load = await work();
      return { ...load, cpuEach: (log.cpu() - before) / count };
    };
    const unproven = await costOf(SEARCHED, () => closedLoop(SEARCHED, 32, (i) => search(i)));
    const first = await costOf(SEARCHES, () => closedLoop(SEARCHES, 32, (i) => search(i)));
    const at500 = await costOf(SEARCHES, () => openLoop(SEARCHES, RATE, (i) => search(i)));
    const treeHead = await log.post(
      "/v1/search",
      encode(SearchRequest, { last: undefined, label: labelOf(0), version: undefined }),
    );
    const last = new DataView(treeHead.buffer, treeHead.byteOffset).getBigUint64(1);
    const returning = await costOf(SEARCHES, () => closedLoop(SEARCHES, 32, (i) => search(i, Number(last))));
    // Second versions of labels across the whole tree, not searched before: an owner's usual update.
    const updates = await costOf(HTTP_UPDATES, () =>
      closedLoop(HTTP_UPDATES, AT_ONCE, (i) => log.post("/v1/update", update((i * 104_729 + 1) % size), writer)),
    );
    return { unproven, first, at500, returning, updates, memory: log.memory() };
  } finally {
    await log.stop();
  }
}

async function growth(): Promise<readonly Measurement[]> {
  const dataDir = FOLDER ?? (await mkdtemp(join(tmpdir(), "kt-log-growth-")));
  const measurements: Measurement[] = [];
  try {
    let { labels: from, versions: written } = loaded(dataDir);
    for (const size of SIZES) {
      const load = await preload(dataDir, from, size);
      written += size - from;
      from = size;
      const bytes = (await stat(join(dataDir, "log.sqlite"))).size / written;
      const bare = await bareCosts(dataDir);
      const over = await measureOver(dataDir, size);
      written += HTTP_UPDATES;
      const params = { labels: size, ...rounded(bare) };
      const add = (name: string, unit: string, figure: number, samples: number, more: object = {}): void => {
        measurements.push({
          name: `kt-log-growth/${name}`,
          unit,
          value: figure,
          samples,
          params: { ...params, ...rounded(more as Record<string, number>) },
        });
      };
      add("sequenced", "updates/s", load.perSecond, STRETCH, { cpuMs: load.cpuEach });
      add("preload", "updates/s", load.overall, size, { cacheHits: load.cacheHits });
      for (const [name, figures, samples] of [
        ["updates-http", over.updates, HTTP_UPDATES],
        ["search-unproven", over.unproven, SEARCHED],
        ["search-first", over.first, SEARCHES],
        ["search-returning", over.returning, SEARCHES],
        ["search-at-500", over.at500, SEARCHES],
      ] as const)
        add(name, "1/s", figures.perSecond, samples, {
          p50Ms: figures.p50,
          p99Ms: figures.p99,
          cpuMs: figures.cpuEach,
        });
      add("database", "bytes/update", bytes, written);
      add("memory", "MB", over.memory / 2 ** 20, 1);
      process.stderr.write(`${size} labels measured\n`);
    }
    return measurements;
  } finally {
    if (FOLDER === undefined) await rm(dataDir, { recursive: true });
  }
}

/** What an interrupted preload left; its last labels may have gaps between them and are written again. */
function loaded(dataDir: string): { labels: number; versions: number } {
  const file = join(dataDir, "log.sqlite");
  if (!existsSync(file)) return { labels: 0, versions: 0 };
  const db = new Database(file, { readonly: true });
  const rows = "select count(*) as versions, count(*) filter (where version = 0) as labels from label_versions";
  const { labels, versions } = db.prepare(rows).get() as { labels: number; versions: number };
  db.close();
  return { labels: Math.max(0, labels - 2 * AT_ONCE), versions };
}

const rounded = (figures: Readonly<Record<string, number>>): Record<string, number> =>
  Object.fromEntries(Object.entries(figures).map(([name, figure]) => [name, Number(figure.toPrecision(3))]));

export const benchmarks: readonly Benchmark[] = [{ name: "kt-log-growth", run: growth }];
