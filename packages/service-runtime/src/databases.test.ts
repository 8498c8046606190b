import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { SqliteDatabase } from "./sqlite.js";

test("SQLite: migrations run once, forward only; a transaction that throws leaves nothing", () => {
  const folder = mkdtempSync(join(tmpdir(), "sqlite-"));
  const path = join(folder, "x.sqlite");
  const first = "create table t (a integer primary key)";
  const open = (...migrations: string[]): SqliteDatabase => new SqliteDatabase(path, { migrations, program: "x" });
  const one = open(first);
  one.run("insert into t values (?)", 1);
  expect(() =>
    one.transaction(() => {
      one.run("insert into t values (?)", 2);
      throw new Error("no");
    }),
  ).toThrow("no");
  one.close();
  const two = open(first, "alter table t add column b text default 'new'");
  expect(two.all("select a, b from t")).toEqual([{ a: 1, b: "new" }]);
  expect(two.handle.pragma("synchronous", { simple: true })).toBe(2);
  two.close();
  expect(() => open(first)).toThrow(/newer version \(schema 2\); upgrade x/);
  rmSync(folder, { recursive: true });
});
