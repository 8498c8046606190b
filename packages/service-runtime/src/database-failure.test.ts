import { createServer } from "node:net";
import { once } from "node:events";
import Database from "better-sqlite3";
import { Client } from "pg";
import { expect, test } from "vitest";
import { isDatabaseUnavailable } from "./database-failure.js";

async function thrownBy(run: () => unknown): Promise<unknown> {
  try {
    await run();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}

test("SQLite: a file that cannot be written is unavailable; a statement that is wrong is not", async () => {
  const db = new Database(":memory:");
  db.exec("create table t (a integer primary key); insert into t values (1)");
  expect(isDatabaseUnavailable(await thrownBy(() => db.exec("insert into t values (1)")))).toBe(false);
  expect(isDatabaseUnavailable(await thrownBy(() => db.prepare("select b from t")))).toBe(false);
  db.pragma("query_only = 1");
  expect(isDatabaseUnavailable(await thrownBy(() => db.exec("insert into t values (2)")))).toBe(true);
  db.close();
});

test("PostgreSQL: a server that is not there, or hangs up, is unavailable", async () => {
  const server = createServer((socket) => socket.destroy()).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  const connect = () => new Client({ host: "127.0.0.1", port, user: "x", database: "x" }).connect();
  expect(isDatabaseUnavailable(await thrownBy(connect))).toBe(true);
  server.close();
  await once(server, "close");
  expect(isDatabaseUnavailable(await thrownBy(connect))).toBe(true);
});

test("by the codes that servers send", () => {
  const coded = (code: string) => Object.assign(new Error("x"), { code });
  for (const code of ["57P01", "57P03", "08006", "53300", "53100", "25006", "SQLITE_IOERR_FSYNC", "SQLITE_BUSY"])
    expect(isDatabaseUnavailable(coded(code)), code).toBe(true);
  for (const code of ["23505", "42P01", "40001", "SQLITE_CONSTRAINT", "SQLITE_CORRUPT", "ERR_ASSERTION"])
    expect(isDatabaseUnavailable(coded(code)), code).toBe(false);
  expect(isDatabaseUnavailable(new AggregateError([coded("ECONNREFUSED"), coded("ECONNREFUSED")]))).toBe(true);
  expect(isDatabaseUnavailable(new AggregateError([coded("ECONNREFUSED"), new Error("x")]))).toBe(false);
  for (const other of [undefined, "ECONNREFUSED", new Error("ECONNREFUSED"), new AggregateError([])])
    expect(isDatabaseUnavailable(other)).toBe(false);
});
