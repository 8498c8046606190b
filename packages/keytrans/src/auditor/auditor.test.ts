import { describe, expect, it } from "vitest";
import { createClient } from "../client/index.js";
import { keyedHashSuite } from "../fixtures/keyed-hash-suite.js";
import { MemoryLog, seededRandom, text } from "../fixtures/memory-log.js";
import { createAuditor, decodeAuditorState, encodeAuditorState } from "./index.js";

const START = 1_700_000_000_000;

async function auditedLog(entries: number): Promise<MemoryLog> {
  const log = new MemoryLog({ suite: keyedHashSuite(), mode: "thirdPartyAuditing", window: 20_000n });
  const random = seededRandom(5);
  await log.append([], START);
  for (let i = 1; i < entries; i++) {
    const count = (random(1)[0] as number) % 20;
    const changes = Array.from({ length: count }, (_, j) => ({
      label: text(`label ${i} ${j}`),
      greatestVersion: undefined,
      values: [{ value: text("v") }],
    }));
    await log.append(changes, START + i * 1000);
  }
  return log;
}

describe("auditing", () => {
  it("computes the roots that the log signs, and its heads are accepted by prover and users", async () => {
    const log = await auditedLog(40);
    const auditor = createAuditor(log);
    let state = auditor.initialState();
    const client = createClient(log);
    let user = client.initialState();
    for (const [position, update] of log.store.auditorUpdates.slice(0, 40).entries()) {
      const audited = auditor.process(state, update);
      state = decodeAuditorState(encodeAuditorState(audited.state));
      expect(state).toEqual(audited.state);
      expect(state.prefixRoot).toEqual(log.store.entries([position])[0]?.prefixRoot);
      if (position < 20) continue;
      const head = await auditor.sign(state, log.auditor);
      expect(await log.prover.checkAuditorTreeHead(head)).toBe(position + 1);
      log.store.setAuditorTreeHead(head);
      for (const from of [client.initialState(), user]) {
        const search = client.prepareSearch(from, { label: text("label 3 0") });
        user = (await search.verify(await log.prover.search(search.request), START + 40_000)).state;
      }
      if (position < 39) await log.append([], START + 40_000);
    }
    expect(auditor.root(state)).toHaveLength(32);
  });

  it("refuses updates that are out of order, changed, or remove", async () => {
    const log = await auditedLog(12);
    const auditor = createAuditor(log);
    let state = auditor.initialState();
    for (const update of log.store.auditorUpdates.slice(0, 6)) state = auditor.process(state, update).state;
    for (const [i, update] of log.store.auditorUpdates.entries()) {
      const added = auditor.process(auditor.initialState(), log.store.auditorUpdates[0] as Uint8Array).added;
      expect(added).toBe(0);
      if (i !== 6 && i > 0) expect(() => auditor.process(state, update), `update ${i}`).toThrow();
    }
    const next = log.store.auditorUpdates[6] as Uint8Array;
    const right = auditor.process(state, next);
    for (let offset = 8; offset < next.length; offset++) {
      const changed = next.slice();
      changed[offset] = (changed[offset] as number) ^ 1;
      let root: Uint8Array | undefined;
      try {
        root = auditor.process(state, changed).root;
      } catch {
        continue;
      }
      // What an added leaf holds is the log's word; it only must not pass as the same tree.
      expect(root).not.toEqual(right.root);
    }
  });

  it("refuses an auditor's head that lags, is ahead, or is signed for another tree", async () => {
    const log = await auditedLog(70);
    const auditor = createAuditor(log);
    const heads: Uint8Array[] = [];
    let state = auditor.initialState();
    for (const update of log.store.auditorUpdates) {
      state = auditor.process(state, update).state;
      heads.push(await auditor.sign(state, log.auditor));
    }
    const client = createClient(log);
    const attempt = async (head: Uint8Array) => {
      log.store.setAuditorTreeHead(head);
      const search = client.prepareSearch(client.initialState(), { label: text("label 3 0") });
      return search.verify(await log.prover.search(search.request), START + 69_000);
    };
    await expect(attempt(heads[69] as Uint8Array)).resolves.toBeDefined();
    await expect(attempt(heads[9] as Uint8Array)).resolves.toBeDefined();
    await expect(attempt(heads[8] as Uint8Array)).rejects.toMatchObject({ code: "invalid-auditor-tree-head" });
    const foreign = (heads[69] as Uint8Array).slice();
    foreign[foreign.length - 1] = (foreign.at(-1) as number) ^ 1;
    await expect(attempt(foreign)).rejects.toMatchObject({ code: "invalid-auditor-signature" });
    await expect(log.prover.checkAuditorTreeHead(foreign)).rejects.toMatchObject({ code: "invalid-auditor-head" });
  });
});
