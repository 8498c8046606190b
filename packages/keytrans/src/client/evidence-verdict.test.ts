import { decode, encode } from "@mls-as/tls-codec";
import { describe, expect, it } from "vitest";
import { KeytransError } from "../errors.js";
import type { Evidence, EvidenceOperation } from "../evidence.js";
import { decodeEvidence, encodeEvidence } from "../evidence-codec.js";
import { keyedHashSuite } from "../fixtures/keyed-hash-suite.js";
import { MemoryLog, type MemoryLogOptions, text } from "../fixtures/memory-log.js";
import { createAuditor } from "../auditor/index.js";
import { greatestVersionSearch, Inspection, updateView } from "../algorithms/index.js";
import { LabelVrf } from "../prover/label-vrf.js";
import { RecordedProof } from "../prover/recorded-proof.js";
import { rootValue } from "../log-tree/hashing.js";
import { evaluatePrefixProof, type SearchedKey } from "../prefix-tree/evaluate.js";
import { Configuration, type PrefixProof, TreeHeadTBS, wireFormat } from "../structs/index.js";
import { KT_128_SHA256_Ed25519 } from "../suite/index.js";
import { nobleSuite } from "../suite/noble.js";
import type { Prepared } from "./operation.js";
import type { ClientState } from "./state.js";
import { createClient, exchangeOf, ladderEvidence, verifyEvidence, type Walk, wrongRootEvidence } from "./index.js";

const START = 1_000_000;
const label = text("label");
const NOW = START + 10_000;

/** A log of `entries` in which `changes` says what an entry brings for the label. */
async function history(
  entries: number,
  changes: Record<number, string[]>,
  options: Partial<MemoryLogOptions> = {},
): Promise<MemoryLog> {
  const log = new MemoryLog({ suite: keyedHashSuite(), window: 1000n, ...options });
  for (let i = log.size; i < entries; i++) await grow(log, i, changes[i]);
  return log;
}
const grow = (log: MemoryLog, i: number, values?: string[]): Promise<unknown> =>
  values === undefined ? log.append([], START + i * 100) : log.put(label, values.map(text), START + i * 100);

/** What a third party says who has nothing but the bytes: they go through the codec first. */
const judged = (log: MemoryLog, evidence: Evidence) =>
  verifyEvidence(log.suite, decodeEvidence(encodeEvidence(evidence)));

async function accused(run: Promise<unknown>): Promise<{ error: KeytransError; evidence: Evidence }> {
  const error = await run.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof KeytransError) || error.evidence === undefined)
    throw new Error(`no evidence: ${String(error)}`);
  return { error, evidence: error.evidence };
}

const searched = async (log: MemoryLog, state: ClientState, version?: number) => {
  const prepared = createClient(log).prepareSearch(state, { label, version });
  const response = await log.prover.search(prepared.request);
  return { prepared, response, exchange: exchangeOf(state, "search", label, prepared.request, response, NOW) };
};

describe("evidence of a fork within one response", () => {
  it("is proven where a response recomputes a retained subtree differently, from the signatures alone", async () => {
    const options = { window: 0n, recent: 40 };
    const shown = await history(12, {}, options);
    const client = createClient({ suite: shown.suite, configuration: shown.configuration, recent: 40 });
    const first = client.prepareDistinguished(client.initialState());
    const { state } = await first.verify(await shown.prover.distinguished(first.request), NOW);
    // The fork has another time at entry 9, inside the subtree 8-11 of which the user retained the head.
    const fork = await history(9, {}, options);
    await fork.append([], START + 950);
    for (let i = 10; i < 30; i++) await grow(fork, i);
    const second = client.prepareDistinguished(state);
    const response = await fork.prover.distinguished(second.request);
    const { error, evidence } = await accused(second.verify(response, NOW));
    expect(error.code).toBe("retained-subtree-mismatch");
    expect(evidence.kind).toBe("fork");
    expect(await judged(shown, evidence)).toEqual({ proven: true, deniable: false, reason: "" });
    await everyChangeIsUnproven(shown, evidence);
    // Heads that the log never signed are the accuser's own.
    const view = state.view as NonNullable<ClientState["view"]>;
    const heads = view.heads.map((head, i) => (i === 1 ? new Uint8Array(32) : head));
    const invented = exchangeOf(
      { ...state, view: { ...view, heads } },
      "distinguished",
      undefined,
      second.request,
      response,
      NOW,
    );
    expect(await judged(shown, { ...evidence, ...invented })).toMatchObject({ proven: false, deniable: false });
    const honest = exchangeOf(
      client.initialState(),
      "distinguished",
      undefined,
      first.request,
      await fork.prover.distinguished(first.request),
      NOW,
    );
    expect(await judged(shown, { ...evidence, ...honest })).toMatchObject({ proven: false, deniable: false });
  });
});

