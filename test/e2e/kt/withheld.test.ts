import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SearchRequest } from "@mls-as/keytrans";
import type { ProverErrorCode } from "@mls-as/keytrans/prover";
import { decode } from "@mls-as/tls-codec";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { callKt, type Run } from "./kt-process.js";
import { type Branch, MaliciousLog } from "./malicious-log.js";
import { ALICE, AliceHistory } from "./users.js";

let folder: string;
let home: string;
let own: string;
let log: MaliciousLog;
let shown: Branch;
let alice: AliceHistory;
let start: number;
/** What the log refuses: path, or path and version → the reason that it makes up. */
const refusals = new Map<string, ProverErrorCode>();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kt-withheld-"));
});
afterAll(() => rm(folder, { recursive: true }));

beforeEach(async () => {
  home = await mkdtemp(join(folder, "home-"));
  own = join(home, "devices.json");
  // Every entry is distinguished soon: owners have something to inspect.
  log = await MaliciousLog.create({ window: 1000n });
  refusals.clear();
  start = Date.now() - 600_000;
  alice = new AliceHistory(log.logId, Math.floor(start / 1000));
  shown = log.branch();
  await shown.heartbeat(start);
  await shown.put(ALICE, alice.enrol(), start + 1000);
  const url = await log.serve({
    branch: () => shown,
    refuse: (path, request) => refusals.get(path) ?? refusals.get(`${path} ${versionOf(path, request)}`),
  });
  await kt("init", url, "--name", "l");
  await kt("search", ALICE, "--write-own", own);
});
afterEach(() => log.close());

const versionOf = (path: string, request: Uint8Array): number | undefined =>
  path === "/v1/search" ? decode(SearchRequest, request).version : undefined;
const kt = (...args: string[]): Promise<Run> => callKt([...args, "--json"], { home });
const watch = (...args: string[]): Promise<Run> => kt("watch", ALICE, "--own", own, ...args);
const kinds = ({ json }: Run): unknown[] => (json["alerts"] as { kind: string }[]).map(({ kind }) => kind);
const ownerStart = async (): Promise<unknown> => {
  const { json } = await watch();
  return (json["labels"] as { ownedFrom?: number }[])[0]?.ownedFrom;
};

/** A ghost comes with one version and is gone, with a record of its revocation withheld, in the next. */
async function ghostAndGone(): Promise<void> {
  await shown.put(ALICE, alice.addGhost(), start + 60_000);
  await shown.put(ALICE, alice.dropGhost(), start + 61_000);
}

describe("a version that the log will not show its owner", () => {
  for (const reason of ["value-deleted", "version-expired"] as const)
    test(`is an alert until it can be read, whatever the log says: ${reason}`, async () => {
      expect(kinds(await watch())).toEqual([]);
      await ghostAndGone();
      refusals.set("/v1/search 1", reason);
      const withheld = await watch();
      expect([withheld.code, kinds(withheld)]).toEqual([3, ["version-withheld"]]);
      expect(withheld.json["alerts"]).toMatchObject([{ version: 1, detail: expect.stringContaining(reason) }]);
      // It goes on for as long as it lasts, and is told once.
      const again = await watch();
      expect([again.code, kinds(again), again.json["fresh"]]).toEqual([3, ["version-withheld"], []]);
      refusals.clear();
      const read = await watch();
      expect([read.code, kinds(read)[0]]).toEqual([1, "unknown-device"]);
    });

  test("is an alert at the first look too, and for an owner who erased it no more once the gap is accepted", async () => {
    await ghostAndGone();
    shown.store.deleteOpening(new TextEncoder().encode(ALICE), 1);
    expect(kinds(await watch())).toEqual(["version-withheld"]);
    const accepted = await watch("--accept-gaps");
    expect([accepted.code, kinds(accepted)]).toEqual([0, []]);
    expect([(await watch()).code, kinds(await watch())]).toEqual([0, []]);
    const state = JSON.parse(await readFile(join(home, "logs", "l", "watch.json"), "utf8")) as object;
    expect(JSON.stringify(state)).not.toContain("unread");
  });

  test("does not hide what the next version did to the last one that was read", async () => {
    await watch();
    await shown.put(ALICE, alice.addGhost(), start + 60_000);
    // The phone, still valid, is gone: no list may do that, and the version in between cannot excuse it.
    await shown.put(ALICE, alice.dropPhone(), start + 61_000);
    refusals.set("/v1/search 1", "value-deleted");
    const run = await watch();
    expect([run.code, kinds(run)]).toEqual([1, ["value-rejected"]]);
  });

  test("is held against the version after it, once it is shown", async () => {
    await watch();
    await shown.put(ALICE, alice.touch(), start + 60_000);
    // Continues another version 1 than the one that is logged.
    await shown.put(ALICE, alice.touch(new Uint8Array(32).fill(7)), start + 61_000);
    refusals.set("/v1/search 1", "value-deleted");
    expect(kinds(await watch())).toEqual(["version-withheld"]);
    refusals.clear();
    const run = await watch();
    expect([run.code, kinds(run)]).toEqual([1, ["value-rejected"]]);
  });

  test("does not hide from a contact that the identity changed", async () => {
    expect(kinds(await kt("watch", ALICE))).toEqual([]);
    await shown.put(ALICE, alice.addGhost(), start + 60_000);
    await shown.put(ALICE, alice.touch(), start + 61_000);
    refusals.set("/v1/search 1", "value-deleted");
    const run = await kt("watch", ALICE);
    expect([run.code, kinds(run)]).toEqual([1, ["identity-changed"]]);
  });
});

