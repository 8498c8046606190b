import { decode, encode } from "@mls-as/tls-codec";
import { describe, expect, it } from "vitest";
import { createClient } from "../client/index.js";
import { keyedHashSuite } from "../fixtures/keyed-hash-suite.js";
import { MemoryLog, text } from "../fixtures/memory-log.js";
import { AuditorCheckpoint } from "../structs/index.js";
import { createAuditor, decodeAuditorState, encodeAuditorState, INITIAL_AUDITOR_STATE } from "./index.js";

const START = 1_000_000;

async function logWithAuditorFrom(position: bigint, entries: number, mode?: "contactMonitoring"): Promise<MemoryLog> {
  const log = new MemoryLog({
    suite: keyedHashSuite(),
    mode: mode ?? "thirdPartyAuditing",
    window: 5000n,
    maxAuditorLag: 3000n,
    auditorStartPos: position,
  });
  for (let i = 0; i < entries; i++) await grow(log, i);
  return log;
}

const grow = (log: MemoryLog, i: number): Promise<unknown> =>
  i % 3 === 1 ? log.put(text(`label ${i}`), [text("v")], START + i * 1000) : log.append([], START + i * 1000);

describe("an auditor that starts later", () => {
  it.each([1, 2, 3, 6, 7, 8, 13])("follows the log from a checkpoint of %i entries", async (size) => {
    const log = await logWithAuditorFrom(BigInt(size), size);
    const auditor = createAuditor(log);
    const state = await auditor.start(await log.prover.auditorCheckpoint());
    expect(state).toMatchObject({ treeSize: size, start: size });
    expect(decodeAuditorState(encodeAuditorState(state))).toEqual(state);
    expect(auditor.root(state)).toEqual(log.store.head()?.root);
    await expect(auditor.sign(state, log.auditor)).rejects.toMatchObject({ code: "invalid-argument" });
    // The one that processed everything comes to the same.
    let complete = auditor.initialState();
    for (const update of log.store.auditorUpdates) complete = auditor.process(complete, update).state;
    expect({ ...complete, start: size }).toEqual(state);
    await expect(auditor.sign(complete, log.auditor)).rejects.toMatchObject({ code: "invalid-argument" });

    await grow(log, size);
    const next = auditor.process(state, log.store.auditorUpdates[size] as Uint8Array);
    expect(next.state.start).toBe(size);
    expect(next.root).toEqual(log.store.head()?.root);
    await auditor.verifyTreeHead(next.state, await log.prover.treeHead());
    await expect(auditor.verifyTreeHead(state, await log.prover.treeHead())).rejects.toMatchObject({
      code: "invalid-tree-size",
    });
    const head = await auditor.sign(next.state, log.auditor);
    expect(await log.prover.checkAuditorTreeHead(head)).toBe(size + 1);
  });

  it("refuses a checkpoint right of its starting position, of no entries, or with any byte changed", async () => {
    const log = await logWithAuditorFrom(11n, 11);
    const bytes = await log.prover.auditorCheckpoint();
    const auditor = createAuditor(log);
    await expect(auditor.start(bytes)).resolves.toMatchObject({ treeSize: 11 });
    for (let offset = 0; offset < bytes.length; offset++) {
      const changed = bytes.slice();
      changed[offset] = (changed[offset] as number) ^ (1 << (offset & 7));
      await expect(auditor.start(changed), `byte ${offset}`).rejects.toMatchObject({ name: "KeytransError" });
    }
    const checkpoint = decode(AuditorCheckpoint, bytes);
    const withElements = (elements: Uint8Array[]) =>
      encode(AuditorCheckpoint, { ...checkpoint, inclusion: { elements } });
    const { elements } = checkpoint.inclusion;
    for (const wrong of [elements.slice(1), [...elements, new Uint8Array(32)], elements.toReversed()])
      await expect(auditor.start(withElements([...wrong]))).rejects.toMatchObject({ name: "KeytransError" });
    const empty = encode(AuditorCheckpoint, { ...checkpoint, treeHead: { ...checkpoint.treeHead, treeSize: 0 } });
    await expect(auditor.start(empty)).rejects.toMatchObject({ code: "invalid-start" });
    await grow(log, 11);
    await expect(auditor.start(await log.prover.auditorCheckpoint())).rejects.toMatchObject({ code: "invalid-start" });
    await expect(auditor.start(bytes.subarray(1))).rejects.toMatchObject({ code: "malformed" });
  });

  it("detects a log that signs another tree than it published", async () => {
    const log = await logWithAuditorFrom(0n, 5);
    const auditor = createAuditor(log);
    let state = auditor.initialState();
    await expect(auditor.verifyTreeHead(state, await log.prover.treeHead())).rejects.toMatchObject({
      code: "invalid-tree-size",
    });
    for (const update of log.store.auditorUpdates) state = auditor.process(state, update).state;
    await auditor.verifyTreeHead(state, await log.prover.treeHead());
    const other = { ...state, heads: state.heads.map((hash) => hash.with(0, (hash[0] as number) ^ 1)) };
    await expect(auditor.verifyTreeHead(other, await log.prover.treeHead())).rejects.toMatchObject({
      code: "invalid-tree-head-signature",
    });
  });

  it("reads the state of the version before, refuses others, and exists only where there is an auditor", async () => {
    const stored = encodeAuditorState(INITIAL_AUDITOR_STATE);
    const before = Uint8Array.of(0, 1, ...stored.subarray(2, -8));
    expect(decodeAuditorState(before)).toEqual(INITIAL_AUDITOR_STATE);
    for (const wrong of [stored.with(1, 3), stored.with(0, 1), before.subarray(0, -1), stored.with(1, 1)])
      expect(() => decodeAuditorState(wrong)).toThrow(expect.objectContaining({ code: "malformed" }));
    const unaudited = await logWithAuditorFrom(0n, 1, "contactMonitoring");
    expect(() => createAuditor(unaudited)).toThrow(expect.objectContaining({ code: "invalid-configuration" }));
    await expect(unaudited.prover.auditorCheckpoint()).rejects.toMatchObject({ code: "wrong-mode" });
  });
});

