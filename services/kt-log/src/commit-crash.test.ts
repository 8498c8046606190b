import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { LabelWriter, sendTo } from "../fixtures/label-writer.js";
import { FILES } from "./data-folder.js";
import { fsck } from "./fsck/fsck.js";
import { SqliteLogStore } from "./storage/sqlite.js";

const MAIN = fileURLToPath(new URL("../dist/main.js", import.meta.url));

interface Running {
  readonly url: string;
  readonly child: ChildProcess;
  readonly ended: Promise<unknown>;
}

let dataDir: string;
const children: ChildProcess[] = [];

async function start(environment: Record<string, string> = {}): Promise<Running> {
  const child = spawn(process.execPath, [MAIN, "serve", "--init", "--data", dataDir, "--port", "0", "--json"], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, KT_LOG_LEVEL: "silent", KT_LOG_BATCH_MILLISECONDS: "2", ...environment },
  });
  children.push(child);
  const ended = once(child, "exit").then(([code, signal]: unknown[]) => signal ?? code);
  const line = once(createInterface({ input: child.stdout }), "line").then(([text]) => String(text));
  const ready = await Promise.race([
    line,
    ended.then((status) => Promise.reject(new Error(`ended: ${String(status)}`))),
  ]);
  return { url: (JSON.parse(ready) as { url: string }).url, child, ended };
}

async function writerOf(url: string): Promise<LabelWriter> {
  return LabelWriter.open(sendTo(url), (await readFile(join(dataDir, FILES.writerToken), "utf8")).trim());
}

async function expectWhole(): Promise<void> {
  const store = new SqliteLogStore(join(dataDir, FILES.database));
  try {
    expect((await fsck(store)).findings).toEqual([]);
  } finally {
    await store.close();
  }
}

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "kt-crash-"));
});
afterEach(async () => {
  for (const child of children.splice(0)) if (child.exitCode === null) child.kill("SIGKILL");
  await rm(dataDir, { recursive: true });
});

describe("kill -9 of the log", () => {
  test.each([
    ["before-head-moved", false],
    ["head-moving", false],
    ["after-head-moved", true],
  ])("at %s: the trees agree, and the update is there exactly if it was committed", async (failpoint, committed) => {
    let log = await start();
    const writer = await writerOf(log.url);
    await writer.write("alice", "acknowledged");
    log.child.kill("SIGKILL");
    await log.ended;

    log = await start({ KT_LOG_FAILPOINT: failpoint });
    await expect((await writerOf(log.url)).write("alice", "lost answer")).rejects.toThrow();
    expect(await log.ended).toBe("SIGKILL");
    await expectWhole();

    log = await start();
    const survivor = await writerOf(log.url);
    expect(await survivor.read("alice")).toMatchObject(
      committed ? { version: 1, value: "lost answer" } : { version: 0, value: "acknowledged" },
    );
    log.child.kill("SIGTERM");
    expect(await log.ended).toBe(0);
  });

  test("at random instants: every acknowledged update is provable afterwards", async () => {
    const acknowledged = new Map<string, number>();
    for (let round = 0; round < 4; round++) {
      const log = await start();
      const killed = sleep(60 + Math.random() * 400).then(() => log.child.kill("SIGKILL"));
      const writers = ["alice", "bob", "carol"].map(async (label) => {
        const writer = await writerOf(log.url);
        for (let turn = 0; ; turn++) {
          const value = `${round}/${turn}`;
          const { created } = await writer.write(label, value);
          if (created) acknowledged.set(label, (acknowledged.get(label) ?? 0) + 1);
        }
      });
      await Promise.allSettled(writers);
      await killed;
      await log.ended;
      await expectWhole();
    }
    const log = await start();
    const reader = await writerOf(log.url);
    for (const [label, count] of acknowledged)
      expect((await reader.read(label)).version).toBeGreaterThanOrEqual(count - 1);
  });
});

test("two sequencers on one database: both serve, neither forks, nothing is lost", async () => {
  const logs = [await start(), await start()];
  const writers = await Promise.all(logs.map(({ url }) => writerOf(url)));
  const labels = Array.from({ length: 12 }, (_, i) => `user${i}`);
  await Promise.all(
    labels.map(async (label, i) => {
      const writer = writers[i % 2] as LabelWriter;
      for (const value of ["one", "two"]) expect((await writer.write(label, value)).created).toBe(true);
    }),
  );
  for (const [i, label] of labels.entries())
    expect(await (writers[(i + 1) % 2] as LabelWriter).read(label)).toEqual({ version: 1, value: "two" });
  await expectWhole();
});
