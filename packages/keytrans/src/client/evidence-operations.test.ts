import { encode } from "@mls-as/tls-codec";
import { describe, expect, it } from "vitest";
import { KeytransError } from "../errors.js";
import type { Evidence } from "../evidence.js";
import { decodeEvidence, encodeEvidence } from "../evidence-codec.js";
import { keyedHashSuite } from "../fixtures/keyed-hash-suite.js";
import { MemoryLog, text } from "../fixtures/memory-log.js";
import { createProver, type ProverStore } from "../prover/index.js";
import { Configuration, TreeHeadTBS } from "../structs/index.js";
import type { Prepared } from "./operation.js";
import { type ClientState, createClient, exchangeOf, forkEvidence, ladderEvidence, verifyEvidence } from "./index.js";

const START = 1_000_000;
const NOW = START + 10_000;
const label = text("label");

/** Every entry is distinguished; entry `i` is of `START + 100 i` and brings what `changes` says of the label. */
async function history(entries: number, changes: Record<number, string> = {}, window = 0n): Promise<MemoryLog> {
  const log = new MemoryLog({ suite: keyedHashSuite(), window, recent: 40 });
  for (let i = 0; i < entries; i++) await grow(log, i, changes[i]);
  return log;
}
const grow = (log: MemoryLog, i: number, value?: string, delay = 0): Promise<unknown> =>
  value === undefined
    ? log.append([], START + i * 100 + delay)
    : log.put(label, [text(value)], START + i * 100 + delay);
const clientOf = ({ suite, configuration }: MemoryLog) => createClient({ suite, configuration, recent: 40 });
const judged = (log: MemoryLog, evidence: Evidence) =>
  verifyEvidence(log.suite, decodeEvidence(encodeEvidence(evidence)));

type Client = ReturnType<typeof createClient>;
interface Asked {
  readonly prepare: (client: Client, state: ClientState) => Prepared<unknown>;
  readonly answer: (log: MemoryLog, request: Uint8Array) => Promise<Uint8Array>;
}

const OPERATIONS: Record<Evidence["operation"], Asked> = {
  search: {
    prepare: (client, state) => client.prepareSearch(state, { label }),
    answer: (log, request) => log.prover.search(request),
  },
  distinguished: {
    prepare: (client, state) => client.prepareDistinguished(state),
    answer: (log, request) => log.prover.distinguished(request),
  },
  contactMonitor: {
    prepare: (client, state) => client.prepareContactMonitor(state, { label }),
    answer: (log, request) => log.prover.contactMonitor(request),
  },
  ownerInit: {
    prepare: (client, state) => client.prepareOwnerInit(state, { label }),
    answer: (log, request) => log.prover.ownerInit(request),
  },
  ownerMonitor: {
    prepare: (client, state) => client.prepareOwnerMonitor(state, { label }),
    answer: (log, request) => log.prover.ownerMonitor(request),
  },
  update: {
    prepare: (client, state) => client.prepareUpdate(state, { label, values: [text("new")] }),
    answer: (log, request) => log.update(request, NOW - 1),
  },
};