describe("owner monitoring that the log refuses", () => {
  beforeEach(async () => {
    await watch();
    for (let i = 2; i < 8; i++) await shown.heartbeat(start + i * 10_000);
  });

  for (const reason of ["invalid-start", "stale-version", "invalid-entries", "nothing-to-update"] as const)
    test(`${reason} is an alert, and the owner inspects what was skipped once it may`, async () => {
      const before = await ownerStart();
      for (let i = 8; i < 12; i++) await shown.heartbeat(start + i * 10_000);
      refusals.set("/v1/owner-monitor", reason);
      const refused = await watch();
      expect([refused.code, kinds(refused)]).toEqual([3, ["not-monitored"]]);
      expect(refused.json["alerts"]).toMatchObject([{ detail: expect.stringContaining(reason) }]);
      expect(refused.json["labels"]).toMatchObject([{ ownedFrom: before, monitored: false }]);
      expect((await watch()).code).toBe(3);
      refusals.clear();
      const after = await watch();
      expect([after.code, kinds(after)]).toEqual([0, []]);
      expect((after.json["labels"] as { ownedFrom: number }[])[0]?.ownedFrom).toBeGreaterThan(before as number);
    });

  test("is never done while the walk is not complete", async () => {
    await shown.put(ALICE, alice.touch(), start + 100_000);
    for (let i = 11; i < 14; i++) await shown.heartbeat(start + i * 10_000);
    refusals.set("/v1/update", "nothing-to-update");
    const run = await watch();
    expect([run.code, kinds(run)]).toEqual([3, ["not-monitored"]]);
    refusals.clear();
    expect((await watch()).code).toBe(0);
  });

  test("many versions between two looks are all learned in one", async () => {
    for (let i = 10; i < 16; i++) await shown.put(ALICE, alice.touch(), start + i * 10_000);
    for (let i = 16; i < 19; i++) await shown.heartbeat(start + i * 10_000);
    const run = await watch();
    expect([run.code, run.json["labels"]]).toMatchObject([0, [{ version: 6, monitored: true, ownedFrom: 16 }]]);
  });

  test("ownership is taken anew only when it is asked for, and what is skipped is said", async () => {
    refusals.set("/v1/owner-monitor", "invalid-start");
    await watch();
    const run = await watch("--accept-gaps");
    expect([run.code, kinds(run)]).toEqual([0, []]);
    expect(run.json["labels"]).toMatchObject([{ monitored: true, skipped: { from: 1 } }]);
    const text = await callKt(["watch", ALICE, "--own", own, "--accept-gaps"], { home });
    expect(text.stdout).toContain("were not inspected");
  });

  test("a daemon accepts no gaps", async () => {
    expect((await watch("--accept-gaps", "--daemon")).code).toBe(2);
    expect((await kt("watch", ALICE, "--accept-gaps")).code).toBe(2);
  });
});
