import { nodeSuite } from "@mls-as/keytrans/node";
import { nodeProvider } from "@mls-as/mls-core/node";
import {
  defaultPolicy,
  encodePolicy,
  type EvidenceJudge,
  type Finding,
  GhostDetector,
  judgeFinding,
  preparePolicy,
  toBase64Url,
} from "@mls-as/mls-credentials";
import { type Fetch, memoryStateStore, Monitor, type MonitorReport, openLog } from "@mls-as/mls-credentials/client";
import { describe, expect, test } from "vitest";
import { ALICE, exampleKey, listOf, PHONE, recordOf, START as T } from "../conformance/example-devices.js";
import { hex } from "../conformance/wire-json.js";
import { ProvenLog } from "./proven-log.js";

const BOB = "mimi://example.org/u/bob";
const BOB_PHONE = "mimi://example.org/d/bob/phone";
const bobsKey = exampleKey("bob");

/** Two people's lists in a log with some life before and after. Logs of other names have other commitments. */
async function history(name: string, entries: number): Promise<ProvenLog> {
  const log = await ProvenLog.create(name);
  const listFor = (user: string, client: string, key: ReturnType<typeof exampleKey>) =>
    listOf(
      0,
      "enrolment",
      [{ client, addedAt: BigInt(T), credentials: [recordOf({ certificate: client, key, notBefore: T })] }],
      undefined,
      user,
    );
  await log.append(listFor(ALICE, PHONE, exampleKey("phone")), T);
  await log.append(listFor(BOB, BOB_PHONE, bobsKey), T + 60);
  for (let i = 2; i < entries; i++) await log.heartbeat(T + i * 60);
  return log;
}

const judgeOf = (log: ProvenLog): EvidenceJudge => ({
  policy: preparePolicy(encodePolicy(defaultPolicy({ "example.org": { anchors: [], logId: toBase64Url(log.logId) } }))),
  provider: nodeProvider,
  suite: (id) => nodeSuite(id as 1 | 2),
});

/** Bob's monitor, and a switch for what answers it. */
async function bobs(log: ProvenLog): Promise<{
  monitor: Monitor;
  round: (answering: ProvenLog, now: number) => Promise<MonitorReport>;
}> {
  let now = T;
  let answering = log;
  const fetch: Fetch = (url, init) => answering.fetch(url, init);
  const clock = () => now * 1000;
  const { policy, provider, suite } = judgeOf(log);
  const lists = await openLog({
    url: "http://log.example.org",
    logId: log.logId,
    suite: suite as (id: number) => ReturnType<typeof nodeSuite>,
    fetch,
    clock,
    store: memoryStateStore(),
    retry: { attempts: 1 },
  });
  const ownKeys = [{ client: BOB_PHONE, spkiHash: bobsKey.spkiHash }];
  const monitor = await Monitor.open({
    user: BOB,
    ownKeys,
    policy,
    provider,
    lists,
    store: memoryStateStore(),
    since: 0,
    now: clock,
  });
  return {
    monitor,
    round: (from, at) => {
      answering = from;
      now = at;
      return monitor.round([ALICE]);
    },
  };
}

const splits = (monitor: Monitor): readonly Finding[] =>
  monitor.detector.findings().filter(({ kind }) => kind === "VIEW_SPLIT");

