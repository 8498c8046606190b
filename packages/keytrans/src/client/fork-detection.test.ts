import { encode } from "@mls-as/tls-codec";
import { describe, expect, it } from "vitest";
import { keyedHashSuite } from "../fixtures/keyed-hash-suite.js";
import { MemoryLog, text } from "../fixtures/memory-log.js";
import { searchBinaryLadder, MAX_VERSION } from "../binary-ladder.js";
import { DistinguishedHead } from "../structs/index.js";
import {
  compareDistinguishedHead,
  compareRoots,
  createClient,
  type ClientState,
  distinguishedHead,
  INITIAL_STATE,
} from "./index.js";
import { mergeDistinguished } from "./distinguished.js";
import type { KnownDistinguished, TreeView } from "./state.js";

const root = (name: string): Uint8Array => {
  const bytes = new Uint8Array(32);
  bytes.set(text(name));
  return bytes;
};
const roots = (names: string): Uint8Array[] => names.split("").map(root);

describe("comparing roots of distinguished heads", () => {
  it.each([
    ["abcd", "abcd"],
    ["abcd", "bcde"],
    ["bcde", "abcd"],
    ["abcd", "defg"],
    ["a", "a"],
  ])("%s and %s are of one log", (ours, theirs) => {
    expect(() => compareRoots(roots(ours), roots(theirs))).not.toThrow();
  });

  it.each([
    ["abcd", "efgh"],
    ["abcd", "abce"],
    ["abcd", "bcYX"],
    ["abcd", "cbdX"],
    ["", ""],
  ])("%s and %s are not", (ours, theirs) => {
    expect(() => compareRoots(roots(ours), roots(theirs))).toThrow(expect.objectContaining({ code: "fork" }));
  });

  it("needs lists of one length", () => {
    expect(() => compareRoots(roots("abc"), roots("ab"))).toThrow(
      expect.objectContaining({ code: "unexpected-count" }),
    );
  });

  it("takes a DistinguishedHead as it is sent", async () => {
    const log = new MemoryLog({ suite: keyedHashSuite(), window: 1000n });
    for (let i = 0; i < 5; i++) await log.append([], 1_000_000 + i * 1000);
    const client = createClient(log);
    const walk = client.prepareDistinguished(client.initialState());
    const { result, state } = await walk.verify(await log.prover.distinguished(walk.request), 1_005_000);
    expect(distinguishedHead(state)).toEqual(result.distinguishedHead);
    expect(() => compareDistinguishedHead(state, result.distinguishedHead)).not.toThrow();
    const heads = result.heads.map((head) => head.root);
    const forked = encode(DistinguishedHead, { heads: heads.with(0, root("other")) });
    expect(() => compareDistinguishedHead(state, forked)).toThrow(expect.objectContaining({ code: "fork" }));
    for (const malformed of [new Uint8Array(), result.distinguishedHead.subarray(1)])
      expect(() => compareDistinguishedHead(state, malformed)).toThrow(
        expect.objectContaining({ code: "malformed", path: expect.stringMatching(/^distinguishedHead/) }),
      );
  });
});

