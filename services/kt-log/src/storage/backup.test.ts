import { execFileSync } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Driver, postgresDriver, sqliteDriver } from "../../fixtures/drivers.js";
import { postgresBinaries } from "../../fixtures/postgres-server.js";
import { SequencedLog } from "../../fixtures/sequenced-log.js";
import { fsck } from "../fsck/fsck.js";
import { HeadMemory, RolledBackError } from "../head-memory.js";

/** As docs/operating-the-log.md says: the log need not stop. */
async function copy(driver: Driver, from: string, to: string): Promise<void> {
  const [source, target] = [driver.config(from), driver.config(to)];
  if (source.databaseUrl === undefined || target.databaseUrl === undefined) {
    await mkdir(target.dataDir, { recursive: true });
    const db = new Database(join(source.dataDir, "log.sqlite"), { readonly: true });
    await db.backup(join(target.dataDir, "log.sqlite"));
    db.close();
    return;
  }
  const binaries = postgresBinaries() as string;
  const dump = execFileSync(join(binaries, "pg_dump"), ["-Fc", source.databaseUrl], { maxBuffer: 2 ** 28 });
  execFileSync(join(binaries, "pg_restore"), ["-d", target.databaseUrl], { input: dump });
}

describe.each([sqliteDriver(), postgresDriver()])("backups on $name", (driver) => {
  beforeAll(() => driver.setUp());
  afterAll(() => driver.tearDown());

  test.skipIf(!driver.available)(
    "a restored backup is sound, serves, and is refused once it is older than what was shown",
    async () => {
      const log = await SequencedLog.make(await driver.open("live"));
      const memory = new HeadMemory(join(driver.config("live").dataDir, "..", `${driver.name}-highest-head.json`));
      for (let i = 0; i < 5; i++) await log.append({ alice: `a${i}`, [`user${i}`]: "u" });
      const shown = await log.store.head();
      if (shown !== undefined) await memory.remember(shown);
      const { state } = await log.read("alice");
      await copy(driver, "live", "restored");
      await log.append({ alice: "a5" });

      const restored = await driver.open("restored");
      await memory.check(restored);
      expect((await log.read("alice", { store: restored, state })).value).toBe("a4");
      const checker = await driver.open("restored");
      expect(await fsck(checker, { vrf: log.vrfPrivateKey })).toMatchObject({ findings: [], treeSize: 6 });
      await checker.close();

      const newest = await log.store.head();
      if (newest !== undefined) await memory.remember(newest);
      await memory.check(log.store);
      await expect(memory.check(restored)).rejects.toThrow(RolledBackError);
      for (const store of [restored, log.store]) await store.close();
    },
  );
});
