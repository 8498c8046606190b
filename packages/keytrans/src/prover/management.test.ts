import { decode, encode } from "@mls-as/tls-codec";
import { describe, expect, it } from "vitest";
import { createClient } from "../client/index.js";
import { keyedHashSuite } from "../fixtures/keyed-hash-suite.js";
import { MemoryLog, text } from "../fixtures/memory-log.js";
import { UpdateRequest, wireFormat } from "../structs/index.js";
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
    const { ManagerUpdateRequest } = wireFormat(log.suite, log.configuration);
    const decoded = decode(ManagerUpdateRequest, request);
    for (const [change, code] of [
      [{ signedVersion: 2 }, "invalid-update-signature"],
      [{ signedVersion: 2 ** 32 - 1 }, "invalid-update-signature"],
      [{ label: text("another") }, "invalid-update-signature"],
      [{ values: decoded.values.toReversed() }, "invalid-update-signature"],
      [
        { values: decoded.values.map(({ value }) => ({ value, suffix: { signature: new Uint8Array(64) } })) },
        "invalid-update-signature",
      ],
      [{ values: [] }, "malformed"],
      [{ values: [], signedVersion: 0 }, "nothing-to-update"],
    ] as const)
      await expect(
        log.prover.planManagerUpdate(encode(ManagerUpdateRequest, { ...decoded, ...change })),
      ).rejects.toMatchObject({ name: "ProverError", code });
    await expect(log.prover.planManagerUpdate(request.subarray(1))).rejects.toMatchObject({ code: "malformed" });
    const moved = { ...plan.change, signedVersion: 2 };
    expect((await sequence(log, [moved], START)).rejected).toEqual([{ index: 0, code: "invalid-update-signature" }]);
    await expect(log.prover.planUpdate(update.request)).rejects.toMatchObject({ code: "wrong-mode" });
    const older = { ...plan.change, greatestVersion: undefined, signedVersion: 0, values: plan.change.values.slice(1) };
    expect((await sequence(log, [older], START)).rejected).toEqual([{ index: 0, code: "invalid-update-signature" }]);
    await log.append([{ ...plan.change }], START);
    const again = await signManagerUpdate(
      log,
      encode(UpdateRequest, { last: undefined, label, greatestVersion: 4, values: [{ value: text("c") }] }),
      4,
    );
    await expect(log.prover.planManagerUpdate(again)).rejects.toMatchObject({ code: "stale-version" });
    const unmanaged = new MemoryLog({ suite: log.suite });
    await unmanaged.append([], START);
    await expect(unmanaged.prover.planManagerUpdate(request)).rejects.toMatchObject({ code: "wrong-mode" });
    const { change } = plan;
    expect((await sequence((await managed()).log, [change, change], START)).rejected).toEqual([
      { index: 1, code: "stale-version" },
    ]);
  });
});
