import { describe, expect, it } from "vitest";
import type { CredentialRecord } from "../device-list.js";
import { ownDevices } from "../own-devices.js";
import { defaultPolicy, type ValidationPolicy } from "../policy.js";
import type { Condition } from "./finding.js";
import type { SightedLeaf } from "./ghost-event.js";
import { GroupMemory } from "./group-memory.js";
import {
  credentialDegraded,
  duplicateClient,
  invalidSuccessor,
  keyReusedInGroup,
  removedDevicePresent,
} from "./group-rules.js";
import { type RememberedRecord, UserLog } from "./log-memory.js";
import type { RuleContext } from "./rule-context.js";

const DAY = 86_400;
const WEEK = 7 * DAY;
const T = 1_800_000_000;
const ALICE = "mimi://example.org/u/alice";
const PHONE = "mimi://example.org/d/alice/phone";
const LAPTOP = "mimi://example.org/d/alice/laptop";
const hex = (seed: number): string => seed.toString(16).padStart(2, "0").repeat(32);

const leafAt = (leafIndex: number, seed: number, changes: Partial<SightedLeaf> = {}): SightedLeaf => ({
  leafIndex,
  source: "key_package",
  reference: ALICE,
  type: "x509",
  user: ALICE,
  client: PHONE,
  spkiHash: hex(seed + 100),
  tbsCertificateHash: hex(seed),
  keyMatches: true,
  notBefore: T - DAY,
  notAfter: T + 400 * DAY,
  certificates: [`leaf ${seed}`],
  ...changes,
});
type Sight = readonly [number, readonly SightedLeaf[], ("behind" | undefined)?];
const seenAs = (...sights: readonly Sight[]): GroupMemory => {
  const group = new GroupMemory("g");
  sights.forEach(([at, leaves, behind], epoch) => group.sight(epoch, leaves, at, behind === undefined));
  return group;
};

function logOf(...records: readonly (Partial<RememberedRecord> & { readonly seed: number })[]): UserLog {
  const log = new UserLog(ALICE);
  for (const { seed, ...changes } of records)
    log.records.set(hex(seed), {
      client: PHONE,
      spkiHash: hex(seed + 100),
      tbsCertificateHash: hex(seed),
      notAfter: T + 90 * DAY,
      revokedAt: undefined,
      reason: undefined,
      ...changes,
    });
  return log;
}

const context = (log?: UserLog, policy: Partial<ValidationPolicy> = {}): RuleContext => ({
  now: T,
  tickedAt: T,
  policy: { ...defaultPolicy({}), ...policy },
  self: "mimi://example.org/u/bob",
  own: ownDevices("mimi://example.org/u/bob", []),
  logs: new Map(log === undefined ? [] : [[ALICE, log]]),
  groups: new Map(),
  groupsOf: new Map(),
});
const levels = (conditions: Iterable<Condition>): string[] => [...conditions].map(({ level }) => level);

describe("REMOVED_DEVICE_PRESENT", () => {
  const judged = (seenAt: number, log: UserLog | undefined, behind?: "behind") =>
    removedDevicePresent(seenAs([T - WEEK, [leafAt(0, 1)]], [seenAt, [leafAt(0, 1)], behind]), ALICE, context(log));
  const revoked = { seed: 1, revokedAt: T, reason: 1 };
  const superseded = { seed: 1, revokedAt: T, reason: 4 };

  it.each([
    ["no log", judged(T + WEEK, undefined), []],
    ["not in the log", judged(T + WEEK, logOf()), []],
    ["active", judged(T + WEEK, logOf({ seed: 1 })), []],
    ["within the window", judged(T + WEEK - 1, logOf(revoked)), ["pending"]],
    ["at the window's end", judged(T + WEEK, logOf(revoked)), ["confirmed"]],
    ["past it, by a backlog", judged(T + WEEK, logOf(revoked), "behind"), ["pending"]],
    ["superseded, not renewed", judged(T + WEEK, logOf(superseded)), ["confirmed"]],
    ["superseded and renewed", judged(T + WEEK, logOf(superseded, { seed: 2 })), ["pending"]],
    ["superseded and renewed, for too long", judged(T + 90 * DAY, logOf(superseded, { seed: 2 })), ["confirmed"]],
    ["renewed, but revoked for another reason", judged(T + WEEK, logOf(revoked, { seed: 2 })), ["confirmed"]],
    ["another client renewed", judged(T + WEEK, logOf(superseded, { seed: 2, client: LAPTOP })), ["confirmed"]],
    ["the renewal revoked too", judged(T + WEEK, logOf(superseded, { ...revoked, seed: 2 })), ["confirmed"]],
    [
      "one of several renewals stands",
      judged(T + WEEK, logOf(superseded, { ...revoked, seed: 2 }, { seed: 3 })),
      ["pending"],
    ],
  ])("%s", (_name, conditions, expected) => {
    expect(levels(conditions)).toEqual(expected);
  });

  it("names the leaf, and counts from the revocation", () => {
    const [condition] = judged(T + 5, logOf(revoked));
    expect(condition).toMatchObject({ since: T, deadline: T + WEEK, client: PHONE, group: "g", user: ALICE });
    expect(condition).toMatchObject({ subject: `${PHONE} ${hex(101)}`, evidence: { certificates: ["leaf 1"] } });
  });
});

