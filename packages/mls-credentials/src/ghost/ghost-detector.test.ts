import { nodeProvider } from "@mls-as/mls-core/node";
import { describe, expect, it } from "vitest";
import { deviceListHash, encodeDeviceList, NO_PREVIOUS_HASH, sortDeviceList } from "../device-list.js";
import { defaultPolicy } from "../policy.js";
import { DetectorState } from "./detector-state.js";
import type { SignedHead } from "./finding.js";
import type { GhostEvent, SightedCredential, SightedLeaf } from "./ghost-event.js";
import { GhostDetector } from "./ghost-detector.js";
import { hexBytes } from "./sighting-rules.js";

const DAY = 86_400;
const T = 1_800_000_000;
const [ALICE, BOB] = ["mimi://example.org/u/alice", "mimi://example.org/u/bob"];
const PHONE = "mimi://example.org/d/alice/phone";
const hex = (seed: number): string => seed.toString(16).padStart(2, "0").repeat(32);
const policy = defaultPolicy({});
const ownKeys = [{ client: PHONE, spkiHash: hexBytes(hex(101)) }];
const options = { self: ALICE, ownKeys, policy, provider: nodeProvider };

const credential = (user: string, device: string, seed: number, change: Partial<SightedCredential> = {}) => ({
  reference: user,
  type: "x509" as const,
  user,
  client: `${user.replace("/u/", "/d/")}/${device}`,
  spkiHash: hex(seed + 100),
  tbsCertificateHash: hex(seed),
  keyMatches: true,
  notBefore: T - DAY,
  notAfter: T + 400 * DAY,
  ...change,
});
const leaf = (leafIndex: number, sighted: SightedCredential): SightedLeaf => ({
  ...sighted,
  leafIndex,
  source: "key_package",
});

function watching() {
  const state = new DetectorState(ALICE, ownKeys);
  const detector = new GhostDetector(options, state);
  const observe = (event: GhostEvent) => detector.observe(event);
  const told = async (event: GhostEvent): Promise<string[]> =>
    (await observe(event)).findings.map(({ kind, life }) => `${kind} ${life}`);
  const tree = (group: string, at: number, epoch: number, ...leaves: SightedLeaf[]) =>
    told({ type: "tree", at, group, epoch, current: true, leaves });
  return { detector, state, observe, told, tree };
}

interface Version {
  readonly version?: number;
  readonly before?: Uint8Array;
  readonly revoked?: readonly string[];
}

/** The user's list, with one certificate for each device and seed. */
function list(
  at: number,
  user: string,
  devices: Readonly<Record<string, number>>,
  { version = 0, before, revoked = [] }: Version = {},
): Extract<GhostEvent, { type: "device-list" }> {
  const records = Object.entries(devices).map(([device, seed]) => ({
    client: `${user.replace("/u/", "/d/")}/${device}`,
    addedAt: BigInt(T),
    credentials: [
      {
        tbsCertificateHash: hexBytes(hex(seed)),
        spkiHash: hexBytes(hex(seed + 100)),
        notBefore: BigInt(T - DAY),
        notAfter: BigInt(T + 400 * DAY),
        ...(revoked.includes(device)
          ? { status: "revoked" as const, revokedAt: BigInt(T), reason: 1 }
          : { status: "active" as const }),
        approval: undefined,
        continuity: undefined,
      },
    ],
  }));
  const header = { format: 1, identity: user, version, origin: "enrolment" as const };
  const previousHash = before === undefined ? NO_PREVIOUS_HASH : deviceListHash(before);
  const value = encodeDeviceList(sortDeviceList({ ...header, previousHash, devices: records }));
  return { type: "device-list", at, user, version, value, provenAt: at };
}

