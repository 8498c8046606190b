import { describe, expect, it } from "vitest";
import { keyedHashSuite } from "../fixtures/keyed-hash-suite.js";
import { MemoryLog, text } from "../fixtures/memory-log.js";
import { type ClientState, createClient, labelState, labelsToMonitor } from "./index.js";
import { withLabel } from "./state.js";

const START = 1_000_000;
const WINDOW = 1000;
const label = text("label");

async function walked(times: readonly number[], pageSize?: number) {
  const log = new MemoryLog({
    suite: keyedHashSuite(),
    window: BigInt(WINDOW),
    ...(pageSize === undefined ? {} : { pageSize }),
  });
  for (const time of times) await log.append([], START + time);
  const client = createClient(log);
  const now = START + (times.at(-1) as number);
  const walk = client.prepareDistinguished(client.initialState());
  const { state } = await walk.verify(await log.prover.distinguished(walk.request), now);
  return { log, client, state, now };
}

describe("an owner", () => {
  it("starts at the rightmost distinguished entry, also where its window is just filled", async () => {
    for (const [times, start] of [
      [[0, WINDOW, 2 * WINDOW], 2],
      [[0, WINDOW, 2 * WINDOW - 1], 1],
      [[0, 1, 2], 1],
    ] as const) {
      const { log, client, state, now } = await walked(times);
      const init = client.prepareOwnerInit(state, { label });
      expect((await init.verify(await log.prover.ownerInit(init.request), now)).result.start).toBe(start);
    }
  });

  it("keeps monitoring a version until the distinguished entry that covers it is verified", async () => {
    const { log, client, state: first, now: then } = await walked([0, 1], 1);
    const init = client.prepareOwnerInit(first, { label });
    let { state } = await init.verify(await log.prover.ownerInit(init.request), then);
    for (const time of [2, 3]) await log.append([], START + time);
    const update = client.prepareUpdate(state, { label, values: [text("0")] });
    ({ state } = await update.verify(await log.update(update.request, START + 4), START + 4));
    expect(labelState(state, label)?.monitoring).toEqual([{ position: 4, version: 0 }]);
    for (let i = 0; i < 6; i++) await log.append([], START + (i + 1) * WINDOW);
    const now = START + 6 * WINDOW;
    const waiting: number[] = [];
    for (let complete = false; !complete; ) {
      const monitor = client.prepareOwnerMonitor(state, { label });
      const { result, state: next } = await monitor.verify(await log.prover.ownerMonitor(monitor.request), now);
      expect(result.verified.length).toBeLessThanOrEqual(1);
      expect(result.start).toBe(result.verified.at(-1) ?? labelState(state, label)?.owner?.start);
      expect(result.entries).toEqual(labelState(next, label)?.monitoring);
      waiting.push(result.entries.length);
      ({ complete } = result);
      state = next;
      if (waiting.length > 20) throw new Error("it never ends");
    }
    // Entry 5 covers entry 4; until the owner's pages reach it the version stays in the map, and then never comes back.
    expect(waiting[0]).toBe(1);
    expect(waiting.at(-1)).toBe(0);
    expect(waiting).toEqual([...waiting].sort((a, b) => b - a));
  });

  it("answers which labels have something to monitor", async () => {
    const { log, client, now } = await walked([0, 1]);
    await log.put(label, [text("0")], START + 2);
    const search = client.prepareSearch(client.initialState(), { label });
    const { state } = await search.verify(await log.prover.search(search.request), now);
    const entries = [{ position: 2, version: 0 }];
    expect(labelsToMonitor(state)).toEqual([{ label, entries }]);
    const owned: ClientState = {
      ...state,
      labels: state.labels.map((known) => ({ ...known, monitoring: [] })),
    };
    expect(labelsToMonitor(owned)).toEqual([]);
    expect(labelsToMonitor({ ...state, labels: [...owned.labels, ...state.labels] })).toEqual([{ label, entries }]);
  });
});

describe("a contact", () => {
  it("is told what remains to be monitored", async () => {
    const log = new MemoryLog({ suite: keyedHashSuite(), window: 2n ** 50n });
    for (const time of [0, 1]) await log.append([], START + time);
    await log.put(label, [text("0")], START + 2);
    const client = createClient(log);
    const search = client.prepareSearch(client.initialState(), { label });
    const { state } = await search.verify(await log.prover.search(search.request), START + 2);
    await log.append([], START + 3);
    const monitor = client.prepareContactMonitor(state, { label });
    const { result, state: next } = await monitor.verify(await log.prover.contactMonitor(monitor.request), START + 3);
    expect(result).toEqual({ entries: [{ position: 3, version: 0 }] });
    expect(labelState(next, label)?.monitoring).toEqual(result.entries);
  });
});

describe("what is kept of labels", () => {
  const of = (name: string, change: object = {}) => ({
    label: text(name),
    monitoring: [{ position: 1, version: 0 }],
    owner: undefined,
    versions: new Map(),
    ...change,
  });

  it("is told apart where one label begins with another", () => {
    const state: ClientState = { view: undefined, distinguished: [], labels: [of("label"), of("labels")] };
    expect(labelState(state, text("labels"))?.label).toEqual(text("labels"));
    expect(labelState(state, text("label"))?.label).toEqual(text("label"));
    expect(labelState(state, text("lab"))).toBeUndefined();
    expect(labelState(state, text("labelz"))).toBeUndefined();
  });

  it("replaces one label and leaves the others, and drops what has nothing left", () => {
    const state: ClientState = { view: undefined, distinguished: [], labels: [of("a"), of("b")] };
    const names = ({ labels }: ClientState) => labels.map((known) => new TextDecoder().decode(known.label)).sort();
    expect(names(withLabel(state, of("a")))).toEqual(["a", "b"]);
    expect(names(withLabel(state, of("c")))).toEqual(["a", "b", "c"]);
    expect(names(withLabel(state, of("a", { monitoring: [] })))).toEqual(["b"]);
    expect(names(withLabel(state, of("a", { monitoring: [], owner: {} })))).toEqual(["a", "b"]);
  });
});
