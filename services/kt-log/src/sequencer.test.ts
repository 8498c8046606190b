import { randomBytes } from "node:crypto";
import { Configuration, type Suite } from "@mls-as/keytrans";
import { nodeSuite } from "@mls-as/keytrans/node";
import { type LabelChange, type LogEntryWrites } from "@mls-as/keytrans/prover";
import { encode } from "@mls-as/tls-codec";
import { afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { fsck } from "./fsck/fsck.js";
import { Sequencer, SEQUENCER_DEFAULTS, type SequencerOptions } from "./sequencer.js";
import { SqliteLogStore } from "./storage/sqlite.js";
import type { LogStore } from "./storage/store.js";

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));

let suite: Suite;
let store: LogStore;
let now: number;
let failures: unknown[];
let sequencer: Sequencer | undefined;

beforeAll(async () => {
  suite = await nodeSuite(2);
});

async function start(options: Partial<SequencerOptions> = {}): Promise<Sequencer> {
  const signer = suite.importSigner(suite.generatePrivateKey(random));
  const vrfPrivateKey = suite.importVrfPrivateKey(suite.generatePrivateKey(random));
  const configuration: Configuration = {
    ciphersuite: 2,
    mode: "contactMonitoring",
    signaturePublicKey: signer.publicKey,
    vrfPublicKey: vrfPrivateKey.publicKey,
    maxAhead: 60_000n,
    maxBehind: 60_000n,
    reasonableMonitoringWindow: 1000n,
    maximumLifetime: undefined,
  };
  await store.initialise(new Map([["configuration", encode(Configuration, configuration)]]));
  sequencer = new Sequencer({
    context: { suite, configuration, vrfPrivateKey, signer, random },
    store,
    setting: { ...SEQUENCER_DEFAULTS, batchMilliseconds: 1 },
    clock: () => now,
    onFailure: (error) => failures.push(error),
    ...options,
  });
  await sequencer.start();
  return sequencer;
}

beforeEach(() => {
  store = new SqliteLogStore(":memory:");
  now = 1_000_000;
  failures = [];
});
afterEach(async () => {
  await sequencer?.stop();
  sequencer = undefined;
  await store.close();
});

const change = (label: string, count = 1, greatestVersion?: number): LabelChange => ({
  label: utf8(label),
  greatestVersion,
  values: Array.from({ length: count }, (_, i) => ({ value: utf8(`${label} ${i}`) })),
});

test("more than 255 versions are split over log entries, each of at most 255", async () => {
  const running = await start();
  const outcomes = await Promise.all(Array.from({ length: 7 }, (_, i) => running.submit(change(`label ${i}`, 100))));
  expect(outcomes).toEqual(Array.from({ length: 7 }, () => "inserted"));
  const rows = await store.labelVersions(0, 1000);
  const counts = new Map<number, number>();
  for (const { position } of rows) counts.set(position, (counts.get(position) ?? 0) + 1);
  expect([...counts.values()]).toEqual([200, 200, 200, 100]);
  expect((await fsck(store)).findings).toEqual([]);
});

test("two changes of one label never share an entry: the second is told to look again", async () => {
  const running = await start();
  const outcomes = await Promise.all([running.submit(change("a")), running.submit(change("a"))]);
  expect(outcomes.sort()).toEqual(["inserted", "stale-version"]);
});

test("a full queue refuses at once, with the time to come back; what waits is still committed", async () => {
  const running = await start({ setting: { ...SEQUENCER_DEFAULTS, queueLimit: 3, batchMilliseconds: 20 } });
  const waiting = ["a", "b", "c"].map((label) => running.submit(change(label)));
  expect(() => running.submit(change("d"))).toThrow(expect.objectContaining({ code: "overloaded", retryAfter: 1 }));
  expect(await Promise.all(waiting)).toEqual(["inserted", "inserted", "inserted"]);
});

test("heartbeats come when the log is idle, and only from the one that leads", async () => {
  let leading = true;
  const setting = { ...SEQUENCER_DEFAULTS, heartbeatMilliseconds: 80 };
  await start({ setting, leading: () => leading });
  const grown = async (size: number): Promise<void> => {
    const deadline = Date.now() + 5000;
    while (((await store.head())?.treeSize ?? 0) < size && Date.now() < deadline)
      await new Promise((resolve) => setTimeout(resolve, 10));
  };
  now += 81;
  await grown(2);
  expect(await store.head()).toMatchObject({ treeSize: 2, timestamp: now });
  leading = false;
  now += 1000;
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect((await store.head())?.treeSize).toBe(2);
});

test.each([
  ["back an hour", -3_600_000],
  ["forward a day", 86_400_000],
])("a clock that steps %s never moves a timestamp back", async (_name, step) => {
  const running = await start();
  await running.submit(change("a"));
  now += step;
  await running.submit(change("b"));
  now -= step;
  await running.submit(change("c"));
  const times = (await store.entries([0, 1, 2, 3])).map(({ timestamp }) => timestamp);
  expect(times).toEqual([...times].sort((a, b) => a - b));
});

test("a store that cannot write answers so, writes nothing, and goes on when it can again", async () => {
  const running = await start();
  const append = store.append.bind(store);
  store.append = (_writes: LogEntryWrites) => Promise.reject(new Error("SQLITE_FULL: database or disk is full"));
  await expect(running.submit(change("a"))).rejects.toMatchObject({ code: "storage-unavailable" });
  expect(failures).toHaveLength(1);
  store.append = append;
  expect(await running.submit(change("a"))).toBe("inserted");
  expect((await store.head())?.treeSize).toBe(2);
});

test("stopping commits what waits and refuses what comes later", async () => {
  const running = await start({ setting: { ...SEQUENCER_DEFAULTS, batchMilliseconds: 5000 } });
  const waiting = running.submit(change("a"));
  await running.stop();
  expect(await waiting).toBe("inserted");
  expect(() => running.submit(change("b"))).toThrow(expect.objectContaining({ code: "shutting-down" }));
});

test("a clock stepped back an hour and forward a day moves no timestamp back and stops no entry", async () => {
  const running = await start();
  const hour = 3_600_000;
  const steps = [0, -hour, 1000, 24 * hour, -24 * hour, 1000, 25 * hour];
  for (const [i, step] of steps.entries()) {
    now += step;
    expect(await running.submit(change(`label ${i}`))).toBe("inserted");
  }
  const timestamps = (await store.entriesFrom(0, 100)).map(({ timestamp }) => timestamp);
  expect(timestamps).toEqual([...timestamps].sort((a, b) => a - b));
  expect(timestamps.length).toBe(1 + steps.length);
  expect(timestamps.at(-1)).toBe(now);
  expect(failures).toEqual([]);
  expect((await fsck(store)).findings).toEqual([]);
});