describe("heads of a log", () => {
  const head = (
    position: number,
    root: string,
    more: { logId?: string; signed?: SignedHead; source?: string } = {},
  ): GhostEvent => ({
    type: "head",
    at: T,
    logId: "00",
    position,
    root,
    source: "lookup",
    ...more,
  });
  const signed = { configuration: "01", treeHead: "02" };

  it("of one size have one root, in one log", async () => {
    const { told, detector } = watching();
    expect(await told(head(7, "aa"))).toEqual([]);
    expect(await told(head(7, "aa", { source: "gossip" }))).toEqual([]);
    expect(await told(head(8, "bb"))).toEqual([]);
    expect(await told(head(7, "bb", { logId: "01" }))).toEqual([]);
    expect(detector.findings()).toEqual([]);
    expect(await told(head(7, "cc", { source: "bob" }))).toEqual(["VIEW_SPLIT confirmed"]);
    expect(await told(head(7, "cc", { source: "carol" }))).toEqual([]);
    expect(await told(head(7, "dd"))).toEqual(["VIEW_SPLIT confirmed"]);
    expect(detector.findings()).toMatchObject([
      {
        user: ALICE,
        since: T,
        evidence: {
          heads: [
            { position: 7, root: "aa", source: "gossip" },
            { position: 7, root: "cc", source: "bob" },
          ],
        },
      },
      { evidence: { heads: [{ root: "aa" }, { root: "dd" }] } },
    ]);
    // What was known first stays known.
    expect(await told(head(7, "aa"))).toEqual([]);
  });

  it("are shown with the log's signature wherever one was seen", async () => {
    const shown = async (...heads: GhostEvent[]) => {
      const { observe, detector } = watching();
      for (const each of heads) await observe(each);
      return detector.findings()[0]?.evidence.heads;
    };
    const plain = { position: 7, root: "aa", source: "lookup" };
    const other = { position: 7, root: "bb", source: "lookup" };
    expect(await shown(head(7, "aa"), head(7, "aa", { signed }), head(7, "bb"))).toEqual([{ ...plain, signed }, other]);
    expect(await shown(head(7, "aa", { signed }), head(7, "aa"), head(7, "bb", { signed }))).toEqual([
      { ...plain, signed },
      { ...other, signed },
    ]);
    // Another root does not take the place of the one that is known.
    expect((await shown(head(7, "aa"), head(7, "bb", { signed }), head(7, "cc")))?.[0]).toEqual(plain);
  });

  it("and bytes that convict the log are told once for each rule it breaks", async () => {
    const { told, detector } = watching();
    const guilty = (kind: "fork" | "wrong-root", logId = "00"): GhostEvent => ({
      type: "log-misbehaviour",
      at: T,
      logId,
      kind,
      evidence: "0102",
    });
    expect(await told(guilty("fork"))).toEqual(["VIEW_SPLIT confirmed"]);
    expect(await told(guilty("fork"))).toEqual([]);
    expect(await told(guilty("wrong-root"))).toEqual(["VIEW_SPLIT confirmed"]);
    expect(await told(guilty("fork", "01"))).toEqual(["VIEW_SPLIT confirmed"]);
    expect(detector.findings()[0]).toMatchObject({ user: ALICE, since: T, evidence: { misbehaviour: "0102" } });
    const details = [];
    for (const kind of [
      "fork",
      "wrong-root",
      "inconsistent-ladder",
      "non-monotonic-timestamps",
      "lagging-auditor",
    ] as const) {
      const each = watching();
      await each.told({ type: "log-misbehaviour", at: T, logId: "00", kind, evidence: "" });
      details.push(each.detector.findings()[0]?.detail);
    }
    expect(new Set(details).size).toBe(5);
    expect(details.every((detail) => detail?.startsWith("the log "))).toBe(true);
    // Neither ends because something else is observed.
    expect(await told({ type: "head", at: T, logId: "00", position: 1, root: "aa", source: "lookup" })).toEqual([]);
    expect(detector.findings().every(({ life }) => life === "confirmed")).toBe(true);
  });
});

describe("what a list gave cause for", () => {
  it("does not end because of heads, convictions or another list", async () => {
    const { told, detector } = watching();
    const first = list(T, BOB, { phone: 2 });
    await told(first);
    expect(await told(list(T, BOB, { phone: 2, ghost: 50 }, { version: 1, before: first.value }))).toEqual([
      "UNAUTHORISED_ENTRY suspect",
    ]);
    const head = { type: "head" as const, at: T, logId: "00", position: 7, source: "lookup" };
    await told({ ...head, root: "aa" });
    expect(await told({ ...head, root: "bb" })).toEqual(["VIEW_SPLIT confirmed"]);
    expect(await told({ type: "log-misbehaviour", at: T, logId: "00", kind: "fork", evidence: "" })).toEqual([
      "VIEW_SPLIT confirmed",
    ]);
    expect(await told(list(T, ALICE, { phone: 1 }))).toEqual([]);
    expect(detector.findings()[0]).toMatchObject({ kind: "UNAUTHORISED_ENTRY", life: "suspect" });
  });

  it("counts from when it was first read, and ends when the log first proved its end", async () => {
    const { observe, state } = watching();
    const unknown = () => [...state.unknown.values()][0];
    const devices = { phone: 1, ghost: 50 };
    const first = list(T, ALICE, { phone: 1 });
    await observe(first);
    const second = list(T + 10, ALICE, devices, { version: 1, before: first.value });
    await observe(second);
    expect(unknown()).toMatchObject({ firstSeen: T + 10, atFirstLook: false, absentAt: T });
    const third = list(T + 20, ALICE, devices, { version: 2, before: second.value });
    await observe(third);
    expect(unknown()).toMatchObject({ firstSeen: T + 10, absentAt: T });
    expect(unknown()).not.toHaveProperty("endedAt");
    const over = list(T + 30, ALICE, devices, { version: 3, before: third.value, revoked: ["ghost"] });
    // As a version of the past it proves no end, and what stands in another's list none either.
    await observe({ ...over, greatest: false });
    await observe(list(T + 31, BOB, { phone: 2 }));
    expect(unknown()).not.toHaveProperty("endedAt");
    await observe({ ...over, at: T + 32, provenAt: T + 32 });
    expect(unknown()).toMatchObject({ endedAt: T + 32 });
    await observe({ ...over, at: T + 40, provenAt: T + 40 });
    expect(unknown()).toMatchObject({ endedAt: T + 32 });
  });
});

