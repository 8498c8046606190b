import { copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UpdateRequest } from "@mls-as/keytrans";
import { encode } from "@mls-as/tls-codec";
import { afterEach, beforeEach, expect, test } from "vitest";
import { LabelWriter, type Send, sendInProcess, utf8 } from "../fixtures/label-writer.js";
import { createApp } from "./app.js";
import { readConfig } from "./config.js";
import { closeContext, type Context, openContext } from "./context.js";
import { FILES, initialise } from "./data-folder.js";
import { RolledBackError } from "./head-memory.js";

let dataDir: string;
let context: Context;
let send: Send;
let token: string;

async function open(): Promise<void> {
  context = await openContext(readConfig({}, { dataDir, batchMilliseconds: 1, logLevel: "silent" }));
  send = sendInProcess(createApp(context));
}

/** Writes, keeping a copy of the database as it was in between. */
async function restoreOldBackup(): Promise<void> {
  const database = join(dataDir, FILES.database);
  const writer = await LabelWriter.open((...request) => send(...request), token);
  await writer.write("alice", "one");
  await closeContext(context);
  await copyFile(database, `${database}.backup`);
  await open();
  await writer.write("alice", "two");
  await closeContext(context);
  await copyFile(`${database}.backup`, database);
}

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "kt-memory-"));
  await initialise(readConfig({}, { dataDir }));
  token = (await readFile(join(dataDir, FILES.writerToken), "utf8")).trim();
  await open();
});
afterEach(async () => {
  await rm(dataDir, { recursive: true });
});

test("a database restored from an old backup is refused at start, before anything is signed", async () => {
  await restoreOldBackup();
  await expect(open()).rejects.toBeInstanceOf(RolledBackError);
  await expect(open()).rejects.toThrow(/has 2 entries, but this log has shown a tree of 3.*restore a newer one/);
});

test("another history of the same length is refused too", async () => {
  await restoreOldBackup();
  const memory = join(dataDir, FILES.headMemory);
  const remembered = await readFile(memory);
  await rm(memory);
  await open();
  await (await LabelWriter.open(send, token)).write("alice", "another two");
  await closeContext(context);
  await rm(memory);
  await writeFile(memory, remembered);
  await expect(open()).rejects.toThrow(/with the root/);
});

test("where the memory was lost as well, the writer's word stops the log; a stranger's does not", async () => {
  await restoreOldBackup();
  await rm(join(dataDir, FILES.headMemory));
  await open();
  const request = encode(UpdateRequest, {
    last: 3,
    label: utf8("alice"),
    greatestVersion: 0,
    values: [{ value: utf8("two") }],
  });
  expect((await send("/v1/update", request)).status).toBe(401);
  expect((await send("/readyz")).status).toBe(200);
  const refused = await send("/v1/update", request, { authorization: `Bearer ${token}` });
  expect(refused.status).toBe(503);
  expect(await refused.json()).toMatchObject({ code: "rolled-back" });
  expect(await (await send("/readyz")).json()).toMatchObject({ ready: false, rolledBack: true });
  const other = encode(UpdateRequest, {
    last: 1,
    label: utf8("bob"),
    greatestVersion: undefined,
    values: [{ value: utf8("one") }],
  });
  const still = await send("/v1/update", other, { authorization: `Bearer ${token}` });
  expect(await still.json()).toMatchObject({ code: "rolled-back" });
  expect((await context.store.head())?.treeSize).toBe(2);
  await closeContext(context);
});
