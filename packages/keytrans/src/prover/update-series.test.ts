import { decode, encode } from "@mls-as/tls-codec";
import { describe, expect, it } from "vitest";
import { type ClientState, createClient, labelState } from "../client/index.js";
import { keyedHashSuite } from "../fixtures/keyed-hash-suite.js";
import { MemoryLog, text } from "../fixtures/memory-log.js";
import { SearchRequest, UpdateRequest, wireFormat } from "../structs/index.js";
import { planPruning, signManagerUpdate } from "./index.js";

const START = 1_000_000;
const label = text("label");

async function owned(mode: "contactMonitoring" | "thirdPartyManagement") {
  const log = new MemoryLog({ suite: keyedHashSuite(), mode, window: 1000n });
  await log.append([], START);
  const client = createClient(log);
  let state = client.initialState();
  const walk = client.prepareDistinguished(state);
  ({ state } = await walk.verify(await log.prover.distinguished(walk.request), START));
  const init = client.prepareOwnerInit(state, { label });
  ({ state } = await init.verify(await log.prover.ownerInit(init.request), START));
  return { log, client, state };
}

/** Versions that someone else has the operator create, `skipped` counters after the last. */
async function createdElsewhere(log: MemoryLog, at: number, values: readonly string[], skipped = 0): Promise<void> {
  const [greatestVersion] = log.store.greatestVersions(label, [log.size - 1]);
  const next = (greatestVersion ?? -1) + 1;
  const request = encode(UpdateRequest, {
    last: undefined,
    label,
    greatestVersion,
    values: values.map((value) => ({ value: text(value) })),
  });
  const managed = log.configuration.mode === "thirdPartyManagement";
  const plan = managed
    ? await log.prover.planManagerUpdate(await signManagerUpdate(log, request, next + skipped))
    : await log.prover.planUpdate(request);
  if (plan.kind !== "insert") throw new Error("expected an insertion");
  await log.append([plan.change], at);
}

async function inform(log: MemoryLog, request: Uint8Array): Promise<readonly Uint8Array[]> {
  const managed = log.configuration.mode === "thirdPartyManagement";
  const plan = managed
    ? await log.prover.planManagerUpdate(await signManagerUpdate(log, request, 9))
    : await log.prover.planUpdate(request);
  if (plan.kind !== "answer") throw new Error("expected an answer");
  return plan.responses;
}

