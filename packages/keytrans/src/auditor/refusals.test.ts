import { decode, encode } from "@mls-as/tls-codec";
import { describe, expect, it } from "vitest";
import type { KeytransErrorCode } from "../errors.js";
import { keyedHashSuite } from "../fixtures/keyed-hash-suite.js";
import { MemoryLog, text } from "../fixtures/memory-log.js";
import { AuditorUpdate } from "../structs/index.js";
import { type AuditorState, createAuditor, decodeAuditorState } from "./index.js";

const START = 1_000_000;
const refusal = (code: KeytransErrorCode, path: string) =>
  expect.objectContaining({ name: "KeytransError", code, path, section: expect.stringMatching(/\w/) });

/** A log of four entries, the state of an auditor who followed three, and the fourth update with three new leaves. */
async function underway() {
  const log = new MemoryLog({ suite: keyedHashSuite(), mode: "thirdPartyAuditing" });
  for (let i = 0; i < 4; i++)
    await log.append(
      [0, 1, 2].map((j) => ({ label: text(`${i}.${j}`), greatestVersion: undefined, values: [{ value: text("v") }] })),
      START + i * 1000,
    );
  const auditor = createAuditor(log);
  const states: AuditorState[] = [auditor.initialState()];
  for (const update of log.store.auditorUpdates)
    states.push(auditor.process(states.at(-1) as AuditorState, update).state);
  const fourth = log.store.auditorUpdates[3] as Uint8Array;
  return { log, auditor, states, state: states[3] as AuditorState, fourth, update: decode(AuditorUpdate, fourth) };
}

describe("an auditor's refusals say what is wrong, and where", () => {
  it("with an update", async () => {
    const { auditor, state, states, fourth, update } = await underway();
    const attempt = (change: Partial<AuditorUpdate>, from = state) =>
      auditor.process(from, encode(AuditorUpdate, { ...update, ...change }));
    expect(attempt({})).toMatchObject({ treeSize: 4, added: 3, state: states[4] });
    const { added, proof } = update;
    const leaf = added[0] as (typeof added)[number];
    // A time may stay the same and must not fall.
    expect(attempt({ timestamp: state.timestamp }).treeSize).toBe(4);
    expect(() => attempt({ timestamp: state.timestamp - 1 })).toThrow(refusal("non-monotonic-timestamps", "timestamp"));
    expect(() => attempt({ added: added.toReversed() })).toThrow(refusal("invalid-auditor-update", "added"));
    expect(() => attempt({ added: [leaf, leaf, ...added.slice(1)] })).toThrow(
      refusal("invalid-auditor-update", "added"),
    );
    expect(() => attempt({ removed: [leaf] })).toThrow(refusal("invalid-auditor-update", "removed"));
    for (const results of [proof.results.slice(1), [...proof.results, ...proof.results.slice(0, 1)], []])
      expect(() => attempt({ proof: { ...proof, results } })).toThrow(refusal("unexpected-count", "proof.results"));
    expect(() => attempt({ added: [], proof })).toThrow(refusal("unexpected-count", "proof.results"));
    const claimed = [{ resultType: "inclusion", depth: 2 } as const, ...proof.results.slice(1)];
    expect(() => attempt({ proof: { ...proof, results: claimed } })).toThrow(
      refusal("invalid-auditor-update", "proof.results[0]"),
    );
    expect(() =>
      attempt({}, { ...state, prefixRoot: state.prefixRoot.with(0, 1 ^ (state.prefixRoot[0] as number)) }),
    ).toThrow(refusal("prefix-root-mismatch", "proof"));
    expect(() => auditor.process(state, fourth.subarray(1))).toThrow(expect.objectContaining({ code: "malformed" }));
    expect(() => auditor.process(state, new Uint8Array())).toThrow(
      expect.objectContaining({ code: "malformed", section: "Auditing", path: expect.stringMatching(/^update/) }),
    );
  });

  it("with a checkpoint, a tree head, or a stored state", async () => {
    const { auditor, state, states, log } = await underway();
    const malformed = (path: RegExp) =>
      expect.objectContaining({ code: "malformed", section: "Auditing", path: expect.stringMatching(path) });
    await expect(auditor.start(new Uint8Array())).rejects.toEqual(malformed(/^checkpoint/));
    await expect((async () => await auditor.verifyTreeHead(state, new Uint8Array()))()).rejects.toEqual(
      malformed(/^treeHead/),
    );
    expect(() => decodeAuditorState(new Uint8Array())).toThrow(malformed(/^state/));
    expect(() => decodeAuditorState(Uint8Array.of(0, 3))).toThrow(/unknown state format 3/);
    const head = await log.prover.treeHead();
    await auditor.verifyTreeHead(states[4] as AuditorState, head);
    for (const other of [states[3], states[0]])
      await expect(auditor.verifyTreeHead(other as AuditorState, head)).rejects.toEqual(
        refusal("invalid-tree-size", "treeHead.treeSize"),
      );
  });

  it("with what it is to sign, and with a log that is not its own", async () => {
    const { auditor, log, states } = await underway();
    await expect(auditor.sign(auditor.initialState(), log.auditor)).rejects.toMatchObject({ code: "invalid-argument" });
    // Started from a checkpoint, with nothing processed since.
    const begun = { ...(states[4] as AuditorState), start: 4 };
    await expect(auditor.sign(begun, log.auditor)).rejects.toMatchObject({ code: "invalid-argument" });
    await expect(auditor.sign(states[4] as AuditorState, log.auditor)).resolves.toBeInstanceOf(Uint8Array);
    const { suite, configuration } = log;
    const foreign = { ...suite, id: suite.id === 1 ? 2 : 1 } as typeof suite;
    expect(() => createAuditor({ suite: foreign, configuration })).toThrow(refusal("invalid-configuration", "mode"));
  });
});
