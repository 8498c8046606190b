import { decode, encode } from "@mls-as/tls-codec";
import { describe, expect, it } from "vitest";
import { OwnerHistory } from "../algorithms/index.js";
import { MAX_VERSION } from "../binary-ladder.js";
import { keyedHashSuite } from "../fixtures/keyed-hash-suite.js";
import { MemoryLog, text } from "../fixtures/memory-log.js";
import { sequence } from "../prover/index.js";
import { UpdateTBS, wireFormat } from "../structs/index.js";
import type { Suite } from "../suite/index.js";
import { type ClientState, createClient, labelState } from "./index.js";

const START = 1_000_000;
const NOW = START + 1000;
const label = text("label");

async function owned(mode: "contactMonitoring" | "thirdPartyManagement", window = 1000n) {
  const log = new MemoryLog({ suite: keyedHashSuite(), mode, window });
  await log.append([], START);
  const client = createClient(log);
  let state = client.initialState();
  const walk = client.prepareDistinguished(state);
  ({ state } = await walk.verify(await log.prover.distinguished(walk.request), START));
  const init = client.prepareOwnerInit(state, { label });
  ({ state } = await init.verify(await log.prover.ownerInit(init.request), START));
  return { log, client, state, wire: wireFormat(log.suite, log.configuration) };
}

describe("an update", () => {
  it("is answered by one response at least, every other operation by exactly one", async () => {
    const { log, client, state } = await owned("contactMonitoring");
    const update = client.prepareUpdate(state, { label, values: [text("0")] });
    const response = await log.update(update.request, START + 10);
    await expect(update.verify([], NOW)).rejects.toMatchObject({ code: "unexpected-count" });
    expect((await update.verify([response], NOW)).result).toEqual((await update.verify(response, NOW)).result);
    const search = client.prepareSearch(client.initialState(), { label });
    const found = await log.prover.search(search.request);
    for (const responses of [[], [found, found]])
      await expect(search.verify(responses, NOW)).rejects.toMatchObject({ code: "unexpected-count" });
    await expect(search.verify([found], NOW)).resolves.toBeDefined();
  });

  it("lies right of the last one, within the log", async () => {
    const { log, client, state, wire } = await owned("contactMonitoring");
    const first = client.prepareUpdate(state, { label, values: [text("0")] });
    const one = await first.verify(await log.update(first.request, START + 10), NOW);
    const update = client.prepareUpdate(one.state, { label, values: [text("1")] });
    const response = decode(wire.UpdateResponse, await log.update(update.request, START + 20));
    expect(response.position).toBe(2);
    const at = (position: number) => update.verify(encode(wire.UpdateResponse, { ...response, position }), NOW);
    await expect(at(2)).resolves.toBeDefined();
    for (const position of [0, 1, 3, 4, 2 ** 40])
      await expect(at(position), `${position}`).rejects.toMatchObject({ code: "invalid-position", path: "position" });
  });

  it("cannot claim more versions than its ladder has steps for", async () => {
    const { log, client, state, wire } = await owned("thirdPartyManagement");
    const update = client.prepareUpdate(state, { label, values: [text("0")] });
    const response = decode(wire.UpdateResponse, await log.managedUpdate(update.request, START + 10));
    const steps = response.binaryLadder.length;
    const skipping = (skippedVersions: number, from: ClientState = state) =>
      client
        .prepareUpdate(from, { label, values: [text("0")] })
        .verify(encode(wire.UpdateResponse, { ...response, skippedVersions }), NOW);
    await expect(skipping(0)).resolves.toBeDefined();
    const refused = { code: "unexpected-count", path: "skippedVersions" };
    const counted = { code: "unexpected-count", path: "binaryLadder" };
    await expect(skipping(2 ** 32 - 1)).rejects.toMatchObject(refused);
    await expect(skipping(steps + 65)).rejects.toMatchObject(refused);
    await expect(skipping(steps + 64)).rejects.toMatchObject(counted);
    // Versions end at 2^32 - 1.
    const known = labelState(state, label) as NonNullable<ReturnType<typeof labelState>>;
    const after = (greatest: number): ClientState => ({
      ...state,
      labels: [{ ...known, owner: new OwnerHistory(0, greatest, []) }],
    });
    await expect(skipping(0, after(MAX_VERSION))).rejects.toMatchObject(refused);
    await expect(skipping(1, after(MAX_VERSION - 1))).rejects.toMatchObject(refused);
    await expect(skipping(0, after(MAX_VERSION - 1))).rejects.toMatchObject(counted);
  });

  // Entries 1 and 3 are distinguished, as the roots of trees that began long ago; 2 and 4 are not. A response at a
  // distinguished entry leaves its lookups to owner monitoring.
  it.each([
    [[2, 4], true],
    [[1, 3], false],
    [[1, 2], false],
    [[2, 3], false],
  ])("in series, at entries %j, proves its values: %s", async (positions, proven) => {
    const { log, client, state } = await owned("contactMonitoring");
    for (let position = 1; position <= (positions.at(-1) as number); position++)
      if (positions.includes(position)) await log.put(label, [text(`${position}`)], START + position);
      else await log.append([], START + position);
    const update = client.prepareUpdate(state, { label, values: [] });
    const plan = await log.prover.planUpdate(update.request);
    if (plan.kind !== "answer") throw new Error("versions exist already");
    expect(plan.responses).toHaveLength(2);
    expect((await update.verify(plan.responses, NOW)).result.proven).toBe(proven);
  });
});

describe("third-party management", () => {
  it("shows no value that the operator did not sign for its label and version", async () => {
    const { log, client } = await owned("thirdPartyManagement");
    const value = text("value");
    const signed = (over: object = {}, signer = log.leafSigner) =>
      signer.sign(encode(UpdateTBS, { config: log.configuration, label, version: 0, value, ...over }));
    // A log that commits to whatever suffix it is given.
    const suite: Suite = { ...log.suite, importSignatureKey: (bytes) => ({ bytes, verify: () => true }) };
    const shown = async (signature: Uint8Array): Promise<unknown> => {
      const one = new MemoryLog({ suite: log.suite, mode: "thirdPartyManagement", window: 1000n });
      await one.append([], START);
      const change = { label, greatestVersion: undefined, signedVersion: 0, values: [{ value, suffix: signature }] };
      const { configuration, store, vrfPrivateKey, signer, random } = one;
      const context = { configuration, store, vrfPrivateKey, signer, random, suite };
      const { writes, rejected } = await sequence(context, [change], START + 10);
      expect(rejected).toEqual([]);
      store.apply(writes);
      const search = client.prepareSearch(client.initialState(), { label });
      return search.verify(await one.prover.search(search.request), NOW);
    };
    await expect(shown(await signed())).resolves.toBeDefined();
    for (const wrong of [
      await signed({}, log.signer),
      await signed({ version: 1 }),
      await signed({ label: text("other") }),
      await signed({ value: text("other") }),
      new Uint8Array(64),
      new Uint8Array(),
    ])
      await expect(shown(wrong)).rejects.toMatchObject({ code: "invalid-update-signature", path: "value.suffix" });
  });
});