describe.each(["contactMonitoring", "thirdPartyManagement"] as const)("updates in series, %s", (mode) => {
  it("tells of every entry in order, and continues after a response with the owner's own values", async () => {
    const { log, client, state } = await owned(mode);
    const skips = mode === "thirdPartyManagement" ? [0, 2, 0, 3] : [0, 0, 0, 0];
    for (const [i, skipped] of skips.entries())
      await createdElsewhere(log, START + 100 * i, [`${i} a`, `${i} b`].slice(0, 1 + (i % 2)), skipped);
    const update = client.prepareUpdate(state, { label, values: [] });
    const responses = await inform(log, update.request);
    expect(responses).toHaveLength(4);
    const all = await update.verify(responses, START + 500);
    expect(all.result).toMatchObject({ created: false, skipped: skips.reduce((a, b) => a + b) });
    expect(all.result.versions.map(({ value }) => new TextDecoder().decode(value))).toEqual([
      "0 a",
      "1 a",
      "1 b",
      "2 a",
      "3 a",
      "3 b",
    ]);
    expect(labelState(all.state, label)?.owner?.greatest).toBe(all.result.versions.at(-1)?.version);
    // One after the other is the same.
    let step = state;
    for (const response of responses) {
      const one = client.prepareUpdate(step, { label, values: [] });
      ({ state: step } = await one.verify(response, START + 500));
    }
    expect(step).toEqual(all.state);
    // Out of order, doubled, with one left out, or none at all.
    const [a, b, c, d] = responses as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
    for (const wrong of [[b, a, c, d], [a, a, b], [a, c, d], [b, c, d], []])
      await expect(update.verify(wrong, START + 500)).rejects.toMatchObject({ name: "KeytransError" });
    await expect(update.verify([a, b], START + 500)).resolves.toMatchObject({ result: { created: false } });
  });

  it("takes the owner's values from the first response that tells of none, and only that", async () => {
    const { log, client, state } = await owned(mode);
    await createdElsewhere(log, START + 100, ["theirs"]);
    const update = client.prepareUpdate(state, { label, values: [text("ours"), text("ours too")] });
    const [told] = (await inform(log, update.request)) as [Uint8Array];
    const first = await update.verify(told, START + 200);
    expect(first.result).toMatchObject({ created: false, versions: [{ version: 0, value: text("theirs") }] });
    // The log may go on and create the owner's values in the same answer.
    const next = client.prepareUpdate(first.state, { label, values: [text("ours"), text("ours too")] });
    let created: Uint8Array;
    if (mode === "thirdPartyManagement") {
      const request = await signManagerUpdate(log, next.request, 4);
      const plan = await log.prover.planManagerUpdate(request);
      if (plan.kind !== "insert") throw new Error("expected an insertion");
      await log.append([plan.change], START + 200);
      created = await log.prover.answerManagerUpdate(request);
    } else created = await log.update(next.request, START + 200);
    const both = await update.verify([told, created], START + 200);
    const skipped = mode === "thirdPartyManagement" ? 3 : 0;
    expect(both.result).toMatchObject({ created: true, skipped });
    expect(both.result.versions).toEqual([
      { version: 0, value: text("theirs") },
      { version: 1 + skipped, value: text("ours") },
      { version: 2 + skipped, value: text("ours too") },
    ]);
    await expect(update.verify([told, created, created], START + 200)).rejects.toMatchObject({ name: "KeytransError" });
    await expect(update.verify([created, told], START + 200)).rejects.toMatchObject({ name: "KeytransError" });
    // As many openings as values, and never none.
    const codec = wireFormat(log.suite, log.configuration).UpdateResponse;
    const decoded = decode(codec, created);
    for (const info of [[], decoded.info.slice(1), [...decoded.info, ...decoded.info]])
      await expect(next.verify(encode(codec, { ...decoded, info }), START + 200)).rejects.toMatchObject({
        code: "unexpected-count",
        path: "info",
      });
  });
});

describe("a view that the log cannot continue", () => {
  it("is refused as such, before anything is created", async () => {
    const log = new MemoryLog({ suite: keyedHashSuite(), window: 1000n, lifetime: 20_000n });
    const client = createClient(log);
    let old: ClientState = client.initialState();
    for (let i = 0; i < 60; i++) {
      await log.append([], START + i * 1000);
      if (i === 9) {
        const walk = client.prepareDistinguished(old);
        ({ state: old } = await walk.verify(await log.prover.distinguished(walk.request), START + 9000));
      }
    }
    await log.put(label, [text("value")], START + 60_000);
    const search = client.prepareSearch(old, { label });
    await expect(log.prover.search(search.request)).resolves.toBeInstanceOf(Uint8Array);
    const plan = await planPruning(log.store, log.configuration);
    if (plan === undefined) throw new Error("nothing has expired");
    log.store.prunePrefixTrees(plan.firstUnexpired);
    log.store.pruneEntries(plan.firstUnexpired, plan.kept);
    const refused = { name: "ProverError", code: "invalid-last", path: "last" };
    await expect(log.prover.search(search.request)).rejects.toMatchObject(refused);
    const walk = client.prepareDistinguished(old);
    await expect(log.prover.distinguished(walk.request)).rejects.toMatchObject(refused);
    const values = [{ value: text("new") }];
    const size = log.size;
    for (const last of [10, 0, size + 1])
      await expect(
        log.prover.planUpdate(encode(UpdateRequest, { last, label, greatestVersion: 0, values })),
      ).rejects.toMatchObject(refused);
    for (const last of [0, size + 1])
      await expect(log.prover.search(encode(SearchRequest, { last, label, version: undefined }))).rejects.toMatchObject(
        refused,
      );
    // A new user is served.
    const fresh = client.prepareSearch(client.initialState(), { label });
    const found = await fresh.verify(await log.prover.search(fresh.request), START + 60_000);
    expect(found.result.value).toEqual(text("value"));
  });
});
