import { createHmac } from "node:crypto";
import { once } from "node:events";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { callKt, type Run, runKt, startKt } from "./kt-process.js";
import { type Branch, MaliciousLog } from "./malicious-log.js";
import { ALICE, AliceHistory, GHOST } from "./users.js";

let folder: string;
let home: string;
let own: string;
let log: MaliciousLog;
let shown: Branch;
let url: string;
let alice: AliceHistory;
let start: number;
let down = false;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kt-watch-"));
});
afterAll(() => rm(folder, { recursive: true }));

beforeEach(async () => {
  home = await mkdtemp(join(folder, "home-"));
  own = join(home, "devices.json");
  log = await MaliciousLog.create();
  down = false;
  start = Date.now() - 600_000;
  alice = new AliceHistory(log.logId, Math.floor(start / 1000));
  shown = log.branch();
  await shown.heartbeat(start);
  await shown.put(ALICE, alice.enrol(), start + 1000);
  await shown.put(ALICE, await alice.addLaptop(), start + 2000);
  url = await log.serve({
    branch: () => {
      if (down) throw new Error("down");
      return shown;
    },
  });
  await before("init", url, "--name", "l");
  await before("search", ALICE, "--write-own", own);
});
afterEach(() => log.close());

const before = (...args: string[]): Promise<Run> => callKt([...args, "--json"], { home });
const kt = (...args: string[]): Promise<Run> => runKt([...args, "--json"], { home });
const kinds = ({ json }: Run): unknown[] => (json["alerts"] as { kind: string }[]).map(({ kind }) => kind);

describe("an owner", () => {
  test("hears of nothing while nothing is there that is not in devices.json", async () => {
    const first = await kt("watch", ALICE, "--own", own);
    expect(first.code, first.stdout).toBe(0);
    expect(first.json["labels"]).toMatchObject([{ version: 1, newVersions: 2 }]);
    expect((await before("watch", ALICE, "--own", own)).json["labels"]).toMatchObject([{ newVersions: 0 }]);
  });

  test("hears of a ghost as long as it is there, and of one that came and went between two looks", async () => {
    await before("watch", ALICE, "--own", own);
    await shown.put(ALICE, alice.addGhost(), start + 60_000);
    const found = await kt("watch", ALICE, "--own", own);
    expect([found.code, kinds(found)]).toEqual([1, ["unknown-device"]]);
    expect(found.json["alerts"]).toMatchObject([{ client: GHOST, version: 2 }]);
    const again = await before("watch", ALICE, "--own", own);
    expect([again.code, again.json["fresh"]]).toEqual([1, []]);
    // Off the books between two looks: versions 3 and 4.
    await shown.put(ALICE, alice.revokeLaptop(Math.floor(start / 1000) + 90), start + 90_000);
    await shown.put(ALICE, alice.revokeLaptop(Math.floor(start / 1000) + 90), start + 91_000);
    const later = await before("watch", ALICE, "--own", own);
    expect(later.json["labels"]).toMatchObject([{ version: 4, newVersions: 2 }]);
    expect(kinds(later)).toContain("own-key-revoked");
  });

  test("is told of silence, of an old head, of a dropped version and of a missed window", async () => {
    await before("watch", ALICE, "--own", own);
    down = true;
    const silent = await before("watch", ALICE, "--own", own, "--timeout", "5");
    expect([silent.code, kinds(silent)]).toEqual([3, ["unreachable"]]);
    down = false;
    await shown.heartbeat(start + 60_000);
    await before("watch", ALICE, "--own", own);
    const file = join(home, "logs", "l", "watch.json");
    const state = JSON.parse(await readFile(file, "utf8")) as { lastRun: number };
    await writeFile(file, JSON.stringify({ ...state, lastRun: state.lastRun - 3 * 86_400_000 }));
    const late = await before("watch", ALICE, "--own", own);
    expect([late.code, kinds(late)]).toEqual([3, ["missed-window"]]);
    shown = shown.fork(3);
    const old = await before("watch", ALICE, "--own", own);
    expect([old.code, kinds(old)]).toEqual([3, ["stale-head"]]);
    await shown.heartbeat(start + 120_000);
    const forked = await kt("watch", ALICE, "--own", own);
    expect([forked.code, kinds(forked)]).toEqual([1, ["misbehaviour"]]);
  });
});

test("a contact hears of a key that no device vouches for, not of one that a device approved", async () => {
  await before("watch", ALICE);
  await shown.put(ALICE, alice.addGhost(), start + 60_000);
  const run = await kt("watch", ALICE);
  expect([run.code, kinds(run)]).toEqual([1, ["identity-changed"]]);
  expect((await before("watch", ALICE)).code).toBe(0);
});