describe("a clock that was wrong", () => {
  it("and was set right does not go on counting", async () => {
    const ghost = leaf(4, credential(ALICE, "ghost", 50));
    for (const [ticks, life] of [
      [[T + 5 * DAY, T], "pending"],
      [[T], "pending"],
      [[T, T + 5 * DAY], "suspect"],
    ] as const) {
      const { told, tree } = watching();
      for (const at of ticks.slice(0, -1)) await told({ type: "tick", at });
      await tree("g", T, 0, ghost);
      const told2 =
        ticks.at(-1) === T ? await tree("h", T + 1, 0, ghost) : await told({ type: "tick", at: T + 5 * DAY });
      expect(told2.find((each) => each.startsWith("SELF_UNKNOWN_IN_GROUP"))).toBe(`SELF_UNKNOWN_IN_GROUP ${life}`);
    }
  });
});

describe("groups", () => {
  const bob = leaf(1, credential(BOB, "phone", 2));

  it("that this device leaves are told of, and may start again", async () => {
    const { observe, tree, detector } = watching();
    expect(await observe({ type: "left", at: T, group: "unknown" })).toEqual({
      findings: [],
      members: [],
      identityChanged: [],
    });
    await tree("g", T, 4, bob);
    expect((await observe({ type: "left", at: T + 1, group: "g" })).members).toEqual([
      { at: T + 1, kind: "own-departure", user: ALICE, client: "", group: "g", epoch: 4 },
    ]);
    await tree("g", T + 2, 0, bob);
    expect(detector.membership({ group: "g" }).map(({ kind, epoch }) => [kind, epoch])).toEqual([
      ["present", 4],
      ["own-departure", 4],
      ["present", 0],
    ]);
    expect(detector.membership({ user: BOB, limit: 1 })).toHaveLength(1);
  });

  it("tell themselves of a key at two of their leaves, others of a key that another client had", async () => {
    const { tree, detector } = watching();
    const same = { spkiHash: bob.spkiHash };
    expect(await tree("g", T, 0, bob, leaf(2, credential(BOB, "tablet", 3, same)))).toContain(
      "SIGNATURE_KEY_REUSED confirmed",
    );
    const reused = () => detector.findings().filter(({ kind }) => kind === "SIGNATURE_KEY_REUSED");
    expect(reused()).toMatchObject([{ group: "g" }]);
    const other = watching();
    expect(await other.tree("g", T, 0, bob)).toEqual(["UNLOGGED_LEAF pending"]);
    expect(await other.tree("h", T, 0, leaf(2, credential(BOB, "tablet", 3, same)))).toContain(
      "SIGNATURE_KEY_REUSED confirmed",
    );
    expect(other.detector.findings().find(({ kind }) => kind === "SIGNATURE_KEY_REUSED")).not.toHaveProperty("group");
    // Leaves without a key share none.
    const basic = { type: "basic" as const, spkiHash: "", tbsCertificateHash: "", client: "", user: "" };
    const third = watching();
    await third.tree("g", T, 0, leaf(1, credential(BOB, "", 1, basic)), leaf(2, credential(ALICE, "", 1, basic)));
    expect(third.detector.findings().map(({ kind }) => kind)).not.toContain("SIGNATURE_KEY_REUSED");
  });
});