describe("a log that breaks its own rules", () => {
  test("is found out by what it signed, once, and convicted before others", async () => {
    const log = await history("a", 12);
    const { monitor, round } = await bobs(log);
    expect(await round(log, T + 720)).toMatchObject({ incidents: [], alerts: [] });
    const fork = await history("fork", 20);
    const report = await round(fork, T + 1200);
    expect(report.incidents[0]).toMatchObject({ code: "invalid-proof" });
    const found = splits(monitor);
    expect(found).toMatchObject([
      { life: "confirmed", severity: "critical", detail: "the log signed a root that is not its own tree's" },
    ]);
    expect(report.alerts.flatMap(({ findings }) => findings.map(({ kind }) => kind))).toContain("VIEW_SPLIT");
    // The next rounds fail in the same way, and tell nothing new.
    const again = await round(fork, T + 1210);
    expect(again.incidents.length).toBeGreaterThan(0);
    expect(again.observations.flatMap(({ findings }) => findings).filter(({ kind }) => kind === "VIEW_SPLIT")).toEqual(
      [],
    );
    expect(splits(monitor)).toEqual(found);
    const [finding] = found as [Finding];
    expect(await judgeFinding(finding, judgeOf(log))).toEqual({ standing: "proven", assumes: [] });
  });

  test("is suspected by the heads that a stranger is shown, where no signed tree reaches back", async () => {
    const log = await history("a", 11);
    const { monitor, round } = await bobs(log);
    await round(log, T + 660);
    await round(await history("fork", 41), T + 2460);
    const [finding] = splits(monitor) as [Finding];
    expect(finding).toMatchObject({
      life: "confirmed",
      evidence: { heads: [{ source: "distinguished" }, { source: "stranger" }] },
    });
    expect(await judgeFinding(finding, judgeOf(log))).toEqual({ standing: "supported", assumes: ["served"] });
  });

  test("is not accused by bytes that it did not sign", async () => {
    const log = await history("a", 12);
    const { monitor, round } = await bobs(log);
    await round(log, T + 720);
    const damaged = await history("a", 20);
    const { fetch } = damaged;
    Object.assign(damaged, {
      fetch: (async (url, init) => {
        const bytes = new Uint8Array(await (await fetch(url, init)).arrayBuffer());
        const last = bytes.length - 1;
        const headers = { "content-type": "application/octet-stream" };
        return new Response(bytes.with(last, (bytes[last] as number) ^ 1), { headers });
      }) satisfies Fetch,
    });
    const report = await round(damaged, T + 1200);
    expect(report.incidents.length).toBeGreaterThan(0);
    expect(splits(monitor)).toEqual([]);
  });

  test("judges evidence by its bytes: another log's, damaged or none is no evidence", async () => {
    const log = await history("a", 12);
    const { monitor, round } = await bobs(log);
    await round(log, T + 720);
    await round(await history("fork", 20), T + 1200);
    const [finding] = splits(monitor) as [Finding];
    const { misbehaviour = "" } = finding.evidence;
    const judged = async (bytes: string, user = finding.user) =>
      (await judgeFinding({ ...finding, user, evidence: { misbehaviour: bytes } }, judgeOf(log))).standing;
    expect(await judged(misbehaviour)).toBe("proven");
    expect(await judged("")).toBe("unsupported");
    expect(await judged(misbehaviour.slice(0, -2))).toBe("unsupported");
    for (const at of [400, misbehaviour.length - 40])
      expect(
        await judged(
          `${misbehaviour.slice(0, at)}${misbehaviour[at] === "0" ? "1" : "0"}${misbehaviour.slice(at + 1)}`,
        ),
      ).toBe("unsupported");
    expect(await judged(misbehaviour, "mimi://elsewhere.example/u/bob")).toBe("unsupported");
  });

  test("is remembered over a restart, with its evidence", async () => {
    const log = await history("a", 3);
    const options = { self: BOB, ownKeys: [], policy: defaultPolicy({}), provider: nodeProvider };
    const detector = new GhostDetector(options);
    const event = { type: "log-misbehaviour" as const, at: T, logId: hex(log.logId), kind: "fork" as const };
    expect((await detector.observe({ ...event, evidence: "0102" })).findings).toMatchObject([{ kind: "VIEW_SPLIT" }]);
    const restored = GhostDetector.restore(options, detector.snapshot());
    expect(restored.findings()).toEqual(detector.findings());
    expect((await restored.observe({ ...event, at: T + 9, evidence: "0304" })).findings).toEqual([]);
    const other = await restored.observe({ ...event, at: T + 9, kind: "non-monotonic-timestamps", evidence: "05" });
    expect(other.findings).toMatchObject([{ kind: "VIEW_SPLIT", evidence: { misbehaviour: "05" } }]);
  });
});
