import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SearchRequest } from "@mls-as/keytrans";
import { nodeSuite } from "@mls-as/keytrans/node";
import { nodeProvider } from "@mls-as/mls-core/node";
import { decode } from "@mls-as/tls-codec";
import { judgeFinding, spkiHash, userOfClient } from "@mls-as/mls-credentials";
import {
  ClientError,
  Device,
  type Fetch,
  memoryKeyStore,
  memoryStateStore,
  Monitor,
  type MonitorOptions,
  openLog,
  policyOf,
  readDirectory,
  type ServiceDirectory,
  type StateStore,
} from "@mls-as/mls-credentials/client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { adminClient, type AdminClient } from "../../demo/admin.js";
import { type Service, startAuthenticationService, startLog } from "../e2e/services.js";
import { Killed, KillSwitch } from "./crashes.js";

const suite = (id: 1 | 2) => nodeSuite(id);
const DAY = 86_400;
let folder: string;
let log: Service;
let as: Service;
let directory: ServiceDirectory;
let admin: AdminClient;
let count = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "mls-as-monitor-"));
  log = await startLog(join(folder, "kt-log"));
  as = await startAuthenticationService(join(folder, "as"), { url: log.url, dataDir: join(folder, "kt-log") });
  directory = await readDirectory(as.url);
  admin = await adminClient(as.url, join(folder, "as"));
}, 120_000);
afterAll(async () => {
  await as.stop();
  await log.stop();
  await rm(folder, { recursive: true });
});

/** A device of somebody new, or of `user`, enrolled by a token. */
async function enrolled(client = `mimi://${directory.domain}/d/person${count++}/phone`): Promise<Device> {
  const keys = memoryKeyStore();
  const setting = { service: as.url, log: directory.log, client, keys, store: memoryStateStore(), suite };
  const device = await Device.open(setting);
  await device.enrol({ token: await admin.token(userOfClient(client), client) });
  return device;
}

interface Kept {
  readonly view: StateStore;
  readonly store: StateStore;
}
const kept = (): Kept => ({ view: memoryStateStore(), store: memoryStateStore() });

async function monitorOf(
  device: Device,
  { view, store }: Kept,
  more: Partial<MonitorOptions> = {},
  fetch?: Fetch,
): Promise<Monitor> {
  const { key } = await device.current();
  return await Monitor.open({
    user: device.user,
    ownKeys: [{ client: device.client, spkiHash: spkiHash(key.subjectPublicKeyInfo) }],
    policy: policyOf(directory),
    provider: nodeProvider,
    lists: await openLog({ ...directory.log, suite, store: view, fetch, retry: { attempts: 1 } }),
    store,
    since: 0,
    schedule: { quietPeriod: 0, reminder: 30 * DAY },
    ...more,
  });
}

const livesOf = (monitor: Monitor): string[] =>
  monitor.detector.findings().flatMap(({ kind, life }) => (life === "resolved" ? [] : [`${kind} ${life}`]));

/** The log, but for the values of one version, which it says are gone. */
function withholding(code: "value-deleted" | "version-expired") {
  const asked: (number | undefined)[] = [];
  const platform = globalThis.fetch as unknown as Fetch;
  const fetch: Fetch = async (url, init) => {
    if (!url.endsWith("/v1/search")) return await platform(url, init);
    const { version } = decode(SearchRequest, init?.body as Uint8Array);
    asked.push(version);
    if (version === undefined || version !== held.hidden) return await platform(url, init);
    const headers = { "content-type": "application/problem+json" };
    const gone = new Response(JSON.stringify({ status: 410, code }), { status: 410, headers });
    return gone as unknown as Awaited<ReturnType<Fetch>>;
  };
  const held: { hidden: number | undefined; readonly asked: typeof asked; readonly fetch: Fetch } = {
    hidden: undefined,
    asked,
    fetch,
  };
  return held;
}