describe("one client, or one key, at two leaves", () => {
  const [first, second] = [leafAt(0, 1), leafAt(1, 2)];

  it.each([
    ["two clients", seenAs([T + WEEK, [first, leafAt(1, 2, { client: LAPTOP })]]), []],
    ["without names", seenAs([T, [leafAt(0, 1, { client: "" }), leafAt(1, 2, { client: "" })]]), []],
    ["at once", seenAs([T, [first, second]]), ["pending"]],
    [
      "before the window's end",
      seenAs([T, [first]], [T + 5, [first, second]], [T + WEEK + 4, [first, second]]),
      ["pending"],
    ],
    ["at its end", seenAs([T, [first]], [T + 5, [first, second]], [T + WEEK + 5, [first, second]]), ["confirmed"]],
    [
      "the lower leaf came later",
      seenAs([T, [second]], [T + 5, [first, second]], [T + WEEK + 4, [first, second]]),
      ["pending"],
    ],
    ["three leaves", seenAs([T, [first, second, leafAt(2, 3)]]), ["pending", "pending"]],
  ])("DUPLICATE_CLIENT: %s", (_name, group, expected) => {
    expect(levels(duplicateClient(group, context()))).toEqual(expected);
  });

  it("DUPLICATE_CLIENT counts from the later of the two", () => {
    const [condition] = duplicateClient(seenAs([T, [first]], [T + 5, [first, second]]), context());
    expect(condition).toMatchObject({ subject: PHONE, since: T + 5, deadline: T + 5 + WEEK });
    const [swapped] = duplicateClient(seenAs([T, [second]], [T + 5, [first, second]]), context());
    expect(swapped).toMatchObject({ since: T + 5 });
  });

  it("SIGNATURE_KEY_REUSED: of equal keys, from the later of the two", () => {
    const twin = leafAt(1, 2, { client: LAPTOP, spkiHash: hex(101) });
    expect(levels(keyReusedInGroup(seenAs([T, [first, second]]), context()))).toEqual([]);
    const blank = [leafAt(0, 1, { spkiHash: "" }), leafAt(1, 2, { spkiHash: "" })];
    expect(levels(keyReusedInGroup(seenAs([T, blank]), context()))).toEqual([]);
    for (const group of [seenAs([T, [first]], [T + 5, [first, twin]]), seenAs([T, [twin]], [T + 5, [first, twin]])])
      expect([...keyReusedInGroup(group, context())]).toMatchObject([
        { level: "confirmed", subject: hex(101), since: T + 5 },
      ]);
  });
});

