import { createHash, hash as oneShot } from "node:crypto";
import { createClient } from "@mls-as/keytrans/client";
import { KT_128_SHA256_Ed25519, KT_128_SHA256_P256, nobleSuite, type Suite, vrfInput } from "@mls-as/keytrans";
import { nodeSha256, nodeSuite, nodeVrfProvider } from "@mls-as/keytrans/node";
import { sha256 } from "@noble/hashes/sha2.js";
import { type BenchLog, label, openLog } from "./keytrans-log.js";
import { inChromium } from "./keytrans-browser.js";
import type { Benchmark, Measurement } from "./main.js";

const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1] as number;
/** Largest log measured; MLS_AS_LONG=1 for a million labels (some minutes, 4 GiB). */
const LARGEST = process.env.MLS_AS_LONG === "1" ? 1_000_000 : 100_000;

/** Median milliseconds of one call, over `samples` runs of `count` calls that take turns with each other's. */
async function inTurns(samples: number, count: number, ...runs: (() => unknown)[]): Promise<number[]> {
  const times = runs.map((): number[] => []);
  for (let sample = -1; sample < samples; sample++)
    for (const [index, run] of runs.entries()) {
      const started = performance.now();
      for (let i = 0; i < count; i++) await run();
      if (sample >= 0) times[index]?.push((performance.now() - started) / count); // the first round warms up
    }
  return times.map(median);
}

/** SHA-256 of a 65-byte tree node by every way there is in one call, in the same run. */
async function hashes(): Promise<Measurement[]> {
  const node = new Uint8Array(65).fill(7);
  const ways: [string, () => unknown][] = [
    ["crypto.hash, binary string", () => nodeSha256(node)],
    ["crypto.hash, Buffer", () => oneShot("sha256", node, "buffer")],
    ["createHash", () => createHash("sha256").update(node).digest()],
    ["noble", () => sha256(node)],
    ["subtle.digest", () => crypto.subtle.digest("SHA-256", node)],
  ];
  const measurements: Measurement[] = [];
  for (const [way, run] of ways) {
    const count = way === "subtle.digest" ? 2000 : 50_000;
    const rates: number[] = [];
    for (let sample = -1; sample < 7; sample++) {
      const started = performance.now();
      if (way === "subtle.digest") for (let i = 0; i < count; i++) await run();
      else for (let i = 0; i < count; i++) run();
      if (sample >= 0) rates.push(count / (performance.now() - started) / 1000);
    }
    measurements.push({
      name: "keytrans.sha256",
      unit: "million/s",
      value: median(rates),
      samples: 7,
      params: { way, bytes: 65 },
    });
  }
  return measurements;
}

async function providers(): Promise<[string, Suite][]> {
  return [
    [`Ed25519, ${await nodeVrfProvider()}`, await nodeSuite(KT_128_SHA256_Ed25519)],
    ["Ed25519, noble", nobleSuite(KT_128_SHA256_Ed25519)],
    ["P-256, noble", nobleSuite(KT_128_SHA256_P256)],
  ];
}

async function vrf(): Promise<Measurement[]> {
  const measurements: Measurement[] = [];
  for (const [provider, suite] of await providers()) {
    const key = suite.importVrfPrivateKey(new Uint8Array(32).fill(9));
    const publicKey = suite.importVrfPublicKey(key.publicKey);
    const proofs = Array.from({ length: 16 }, (_, version) => key.prove(vrfInput(label(1), version)).proof);
    let [proven, verified] = [0, 0];
    const [prove, verify] = (await inTurns(
      7,
      16,
      () => key.prove(vrfInput(label(1), proven++ % 16)),
      () => publicKey.verify(vrfInput(label(1), verified % 16), proofs[verified++ % 16] as Uint8Array),
    )) as [number, number];
    for (const [operation, value] of [
      ["prove", prove],
      ["verify", verify],
    ] as const)
      measurements.push({ name: `keytrans.vrf.${operation}`, unit: "ms", value, samples: 7, params: { provider } });
  }
  return measurements;
}

