import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { callKt, type Run, runKt } from "./kt-process.js";
import { type Branch, MaliciousLog } from "./malicious-log.js";
import { ALICE, AliceHistory } from "./users.js";

let folder: string;
let log: MaliciousLog;
let shown: [Branch, Branch];
let urls: [string, string];
let homes: [string, string];
let start: number;
let alice: AliceHistory;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kt-gossip-"));
});
afterAll(() => rm(folder, { recursive: true }));

beforeEach(async () => {
  log = await MaliciousLog.create();
  start = Date.now() - 600_000;
  alice = new AliceHistory(log.logId, Math.floor(start / 1000));
  const branch = log.branch();
  await branch.heartbeat(start);
  await branch.put(ALICE, alice.enrol(), start + 1000);
  shown = [branch, branch];
  urls = [await log.serve({ branch: () => shown[0] }), await log.serve({ branch: () => shown[1] })];
  homes = [await mkdtemp(join(folder, "a-")), await mkdtemp(join(folder, "b-"))];
  await prepare(0, "init", urls[0], "--name", "l");
  await prepare(1, "init", urls[1], "--name", "l");
});
afterEach(() => log.close());

const prepare = (who: 0 | 1, ...args: string[]): Promise<Run> => callKt([...args, "--json"], { home: homes[who] });
const kt = (who: 0 | 1, ...args: string[]): Promise<Run> => runKt([...args, "--json"], { home: homes[who] });
const verdicts = ({ json }: Run): unknown[] =>
  (json["compared"] as { verdict: string }[]).map(({ verdict }) => verdict);

/** A view that hides from the second user what the first one sees. */
async function hide(): Promise<void> {
  shown = [shown[0].fork(), shown[1].fork()];
  await shown[0].put(ALICE, alice.addGhost(), start + 60_000);
  await shown[1].heartbeat(start + 60_000);
}

test("two that see the same are consistent; one that has seen less is behind", async () => {
  const payload = (await prepare(0, "gossip")).json["payload"] as string;
  expect(payload.length).toBeLessThan(1200);
  const same = await kt(1, "gossip", payload);
  expect([same.code, verdicts(same)], same.stdout).toEqual([0, ["consistent"]]);
  await shown[0].heartbeat(start + 60_000);
  const behind = await kt(1, "gossip", payload);
  expect([behind.code, verdicts(behind)], behind.stdout).toEqual([0, ["behind"]]);
  const via = await kt(0, "gossip", "--via", urls[1]);
  expect([via.code, verdicts(via)]).toEqual([0, ["consistent"]]);
});

test("a version hidden from one user is a fork, proven by the payload where both trees have one size", async () => {
  await hide();
  const payload = (await prepare(0, "gossip")).json["payload"] as string;
  const found = await kt(1, "gossip", payload);
  expect([found.code, verdicts(found)], found.stdout).toEqual([1, ["fork"]]);
  const [{ evidence }] = found.json["compared"] as [{ evidence: string }];
  log.close();
  const verdict = await runKt(["evidence", evidence, "--json"], { home: await mkdtemp(join(folder, "c-")) });
  expect([verdict.code, verdict.json["headline"]]).toEqual([1, "FORK: the log signed two histories"]);
});

test("and where they have not, by the file", async () => {
  await hide();
  await shown[0].heartbeat(start + 70_000);
  const [a, b] = [join(folder, "a.json"), join(folder, "b.json")];
  await prepare(0, "gossip", "--save", a);
  const live = await kt(1, "gossip", a, "--save", b);
  expect([live.code, verdicts(live)], live.stdout).toEqual([1, ["fork"]]);
  log.close();
  const offline = await kt(0, "gossip", "--offline", a, b);
  expect([offline.code, verdicts(offline)]).toEqual([1, ["fork"]]);
});

test("forged, damaged and foreign payloads accuse nobody", async () => {
  const payload = (await prepare(0, "gossip")).json["payload"] as string;
  const bytes = Buffer.from(payload.slice(4), "base64url");
  bytes[60] = (bytes[60] as number) ^ 1;
  const forged = await kt(1, "gossip", `KT1:${bytes.toString("base64url")}`);
  expect([forged.code, forged.json.error?.code]).toEqual([3, "unverifiable"]);
  const damaged = join(folder, "damaged");
  await writeFile(damaged, payload.slice(0, 40));
  expect((await prepare(1, "gossip", damaged)).code).toBe(2);
  const other = await MaliciousLog.create();
  const branch = other.branch();
  await branch.heartbeat(start);
  shown = [branch, shown[1]];
  homes[0] = await mkdtemp(join(folder, "d-"));
  shown = [branch, shown[1]];
  const foreignUrl = await other.serve({ branch: () => branch });
  await prepare(0, "init", foreignUrl, "--name", "l");
  const foreign = (await prepare(0, "gossip")).json["payload"] as string;
  expect((await prepare(1, "gossip", foreign)).code).toBe(4);
  other.close();
});

test("a list of heads that was edited accuses nobody where the walk is beside it", async () => {
  for (let i = 0; i < 4; i++) await shown[0].heartbeat(start + 60_000 + i);
  const file = join(folder, "edited.json");
  await prepare(1, "gossip", "--save", file);
  const saved = JSON.parse(await readFile(file, "utf8")) as { payload: string };
  const bytes = Buffer.from(saved.payload.slice(4), "base64url");
  // The last head's root ends the payload.
  bytes.writeUInt8((bytes.at(-1) as number) ^ 1, bytes.length - 1);
  const edited = { ...saved, payload: `KT1:${bytes.toString("base64url")}` };
  await writeFile(file, JSON.stringify(edited));
  const run = await prepare(0, "gossip", file);
  expect([run.code, run.json.error?.code]).toEqual([3, "unverifiable"]);
  await writeFile(file, JSON.stringify(saved));
  expect(verdicts(await prepare(0, "gossip", file))).toEqual(["consistent"]);
});