describe("evidence out of an operation", () => {
  it.each(Object.entries(OPERATIONS) as [Evidence["operation"], Asked][])(
    "%s names it, and is judged by it",
    async (operation, { prepare, answer }) => {
      const log = new MemoryLog({
        suite: keyedHashSuite(),
        window: 0n,
        recent: 40,
        mode: "thirdPartyAuditing",
        maxAuditorLag: 500n,
      });
      for (let i = 0; i < 12; i++) await grow(log, i, i === 3 ? "0" : undefined);
      await log.audit();
      const client = clientOf(log);
      let state = client.initialState();
      for (const { prepare: first, answer: given } of [OPERATIONS.distinguished, OPERATIONS.ownerInit]) {
        const prepared = first(client, state);
        ({ state } = await prepared.verify(await given(log, prepared.request), NOW));
      }
      // An owner who also monitors the version: every operation has something to start from.
      const known = state.labels[0] as ClientState["labels"][0];
      state = { ...state, labels: [{ ...known, monitoring: [{ position: 3, version: 0 }] }] };
      for (let i = 12; i < 17; i++) await grow(log, i);
      const prepared = prepare(client, state);
      await grow(log, 17);
      const error: unknown = await prepared.verify(await answer(log, prepared.request), NOW).catch((e: unknown) => e);
      if (!(error instanceof KeytransError) || error.evidence === undefined) throw new Error(String(error));
      expect(error.evidence).toMatchObject({ kind: "lagging-auditor", operation });
      expect(await judged(log, error.evidence)).toMatchObject({ proven: false, deniable: true });
      // The request must be the one that this state makes: here, of another tree size.
      const { request } = error.evidence;
      const elsewhere = request.with(8, (request[8] as number) ^ 1);
      expect((await judged(log, { ...error.evidence, request: elsewhere })).deniable).toBe(false);
      for (const other of Object.keys(OPERATIONS) as Evidence["operation"][])
        if (other !== operation)
          expect((await judged(log, { ...error.evidence, operation: other })).deniable, other).toBe(false);
    },
  );

  it("a refusal that shows no misbehaviour carries none", async () => {
    const log = await history(6, { 3: "0" });
    const client = clientOf(log);
    const walk = client.prepareDistinguished(client.initialState());
    await expect(walk.verify(new Uint8Array(3), NOW)).rejects.toMatchObject({ code: "malformed", evidence: undefined });
  });
});

