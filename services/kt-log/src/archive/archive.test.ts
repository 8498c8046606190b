import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { postgresDriver, sqliteDriver } from "../../fixtures/drivers.js";
import { utf8 } from "../../fixtures/label-writer.js";
import { SequencedLog } from "../../fixtures/sequenced-log.js";
import { runExport } from "../commands/export.js";
import { runImport } from "../commands/import.js";
import { readConfig } from "../config.js";
import { fsck } from "../fsck/fsck.js";

const drivers = [sqliteDriver(), postgresDriver()];
beforeAll(async () => {
  for (const driver of drivers) await driver.setUp();
});
afterAll(async () => {
  for (const driver of drivers) await driver.tearDown();
});

describe.each(drivers)("archives of $name", (driver) => {
  const other = drivers[1 - drivers.indexOf(driver)] as typeof driver;
  const both = driver.available && other.available;

  test
    .skipIf(!driver.available)
    .each([["the same driver", driver], ...(both ? [["the other driver", other] as const] : [])] as const)(
    "an export imported into %s is the same log, and goes on",
    async (name, target) => {
      const place = `audited${name.length}`;
      const log = await SequencedLog.make(await driver.open(place), { audited: true });
      for (let i = 0; i < 6; i++) await log.append({ alice: `a${i}`, [`user${i}`]: "u" });
      await log.read("alice").catch(() => undefined);
      await log.audit();
      const { state } = await log.read("alice");
      await log.store.eraseOpenings(utf8("alice"), 2);
      const config = readConfig({}, { ...driver.config(place), logLevel: "silent" });
      const file = join(config.dataDir, "..", `${place}.archive`);
      expect(await runExport(config, file, true)).toBe(0);
      await expect(runExport(config, file, true)).rejects.toThrow(/exists already/);

      const to = readConfig({}, { ...target.config(`${place}copy`), logLevel: "silent" });
      expect(await runImport(to, file, true)).toBe(0);
      await expect(runImport(to, file, true)).rejects.toThrow(/a log .*already/);
      const copy = await target.open(`${place}copy`);
      expect(await copy.head()).toEqual(await log.store.head());
      expect(await log.read("alice", { store: copy, state })).toMatchObject({ value: "a5" });
      expect(await copy.opening(utf8("alice"), 2)).toBeUndefined();
      const checker = await target.open(`${place}copy`);
      expect(await fsck(checker, { vrf: log.vrfPrivateKey })).toMatchObject({ findings: [], erased: 3, unproven: 0 });
      for (const store of [log.store, copy, checker]) await store.close();
    },
  );

  test.skipIf(!driver.available)(
    "an archive that is cut short, altered or contradicts itself leaves no log",
    async () => {
      const log = await SequencedLog.make(await driver.open("whole"));
      for (let i = 0; i < 3; i++) await log.append({ alice: `a${i}`, bob: `b${i}` });
      await log.store.close();
      const config = readConfig({}, { ...driver.config("whole"), logLevel: "silent" });
      const file = join(config.dataDir, "..", "whole.archive");
      await runExport(config, file, true);
      const archive = await readFile(file);
      const to = readConfig({}, { ...driver.config("refused"), logLevel: "silent" });
      const bad = `${file}.bad`;
      const step = Math.ceil(archive.length / 7);
      for (let at = 3; at < archive.length; at += step) {
        const altered = Buffer.from(archive);
        altered[at] = (altered[at] ?? 0) ^ 0x10;
        for (const bytes of [altered, archive.subarray(0, at)]) {
          await writeFile(bad, bytes);
          await expect(runImport(to, bad, true), `byte ${at}`).rejects.toMatchObject({ name: "ArchiveError" });
        }
      }
      await writeFile(bad, Buffer.concat([archive, Buffer.of(0)]));
      await expect(runImport(to, bad, true)).rejects.toMatchObject({ code: "malformed" });
      expect(await runImport(to, file, true)).toBe(0);
    },
  );
});
