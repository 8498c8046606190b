import { describe, expect, it } from "vitest";
import { createClient, labelsToMonitor } from "../client/index.js";
import { keyedHashSuite } from "../fixtures/keyed-hash-suite.js";
import { MemoryLog, seededRandom, text } from "../fixtures/memory-log.js";
import { planPruning } from "./index.js";

const START = 1_000_000;

describe.each([1, 2, 3])("maximum lifetime, history %i", (seed) => {
  it("serves unexpired versions from a pruned store, refuses the rest, and never fails otherwise", async () => {
    const log = new MemoryLog({ suite: keyedHashSuite(), window: 5_000n, lifetime: 40_000n });
    const random = seededRandom(seed);
    const below = (n: number): number => ((random(1)[0] as number) * 256 + (random(1)[0] as number)) % n;
    const client = createClient(log);
    let user = client.initialState();
    let now = START;
    let pruned = 0;
    await log.append([], now);
    const values: string[] = [];
    const label = text("label");
    const outcomes = { found: 0, expired: 0 };
    for (let round = 0; round < 150; round++) {
      now += below(2000);
      if (below(4) === 0) {
        values.push(`value ${values.length}`);
        await log.put(label, [text(values.at(-1) as string)], now);
      } else await log.append([], now);
      if (round % 10 !== 9 || values.length === 0) continue;

      const plan = await planPruning(log.store, log.configuration, pruned);
      if (plan) {
        pruned = plan.firstUnexpired;
        log.store.prunePrefixTrees(plan.firstUnexpired);
        log.store.pruneEntries(plan.firstUnexpired, plan.kept);
      }
      for (const version of values.keys())
        for (const state of [client.initialState(), user]) {
          const search = client.prepareSearch(state, { label, version });
          try {
            const bytes = await log.prover.search(search.request);
            const found = await search.verify(bytes, now);
            expect(found.result.value).toEqual(text(values[version] as string));
            outcomes.found++;
          } catch (error) {
            expect(error).toMatchObject({ name: "ProverError", code: "version-expired" });
            expect(version).toBeLessThan(values.length - 1);
            outcomes.expired++;
          }
        }
      const search = client.prepareSearch(user, { label });
      user = (await search.verify(await log.prover.search(search.request), now)).state;
      for (const { label: monitored } of labelsToMonitor(user)) {
        const monitor = client.prepareContactMonitor(user, { label: monitored });
        user = (await monitor.verify(await log.prover.contactMonitor(monitor.request), now)).state;
      }
    }
    expect(outcomes.found).toBeGreaterThan(0);
    expect(outcomes.expired).toBeGreaterThan(0);
  }, 60_000);
});
