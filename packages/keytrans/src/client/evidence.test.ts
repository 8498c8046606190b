import { encode } from "@mls-as/tls-codec";
import { Inspection, updateView, walkDistinguished } from "../algorithms/index.js";
import { describe, expect, it } from "vitest";
import { KeytransError } from "../errors.js";
import type { Evidence, Exchange } from "../evidence.js";
import { decodeEvidence, encodeEvidence } from "../evidence-codec.js";
import { keyedHashSuite } from "../fixtures/keyed-hash-suite.js";
import { MemoryLog, text } from "../fixtures/memory-log.js";
import { appendLeaf, leafValue, rootValue } from "../log-tree/hashing.js";
import { fullSubtrees } from "../log-tree/subtrees.js";
import type { StoredEntry } from "../prover/index.js";
import { RecordedProof } from "../prover/recorded-proof.js";
import { TreeHeadTBS, wireFormat } from "../structs/index.js";
import { createClient, forkEvidence, verifyEvidence } from "./index.js";

const START = 1_000_000;
const label = text("label");

async function history(entries: number, salt: string): Promise<MemoryLog> {
  const log = new MemoryLog({ suite: keyedHashSuite(), window: 1000n });
  for (let i = 0; i < entries; i++)
    if (i === 2) await log.put(label, [text(salt)], START + i * 100);
    else await log.append([], START + i * 100);
  return log;
}

const refusal = async (run: Promise<unknown>): Promise<KeytransError> => {
  const error = await run.catch((thrown: unknown) => thrown);
  if (!(error instanceof KeytransError)) throw new Error("not refused");
  return error;
};

/** What a third party says who has nothing but the bytes: they go through the codec first. */
const verdict = (log: MemoryLog, evidence: Evidence) =>
  verifyEvidence(log.suite, decodeEvidence(encodeEvidence(evidence)));

describe("evidence", () => {
  it("proves a fork from two walks of distinguished heads, and only with the right bytes", async () => {
    const [log, fork] = [await history(42, "shown to all"), await history(49, "shown to one")];
    const client = createClient(log);
    const walk = client.prepareDistinguished(client.initialState());
    const now = START + 5000;
    const own = { request: walk.request, response: await log.prover.distinguished(walk.request), now };
    const other = { request: walk.request, response: await fork.prover.distinguished(walk.request), now };
    expect(await forkEvidence(client.setting, own, own)).toBeUndefined();
    const evidence = await forkEvidence(client.setting, own, other);
    if (evidence === undefined) throw new Error("no evidence");
    expect(await verdict(log, evidence)).toMatchObject({ proven: true });
    for (let offset = 0; offset < other.response.length; offset += 7) {
      const response = other.response.slice();
      response[offset] = (response[offset] as number) ^ 1;
      const changed = { ...evidence, other: { ...(evidence.other as Exchange), responses: [response] } };
      expect((await verdict(log, changed)).proven, `byte ${offset}`).toBe(false);
    }
  });

  it("does not accuse where the signed root is not revealed", async () => {
    const [log, fork] = [await history(12, "shown to all"), await history(21, "shown to one")];
    const client = createClient(log);
    const first = client.prepareSearch(client.initialState(), { label });
    const { state } = await first.verify(await log.prover.search(first.request), START + 2000);
    const second = client.prepareSearch(state, { label });
    const error = await refusal(second.verify(await fork.prover.search(second.request), START + 2000));
    expect(error).toMatchObject({ code: "invalid-tree-head-signature", evidence: undefined });
  });

  it("proves signed timestamps that decrease", async () => {
    const log = await history(14, "value");
    const prefix = log.store.entries([13])[0] as StoredEntry;
    // The operator signs an entry older than the one before: sequence() would refuse it.
    const entry = { ...prefix, position: 14, timestamp: START + 5 };
    const leaf = leafValue(log.suite, { timestamp: entry.timestamp, prefixTree: entry.prefixRoot });
    const appended = appendLeaf(log.suite, 14, log.store.logNodes(fullSubtrees(14)), leaf);
    const root = rootValue(log.suite, 15, appended.heads);
    const signature = await log.signer.sign(encode(TreeHeadTBS, { config: log.configuration, treeSize: 15, root }));
    log.store.apply({
      position: 14,
      head: { treeSize: 15, root, signature, timestamp: entry.timestamp },
      entry,
      logNodes: appended.nodes,
      prefixNodes: [],
      superseded: [],
      versions: [],
      openings: [],
      vrfProofs: [],
    });
    const client = createClient(log);
    const walk = client.prepareDistinguished(client.initialState());
    await expect(log.prover.distinguished(walk.request)).rejects.toMatchObject({ code: "unprovable" });
    const recorded = new RecordedProof(log.store);
    const view = { inspection: new Inspection(recorded, [], () => {}), size: 15, configuration: log.configuration };
    await updateView(view, undefined);
    await walkDistinguished(view, { count: 7 }, undefined);
    const distinguished = await recorded.proof(view.inspection, { size: 15 });
    const response = encode(wireFormat(log.suite, log.configuration).DistinguishedResponse, {
      fullTreeHead: { headType: "updated", treeHead: { treeSize: 15, signature } },
      distinguished,
    });
    const error = await refusal(walk.verify(response, START + 1000));
    expect(error.code).toBe("non-monotonic-timestamps");
    if (error.evidence === undefined) throw new Error("no evidence");
    expect(await verdict(log, error.evidence)).toMatchObject({ proven: true });
    const unsigned = response.slice();
    unsigned[20] = (unsigned[20] as number) ^ 1;
    expect(await refusal(walk.verify(unsigned, START + 1000))).toMatchObject({ evidence: undefined });
  });
});