/** Flips bits all over the evidence: none of it may still convince, unless the bytes are not part of what is signed. */
async function everyChangeIsUnproven(log: MemoryLog, evidence: Evidence): Promise<void> {
  for (const [name, bytes] of [
    ["configuration", evidence.configuration],
    ["response", evidence.responses[0] as Uint8Array],
  ] as const)
    for (let offset = 0; offset < bytes.length; offset += 5) {
      const changed = bytes.with(offset, (bytes[offset] as number) ^ 1);
      const other =
        name === "response" ? { ...evidence, responses: [changed] } : { ...evidence, configuration: changed };
      expect((await verifyEvidence(log.suite, other)).proven, `${name}, byte ${offset}`).toBe(false);
    }
}

describe("evidence of a version that went missing", () => {
  const before = { 3: ["0", "1", "2", "3"] };

  it("is proven by two signed trees, of which the older has the version and the newer has not", async () => {
    const honest = await history(9, { 3: ["0", "1"], 6: ["2", "3"] });
    // The same log, rewritten: the versions of entry 6 were never there.
    const rewritten = await history(12, { 3: ["0", "1"] });
    const { setting, initialState } = createClient(honest);
    const one = await searched(honest, initialState());
    const two = await searched(rewritten, initialState());
    const evidence = await ladderEvidence(setting, one.exchange, two.exchange);
    if (evidence === undefined) throw new Error("no evidence");
    expect(evidence.kind).toBe("inconsistent-ladder");
    expect(await judged(honest, evidence)).toMatchObject({ proven: true });
    expect((await judged(honest, { ...evidence, ...two.exchange, other: one.exchange })).proven).toBe(true);
    await everyChangeIsUnproven(honest, evidence);
  });

  it("is not proven by an honest log, in whatever order its responses are presented", async () => {
    const log = await history(5, { 3: ["0", "1"] });
    const client = createClient(log);
    const exchanges = [(await searched(log, client.initialState())).exchange];
    for (let i = 5; i < 30; i++) {
      await grow(log, i, i % 6 === 0 ? [`${i}`] : undefined);
      if (i % 4 === 0)
        exchanges.push((await searched(log, client.initialState(), i % 8 === 0 ? 1 : undefined)).exchange);
    }
    for (const one of exchanges)
      for (const other of exchanges) expect(await ladderEvidence(client.setting, one, other)).toBeUndefined();
  });

  it("does not take an accuser's memory of a label for the log's word", async () => {
    const log = await history(14, before);
    const client = createClient(log);
    const search = await searched(log, client.initialState());
    const { state } = await search.prepared.verify(search.response, NOW);
    expect(state.labels).toEqual([]);
    // The accuser claims to monitor version 7, with a VRF output of its own making.
    const versions = new Map(
      [0, 1, 3, 7].map((version) => [
        version,
        { vrfOutput: new Uint8Array(32).fill(version), commitment: new Uint8Array(32) },
      ]),
    );
    const lying: ClientState = {
      ...state,
      labels: [{ label, monitoring: [{ position: 13, version: 7 }], owner: undefined, versions }],
    };
    for (let i = 14; i < 16; i++) await grow(log, i);
    const monitor = client.prepareContactMonitor(lying, { label });
    await expect(log.prover.contactMonitor(monitor.request)).rejects.toMatchObject({ code: "invalid-entries" });
  });

  it("calls a claim that the tree contradicts deniable: it is signed by nobody, and could be the accuser's", async () => {
    const log = await history(9, { 3: ["0"] });
    const client = createClient(log);
    const search = client.prepareSearch(client.initialState(), { label });
    const { error, evidence } = await accused(search.verify(await inventedVersion(log), NOW));
    expect(error.code).toBe("inconsistent-ladder");
    expect(await judged(log, evidence)).toMatchObject({ proven: false, deniable: true });
  });

  it("needs one label and the right kind", async () => {
    const honest = await history(9, { 3: ["0", "1"], 6: ["2", "3"] });
    const rewritten = await history(12, { 3: ["0", "1"] });
    const { initialState } = createClient(honest);
    const [one, two] = [await searched(honest, initialState()), await searched(rewritten, initialState())];
    const client = createClient(honest);
    const walk = client.prepareDistinguished(initialState());
    const response = await rewritten.prover.distinguished(walk.request);
    const walked = exchangeOf(initialState(), "distinguished", undefined, walk.request, response, NOW);
    expect(await ladderEvidence(client.setting, one.exchange, walked)).toBeUndefined();
    expect(await ladderEvidence(client.setting, one.exchange, one.exchange)).toBeUndefined();
    const evidence = (await ladderEvidence(client.setting, one.exchange, two.exchange)) as Evidence;
    for (const kind of ["non-monotonic-timestamps", "lagging-auditor", "wrong-root"] as const)
      expect(await judged(honest, { ...evidence, kind })).toMatchObject({ proven: false, deniable: false });
    // Two searches without an earlier view are also two trees: they differ at a size that both reach.
    expect(await judged(honest, { ...evidence, kind: "fork" })).toMatchObject({ proven: true });
  });
});

