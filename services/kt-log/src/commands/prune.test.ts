import type { ClientState } from "@mls-as/keytrans/client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { postgresDriver, sqliteDriver } from "../../fixtures/drivers.js";
import { utf8 } from "../../fixtures/label-writer.js";
import { SequencedLog } from "../../fixtures/sequenced-log.js";
import { fsck } from "../fsck/fsck.js";
import { prune } from "./prune.js";

const LIFETIME = 20_000n;

describe.each([sqliteDriver(), postgresDriver()])("pruning on $name", (driver) => {
  describe.skipIf(!driver.available)("every driver", () => {
    beforeAll(() => driver.setUp());
    afterAll(() => driver.tearDown());

    const expectSound = async (place: string): Promise<void> => {
      const checker = await driver.open(place);
      expect((await fsck(checker)).findings).toEqual([]);
      await checker.close();
    };

    test.each([[false], [true]])("with entries: %s, what is unexpired is served, and fsck agrees", async (entries) => {
      const place = `prune${entries}`;
      const log = await SequencedLog.make(await driver.open(place), { maximumLifetime: LIFETIME, audited: entries });
      // Another process that keeps rows in memory from before.
      const front = await driver.open(place);
      const away: ClientState[] = [];
      let present: ClientState | undefined;
      let pruned = 0;
      for (let i = 0; i < 40; i++) {
        await log.append({ ...(i % 3 === 0 ? { alice: `a${i}` } : {}), [`user${i % 7}`]: `u${i}` });
        if (i % 10 !== 9) continue;
        if (entries) await log.audit();
        const result = await prune(log.store, { entries });
        pruned += result.nodes;
        await expectSound(place);
        expect((await prune(log.store, { entries })).firstUnexpired).toBeUndefined();
        for (const store of [log.store, front, await driver.open(place)]) {
          const found = await log.read("alice", { store, ...(present && { state: present }) });
          expect(found.value).toBe(`a${i - (i % 3)}`);
          if (store === front) away.push(found.state);
          else if (store !== log.store) {
            present = found.state;
            await store.close();
          }
        }
      }
      expect(pruned).toBeGreaterThan(50);
      const fresh = await driver.open(place);
      await expect(log.read("alice", { store: fresh, version: 0 })).rejects.toMatchObject({ code: "version-expired" });
      // Who was away for longer than the lifetime can be served exactly if the expired entries are kept.
      const oldest = log.read("alice", { store: fresh, state: away[0] as ClientState });
      if (entries) await expect(oldest).rejects.toMatchObject({ name: "ProverError" });
      else expect((await oldest).value).toBe("a39");
      expect(await fresh.opening(utf8("alice"), 0)).toBeDefined();
      for (const store of [log.store, front, fresh]) await store.close();
    });

    test("a log without a maximum lifetime is not pruned", async () => {
      const log = await SequencedLog.make(await driver.open("forever"));
      await expect(prune(log.store, {})).rejects.toThrow(/never expire/);
      await log.store.close();
    });
  });
});
