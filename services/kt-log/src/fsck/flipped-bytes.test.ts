import { randomBytes } from "node:crypto";
import { LogEntry } from "@mls-as/keytrans";
import { concatBytes, encode } from "@mls-as/tls-codec";
import Database from "better-sqlite3";
import { Client } from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Driver, postgresDriver, sqliteDriver } from "../../fixtures/drivers.js";
import { utf8 } from "../../fixtures/label-writer.js";
import { SequencedLog } from "../../fixtures/sequenced-log.js";
import { prune } from "../commands/prune.js";
import { rootAt, sha256 } from "../log-tree.js";
import { leaderChecksum } from "../storage/leader-checksum.js";
import type { LogStore } from "../storage/store.js";
import { fsck } from "./fsck.js";

type Value = number | string | Buffer | null;

/** The database as whoever damages it sees it. */
interface Raw {
  tables(): Promise<string[]>;
  columns(table: string): Promise<{ name: string; key: boolean }[]>;
  rows(table: string): Promise<Record<string, Value>[]>;
  run(sql: string, values: Value[]): Promise<void>;
  close(): Promise<void>;
}

function rawSqlite(path: string): Raw {
  const db = new Database(path);
  db.pragma("ignore_check_constraints = on");
  const tables = "select name from sqlite_master where type = 'table' and name not like 'sqlite_%'";
  return {
    tables: async () => db.prepare(tables).pluck().all() as string[],
    columns: async (table) =>
      (db.prepare(`pragma table_info(${table})`).all() as { name: string; pk: number }[]).map(({ name, pk }) => ({
        name,
        key: pk > 0,
      })),
    rows: async (table) => db.prepare(`select * from ${table}`).all() as Record<string, Value>[],
    run: async (sql, values) => void db.prepare(sql.replaceAll(/\$\d+/g, "?")).run(...values),
    close: async () => void db.close(),
  };
}

async function rawPostgres(url: string): Promise<Raw> {
  const client = new Client({ connectionString: url });
  // The server is stopped before this connection is.
  client.on("error", () => undefined);
  await client.connect();
  const all = async <Row>(sql: string, values: Value[] = []): Promise<Row[]> =>
    (await client.query(sql, values)).rows as Row[];
  // The checks of `id = 1` would refuse what a damaged page holds.
  for (const table of ["head", "pruning", "leader"])
    await client.query(`alter table ${table} drop constraint ${table}_id_check`);
  return {
    tables: async () =>
      (await all<{ name: string }>("select tablename as name from pg_tables where schemaname = 'public'")).map(
        ({ name }) => name,
      ),
    columns: (table) =>
      all(
        `select a.attname as name, coalesce(a.attnum = any(i.indkey), false) as key from pg_attribute a
         left join pg_index i on i.indrelid = a.attrelid and i.indisprimary
         where a.attrelid = $1::regclass and a.attnum > 0 and not a.attisdropped`,
        [table],
      ),
    rows: async (table) => {
      const rows = await all<Record<string, Value>>(`select * from ${table}`);
      // 64-bit columns come as text.
      for (const row of rows)
        for (const [name, value] of Object.entries(row))
          if (typeof value === "string" && /^\d+$/.test(value)) row[name] = Number(value);
      return rows;
    },
    run: async (sql, values) => void (await client.query(sql, values)),
    close: () => client.end(),
  };
}

/** Every table has rows: the log is audited, has erased values, proofs, witness nodes, and has been pruned. */
async function fullLog(store: LogStore): Promise<SequencedLog> {
  const log = await SequencedLog.make(store, { audited: true, maximumLifetime: 8000n });
  for (let i = 0; i < 12; i++) await log.append({ alice: `a${i}`, [`user${i % 5}`]: "u" });
  await log.audit();
  await log.read("alice");
  await store.eraseOpenings(utf8("alice"), 3);
  // Two leaves of the parallel log, and their parent.
  const leaves: Uint8Array[] = [];
  for (const { position, timestamp, prefixRoot } of await store.entriesFrom(0, 2)) {
    const entry = encode(LogEntry, { timestamp, prefixTree: prefixRoot });
    leaves.push(sha256(Uint8Array.of(0), concatBytes(entry, await rootAt(store, position + 1))));
  }
  const [left, right] = leaves as [Uint8Array, Uint8Array];
  await store.saveWitnessNodes([
    { level: 0, index: 0, hash: left },
    { level: 0, index: 1, hash: right },
    { level: 1, index: 0, hash: sha256(Uint8Array.of(1), left, right) },
  ]);
  await prune(store, { entries: true });
  return log;
}

function flip(value: Exclude<Value, null>): Value {
  if (typeof value === "number") return value < 2 ** 31 ? value ^ 0x4000 : value + 0x4000;
  if (typeof value === "string") return `${value}~`;
  if (value.length === 0) return Buffer.of(1);
  const flipped = Buffer.from(value);
  const at = (randomBytes(2).readUInt16BE() * flipped.length) >> 16;
  flipped[at] = (flipped[at] ?? 0) ^ (1 << (at % 8));
  return flipped;
}

async function missedFlips(driver: Driver, raw: Raw, log: SequencedLog): Promise<string[]> {
  const missed: string[] = [];
  for (const table of await raw.tables()) {
    const columns = await raw.columns(table);
    const rows = await raw.rows(table);
    expect(rows.length, table).toBeGreaterThan(0);
    const keys = columns.filter(({ key }) => key).map(({ name }) => name);
    const chosen = rows.filter((_, i) => i === 0 || i === rows.length - 1 || i === rows.length >> 1);
    for (const row of chosen)
      for (const { name } of columns) {
        const value = row[name];
        if (value === null || value === undefined) continue;
        const flipped = flip(value);
        const names = keys.length > 0 ? keys : columns.map((column) => column.name);
        const where = names.map((key, i) => `"${key}" = $${i + 2}`).join(" and ");
        const sql = `update ${table} set "${name}" = $1 where ${where}`;
        await raw.run(sql, [flipped, ...names.map((key) => row[key] as Value)]);
        const found = await driver
          .open("flips")
          .then(async (store) => {
            const { findings } = await fsck(store, { vrf: log.vrfPrivateKey, findingLimit: 1 });
            await store.close();
            return findings.length > 0;
          })
          .catch(() => true); // It does not even open.
        if (!found) missed.push(`${table}.${name}`);
        await raw.run(sql, [value, ...names.map((key) => (key === name ? flipped : (row[key] as Value)))]);
      }
  }
  return missed;
}

describe.each([sqliteDriver(), postgresDriver()])("fsck on $name", (driver) => {
  beforeAll(() => driver.setUp());
  afterAll(() => driver.tearDown());

  test.skipIf(!driver.available)("finds a flipped bit in every column of every table", async () => {
    const log = await fullLog(await driver.open("flips"));
    await log.store.close();
    const { dataDir, databaseUrl } = driver.config("flips");
    const raw = databaseUrl === undefined ? rawSqlite(`${dataDir}/log.sqlite`) : await rawPostgres(databaseUrl);
    if (databaseUrl !== undefined) {
      const url = "http://127.0.0.1:1";
      await raw.run("insert into leader values (1, $1, 1, $2)", [url, Buffer.from(leaderChecksum(url, 1))]);
    }
    const sound = async (): Promise<unknown> => {
      const store = await driver.open("flips");
      const { findings } = await fsck(store, { vrf: log.vrfPrivateKey });
      await store.close();
      return findings;
    };
    expect(await sound()).toEqual([]);
    expect(await missedFlips(driver, raw, log)).toEqual([]);
    expect(await sound()).toEqual([]);
    await raw.close();
  });
});
