import { describe, expect, it } from "vitest";
import { createClient } from "../client/index.js";
import { keyedHashSuite } from "../fixtures/keyed-hash-suite.js";
import { MemoryLog, text } from "../fixtures/memory-log.js";
import { sequence, signManagerUpdate } from "./index.js";

const START = 1_000_000;
const label = text("label");

async function managed() {
  const log = new MemoryLog({ suite: keyedHashSuite(), mode: "thirdPartyManagement", window: 1000n });
  await log.append([], START);
  const client = createClient(log);
  let state = client.initialState();
  const walk = client.prepareDistinguished(state);
  ({ state } = await walk.verify(await log.prover.distinguished(walk.request), START));
  const init = client.prepareOwnerInit(state, { label });
  ({ state } = await init.verify(await log.prover.ownerInit(init.request), START));
  return { log, client, state };
}

describe("third-party management", () => {
  it("creates signed versions, skips versions, and users accept both", async () => {
    const setting = await managed();
    const { log, client } = setting;
    let { state } = setting;
    let next = 0;
    for (const [round, skip] of [0, 2, 0, 5, 1].entries()) {
      const values = [text(`a ${round}`), text(`b ${round}`)];
      const update = client.prepareUpdate(state, { label, values });
      const request = await signManagerUpdate(log, update.request, next + skip);
      const plan = await log.prover.planManagerUpdate(request);
      if (plan.kind !== "insert") throw new Error("expected an insertion");
      await log.append([plan.change], START + round * 400);
      await log.append([], START + round * 400 + 1);
      const response = await log.prover.answerManagerUpdate(request);
      const verified = await update.verify(response, START + round * 400);
      expect(verified.result).toMatchObject({ created: true, skipped: skip });
      next += skip + 2;
      expect(verified.result.versions.map(({ version }) => version)).toEqual([next - 2, next - 1]);
      state = verified.state;

      const search = client.prepareSearch(client.initialState(), { label });
      const found = await search.verify(await log.prover.search(search.request), START + round * 400);
      expect(found.result).toMatchObject({ version: next - 1, value: values[1], monitor: false });
      const monitor = client.prepareOwnerMonitor(state, { label });
      ({ state } = await monitor.verify(await log.prover.ownerMonitor(monitor.request), START + round * 400));
    }
  });

  it("refuses values that the operator did not sign for this version", async () => {
    const { log, client, state } = await managed();
    const update = client.prepareUpdate(state, { label, values: [text("a"), text("b")] });
    const request = await signManagerUpdate(log, update.request, 3);
    const plan = await log.prover.planManagerUpdate(request);
    if (plan.kind !== "insert") throw new Error("expected an insertion");
    const moved = { ...plan.change, signedVersion: 2 };
    expect((await sequence(log, [moved], START)).rejected).toEqual([{ index: 0, code: "invalid-update-signature" }]);
    await expect(log.prover.planUpdate(update.request)).rejects.toMatchObject({ code: "wrong-mode" });
    const older = { ...plan.change, greatestVersion: undefined, signedVersion: 0, values: plan.change.values.slice(1) };
    expect((await sequence(log, [older], START)).rejected).toEqual([{ index: 0, code: "invalid-update-signature" }]);
    expect((await sequence(log, [plan.change, plan.change], START)).rejected).toEqual([
      { index: 1, code: "stale-version" },
    ]);
  });
});