describe("INVALID_SUCCESSOR", () => {
  const before = leafAt(0, 1, { certificates: ["old"] });
  const record = (seed: number, vouched: Partial<Pick<CredentialRecord, "approval" | "continuity">> = {}) =>
    ({
      tbsCertificateHash: new Uint8Array(32).fill(seed),
      spkiHash: new Uint8Array(32).fill(seed + 100),
      notBefore: 0n,
      notAfter: 0n,
      status: "active",
      approval: undefined,
      continuity: undefined,
      ...vouched,
    }) satisfies CredentialRecord;
  const signed = {} as NonNullable<CredentialRecord["approval"]>;
  const continued = {} as NonNullable<CredentialRecord["continuity"]>;
  /** A log that holds both keys, with a list that says this of the new one. */
  const listing = (client: string, ...credentials: CredentialRecord[]): UserLog => {
    const log = logOf({ seed: 1 }, { seed: 2 });
    const devices = [{ client, addedAt: 0n, credentials }];
    log.list = { format: 1, identity: ALICE, version: 1, previousHash: new Uint8Array(32), origin: "renewal", devices };
    return log;
  };
  const judged = (after: SightedLeaf, log?: UserLog, successor: ValidationPolicy["successor"] = "continuity") =>
    invalidSuccessor(seenAs([T, [before]], [T + 5, [after]]), ALICE, context(log, { successor }));
  const updated = leafAt(0, 2, { source: "update" });

  it.each([
    ["another client by a commit", judged(leafAt(0, 2, { client: LAPTOP, source: "commit" })), 1],
    ["another client by an update", judged(leafAt(0, 2, { client: LAPTOP, source: "update" })), 1],
    ["another client by an add", judged(leafAt(0, 2, { client: LAPTOP })), 0],
    ["the same client without a list", judged(updated), 0],
    ["logged with continuity", judged(updated, listing(PHONE, record(2, { continuity: continued }))), 0],
    ["logged with approval", judged(updated, listing(PHONE, record(1), record(2, { approval: signed }))), 0],
    ["logged with neither", judged(updated, listing(PHONE, record(2))), 1],
    ["another key's continuity", judged(updated, listing(PHONE, record(1, { continuity: continued }), record(2))), 1],
    ["another client's continuity", judged(updated, listing(LAPTOP, record(2, { continuity: continued }))), 1],
    ["the same key", judged(leafAt(0, 2, { source: "update", spkiHash: hex(101) }), listing(PHONE, record(2))), 0],
    ["a key that is not logged is another finding", judged(leafAt(0, 3, { source: "update" }), listing(PHONE)), 0],
    ["a policy that asks for the client only", judged(updated, listing(PHONE, record(2)), "same-client"), 0],
  ])("%s", (_name, conditions, count) => {
    expect([...conditions]).toHaveLength(count);
  });

  it("shows both chains, the newcomer's first", () => {
    const after = leafAt(0, 2, { client: LAPTOP, source: "commit", certificates: ["new"] });
    const [condition] = judged(after);
    expect(condition?.evidence.certificates).toEqual(["new", "old"]);
    expect(condition).toMatchObject({ level: "confirmed", since: T + 5, subject: `${PHONE} ${LAPTOP} ${hex(102)}` });
    const { certificates: _, ...bare } = after;
    expect([...judged(bare)][0]?.evidence.certificates).toEqual(["old"]);
  });
});

describe("CREDENTIAL_DEGRADED", () => {
  const basic = leafAt(0, 0, { type: "basic", client: "", spkiHash: "" });
  const allowed: Partial<ValidationPolicy> = { credentialTypes: ["x509", "basic"] };

  it.each([
    ["basic, forbidden", [basic], {}, 1],
    ["basic, allowed", [basic], allowed, 0],
    ["another type, though basic is allowed", [{ ...basic, type: "other" as const }], allowed, 1],
    ["x509", [leafAt(0, 1)], {}, 0],
  ])("%s", (_name, leaves, policy, count) => {
    expect([...credentialDegraded(seenAs([T, leaves]), context(undefined, policy))]).toHaveLength(count);
  });

  it("basic where the user had x509 in this group, though allowed", () => {
    const group = seenAs([T, [leafAt(0, 1)]], [T + 5, [basic]]);
    expect([...credentialDegraded(group, context(undefined, allowed))]).toMatchObject([
      { level: "confirmed", subject: "type 0", since: T + 5 },
    ]);
  });

  it.each([
    ["before the longest stay", T + 90 * DAY - 1, []],
    ["at the longest stay", T + 90 * DAY, ["confirmed"]],
  ])("unchanged %s", (_name, at, expected) => {
    const conditions = [...credentialDegraded(seenAs([T, [leafAt(0, 1)]], [at, [leafAt(0, 1)]]), context())];
    expect(levels(conditions)).toEqual(expected);
    for (const condition of conditions)
      expect(condition).toMatchObject({
        kind: "CREDENTIAL_DEGRADED",
        subject: `stay ${hex(1)}`,
        since: T,
        deadline: T + 90 * DAY,
        client: PHONE,
      });
  });

  const expiring = leafAt(0, 1, { notAfter: T });
  it.each([
    ["grace, at the very end", T, {}, []],
    ["grace, after it", T + 1, {}, ["pending"]],
    ["grace, over", T + WEEK, {}, ["confirmed"]],
    ["reject, within the skew", T + 299, { expired: "reject" as const }, ["pending"]],
    ["reject, past the skew", T + 300, { expired: "reject" as const }, ["confirmed"]],
    ["warn", T + 80 * DAY, { expired: "warn" as const }, []],
  ])("expired: %s", (_name, at, members, expected) => {
    const policy = { members: { ...defaultPolicy({}).members, ...members } };
    const conditions = [...credentialDegraded(seenAs([at, [expiring]]), context(undefined, policy))];
    expect(levels(conditions)).toEqual(expected);
    for (const condition of conditions)
      expect(condition).toMatchObject({ subject: `expired ${hex(1)}`, since: T, kind: "CREDENTIAL_DEGRADED" });
  });
});