describe("evidence out of two exchanges", () => {
  const walked = async (log: MemoryLog) => {
    const walk = clientOf(log).prepareDistinguished(clientOf(log).initialState());
    return { request: walk.request, response: await log.prover.distinguished(walk.request), now: NOW };
  };

  it("proves a fork by two walks, and none where they agree", async () => {
    const log = await history(12);
    const fork = await history(9);
    for (let i = 9; i < 14; i++) await grow(fork, i, undefined, 50);
    const { setting } = clientOf(log);
    const evidence = (await forkEvidence(setting, await walked(log), await walked(fork))) as Evidence;
    expect(evidence).toMatchObject({ kind: "fork", operation: "distinguished" });
    expect(await judged(log, evidence)).toMatchObject({ proven: true });
    expect(await forkEvidence(setting, await walked(log), await walked(await history(14)))).toBeUndefined();
  });

  it("proves no fork and no wrong root by a walk that builds on the accuser's memory", async () => {
    const log = await history(12);
    const fork = await history(9);
    for (let i = 9; i < 14; i++) await grow(fork, i, undefined, 50);
    const client = clientOf(log);
    const first = client.prepareDistinguished(client.initialState());
    const { state } = await first.verify(await log.prover.distinguished(first.request), NOW);
    for (let i = 12; i < 16; i++) await grow(log, i);
    const second = client.prepareDistinguished(state);
    const response = await log.prover.distinguished(second.request);
    const later = exchangeOf(state, "distinguished", undefined, second.request, response, NOW);
    const other = await walked(fork);
    const start = exchangeOf(client.initialState(), "distinguished", undefined, other.request, other.response, NOW);
    const common = { configuration: encode(Configuration, log.configuration), recent: 40 };
    expect(await judged(log, { kind: "fork", ...common, ...later, other: start })).toMatchObject({ proven: false });
    expect(await judged(log, { kind: "fork", ...common, ...start, other: later })).toMatchObject({ proven: false });
    const root = new Uint8Array(32).fill(9);
    const treeSize = 16;
    const signature = await log.signer.sign(encode(TreeHeadTBS, { config: log.configuration, treeSize, root }));
    const stated = { treeHead: { treeSize, signature }, root };
    expect(await judged(log, { kind: "wrong-root", ...common, ...later, stated })).toMatchObject({ proven: false });
    const fresh = await walked(log);
    const whole = exchangeOf(client.initialState(), "distinguished", undefined, fresh.request, fresh.response, NOW);
    expect(await judged(log, { kind: "wrong-root", ...common, ...whole, stated })).toMatchObject({ proven: true });
  });

  const searched = async (log: MemoryLog) => {
    const client = clientOf(log);
    const prepared = client.prepareSearch(client.initialState(), { label });
    const response = await log.prover.search(prepared.request);
    return exchangeOf(client.initialState(), "search", label, prepared.request, response, NOW);
  };

  it("proves that a version is missing at the very entry that holds it, and no later one", async () => {
    // Nothing is distinguished, so that both searches look at the same few entries; the last one differs.
    const wide = 2n ** 50n;
    const one = await searched(await history(8, { 1: "0", 7: "1" }, wide));
    const log = await history(8, { 1: "0" }, wide);
    const two = await searched(log);
    const { setting } = clientOf(log);
    for (const [a, b] of [
      [one, two],
      [two, one],
    ] as const) {
      const evidence = (await ladderEvidence(setting, a, b)) as Evidence;
      expect(await judged(log, evidence)).toMatchObject({ proven: true });
    }
    expect(await ladderEvidence(setting, two, two)).toBeUndefined();
  });

  it("proves nothing by VRF outputs that stand in the accuser's memory alone", async () => {
    // Shown to be in entry 3; monitoring looks there again.
    const log = await history(4, { 1: "0" }, 2n ** 50n);
    const client = clientOf(log);
    const search = client.prepareSearch(client.initialState(), { label });
    const found = await log.prover.search(search.request);
    for (let i = 4; i < 8; i++) await grow(log, i);
    const honest = exchangeOf(client.initialState(), "search", label, search.request, found, NOW);
    const { state } = await search.verify(found, NOW);
    // What is looked up for version 0 is another key, which no entry holds: all else is the log's own.
    const output = new Uint8Array(32).fill(7);
    const { store } = log;
    const elsewhere = new Proxy<ProverStore>(store, {
      get: (target, name) =>
        name === "vrfProofs"
          ? (_: Uint8Array, versions: readonly number[]) => versions.map(() => undefined)
          : (Reflect.get(target, name) as () => unknown).bind(target),
    });
    const { suite, configuration } = log;
    const prover = createProver({
      suite,
      configuration,
      store: elsewhere,
      vrfPrivateKey: {
        publicKey: log.vrfPrivateKey.publicKey,
        prove: (input) => log.vrfPrivateKey.prove(input),
        output: () => output,
      },
    });
    const known = state.labels[0] as ClientState["labels"][0];
    const commitment = new Uint8Array(32).fill(8);
    const versions = new Map([...known.versions].map(([version, key]) => [version, { ...key, vrfOutput: output }]));
    versions.set(0, { vrfOutput: output, commitment });
    const lying: ClientState = {
      ...state,
      labels: [{ ...known, monitoring: [{ position: 1, version: 0 }], versions }],
    };
    const monitor = client.prepareContactMonitor(lying, { label });
    const response = await prover.contactMonitor(monitor.request);
    await expect(monitor.verify(response, NOW)).rejects.toMatchObject({ code: "inconsistent-ladder" });
    const exchange = exchangeOf(lying, "contactMonitor", label, monitor.request, response, NOW);
    const accusation = {
      kind: "inconsistent-ladder" as const,
      configuration: encode(Configuration, log.configuration),
      recent: 40,
    };
    expect(await judged(log, { ...accusation, ...exchange, other: honest })).toMatchObject({ proven: false });
    expect(await judged(log, { ...accusation, ...honest, other: exchange })).toMatchObject({ proven: false });
    expect(await ladderEvidence(client.setting, honest, exchange)).toBeUndefined();
  });
});