describe("what an honest user knows of distinguished entries", () => {
  const label = text("label");

  /** A user who has walked, looked away while the log grew, and owns a label from there. */
  async function returned() {
    const log = new MemoryLog({ suite: keyedHashSuite(), window: 200n });
    let time = 1_000_000;
    const grow = async (entries: number) => {
      for (let i = 0; i < entries; i++) await log.append([], (time += 300));
    };
    await grow(1);
    await log.put(label, [text("0")], (time += 300));
    await grow(12);
    const client = createClient(log);
    const walk = async (from: ClientState, stop?: number) => {
      const prepared = client.prepareDistinguished(from, { stop });
      return prepared.verify(await log.prover.distinguished(prepared.request), time);
    };
    const { state: walked } = await walk(client.initialState());
    await grow(3);
    const search = client.prepareSearch(walked, { label });
    const { state: searched } = await search.verify(await log.prover.search(search.request), time);
    const init = client.prepareOwnerInit(searched, { label });
    const { state: owning } = await init.verify(await log.prover.ownerInit(init.request), time);
    await grow(3);
    const monitor = client.prepareOwnerMonitor(owning, { label });
    const monitored = await monitor.verify(await log.prover.ownerMonitor(monitor.request), time);
    return { client, walk, walked, ...monitored, others: await walk(client.initialState()) };
  }

  it("has no gap after owner monitoring, so that it overlaps with what others know", async () => {
    const { walk, walked, state, result, others } = await returned();
    expect(result.verified.length).toBeGreaterThan(0);
    expect(state.distinguished).toEqual(walked.distinguished);
    expect(() => compareDistinguishedHead(state, others.result.distinguishedHead)).not.toThrow();
    const caughtUp = await walk(state, state.distinguished.at(-1)?.position);
    expect(caughtUp.state.distinguished).toEqual(others.state.distinguished);
    expect(caughtUp.result.distinguishedHead).toEqual(others.result.distinguishedHead);
  });

  it("learns nothing from a walk that stops right of it", async () => {
    const { walk, walked, others } = await returned();
    const stop = others.state.distinguished.at(-3)?.position as number;
    const { state, result } = await walk(walked, stop);
    expect(result.heads.map(({ position }) => position)).toEqual(
      others.state.distinguished.slice(-2).map(({ position }) => position),
    );
    expect(state.distinguished).toEqual(walked.distinguished);
    expect(result.distinguishedHead).toEqual(distinguishedHead(walked));
  });

  it("goes on from where owner monitoring goes on", async () => {
    const { client, walk, others, state } = await returned();
    const start = others.state.distinguished.at(-3)?.position as number;
    const partial = { ...state, distinguished: others.state.distinguished.slice(0, -2) };
    expect((await walk(partial, start)).state.distinguished).toEqual(others.state.distinguished);
    expect((await walk(client.initialState(), start)).state.distinguished).toEqual(
      others.state.distinguished.slice(-2),
    );
  });

  it("has no expired entries", async () => {
    const log = new MemoryLog({ suite: keyedHashSuite(), window: 200n, lifetime: 2_000n });
    const client = createClient(log);
    let state = client.initialState();
    for (let i = 0; i < 30; i++) {
      const time = 1_000_000 + i * 300;
      await log.append([], time);
      const stop = i % 3 === 0 ? undefined : state.distinguished.at(-1)?.position;
      const walk = client.prepareDistinguished(state, { stop });
      ({ state } = await walk.verify(await log.prover.distinguished(walk.request), time));
      const everything = client.prepareDistinguished(client.initialState());
      const fresh = await everything.verify(await log.prover.distinguished(everything.request), time);
      expect(state.distinguished).toEqual(fresh.state.distinguished);
    }
    expect(state.distinguished.length).toBeLessThanOrEqual(7);
  });
});