describe("what else is seen", () => {
  it("a KeyPackage counts from when it was first seen", async () => {
    const { told, detector, state } = watching();
    const keyPackage = (at: number): GhostEvent => ({
      type: "key-package",
      at,
      credential: credential(BOB, "phone", 2),
    });
    expect(await told(keyPackage(T))).toEqual(["UNLOGGED_KEY_PACKAGE pending"]);
    expect(await told(keyPackage(T + DAY))).toEqual([]);
    expect(detector.findings()).toMatchObject([{ since: T, deadline: T + DAY }]);
    expect([...state.keyPackages.values()].map(({ firstSeen }) => firstSeen)).toEqual([T]);
    expect(
      await told({ type: "key-package", at: T, credential: credential(BOB, "tablet", 3, { spkiHash: hex(102) }) }),
    ).toContain("SIGNATURE_KEY_REUSED confirmed");
  });

  it("a list tells of keys that another client was seen with", async () => {
    const { told, tree, detector } = watching();
    await tree("g", T, 0, leaf(1, credential(BOB, "phone", 2)));
    expect(await told(list(T, BOB, { tablet: 2 }))).toContain("SIGNATURE_KEY_REUSED confirmed");
    expect(detector.knownVersion(BOB)).toBe(0);
    expect(detector.knownVersion(ALICE)).toBeUndefined();
    await told({ type: "log-unavailable", at: T, user: ALICE });
    expect(detector.knownVersion(ALICE)).toBeUndefined();
  });

  it("under one's own name: pending at the first look, suspect later, and an end where the user says so", async () => {
    const { told, detector, state } = watching();
    expect(await told(list(T, ALICE, { phone: 1, ghost: 50 }))).toEqual(["SELF_UNKNOWN_IN_LOG pending"]);
    const [unknown] = state.unknown.values();
    expect(unknown).toMatchObject({
      firstSeen: T,
      atFirstLook: true,
      revived: false,
      absentAt: Number.NEGATIVE_INFINITY,
    });
    expect(unknown).not.toHaveProperty("endedAt");
    const ghost = { client: "mimi://example.org/d/alice/ghost", spkiHash: hex(150) };
    expect(await told({ type: "confirm-device", at: T + 1, ...ghost })).toEqual(["SELF_UNKNOWN_IN_LOG resolved"]);
    expect(state.unknown.size).toBe(0);
    expect(detector.own.trusted.map(({ client }) => client)).toEqual([PHONE, ghost.client]);
  });

  it("a key of this device is its own from then on, with the certificate that the log acknowledged", async () => {
    const { told, tree, detector, state } = watching();
    expect(await tree("g", T, 0, leaf(0, credential(ALICE, "tablet", 60)))).toContain("SELF_UNKNOWN_IN_GROUP pending");
    const tablet = {
      type: "own-key" as const,
      at: T + 1,
      client: "mimi://example.org/d/alice/tablet",
      spkiHash: hex(160),
    };
    expect(await told(tablet)).toEqual(["SELF_UNKNOWN_IN_GROUP resolved"]);
    expect(state.ownCredentials.size).toBe(0);
    const enrolled = { tbsCertificateHash: hex(60), version: 0, notAfter: T + DAY };
    await told({ ...tablet, enrolled });
    expect([...state.ownCredentials.values()]).toEqual([{ ...enrolled, toldAt: T + 1, client: tablet.client }]);
    // The log that it was acknowledged by does not hold it any more.
    expect(await told(list(T + 2, ALICE, { phone: 1 }))).toContain("SELF_MISSING_FROM_LOG confirmed");
    expect(detector.own.trusted).toHaveLength(2);
  });

  it("a finding is acknowledged once, and one that is not there never", async () => {
    const { told, detector } = watching();
    await told(list(T, ALICE, { phone: 1, ghost: 50 }));
    const [finding] = detector.findings();
    const acknowledge = (id: string): GhostEvent => ({ type: "acknowledge", at: T + 1, finding: id });
    expect(await told(acknowledge("nobody"))).toEqual([]);
    expect(await told(acknowledge(finding?.id ?? ""))).toEqual(["SELF_UNKNOWN_IN_LOG acknowledged"]);
    expect(await told(acknowledge(finding?.id ?? ""))).toEqual([]);
    expect(detector.findings()[0]).toMatchObject({ life: "acknowledged", changedAt: T + 1 });
  });

  it("a detector goes on from its snapshot, with further keys of its own", async () => {
    const { observe, detector } = watching();
    await observe(list(T, ALICE, { phone: 1, ghost: 50 }));
    const more = { client: "mimi://example.org/d/alice/tablet", spkiHash: hexBytes(hex(9)) };
    const restored = GhostDetector.restore({ ...options, ownKeys: [more] }, detector.snapshot());
    expect(restored.own.trusted.map(({ client }) => client)).toEqual([PHONE, more.client]);
    expect(restored.findings()).toEqual(detector.findings());
    expect(restored.knownVersion(ALICE)).toBe(0);
  });
});