describe("a user's checks of the auditor's head", () => {
  async function audited(position: bigint) {
    const log = await logWithAuditorFrom(position, 20);
    const auditor = createAuditor(log);
    const heads: (Uint8Array | undefined)[] = [];
    let state = auditor.initialState();
    for (const update of log.store.auditorUpdates) {
      state = auditor.process(state, update).state;
      heads.push(await auditor.sign(state, log.auditor).catch(() => undefined));
    }
    const client = createClient(log);
    const search = async (from: ReturnType<typeof client.initialState>, size: number) => {
      log.store.setAuditorTreeHead(heads[size - 1] as Uint8Array);
      const prepared = client.prepareSearch(from, { label: text("label 1") });
      return prepared.verify(await log.prover.search(prepared.request), START + log.size * 1000);
    };
    return { log, client, search, heads, auditor, state };
  }

  it("signs nothing left of the starting position", async () => {
    const { heads } = await audited(12n);
    expect(heads.findIndex((head) => head !== undefined)).toBe(12);
  });

  it("accepts the greatest lag that is allowed and refuses one entry more", async () => {
    const { client, search } = await audited(0n);
    await expect(search(client.initialState(), 20)).resolves.toBeDefined();
    await expect(search(client.initialState(), 17)).resolves.toBeDefined();
    const late = search(client.initialState(), 16);
    await expect(late).rejects.toMatchObject({
      code: "invalid-auditor-tree-head",
      path: expect.stringMatching(/timestamp$/),
    });
  });

  it("refuses a new auditor that began right of what the one before had seen", async () => {
    const { search, client } = await audited(0n);
    const { state } = await search(client.initialState(), 18);
    const under = async (position: bigint) => {
      // The same entries and keys, signed under the configuration that names the new auditor's position.
      const log = await logWithAuditorFrom(position, 21);
      const auditor = createAuditor(log);
      let audit = auditor.initialState();
      for (const update of log.store.auditorUpdates) audit = auditor.process(audit, update).state;
      log.store.setAuditorTreeHead(await auditor.sign(audit, log.auditor));
      const prepared = createClient(log).prepareSearch(state, { label: text("label 1") });
      return prepared.verify(await log.prover.search(prepared.request), START + 20_000);
    };
    await expect(under(18n)).resolves.toBeDefined();
    await expect(under(19n)).rejects.toMatchObject({
      code: "invalid-auditor-tree-head",
      path: expect.stringMatching(/treeSize$/),
    });
  });
});