describe("at the edges", () => {
  it("a user without a view has no starting position to own a label from", () => {
    const client = createClient(new MemoryLog({ suite: keyedHashSuite() }));
    expect(() => client.prepareOwnerInit(INITIAL_STATE, { label: text("label") })).toThrow(
      expect.objectContaining({ code: "missing-state", path: "start" }),
    );
  });

  it("only owners monitor as owners and update, and only what was looked up is monitored", async () => {
    const log = new MemoryLog({ suite: keyedHashSuite(), window: 2n ** 50n });
    const label = text("label");
    await log.append([], 1_000_000);
    await log.put(label, [text("0")], 1_000_100);
    const client = createClient(log);
    const search = client.prepareSearch(INITIAL_STATE, { label });
    const { state } = await search.verify(await log.prover.search(search.request), 1_000_200);
    expect(state.labels[0]?.monitoring).not.toEqual([]);
    const missing = expect.objectContaining({ code: "missing-state", path: "label" });
    for (const from of [INITIAL_STATE, state]) {
      expect(() => client.prepareOwnerMonitor(from, { label })).toThrow(missing);
      expect(() => client.prepareUpdate(from, { label, values: [] })).toThrow(missing);
    }
    expect(() => client.prepareContactMonitor(INITIAL_STATE, { label })).toThrow(missing);
    expect(() => client.prepareContactMonitor(state, { label: text("other") })).toThrow(missing);
  });

  it("tells whoever watches each tree that was signed, before the answer is used", async () => {
    const log = new MemoryLog({ suite: keyedHashSuite() });
    await log.append([], 1_000_000);
    const seen: number[] = [];
    const { suite, configuration } = log;
    const client = createClient({ suite, configuration, observed: ({ size }) => void seen.push(size) });
    const walk = client.prepareDistinguished(INITIAL_STATE);
    const response = await log.prover.distinguished(walk.request);
    await walk.verify(response, 1_000_100);
    const changed = response.with(20, (response[20] as number) ^ 1);
    await expect(walk.verify(changed, 1_000_100)).rejects.toThrow();
    expect(seen).toEqual([1]);
  });

  it("a ladder for the greatest version there can be takes what lies beyond as not there", () => {
    const ladder = searchBinaryLadder(MAX_VERSION, MAX_VERSION);
    expect(ladder).toHaveLength(33);
    expect(ladder.at(-1)).toBe(MAX_VERSION);
    expect(searchBinaryLadder(MAX_VERSION, MAX_VERSION, { outcome: () => true })).toEqual([]);
    expect(searchBinaryLadder(MAX_VERSION, MAX_VERSION - 1).at(-1)).toBe(MAX_VERSION);
  });
});

describe("distinguished entries known before and learned now", () => {
  const known = (...positions: number[]): KnownDistinguished[] =>
    positions.map((position) => ({
      position,
      timestamp: 1_000_000 + position,
      prefixRoot: root("prefix"),
      heads: [],
      root: root(`${position}`),
      frontier: [],
    }));

  async function merging(lifetime?: bigint) {
    const log = new MemoryLog({
      suite: keyedHashSuite(),
      window: 10n,
      ...(lifetime === undefined ? {} : { lifetime }),
    });
    await log.append([], 1_000_000);
    const client = createClient({ suite: log.suite, configuration: log.configuration, recent: 3 });
    const walk = client.prepareDistinguished(client.initialState());
    const { state } = await walk.verify(await log.prover.distinguished(walk.request), 1_000_000);
    const view = { ...(state.view as TreeView), frontier: known(20) };
    return (before: number[], heads: number[], after: number | undefined) =>
      mergeDistinguished(client.setting, known(...before), { heads: known(...heads), after, view }).map(
        ({ position }) => position,
      );
  }

  it.each<[string, number[], number[], number | undefined, number[]]>([
    ["all of them are the recent ones, and replace what was known", [1, 2], [5, 6, 7, 8], undefined, [6, 7, 8]],
    [
      "all of them, one of which was known and has moved out of the recent ones",
      [5],
      [5, 6, 7, 8],
      undefined,
      [6, 7, 8],
    ],
    ["none of what was known is among them", [1, 9], [6, 7], undefined, [6, 7]],
    ["none was known: the recent ones learned", [], [5, 6, 7, 8], 4, [6, 7, 8]],
    ["an overlap is kept once", [1, 2, 4], [4, 6], 2, [2, 4, 6]],
    ["what begins right after the newest joins on", [1, 2], [4, 6], 2, [2, 4, 6]],
    ["what begins right of it would leave a gap", [1, 2], [6, 8], 4, [1, 2]],
    ["nothing new", [1, 2], [], 2, [1, 2]],
  ])("%s", async (_, before, heads, after, expected) => {
    expect((await merging())(before, heads, after)).toEqual(expected);
  });

  it("are forgotten when they expire", async () => {
    expect((await merging(15n))([2, 6], [8], 6)).toEqual([6, 8]);
  });
});
