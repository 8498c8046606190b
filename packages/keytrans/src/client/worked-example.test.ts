import { decode, tryDecode } from "@mls-as/tls-codec";
import { baseBinaryLadder } from "../binary-ladder.js";
import { describe, expect, it } from "vitest";
import { KeytransError } from "../errors.js";
import { keyedHashSuite } from "../fixtures/keyed-hash-suite.js";
import { MemoryLog, text } from "../fixtures/memory-log.js";
import { wireFormat } from "../structs/index.js";
import { createClient } from "./index.js";

describe("appendix: worked example", () => {
  it("gives the CombinedTreeProof of the draft, field by field", async () => {
    const log = new MemoryLog({ suite: keyedHashSuite(), window: 1000n });
    const label = text("the label");
    const times = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 5000, 5001].map((time) => 1_700_000_000_000 + time);
    const now = times[12] as number;
    const client = createClient(log);
    let state = client.initialState();
    for (const [position, time] of times.entries()) {
      if (position === 2) await log.put(label, [text("0"), text("1"), text("2")], time);
      else await log.append([], time);
      if (position !== 3) continue;
      const walk = client.prepareDistinguished(state);
      ({ state } = await walk.verify(await log.prover.distinguished(walk.request), time));
      expect(state.view?.frontier.map((entry) => entry.position)).toEqual([3]);
      expect(state.view?.heads).toHaveLength(1);
    }
    const search = client.prepareSearch(state, { label });
    const bytes = await log.prover.search(search.request);
    const response = decode(wireFormat(log.suite, log.configuration).GreatestSearchResponse, bytes);
    expect(response.version).toBe(2);
    expect(response.binaryLadder.map(({ commitment }) => commitment !== undefined)).toEqual([true, true, false, false]);
    const { timestamps, prefixProofs, prefixRoots, inclusion } = response.search;
    expect(timestamps).toEqual([times[7], times[11], times[12]]);
    const outcomes = prefixProofs.map(({ results }) => results.map(({ resultType }) => resultType === "inclusion"));
    expect(outcomes).toEqual([[true, true, false, true], [false]]);
    expect(prefixRoots).toEqual([log.store.entries([7])[0]?.prefixRoot]);
    expect(inclusion.elements).toEqual(
      log.store.logNodes([
        { level: 1, index: 2 },
        { level: 0, index: 6 },
        { level: 1, index: 4 },
        { level: 0, index: 10 },
      ]),
    );
    const verified = await search.verify(bytes, now);
    expect(verified.result).toMatchObject({ version: 2, value: text("2"), position: 11, monitor: false });
    expect(verified.state.view?.frontier.map((entry) => entry.position)).toEqual([7, 11, 12]);
    expect(verified.state.view?.heads).toHaveLength(3);
  });

  it("refuses every change of one byte, and leaves the state alone", async () => {
    const log = new MemoryLog({ suite: keyedHashSuite(), window: 1000n });
    const label = text("the label");
    const client = createClient(log);
    let state = client.initialState();
    for (let position = 0; position < 21; position++) {
      await log.append([], 10_000 + position * 300);
      if (position === 4) {
        const walk = client.prepareDistinguished(state);
        ({ state } = await walk.verify(await log.prover.distinguished(walk.request), 11_200));
      }
      if (position % 4 === 0)
        await log.put(label, [text(`a ${position}`), text(`b ${position}`)], 10_001 + position * 300);
      await log.put(text(`other ${position}`), [text("x")], 10_002 + position * 300);
    }
    const before = structuredClone(state.view);
    for (const version of [undefined, 2, 5]) {
      const search = client.prepareSearch(state, { label, version });
      const bytes = await log.prover.search(search.request);
      const honest = await search.verify(bytes, 17_000);
      // The draft gives commitments of versions above a fixed target that exist somewhere; no proof of this search need
      // show them, so their bytes carry nothing and change nothing.
      const { FixedSearchResponse } = wireFormat(log.suite, log.configuration);
      const unprovenCommitment = (changed: Uint8Array, target: number): boolean => {
        const decoded = tryDecode(FixedSearchResponse, changed);
        if (!decoded.ok) return false;
        const original = decode(FixedSearchResponse, bytes).binaryLadder;
        const versions = baseBinaryLadder(target);
        const at = original.findIndex(
          ({ commitment }, i) => commitment?.join() !== decoded.value.binaryLadder[i]?.commitment?.join(),
        );
        return at >= 0 && (versions[at] as number) > target && decoded.value.binaryLadder[at]?.commitment !== undefined;
      };
      for (let offset = 0; offset < bytes.length; offset++) {
        const changed = bytes.slice();
        changed[offset] = (changed[offset] as number) ^ (1 << (offset & 7));
        const outcome = await search.verify(changed, 17_000).catch((error: unknown) => error);
        if (outcome instanceof KeytransError) continue;
        expect(version !== undefined && unprovenCommitment(changed, version), `${version}, byte ${offset}`).toBe(true);
        expect(outcome).toEqual(honest);
      }
      for (const changed of [bytes.subarray(0, -1), Uint8Array.of(...bytes, 0)])
        await expect(search.verify(changed, 17_000)).rejects.toMatchObject({ code: "malformed" });
    }
    expect(state.view).toEqual(before);
  }, 60_000);
});
