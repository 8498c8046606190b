import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, expect, test } from "vitest";
import { LabelWriter, sendInProcess } from "../../fixtures/label-writer.js";
import { createApp } from "../app.js";
import { readConfig } from "../config.js";
import { closeContext, openContext } from "../context.js";
import { FILES, initialise } from "../data-folder.js";
import { SqliteLogStore } from "../storage/sqlite.js";
import { fsck, type FsckResult } from "./fsck.js";

let dataDir: string;
let writerToken: string;

async function check(): Promise<FsckResult> {
  const store = new SqliteLogStore(join(dataDir, FILES.database));
  try {
    return await fsck(store, { writerToken });
  } finally {
    await store.close();
  }
}

function database(): Database.Database {
  return new Database(join(dataDir, FILES.database));
}

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "kt-fsck-"));
  const config = readConfig({}, { dataDir, batchMilliseconds: 1, logLevel: "silent" });
  await initialise(config);
  writerToken = (await readFile(join(dataDir, FILES.writerToken), "utf8")).trim();
  const context = await openContext(config);
  const writer = await LabelWriter.open(sendInProcess(createApp(context)), writerToken);
  for (let round = 0; round < 3; round++)
    await Promise.all(["alice", "bob", "carol", "dave", "eve"].map((label) => writer.write(label, `value ${round}`)));
  await closeContext(context);
});

afterEach(async () => {
  await rm(dataDir, { recursive: true });
});

test("an honest log has nothing wrong with it; erased openings are counted, not accused", async () => {
  const result = await check();
  expect(result.findings).toEqual([]);
  expect(result).toMatchObject({ versions: 15, erased: 0 });
  const db = database();
  db.prepare("delete from openings where id = (select id from label_versions where label = ? and version = 0)").run(
    Buffer.from("alice"),
  );
  db.close();
  const after = await check();
  expect(after.findings.map(({ where }) => where)).toEqual([]);
  expect(after.erased).toBe(1);
});

test("a flipped byte of any stored value is found, in every row and column", async () => {
  const db = database();
  const tables = db
    .prepare("select name from sqlite_master where type = 'table' and name not like 'sqlite_%'")
    .pluck()
    .all() as string[];
  const missed: string[] = [];
  for (const table of tables) {
    const columns = db.prepare(`pragma table_info(${table})`).all() as { name: string; pk: number }[];
    const rows = db.prepare(`select * from ${table}`).all() as Record<string, unknown>[];
    const keys = columns.filter(({ pk }) => pk > 0).map(({ name }) => name);
    const chosen = rows.filter((_, i) => i % Math.ceil(rows.length / 3) === 0);
    for (const row of chosen)
      for (const { name } of columns) {
        const value = row[name];
        if ((table === "head" && name === "id") || value === null) continue;
        const where = keys.map((key) => `${key} = ?`).join(" and ");
        const from = keys.map((key) => row[key]);
        const flipped = flip(value);
        db.pragma("ignore_check_constraints = on");
        db.prepare(`update ${table} set ${name} = ? where ${where}`).run(flipped, ...from);
        if ((await check()).findings.length === 0) missed.push(`${table}.${name} of ${JSON.stringify(from)}`);
        const changed = keys.map((key) => (key === name ? flipped : row[key]));
        db.prepare(`update ${table} set ${name} = ? where ${where}`).run(value, ...changed);
      }
  }
  expect(missed).toEqual([]);
  expect((await check()).findings).toEqual([]);
  db.close();
});

function flip(value: unknown): unknown {
  if (typeof value === "number") return value + 2 ** 20;
  if (typeof value === "string") return `${value}~`;
  const bytes = Buffer.from(value as Buffer);
  if (bytes.length === 0) return Buffer.of(1);
  const at = Math.floor(bytes.length / 2);
  bytes[at] = (bytes[at] ?? 0) ^ 0x10;
  return bytes;
}