describe("a monitor over real services", () => {
  test("stays silent about honest people, and notices a ghost under its own user's name", {
    timeout: 120_000,
  }, async () => {
    const [alice, bob] = [await enrolled(), await enrolled()];
    const aliceKept = kept();
    const own = await monitorOf(alice, aliceKept);
    const contact = await monitorOf(bob, kept());
    for (const monitor of [own, contact]) {
      const report = await monitor.round([alice.user, bob.user]);
      expect(report).toMatchObject({ alerts: [], incidents: [] });
      expect(livesOf(monitor)).toEqual([]);
    }
    // The operator makes up a device, in the log and all.
    await enrolled(alice.client.replace("/phone", "/backup"));
    const report = await own.round([bob.user]);
    expect(report.alerts.flatMap(({ findings }) => findings.map(({ kind }) => kind)).sort()).toEqual([
      "SELF_UNKNOWN_IN_LOG",
      "UNAUTHORISED_ENTRY",
    ]);
    expect((await contact.round([alice.user])).alerts).toMatchObject([{ user: alice.user }]);
    expect(contact.detector.membership({ user: alice.user }).map(({ kind }) => kind)).toEqual([
      "device-added",
      "identity-changed",
    ]);
    // What was found convinces somebody who has never seen the log.
    const judge = {
      policy: policyOf(directory),
      provider: nodeProvider,
      suite: (id: number) => nodeSuite(id as 1 | 2),
    };
    for (const finding of own.detector.findings())
      expect(await judgeFinding(finding, judge)).toMatchObject({
        standing: finding.kind === "UNAUTHORISED_ENTRY" ? "proven" : "supported",
      });
    // After a restart it knows the same, and tells nothing twice.
    const again = await monitorOf(alice, aliceKept);
    expect(livesOf(again)).toEqual(livesOf(own));
    expect((await again.round([bob.user])).alerts).toEqual([]);
    // The user acknowledges; nothing is told any more.
    for (const { id } of again.detector.findings())
      await again.observe({ type: "acknowledge", at: Date.now() / 1000, finding: id });
    expect(again.nextAlert()).toBeUndefined();
  });

  test("reads every version of its own user's list, also those that came and went between two rounds", {
    timeout: 120_000,
  }, async () => {
    const alice = await enrolled();
    const own = await monitorOf(alice, kept());
    await own.round([]);
    const ghost = alice.client.replace("/phone", "/ghost");
    await enrolled(ghost);
    await admin.revokeDevice(ghost, "privilegeWithdrawn");
    await own.round([]);
    expect(livesOf(own)).toContain("SELF_UNKNOWN_IN_LOG suspect");
  });

  test("reads on where a version of its own is withheld, and keeps that silence until its user accepts it", {
    timeout: 120_000,
  }, async () => {
    const alice = await enrolled();
    let now = Date.now();
    const held = withholding("value-deleted");
    const where = kept();
    const open = () => monitorOf(alice, where, { now: () => now }, held.fetch);
    const own = await open();
    await own.round([]);
    const ghost = alice.client.replace("/phone", "/ghost");
    await enrolled(ghost);
    await admin.revokeDevice(ghost, "privilegeWithdrawn");
    held.hidden = 1;
    const looked = await own.round([]);
    expect(own.withheld).toEqual([1]);
    expect(looked.incidents).toEqual([]);
    // What came after it is read all the same.
    expect(own.detector.findings().map(({ kind }) => kind)).toContain("SELF_UNKNOWN_IN_LOG");
    expect(livesOf(own)).toContain("EVIDENCE_UNAVAILABLE pending");
    // It is asked for again at each look, also after a restart, and no newer list ends the silence.
    held.asked.length = 0;
    now += 2 * DAY * 1000;
    const again = await open();
    const late = await again.round([]);
    expect(held.asked).toContain(1);
    expect(late.alerts.flatMap(({ findings }) => findings.map(({ kind }) => kind))).toContain("EVIDENCE_UNAVAILABLE");
    // Given out after all, it is read, and the silence is over.
    held.hidden = undefined;
    await again.round([]);
    expect(again.withheld).toEqual([]);
    expect(livesOf(again).join()).not.toContain("EVIDENCE_UNAVAILABLE");
    expect(livesOf(again)).toContain("TRANSIENT_DEVICE confirmed");
  });

  test("goes on without what its user had erased", { timeout: 120_000 }, async () => {
    const alice = await enrolled();
    const held = withholding("version-expired");
    const where = kept();
    const own = await monitorOf(alice, where, {}, held.fetch);
    await own.round([]);
    await enrolled(alice.client.replace("/phone", "/ghost"));
    await enrolled(alice.client.replace("/phone", "/ghost2"));
    held.hidden = 1;
    await own.round([]);
    expect(own.withheld).toEqual([1]);
    const accepted = await own.acceptGaps();
    expect(accepted.incidents).toEqual([]);
    for (const again of [() => own, () => monitorOf(alice, where, {}, held.fetch)]) {
      const monitor = await again();
      expect(monitor.withheld).toEqual([]);
      await monitor.round([]);
      expect(livesOf(monitor).join()).not.toContain("EVIDENCE_UNAVAILABLE");
    }
  });

  test("tells silence from lies: an unreachable log is pending evidence, a changed answer an incident", {
    timeout: 120_000,
  }, async () => {
    const [alice, bob] = [await enrolled(), await enrolled()];
    let mode: "honest" | "silent" | "lying" = "honest";
    const platform = globalThis.fetch as unknown as Fetch;
    const fetch: Fetch = async (url, init) => {
      if (mode === "silent") throw new Error("no route");
      const response = await platform(url, init);
      if (mode === "honest" || !url.endsWith("/v1/search")) return response;
      const bytes = new Uint8Array(await response.arrayBuffer());
      bytes[bytes.length - 1] = (bytes.at(-1) as number) ^ 1;
      const { ok, status, headers } = response;
      return { ok, status, headers, arrayBuffer: async () => bytes.buffer };
    };
    let now = Date.now();
    const contact = await monitorOf(bob, kept(), { now: () => now }, fetch);
    await contact.round([alice.user]);
    mode = "silent";
    expect((await contact.round([alice.user])).incidents).toEqual([]);
    expect(livesOf(contact)).toEqual(["EVIDENCE_UNAVAILABLE pending", "EVIDENCE_UNAVAILABLE pending"]);
    mode = "honest";
    await contact.round([alice.user]);
    expect(livesOf(contact)).toEqual([]);
    mode = "lying";
    const lied = await contact.round([alice.user]);
    expect(lied.incidents.map(({ code }) => code)).toEqual(["invalid-proof", "invalid-proof"]);
    now += 2 * DAY * 1000;
    mode = "silent";
    const late = await contact.round([alice.user]);
    expect(late.alerts.flatMap(({ findings }) => findings.map(({ kind }) => kind))).toEqual([
      "EVIDENCE_UNAVAILABLE",
      "EVIDENCE_UNAVAILABLE",
    ]);
  });

  test("compares heads and pins with what others were shown", { timeout: 120_000 }, async () => {
    const [alice, bob] = [await enrolled(), await enrolled()];
    const [mine, theirs] = [await monitorOf(alice, kept()), await monitorOf(bob, kept())];
    await mine.round([]);
    await theirs.round([]);
    const [head] = await theirs.gossip();
    expect(head).toBeDefined();
    if (head === undefined) return;
    const at = Math.floor(Date.now() / 1000);
    expect((await mine.observe({ type: "head", at, ...head, source: "bob" })).alerts).toEqual([]);
    const pin = {
      domain: directory.domain,
      policyDigest: new Uint8Array(32),
      logId: directory.log.logId,
      position: BigInt(head.position),
      root: new Uint8Array(32),
    };
    const { alerts } = await mine.observePin(pin);
    expect(alerts).toMatchObject([{ severity: "critical", findings: [{ kind: "VIEW_SPLIT", life: "confirmed" }] }]);
  });

  test("killed between any two steps of a round, it finds the same in the end", { timeout: 300_000 }, async () => {
    const [alice, bob] = [await enrolled(), await enrolled()];
    await enrolled(alice.client.replace("/phone", "/ghost"));
    const whole = await monitorOf(alice, kept(), { since: 0 });
    await whole.round([bob.user]);
    const wanted = livesOf(whole);
    expect(wanted.length).toBeGreaterThan(0);
    for (let at = 0, through = false; !through; at++) {
      const keeping = kept();
      const kill = new KillSwitch(at, at % 2 === 0 ? "before" : "after");
      const killable = { view: kill.store(keeping.view), store: kill.store(keeping.store) };
      try {
        const monitor = await monitorOf(alice, killable, {}, kill.fetch());
        await monitor.round([bob.user]);
        through = kill.steps <= at;
      } catch (error) {
        if (!(error instanceof Killed) && !(error instanceof ClientError) && !String(error).includes("no answer"))
          throw error;
      }
      const again = await monitorOf(alice, keeping);
      await again.round([bob.user]);
      await again.round([bob.user]);
      expect(livesOf(again)).toEqual(wanted);
      expect(again.detector.own.trusted).toEqual(whole.detector.own.trusted);
    }
  });
});
