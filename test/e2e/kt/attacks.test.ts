import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { callKt, type Run, runKt } from "./kt-process.js";
import { type Branch, MaliciousLog } from "./malicious-log.js";
import { ALICE, AliceHistory } from "./users.js";

let folder: string;
let home: string;
let log: MaliciousLog;
let shown: Branch;
let bend: ((path: string, answer: Uint8Array) => Uint8Array) | undefined;
let url: string;
let alice: AliceHistory;
/** Ten minutes ago: every head is recent. */
let start: number;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kt-attacks-"));
});
afterAll(() => rm(folder, { recursive: true }));

/** A log with Alice's first versions, shown honestly and pinned. */
async function world(options: { audited?: boolean; window?: bigint } = {}): Promise<void> {
  home = await mkdtemp(join(folder, "home-"));
  log = await MaliciousLog.create(options);
  bend = undefined;
  start = Date.now() - 600_000;
  alice = new AliceHistory(log.logId, Math.floor(start / 1000));
  shown = log.branch();
  await shown.heartbeat(start);
  await shown.put(ALICE, alice.enrol(), start + 1000);
  await shown.put(ALICE, await alice.addLaptop(), start + 2000);
  await shown.heartbeat(start + 3000);
  url = await log.serve({ branch: () => shown, bend: (path, answer) => bend?.(path, answer) ?? answer });
  expect((await before("init", url, "--name", "l")).code).toBe(0);
}
beforeEach(() => world());
afterEach(() => log.close());

/** For what comes before the attack. */
const before = (...args: string[]): Promise<Run> => callKt([...args, "--json"], { home });
const kt = (...args: string[]): Promise<Run> => runKt([...args, "--json"], { home });

/** The run found misbehaviour, and its evidence convinces somebody who has nothing but the file. */
async function convicts(run: Run, headline: RegExp): Promise<void> {
  expect(run.code, run.stdout + run.stderr).toBe(1);
  await judged(run, 1, headline);
}

async function judged(run: Run, code: number, headline: RegExp): Promise<void> {
  const file = run.json.error?.evidence;
  expect(file, run.stdout).toBeTypeOf("string");
  const stranger = await mkdtemp(join(folder, "stranger-"));
  const environment = { HTTP_PROXY: "http://127.0.0.1:9", http_proxy: "http://127.0.0.1:9" };
  log.close();
  const verdict = await runKt(["evidence", file as string, "--json"], { home: stranger, environment });
  expect(verdict.code, verdict.stdout + verdict.stderr).toBe(code);
  expect(verdict.json["headline"]).toMatch(headline);
  expect(verdict.json["log"]).toBe(Buffer.from(log.logId).toString("hex"));
}

describe("an honest log", () => {
  test("is searched, and searched again after it grew", async () => {
    const first = await kt("search", ALICE, "--history");
    expect(first.code, first.stdout).toBe(0);
    expect(first.json).toMatchObject({ version: 1, treeSize: 4 });
    await shown.put(ALICE, alice.revokeLaptop(Math.floor(start / 1000) + 60), start + 60_000);
    const second = await kt("search", ALICE);
    expect(second.json).toMatchObject({ version: 2, treeSize: 5 });
    expect((await kt("status")).code).toBe(0);
    expect((await before("search", ALICE, "--version", "0")).json).toMatchObject({ exit: 0, version: 0, treeSize: 5 });
    expect((await before("search", ALICE, "--version", "3")).json).toMatchObject({ exit: 3 });
  });
});

describe("a log that cheats its clients", () => {
  test("forks: the tree shown later does not extend the one shown before", async () => {
    await shown.heartbeat(start + 60_000);
    expect((await before("search", ALICE)).code).toBe(0);
    shown = shown.fork(4);
    await shown.put(ALICE, alice.addGhost(), start + 61_000);
    await convicts(await kt("search", ALICE), /FORK/);
  });

  test("forks and is further on by then", async () => {
    await shown.heartbeat(start + 60_000);
    expect((await before("search", ALICE)).code).toBe(0);
    shown = shown.fork(4);
    for (let i = 0; i < 3; i++) await shown.heartbeat(start + 61_000 + i);
    await convicts(await kt("search", ALICE), /FORK/);
  });

  test("rewinds: entries are lost, and it goes on from there", async () => {
    await shown.put(ALICE, alice.addGhost(), start + 60_000);
    await shown.heartbeat(start + 61_000);
    expect((await before("search", ALICE)).code).toBe(0);
    shown = shown.fork(4);
    await shown.heartbeat(start + 120_000);
    await convicts(await kt("search", ALICE), /FORK/);
  });

  test("stamps time backwards", async () => {
    expect((await before("status")).code).toBe(0);
    await shown.forge(start + 500, 3);
    shown.stampedBack = true;
    await convicts(await kt("status"), /time backwards/);
  });

  test("drops a version that it had shown", async () => {
    expect((await before("search", ALICE)).json).toMatchObject({ version: 1 });
    for (let i = 0; i < 4; i++) await shown.forge(start + 60_000 + i, 1);
    shown.greatest = (_label, position, truth) => (position >= 4 ? 0 : truth);
    await convicts(await kt("search", ALICE), /versions|FORK/);
  });

  test("serves an old head", async () => {
    await shown.put(ALICE, alice.addGhost(), start + 60_000);
    expect((await before("search", ALICE)).code).toBe(0);
    shown = shown.fork(4);
    const run = await kt("search", ALICE);
    expect([run.code, run.json.error?.code]).toEqual([3, "stale"]);
    await judged(run, 3, /does not verify/);
  });

  test("presents another key", async () => {
    const other = await MaliciousLog.create();
    const branch = other.branch();
    await branch.heartbeat(start);
    await branch.put(ALICE, new AliceHistory(other.logId, Math.floor(start / 1000)).enrol(), start + 1000);
    shown = branch;
    const run = await kt("search", ALICE);
    expect([run.code, run.json.error?.code]).toEqual([4, "unexpected-key"]);
    expect((await before("status")).code).toBe(4);
    expect((await before("init", url, "--name", "l")).code).toBe(4);
  });
});

describe("somebody between", () => {
  test("who alters any part of an answer is noticed, and the log is not accused", async () => {
    expect((await before("search", ALICE)).code).toBe(0);
    await shown.heartbeat(start + 60_000);
    let part = 0;
    bend = (path, answer) => {
      if (path !== "/v1/search") return answer;
      const bent = answer.slice();
      const at = Math.floor(part * bent.length);
      bent[at] = (bent[at] as number) ^ 1;
      return bent;
    };
    const state = await readFile(join(home, "logs", "l", "state"));
    for (part = 0; part < 1; part += 0.07) {
      const run = await before("search", ALICE);
      expect(run.code, `at ${part}: ${run.stdout}`).toBe(3);
      expect((await callKt(["evidence", run.json.error?.evidence as string], { home })).code).toBe(3);
    }
    expect(await readFile(join(home, "logs", "l", "state"))).toEqual(state);
    part = 0.5;
    const run = await kt("search", ALICE);
    expect(run.code, run.stdout).toBe(3);
    await judged(run, 3, /does not verify|contradicts itself/);
  });
});