/** A search response made of the log's own bytes, but for a version 1 that the tree does not hold. */
async function inventedVersion(log: MemoryLog): Promise<Uint8Array> {
  const vrf = new LabelVrf(log.store, log.vrfPrivateKey, label);
  const recorded = new RecordedProof(log.store, { label, vrf });
  const view = { inspection: new Inspection(recorded, [], () => {}), size: log.size, configuration: log.configuration };
  await updateView(view, undefined);
  await greatestVersionSearch(view, 1);
  const { treeSize, signature } = log.store.head() as NonNullable<ReturnType<typeof log.store.head>>;
  const proofs = await vrf.proofs([0, 1, 3, 2]);
  const zero = log.store.versions(label, [0])[0]?.commitment;
  return encode(wireFormat(log.suite, log.configuration).GreatestSearchResponse, {
    fullTreeHead: { headType: "updated", treeHead: { treeSize, signature } },
    version: 1,
    opening: new Uint8Array(16),
    value: { value: text("invented"), suffix: {} },
    binaryLadder: proofs.map(({ proof }, i) => ({ proof, commitment: i === 0 ? zero : undefined })),
    search: await recorded.proof(view.inspection, { size: log.size }),
  });
}

describe("evidence of a lagging auditor", () => {
  it("is attached, and judged deniable: who paired the heads is signed by nobody", async () => {
    const log = await history(40, { 3: ["0"] }, { mode: "thirdPartyAuditing", maxAuditorLag: 1000n });
    const auditor = createAuditor(log);
    let state = auditor.initialState();
    const heads: Uint8Array[] = [];
    for (const update of log.store.auditorUpdates) {
      state = auditor.process(state, update).state;
      heads.push(await auditor.sign(state, log.auditor));
    }
    const client = createClient(log);
    const attempt = async (size: number): Promise<[Prepared<unknown>, Uint8Array]> => {
      log.store.setAuditorTreeHead(heads[size - 1] as Uint8Array);
      const prepared = client.prepareSearch(client.initialState(), { label });
      return [prepared, await log.prover.search(prepared.request)];
    };
    const [kept, response] = await attempt(30);
    await expect(kept.verify(response, NOW)).resolves.toBeDefined();
    const [late, lagging] = await attempt(29);
    const { error, evidence } = await accused(late.verify(lagging, NOW));
    expect(error.code).toBe("invalid-auditor-tree-head");
    expect(evidence.kind).toBe("lagging-auditor");
    expect(await judged(log, evidence)).toMatchObject({ proven: false, deniable: true });
    expect(await judged(log, { ...evidence, responses: [response] })).toMatchObject({ proven: false, deniable: false });
    for (let offset = 0; offset < lagging.length; offset += 3) {
      const changed = lagging.with(offset, (lagging[offset] as number) ^ 1);
      expect(await judged(log, { ...evidence, responses: [changed] })).toMatchObject({
        proven: false,
        deniable: false,
      });
    }
  });
});