/** A client's first search of a label at version 3, against its six VRF verifications alone. */
async function firstSearch(): Promise<Measurement[]> {
  const log = await openLog(false);
  await log.append([]);
  for (let version = -1; version < 3; version++) await log.append([label(0)], version < 0 ? undefined : version);
  const response = await log.search(label(0));
  const versions = [0, 1, 3, 7, 5, 4];
  const key = log.suite.importVrfPrivateKey(new Uint8Array(32).fill(1));
  const proofs = versions.map((version) => key.prove(vrfInput(label(0), version)).proof);
  const measurements: Measurement[] = [];
  for (const [provider, suite] of (await providers()).slice(0, 2)) {
    const client = createClient({ suite, configuration: log.configuration });
    const publicKey = suite.importVrfPublicKey(log.configuration.vrfPublicKey);
    const [whole, bare] = (await inTurns(
      11,
      5,
      () => client.prepareSearch(client.initialState(), { label: label(0) }).verify(response, log.now),
      () => versions.map((version, i) => publicKey.verify(vrfInput(label(0), version), proofs[i] as Uint8Array)),
    )) as [number, number];
    const params = { provider, version: 3, proofs: 6 };
    measurements.push(
      { name: "keytrans.client.first-search", unit: "ms", value: whole, samples: 11, params },
      { name: "keytrans.client.first-search.ratio", unit: "x bare VRF", value: whole / bare, samples: 11, params },
    );
  }
  return measurements;
}

/** How many successive sizes of a log a response is averaged over: it depends on the bits of the size. */
const LOG_SIZES = 16;

/** Mean bytes of a greatest-version search, for a client without a view, one that saw the log a day ago, and just now. */
async function responseSizes(log: BenchLog, labels: number): Promise<Record<string, number>> {
  const sums = { first: 0, "returning after a day": 0, "returning at once": 0 };
  for (let i = 0; i < LOG_SIZES; i++) {
    await log.append([]);
    const { treeSize } = log.store.head() as { treeSize: number };
    const target = label((labels >> 1) + i);
    sums.first += (await log.search(target)).length;
    sums["returning after a day"] += (await log.search(target, Math.max(1, treeSize - 144))).length;
    sums["returning at once"] += (await log.search(target, treeSize)).length;
  }
  return Object.fromEntries(Object.entries(sums).map(([client, sum]) => [client, Math.round(sum / LOG_SIZES)]));
}

/** Growth, searches and response sizes from 1,000 labels on, times ten. */
async function scale(): Promise<Measurement[]> {
  const log = await openLog(true);
  await log.append([]);
  const measurements: Measurement[] = [];
  for (let labels = 1000, filled = 0; labels <= LARGEST; filled = labels, labels *= 10) {
    const took = await log.fill(filled, labels);
    const params = { labels };
    measurements.push({
      name: "keytrans.sequence",
      unit: "labels/s",
      value: ((labels - filled) / took) * 1000,
      samples: 1,
      params: { ...params, batch: 1000 },
    });
    const sizes = await responseSizes(log, labels);
    const size = { name: "keytrans.search.response", unit: "bytes", samples: LOG_SIZES };
    for (const [client, value] of Object.entries(sizes))
      measurements.push(
        { ...size, value, params: { ...params, client } },
        { ...size, unit: "bytes/log2(labels)", value: value / Math.log2(labels), params: { ...params, client } },
      );
    let next = 0;
    const names = Array.from({ length: 500 }, (_, i) => label((i * 7919) % labels));
    for (const name of names) await log.search(name); // fills the cache of VRF proofs
    const before = process.cpuUsage();
    const [search] = (await inTurns(5, 500, () => log.search(names[next++ % names.length] as Uint8Array))) as [number];
    const used = process.cpuUsage(before);
    const name = "keytrans.prover.search";
    measurements.push(
      { name, unit: "responses/s", value: 1000 / search, samples: 5, params },
      // Of all threads, collection of garbage included: also on a busy machine what one core would do.
      { name, unit: "responses/CPU s", value: (6 * 500 * 1e6) / (used.user + used.system), samples: 1, params },
    );
    measurements.push({
      name: "keytrans.memory",
      unit: "MiB",
      value: process.memoryUsage().rss / 2 ** 20,
      samples: 1,
      params,
    });
  }
  return measurements;
}

export const benchmarks: readonly Benchmark[] = [
  { name: "keytrans.sha256", run: hashes },
  { name: "keytrans.vrf", run: vrf },
  { name: "keytrans.client", run: firstSearch },
  { name: "keytrans.chromium", run: inChromium },
  { name: "keytrans.scale", run: scale },
];
