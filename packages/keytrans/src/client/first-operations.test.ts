import { describe, expect, it } from "vitest";
import { MemoryLog, text } from "../fixtures/memory-log.js";
import { KT_128_SHA256_Ed25519, KT_128_SHA256_P256, nobleSuite } from "../suite/index.js";
import { createClient, decodeClientState, encodeClientState } from "./index.js";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const START = 1_700_000_000_000;

describe.each([
  ["Ed25519", KT_128_SHA256_Ed25519],
  ["P256", KT_128_SHA256_P256],
] as const)("first operations, %s", (_name, id) => {
  const suite = nobleSuite(id);

  it("initialises an owner, updates several times, and searches as a returning and as a new user", async () => {
    const log = new MemoryLog({ suite });
    const alice = text("mimi://example.org/u/alice");
    await log.append([], START);
    const owner = createClient({ suite, configuration: log.configuration });
    let state = owner.initialState();
    const walk = owner.prepareDistinguished(state);
    ({ state } = await walk.verify(await log.prover.distinguished(walk.request), START));
    const init = owner.prepareOwnerInit(state, { label: alice });
    const initialised = await init.verify(await log.prover.ownerInit(init.request), START);
    state = initialised.state;
    expect(initialised.result).toEqual({ start: 0, greatestVersion: undefined });

    const reader = createClient({ suite, configuration: log.configuration });
    let seen = reader.initialState();
    let time = START;
    for (let round = 0; round < 12; round++) {
      time += round % 3 === 0 ? DAY : HOUR;
      await log.put(text(`other ${round}`), [text("x")], time);
      const values = Array.from({ length: 1 + (round % 3) }, (_, i) => text(`value ${round} ${i}`));
      const update = owner.prepareUpdate(state, { label: alice, values });
      const updated = await update.verify(await log.update(update.request, time + 1), time + 1);
      expect(updated.result.created).toBe(true);
      expect(updated.result.position).toBe(log.size - 1);
      state = decodeClientState(encodeClientState(updated.state));
      expect(state).toEqual(updated.state);
      for (const before of [reader.initialState(), seen]) {
        const search = reader.prepareSearch(before, { label: alice });
        const found = await search.verify(await log.prover.search(search.request), time + 2);
        expect(found.result.value).toEqual(values.at(-1));
        seen = found.state;
      }
      const same = reader.prepareSearch(seen, { label: alice });
      expect((await same.verify(await log.prover.search(same.request), time + 2)).state.view).toEqual(seen.view);
    }
  }, 60_000);
});
