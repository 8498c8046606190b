import { rename } from "node:fs/promises";
import type { LogEntryWrites } from "@mls-as/keytrans/prover";
import Database from "better-sqlite3";
import { Client } from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { postgresDriver, sqliteDriver } from "../../fixtures/drivers.js";
import { SequencedLog } from "../../fixtures/sequenced-log.js";
import { fsck } from "../fsck/fsck.js";
import { POSTGRES_MIGRATIONS } from "./postgres-schema.js";
import { SQLITE_MIGRATIONS } from "./schema.js";
import type { LogStore } from "./store.js";

type Insert = (sql: string, ...values: (string | number | Buffer | null)[]) => Promise<void>;

/** Writes an entry as schema 1 has it. `$1`, `$2`, … in both databases. */
async function appendRows(insert: Insert, writes: LogEntryWrites): Promise<void> {
  const b = (bytes: Uint8Array): Buffer => Buffer.from(bytes);
  const { position, entry, head } = writes;
  await insert(
    "insert into entries values ($1, $2, $3, $4, $5)",
    position,
    entry.timestamp,
    b(entry.prefixRoot),
    entry.prefixNode,
    entry.nextNode,
  );
  for (const { level, index, hash } of writes.logNodes)
    await insert("insert into log_nodes values ($1, $2, $3)", level, index, b(hash));
  for (const { id, bytes } of writes.prefixNodes)
    await insert("insert into prefix_nodes values ($1, $2)", id, b(bytes));
  for (const id of writes.superseded) await insert("insert into superseded values ($1, $2)", position, id);
  for (const { label, version, commitment } of writes.versions)
    await insert("insert into versions values ($1, $2, $3, $4)", b(label), version, position, b(commitment));
  for (const { label, version, opening, value } of writes.openings)
    await insert("insert into openings values ($1, $2, $3, $4, null)", b(label), version, b(opening), b(value));
  for (const { label, version, output } of writes.vrfProofs)
    await insert("insert into vrf_proofs values ($1, $2, $3, $4)", b(label), version, b(output), Buffer.alloc(0));
  await insert("delete from head");
  await insert(
    "insert into head values (1, $1, $2, $3, $4, null)",
    head.treeSize,
    b(head.root),
    b(head.signature),
    head.timestamp,
  );
}

/** What a log of the newest schema writes, so that the same can be written in the oldest one. */
async function recordedLog(store: LogStore): Promise<{ log: SequencedLog; entries: LogEntryWrites[] }> {
  const entries: LogEntryWrites[] = [];
  const append = store.append.bind(store);
  store.append = (writes) => {
    entries.push(writes);
    return append(writes);
  };
  const log = await SequencedLog.make(store);
  for (let i = 0; i < 30; i++) await log.append({ alice: `a${i}`, [`user${i % 11}`]: "u", [`one${i}`]: "o" });
  return { log, entries };
}

describe.each([sqliteDriver(), postgresDriver()])("migrations on $name", (driver) => {
  beforeAll(() => driver.setUp());
  afterAll(() => driver.tearDown());

  test.skipIf(!driver.available)("a database of schema 1 becomes one of today, and the log goes on", async () => {
    const { log, entries } = await recordedLog(await driver.open("new"));
    const configuration = Buffer.from((await log.store.setting("configuration")) as Uint8Array);
    const { dataDir, databaseUrl } = driver.config("old");
    if (databaseUrl === undefined) {
      // Opened once, so that its folder is there.
      await (await driver.open("old")).close();
      const db = new Database(`${dataDir}/old.sqlite`);
      db.exec(SQLITE_MIGRATIONS[0] as string);
      db.pragma("user_version = 1");
      const insert: Insert = async (sql, ...values) => void db.prepare(sql.replaceAll(/\$\d+/g, "?")).run(...values);
      await insert("insert into settings values ($1, $2)", "configuration", configuration);
      for (const writes of entries) await appendRows(insert, writes);
      db.prepare("vacuum into ?").run(`${dataDir}/copy.sqlite`);
      db.close();
      await rename(`${dataDir}/copy.sqlite`, `${dataDir}/log.sqlite`);
    } else {
      const client = new Client({ connectionString: databaseUrl });
      await client.connect();
      const insert: Insert = async (sql, ...values) => void (await client.query(sql, values));
      await client.query(POSTGRES_MIGRATIONS[0] as string);
      await client.query("create table schema_version (applied integer not null)");
      await client.query("insert into schema_version values (1)");
      await insert("insert into settings values ($1, $2)", "configuration", configuration);
      for (const writes of entries) await appendRows(insert, writes);
      await client.end();
    }
    const old = await driver.open("old");
    expect(await old.head()).toEqual(await log.store.head());
    expect(await old.setting("configuration")).toEqual(new Uint8Array(configuration));
    const { state, value } = await log.read("alice", { store: old });
    expect(value).toBe("a29");
    const checker = await driver.open("old");
    expect(await fsck(checker, { vrf: log.vrfPrivateKey })).toMatchObject({ findings: [], treeSize: 31, erased: 0 });
    await checker.close();
    // The next entry is the same in both: the migrated tree is read as it was written.
    await log.append({ alice: "a30" });
    await old.append(entries.at(-1) as LogEntryWrites);
    expect((await log.read("alice", { store: old, state })).value).toBe("a30");
    await old.close();
    await log.store.close();
  });

  test.skipIf(!driver.available)("a database of a newer version is left alone", async () => {
    await (await driver.open("newer")).close();
    const { dataDir, databaseUrl } = driver.config("newer");
    if (databaseUrl === undefined) {
      const db = new Database(`${dataDir}/log.sqlite`);
      db.pragma("user_version = 99");
      db.close();
    } else {
      const client = new Client({ connectionString: databaseUrl });
      await client.connect();
      await client.query("update schema_version set applied = 99");
      await client.end();
    }
    await expect(driver.open("newer")).rejects.toThrow(/newer version \(schema 99\); upgrade kt-log/);
  });
});