describe("evidence of a wrong root under a good signature", () => {
  it("is proven against the log's own walk, and not where root, size or signature are made up", async () => {
    const log = await history(20, { 3: ["0"] });
    const client = createClient(log);
    const prepared = client.prepareDistinguished(client.initialState());
    const walk: Walk = {
      request: prepared.request,
      response: await log.prover.distinguished(prepared.request),
      now: NOW,
    };
    const root = new Uint8Array(32).fill(9);
    const signed = async (treeSize: number, over: Uint8Array) => ({
      treeHead: {
        treeSize,
        signature: await log.signer.sign(encode(TreeHeadTBS, { config: log.configuration, treeSize, root: over })),
      },
      root: over,
    });
    for (const size of [16, 20]) {
      const evidence = await wrongRootEvidence(client.setting, await signed(size, root), walk);
      if (evidence === undefined) throw new Error("no evidence");
      expect(await judged(log, evidence)).toEqual({ proven: true, deniable: false, reason: "" });
      const { stated } = evidence;
      if (stated === undefined) throw new Error("no root is stated");
      const { signature } = stated.treeHead;
      for (const other of [
        undefined,
        { ...stated, root: new Uint8Array(32) },
        { ...stated, treeHead: { treeSize: size, signature: signature.with(3, (signature[3] as number) ^ 1) } },
        { ...stated, treeHead: { treeSize: size - 1, signature } },
      ])
        expect(await judged(log, { ...evidence, stated: other })).toMatchObject({ proven: false, deniable: false });
      expect(await judged(log, { ...evidence, kind: "fork" })).toMatchObject({ proven: false });
    }
    // The right root, and a size that the walk does not reach.
    const right = log.store.head()?.root as Uint8Array;
    expect(await wrongRootEvidence(client.setting, await signed(20, right), walk)).toBeUndefined();
    expect(await wrongRootEvidence(client.setting, await signed(21, root), walk)).toBeUndefined();
  });
});