describe("alerts", () => {
  let server: Server;
  let hook: string;
  const posts: { signature: string; body: string }[] = [];
  let refusals = 0;

  beforeEach(async () => {
    posts.length = 0;
    server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        if (refusals > 0) {
          refusals--;
          response.writeHead(503).end();
          return;
        }
        posts.push({ signature: String(request.headers["kt-signature"]), body: Buffer.concat(chunks).toString() });
        response.writeHead(204).end();
      });
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    hook = `http://127.0.0.1:${(server.address() as AddressInfo).port}/alerts`;
    await shown.put(ALICE, alice.addGhost(), start + 60_000);
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  test("go to webhook, signed and retried, to a command and to sendmail, once", async () => {
    const secret = join(home, "secret");
    await writeFile(secret, "0123456789abcdef0123456789abcdef\n");
    const ran = join(home, "ran");
    const mails = join(home, "mails");
    const sendmail = join(home, "sendmail");
    await writeFile(sendmail, `#!/bin/sh\ncat > ${mails}\n`);
    await chmod(sendmail, 0o755);
    refusals = 1;
    const channels = [
      ...["--webhook", hook, "--webhook-secret-file", secret],
      ...["--exec", `cat > ${ran}; echo "$KT_ALERT_KIND" >> ${ran}`],
      ...["--mail", "alice@example.org", "--mail-from", "kt@example.org", "--sendmail", sendmail],
    ];
    const run = await kt("watch", ALICE, "--own", own, ...channels);
    expect([run.code, run.json["undelivered"]], run.stderr).toEqual([1, 0]);
    expect(posts).toHaveLength(1);
    const [{ signature, body }] = posts as [{ signature: string; body: string }];
    const [, time, mac] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(signature) ?? [];
    const expected = createHmac("sha256", "0123456789abcdef0123456789abcdef").update(`${time}.${body}`).digest("hex");
    expect(mac).toBe(expected);
    expect(JSON.parse(body)).toMatchObject({ kind: "unknown-device", client: GHOST });
    expect(await readFile(ran, "utf8")).toMatch(/"kind":"unknown-device".*\nunknown-device\n|unknown-device/);
    expect(await readFile(mails, "utf8")).toMatch(/To: alice@example.org[\s\S]*unknown-device/);
    await before("watch", ALICE, "--own", own, ...channels);
    expect(posts).toHaveLength(1);
  });

  test("that cannot be delivered are kept for the next run", async () => {
    const ran = join(home, "ran");
    const failing = await before("watch", ALICE, "--own", own, "--exec", `test -e ${ran}`);
    expect([failing.code, failing.json["undelivered"]]).toEqual([1, 1]);
    await writeFile(ran, "");
    const later = await kt("watch", ALICE, "--own", own, "--exec", `cat > ${ran}`);
    expect(later.json["undelivered"]).toBe(0);
    expect(await readFile(ran, "utf8")).toContain(GHOST);
  });

  test("a webhook without a secret is a usage error", async () => {
    expect((await before("watch", ALICE, "--webhook", hook)).code).toBe(2);
  });
});

test("a daemon has metrics and health, tells what it finds, and ends by SIGTERM with the last look's code", async () => {
  const args = ["watch", ALICE, "--own", own, "--daemon", "--interval", "0.2", "--listen", "127.0.0.1:0", "--json"];
  const child = startKt(args, { home });
  const events: Record<string, unknown>[] = [];
  const lines = createInterface({ input: child.stdout });
  lines.on("line", (line) => events.push(JSON.parse(line) as Record<string, unknown>));
  const event = async (name: string): Promise<Record<string, unknown>> => {
    for (;;) {
      const found = events.find((each) => each["event"] === name);
      if (found !== undefined) return found;
      if (child.exitCode !== null) throw new Error(`ended with ${child.exitCode}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  const address = (await event("started"))["listen"] as string;
  await shown.put(ALICE, alice.addGhost(), start + 60_000);
  expect(await event("alert")).toMatchObject({ kind: "unknown-device", client: GHOST });
  let metrics = "";
  while (!/kt_watch_alerts_total\{kind="unknown-device"\} 1/.test(metrics))
    metrics = await (await fetch(`${address}/metrics`)).text();
  expect(metrics).toMatch(/kt_watch_open_alerts 1/);
  expect(metrics).not.toContain("alice");
  expect((await fetch(`${address}/healthz`)).status).toBe(200);
  expect((await fetch(`${address}/readyz`)).status).toBe(200);
  child.kill("SIGTERM");
  const [code] = (await once(child, "close")) as [number];
  expect(code).toBe(1);
  expect(await event("stopped")).toMatchObject({ exit: 1 });
});