describe("an honest log", () => {
  it("cannot be framed with any of its own responses, whatever they are said to prove", async () => {
    const log = await history(8, { 3: ["0", "1"] });
    const client = createClient(log);
    let state = client.initialState();
    const exchanges: Evidence[] = [];
    const keep = async <R>(
      operation: EvidenceOperation,
      about: Uint8Array | undefined,
      prepared: Prepared<R>,
      response: Uint8Array,
    ) => {
      const exchange = exchangeOf(state, operation, about, prepared.request, response, NOW);
      exchanges.push({ kind: "fork", configuration: encode(Configuration, log.configuration), recent: 7, ...exchange });
      ({ state } = await prepared.verify(response, NOW));
    };
    for (let i = 8; i < 40; i += 4) {
      for (let j = 0; j < 4; j++) await grow(log, i + j, j === 1 ? [`${i}`] : undefined);
      const walk = client.prepareDistinguished(state);
      await keep("distinguished", undefined, walk, await log.prover.distinguished(walk.request));
      const search = client.prepareSearch(state, { label, ...(i % 8 === 0 ? {} : { version: 1 }) });
      await keep("search", label, search, await log.prover.search(search.request));
      if (state.labels[0]?.monitoring.length) {
        const monitor = client.prepareContactMonitor(state, { label });
        await keep("contactMonitor", label, monitor, await log.prover.contactMonitor(monitor.request));
      }
      if (i === 12) {
        const init = client.prepareOwnerInit(state, { label });
        await keep("ownerInit", label, init, await log.prover.ownerInit(init.request));
      }
      if (i > 12) {
        const update = client.prepareUpdate(state, { label, values: [] });
        const plan = await log.prover.planUpdate(update.request).catch(() => undefined);
        if (plan?.kind === "answer") await keep("update", label, update, plan.responses[0] as Uint8Array);
        const monitor = client.prepareOwnerMonitor(state, { label });
        await keep("ownerMonitor", label, monitor, await log.prover.ownerMonitor(monitor.request));
      }
    }
    expect(new Set(exchanges.map(({ operation }) => operation)).size).toBe(6);
    const kinds = ["fork", "non-monotonic-timestamps", "inconsistent-ladder", "lagging-auditor", "wrong-root"] as const;
    for (const [i, one] of exchanges.entries())
      for (const kind of kinds) {
        expect(await judged(log, { ...one, kind }), `${one.operation} as ${kind}`).toMatchObject({
          proven: false,
          deniable: false,
        });
        const other = exchanges[(i * 7 + 3) % exchanges.length] as Evidence;
        expect(await judged(log, { ...one, kind, other }), `${one.operation} beside ${other.operation}`).toMatchObject({
          proven: false,
        });
      }
    // Another request than the one that was made, and another log's configuration.
    const [one, two] = exchanges as [Evidence, Evidence];
    expect((await judged(log, { ...one, request: two.request })).reason).not.toBe("");
    const other = encode(Configuration, { ...decode(Configuration, one.configuration), maxAhead: 1n });
    expect((await judged(log, { ...one, configuration: other })).proven).toBe(false);
  });

  it("cannot be framed with changed answers to the same tree, of which nothing but the tree seen before is signed", async () => {
    for (const suite of [keyedHashSuite(), nobleSuite(KT_128_SHA256_Ed25519)]) {
      const log = await history(12, { 3: ["0", "1"], 9: ["2"] }, { suite, window: 0n, recent: 40 });
      const client = createClient({ suite, configuration: log.configuration, recent: 40 });
      const wire = wireFormat(suite, log.configuration);
      const first = client.prepareSearch(client.initialState(), { label });
      const { state } = await first.verify(await log.prover.search(first.request), NOW);
      const walk = client.prepareDistinguished(state);
      const walked = decode(wire.DistinguishedResponse, await log.prover.distinguished(walk.request));
      expect(walked.fullTreeHead.headType).toBe("same");
      const { distinguished } = walked;
      const swapped = (i: number): number[] => {
        const { timestamps } = distinguished;
        return timestamps.with(i, timestamps[i + 1] as number).with(i + 1, timestamps[i] as number);
      };
      const inventions = [
        { prefixRoots: distinguished.prefixRoots.map(() => new Uint8Array(32)) },
        { inclusion: { elements: distinguished.inclusion.elements.map(() => new Uint8Array(32)) } },
        ...distinguished.timestamps.slice(1).map((_, i) => ({ timestamps: swapped(i) })),
      ].map((change) =>
        encode(wire.DistinguishedResponse, { ...walked, distinguished: { ...distinguished, ...change } }),
      );
      for (const response of inventions) {
        const error = await walk.verify(response, NOW).catch((thrown: unknown) => thrown);
        if (error instanceof KeytransError) expect(error.evidence).toBeUndefined();
        for (const kind of ["fork", "non-monotonic-timestamps", "inconsistent-ladder"] as const) {
          const exchange = exchangeOf(state, "distinguished", undefined, walk.request, response, NOW);
          const configuration = encode(Configuration, log.configuration);
          expect(await judged(log, { kind, configuration, recent: 40, ...exchange })).toMatchObject({
            proven: false,
            deniable: false,
          });
        }
      }
    }
  });

  it("cannot be framed with a bit changed in any of its answers", async () => {
    const log = await history(12, { 3: ["0", "1"], 9: ["2"] }, { window: 1000n });
    const client = createClient(log);
    const configuration = encode(Configuration, log.configuration);
    let state = client.initialState();
    const seen = new Set<EvidenceOperation>();
    const altered = async (operation: EvidenceOperation, prepared: Prepared<unknown>, response: Uint8Array) => {
      const about = operation === "distinguished" ? undefined : label;
      const exchange = exchangeOf(state, operation, about, prepared.request, response, NOW);
      for (let offset = 0; offset < response.length; offset += 3) {
        const responses = [response.with(offset, (response[offset] as number) ^ (1 << (offset % 8)))];
        for (const kind of ["fork", "non-monotonic-timestamps", "inconsistent-ladder"] as const) {
          const { proven } = await verifyEvidence(log.suite, {
            kind,
            configuration,
            recent: 7,
            ...exchange,
            responses,
          });
          expect(proven, `${operation}, byte ${offset}, as ${kind}`).toBe(false);
        }
      }
      ({ state } = await prepared.verify(response, NOW));
      seen.add(operation);
    };
    for (const entries of [0, 3, 0]) {
      for (let i = 0; i < entries; i++) await grow(log, log.size, i === 1 ? ["more"] : undefined);
      const search = client.prepareSearch(state, { label });
      await altered("search", search, await log.prover.search(search.request));
      const walk = client.prepareDistinguished(state);
      await altered("distinguished", walk, await log.prover.distinguished(walk.request));
      if (state.labels[0]?.monitoring.length) {
        const monitor = client.prepareContactMonitor(state, { label });
        await altered("contactMonitor", monitor, await log.prover.contactMonitor(monitor.request));
      }
      const init = client.prepareOwnerInit(state, { label });
      await altered("ownerInit", init, await log.prover.ownerInit(init.request));
      const owned = client.prepareOwnerMonitor(state, { label });
      await altered("ownerMonitor", owned, await log.prover.ownerMonitor(owned.request));
    }
    expect(seen.size).toBe(5);
  });

  it("cannot be framed with a memory of entries that the log never made", async () => {
    const log = await history(6, { 2: ["0"], 4: ["1", "2"] }, { window: 2n ** 50n });
    const client = createClient(log);
    const early = await searched(log, client.initialState());
    const { state } = await early.prepared.verify(early.response, NOW);
    for (let i = 6; i < 8; i++) await grow(log, i);
    // Entry 5 is retained: monitoring looks into it, and its prefix tree is nothing but the user's memory.
    const known = state.labels[0] as ClientState["labels"][0];
    const labels = [{ ...known, monitoring: [{ position: 4, version: 2 }] }];
    const monitor = client.prepareContactMonitor({ ...state, labels }, { label });
    const honest = await log.prover.contactMonitor(monitor.request);
    await expect(monitor.verify(honest, NOW)).resolves.toBeDefined();
    const wire = wireFormat(log.suite, log.configuration);
    const decoded = decode(wire.MonitorResponse, honest);
    const [atFive, ...others] = decoded.monitor.prefixProofs as [PrefixProof, ...PrefixProof[]];
    const missing: PrefixProof = {
      ...atFive,
      results: atFive.results.map(({ depth }) => ({ resultType: "nonInclusionParent", depth })),
    };
    const keys = [0, 1, 2].map((version) => known.versions.get(version) as SearchedKey);
    const prefixRoot = evaluatePrefixProof(log.suite, keys, missing);
    const view = state.view as NonNullable<ClientState["view"]>;
    const frontier = view.frontier.map((entry) => (entry.position === 5 ? { ...entry, prefixRoot } : entry));
    const lying: ClientState = { ...state, labels, view: { ...view, frontier } };
    const response = encode(wire.MonitorResponse, {
      ...decoded,
      monitor: { ...decoded.monitor, prefixProofs: [missing, ...others] },
    });
    const exchange = exchangeOf(lying, "contactMonitor", label, monitor.request, response, NOW);
    const configuration = encode(Configuration, log.configuration);
    const accusation: Evidence = { kind: "inconsistent-ladder", configuration, recent: 7, ...exchange };
    expect(await judged(log, { ...accusation, other: early.exchange })).toMatchObject({
      proven: false,
      deniable: true,
    });
    expect(await judged(log, { ...accusation, ...early.exchange, other: exchange })).toMatchObject({ proven: false });
    expect(await ladderEvidence(client.setting, exchange, early.exchange)).toBeUndefined();
  });

  it("cannot be framed with what it says of two labels", async () => {
    const log = await history(8, { 2: ["0", "1"] });
    await log.put(text("other"), [text("0")], START + 900);
    const client = createClient(log);
    const one = await searched(log, client.initialState());
    const prepared = client.prepareSearch(client.initialState(), { label: text("other") });
    const response = await log.prover.search(prepared.request);
    const other = exchangeOf(client.initialState(), "search", text("other"), prepared.request, response, NOW);
    const configuration = encode(Configuration, log.configuration);
    expect(
      await judged(log, { kind: "inconsistent-ladder", configuration, recent: 7, ...one.exchange, other }),
    ).toMatchObject({ proven: false, deniable: false, reason: expect.stringContaining("one label") });
  });

  it("cannot be framed with a memory of its tree whose values are longer or shorter than hashes", async () => {
    const log = await history(11, { 3: ["0"] });
    const client = createClient(log);
    const first = client.prepareDistinguished(client.initialState());
    const { state } = await first.verify(await log.prover.distinguished(first.request), NOW);
    const view = state.view as NonNullable<ClientState["view"]>;
    for (const i of view.heads.keys())
      for (const other of [Uint8Array.of(...(view.heads[i] as Uint8Array), 1), view.heads[i]?.subarray(1)])
        expect(() => rootValue(log.suite, 11, view.heads.with(i, other as Uint8Array))).toThrow(RangeError);
    expect(() => rootValue(log.suite, 11, view.heads.slice(1))).toThrow(RangeError);
    expect(rootValue(log.suite, 11, view.heads)).toEqual(view.root);
  });

  it("decodes only its own format of evidence", async () => {
    expect(() => decodeEvidence(Uint8Array.of(0, 2, 1))).toThrow(/unknown evidence format/);
    expect(() => decodeEvidence(new Uint8Array())).toThrow(KeytransError);
  });
});
