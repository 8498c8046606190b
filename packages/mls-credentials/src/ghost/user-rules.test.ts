import { describe, expect, it } from "vitest";
import type { CredentialRecord, DeviceList } from "../device-list.js";
import { ownDevices } from "../own-devices.js";
import { defaultPolicy } from "../policy.js";
import type { Condition } from "./finding.js";
import { GroupMemory } from "./group-memory.js";
import { UserLog } from "./log-memory.js";
import type { RuleContext } from "./rule-context.js";
import { evidenceUnavailable, partialPresence, selfMissingFromLog, selfUnknownInLog } from "./user-rules.js";

const DAY = 86_400;
const T = 1_800_000_000;
const ALICE = "mimi://example.org/u/alice";
const PHONE = "mimi://example.org/d/alice/phone";
const LAPTOP = "mimi://example.org/d/alice/laptop";
const policy = defaultPolicy({});
const SKEW = policy.clockSkew;
const hash = (seed: number): Uint8Array => new Uint8Array(32).fill(seed);
const hex = (seed: number): string => seed.toString(16).padStart(2, "0").repeat(32);

function context(changes: Partial<RuleContext> = {}): RuleContext {
  return {
    now: T,
    tickedAt: Number.NEGATIVE_INFINITY,
    policy,
    self: ALICE,
    own: ownDevices(ALICE, []),
    logs: new Map(),
    groups: new Map(),
    groupsOf: new Map(),
    ...changes,
  };
}

/** A log that was proven and read at a time. */
function logAt(provenAt: number, records: readonly CredentialRecord[] = [], client = PHONE): UserLog {
  const log = new UserLog(ALICE);
  log.provenAt = provenAt;
  log.readAt = provenAt;
  const list: DeviceList = {
    format: 1,
    identity: ALICE,
    version: 3,
    previousHash: hash(0),
    origin: "renewal",
    devices: [{ client, addedAt: 0n, credentials: records }],
  };
  log.list = list;
  log.value = Uint8Array.of(1, 2, 3);
  for (const { tbsCertificateHash, spkiHash, notAfter, ...rest } of records)
    log.records.set(hex(tbsCertificateHash[0] as number), {
      client,
      spkiHash: hex(spkiHash[0] as number),
      tbsCertificateHash: hex(tbsCertificateHash[0] as number),
      notAfter: Number(notAfter),
      revokedAt: rest.status === "revoked" ? Number(rest.revokedAt) : undefined,
      reason: rest.status === "revoked" ? rest.reason : undefined,
    });
  return log;
}

function record(
  seed: number,
  changes: { notBefore?: number; notAfter?: number; revokedAt?: number; reason?: number } = {},
): CredentialRecord {
  const { notBefore = T - DAY, notAfter = T + 90 * DAY, revokedAt, reason = 1 } = changes;
  const base = {
    tbsCertificateHash: hash(seed),
    spkiHash: hash(seed + 100),
    notBefore: BigInt(notBefore),
    notAfter: BigInt(notAfter),
    approval: undefined,
    continuity: undefined,
  };
  return revokedAt === undefined
    ? { ...base, status: "active" }
    : { ...base, status: "revoked", revokedAt: BigInt(revokedAt), reason };
}

const logs = (log: UserLog): RuleContext["logs"] => new Map([[ALICE, log]]);
const levels = (conditions: Iterable<Condition>): string[] => [...conditions].map(({ level }) => level);

describe("SELF_UNKNOWN_IN_LOG", () => {
  const unknown = (
    changes: Partial<Parameters<typeof selfUnknownInLog>[0] extends Iterable<infer U> ? U : never> = {},
  ) => [
    {
      client: PHONE,
      spkiHash: hash(101),
      tbsCertificateHash: hash(1),
      firstSeen: T,
      atFirstLook: false,
      overBefore: false,
      revived: false,
      absentAt: T - DAY,
      ...changes,
    },
  ];
  const held = (...records: CredentialRecord[]) => ({ logs: logs(logAt(T, records)) });
  const active = held(record(1));
  const revoked = held(record(1, { revokedAt: T }));
  const failed = (revokedAt: number, reason = 5) => held(record(1, { notBefore: T - DAY, revokedAt, reason }));
  const trusted = { own: ownDevices(ALICE, [{ client: PHONE, spkiHash: hash(101) }]) };

  it.each([
    ["without a list", unknown(), context(), []],
    ["at once", unknown(), context(active), ["suspect"]],
    ["before the deadline", unknown(), context({ ...active, now: T + DAY - 1 }), ["suspect"]],
    ["at the deadline", unknown(), context({ ...active, now: T + DAY }), ["confirmed"]],
    ["at the first look", unknown({ atFirstLook: true }), context(active), ["pending"]],
    [
      "at the first look, past the deadline",
      unknown({ atFirstLook: true }),
      context({ ...active, now: T + DAY }),
      ["confirmed"],
    ],
    ["trusted meanwhile", unknown(), context({ ...active, ...trusted }), []],
    ["trusted, but revived", unknown({ revived: true }), context({ ...active, ...trusted }), ["suspect"]],
    [
      "another key of the client trusted",
      unknown({ spkiHash: hash(102) }),
      context({ ...active, ...trusted }),
      ["suspect"],
    ],
    ["revoked before the first look", unknown({ atFirstLook: true, overBefore: true }), context(revoked), []],
    ["revoked, active at the first look", unknown({ atFirstLook: true }), context(revoked), ["pending"]],
    ["revoked, seen active before", unknown(), context(revoked), ["suspect"]],
    [
      "expired since the first look",
      unknown({ atFirstLook: true }),
      context(held(record(1, { notAfter: T - 1 }))),
      ["pending"],
    ],
    ["expired, seen before", unknown(), context(held(record(1, { notAfter: T - 1 }))), ["suspect"]],
    ["dropped from the list, at the first look", unknown({ atFirstLook: true }), context(held()), ["pending"]],
    ["a failed enrolment, at the deadline", unknown({ endedAt: T }), context(failed(T)), []],
    ["a failed enrolment, revoked too late", unknown({ endedAt: T }), context(failed(T + 1)), ["suspect"]],
    ["revoked as soon for another reason", unknown({ endedAt: T }), context(failed(T, 4)), ["suspect"]],
    ["a failed enrolment proven too late", unknown({ endedAt: T + 1 }), context(failed(T)), ["suspect"]],
    ["a failed enrolment not proven to have ended", unknown(), context(failed(T)), ["suspect"]],
    [
      "a failed enrolment in a list never proven without it",
      unknown({ absentAt: Number.NEGATIVE_INFINITY, endedAt: T }),
      context(failed(T)),
      ["suspect"],
    ],
    [
      "another certificate's enrolment failed",
      unknown({ tbsCertificateHash: hash(2), endedAt: T }),
      context(failed(T)),
      ["suspect"],
    ],
  ])("%s", (_name, records, given, expected) => {
    expect(levels(selfUnknownInLog(records, given))).toEqual(expected);
  });

  it("names client and key", () => {
    const [condition] = selfUnknownInLog(unknown(), context(active));
    expect(condition).toMatchObject({ kind: "SELF_UNKNOWN_IN_LOG", client: PHONE, since: T, deadline: T + DAY });
    expect(condition?.subject).toBe(`${PHONE} ${hex(101)}`);
    expect(condition?.evidence).toEqual({ lists: [{ version: 3, value: "010203" }] });
  });
});

describe("SELF_MISSING_FROM_LOG", () => {
  const credential = { tbsCertificateHash: hex(9), client: PHONE, version: 3, notAfter: T, toldAt: T };
  const at = (provenAt: number, ...records: CredentialRecord[]) => context({ logs: logs(logAt(provenAt, records)) });

  it.each([
    ["absent", credential, at(T), 1],
    ["no list was read", credential, context({ logs: logs(new UserLog(ALICE)) }), 0],
    ["no log", credential, context(), 0],
    ["the list is older than its logging", { ...credential, version: 4 }, at(T), 0],
    ["the list stays older than its logging", { ...credential, version: 4 }, at(T + DAY - 1), 0],
    ["and stays so for too long", { ...credential, version: 4 }, at(T + DAY), 1],
    ["the list is newer", { ...credential, version: 2 }, at(T), 1],
    ["held", credential, at(T, record(1), record(9)), 0],
    ["within retention", credential, at(T + 90 * DAY - SKEW - 1), 1],
    ["dropped after retention, by a clock that may be ahead", credential, at(T + 90 * DAY - SKEW), 0],
  ])("%s", (_name, own, given, count) => {
    expect([...selfMissingFromLog([own], given)]).toHaveLength(count);
  });

  it("names the certificate", () => {
    const [condition] = selfMissingFromLog([credential], at(T));
    expect(condition).toMatchObject({ level: "confirmed", subject: hex(9), user: ALICE, client: PHONE, since: T });
  });
});

describe("EVIDENCE_UNAVAILABLE", () => {
  const failing = (missingSince: number, failedAt = missingSince, provenAt = T - DAY): RuleContext["logs"] => {
    const log = logAt(provenAt);
    log.missingSince = missingSince;
    log.failedAt = failedAt;
    return logs(log);
  };

  it("takes as many sightings as there are", () => {
    const many = Array.from({ length: 200_000 }, (_, each) => T + 5 - (each % 5));
    const [condition] = evidenceUnavailable(ALICE, many, context({ tickedAt: T + 2 * DAY }));
    expect(condition).toMatchObject({ since: T + 1, level: "confirmed" });
  });

  it.each([
    ["nothing is waited for", [], context({ logs: logs(logAt(T)) }), []],
    ["a lookup failed", [], context({ logs: failing(T) }), ["pending"]],
    ["it failed again before the deadline", [], context({ logs: failing(T, T + DAY - 1) }), ["pending"]],
    ["it failed again at the deadline", [], context({ logs: failing(T, T + DAY) }), ["confirmed"]],
    ["a tick at the deadline", [], context({ logs: failing(T), tickedAt: T + DAY }), ["confirmed"]],
    ["only the clock went on", [], context({ logs: failing(T), now: T + 9 * DAY }), ["pending"]],
    ["a sighting that the log answered", [T - 300], context({ logs: logs(logAt(T)), tickedAt: T + 9 * DAY }), []],
    [
      "a sighting younger than the list, by less than the skew",
      [T - 299],
      context({ logs: logs(logAt(T)), tickedAt: T + 9 * DAY }),
      ["confirmed"],
    ],
    ["an unanswered sighting before its deadline", [T], context({ logs: logs(logAt(T)), tickedAt: T + DAY - 1 }), []],
    [
      "an unanswered sighting at its deadline",
      [T],
      context({ logs: logs(logAt(T)), tickedAt: T + DAY }),
      ["confirmed"],
    ],
    ["the oldest sighting counts", [T + DAY, T], context({ logs: logs(logAt(T)), tickedAt: T + DAY }), ["confirmed"]],
    ["nobody was ever asked", [T], context({ tickedAt: T + DAY }), ["confirmed"]],
    [
      "the older of failure and sighting counts",
      [T],
      context({ logs: failing(T + DAY), tickedAt: T + DAY }),
      ["confirmed"],
    ],
  ])("%s", (_name, sightings, given, expected) => {
    expect(levels(evidenceUnavailable(ALICE, sightings, given))).toEqual(expected);
  });

  it("says since when, and carries the last list", () => {
    const [condition] = evidenceUnavailable(ALICE, [], context({ logs: failing(T) }));
    expect(condition).toMatchObject({ user: ALICE, subject: ALICE, since: T, deadline: T + DAY });
    expect(condition?.evidence).toEqual({ lists: [{ version: 3, value: "010203" }] });
    const [unasked] = evidenceUnavailable(ALICE, [T], context({ tickedAt: T + DAY }));
    expect(unasked?.evidence).toEqual({});
  });
});

describe("PARTIAL_PRESENCE", () => {
  const leaf = (client: string, seed: number, leafIndex = 0, type: "x509" | "basic" = "x509") => ({
    leafIndex,
    source: "key_package" as const,
    reference: ALICE,
    type,
    user: ALICE,
    client,
    spkiHash: hex(seed + 100),
    tbsCertificateHash: hex(seed),
    keyMatches: true,
    notBefore: T - DAY,
    notAfter: T + 90 * DAY,
  });
  type Sight = readonly [number, readonly ReturnType<typeof leaf>[]];
  const seenAs = (name: string, ...sights: readonly Sight[]): GroupMemory => {
    const group = new GroupMemory(name);
    sights.forEach(([at, leaves], epoch) => group.sight(epoch, leaves, at, true));
    return group;
  };
  const inGroups = (groups: readonly GroupMemory[], changes: Partial<RuleContext> = {}): RuleContext =>
    context({
      groups: new Map(groups.map((group) => [group.group, group])),
      groupsOf: new Map([[ALICE, new Set([...groups.map((group) => group.group), "forgotten"])]]),
      ...changes,
    });
  const phone = leaf(PHONE, 1);
  const laptop = leaf(LAPTOP, 2, 1);
  const week = 7 * DAY;

  it.each([
    ["one group", [seenAs("a", [T, [phone]], [T + week, [phone]])], []],
    ["in both", [seenAs("a", [T, [phone]]), seenAs("b", [T, [phone]])], []],
    ["nobody said which groups", [], []],
    ["one of two, at once", [seenAs("a", [T, [phone, laptop]]), seenAs("b", [T, [phone]])], ["pending"]],
    [
      "one of two, before the window's end",
      [
        seenAs("a", [T, [phone, laptop]], [T + week, [phone, laptop]]),
        seenAs("b", [T, [phone]], [T + week - 1, [phone]]),
      ],
      ["pending"],
    ],
    [
      "one of two, at the window's end",
      [seenAs("a", [T, [phone, laptop]], [T + week, [phone, laptop]]), seenAs("b", [T, [phone]], [T + week, [phone]])],
      ["confirmed"],
    ],
    [
      "the group with it was not seen lately",
      [seenAs("a", [T, [phone, laptop]]), seenAs("b", [T, [phone]], [T + week, [phone]])],
      ["pending"],
    ],
    [
      "of two groups with it one was seen lately",
      [
        seenAs("a", [T, [phone, laptop]]),
        seenAs("b", [T, [phone]], [T + week, [phone]]),
        seenAs("c", [T, [phone, laptop]], [T + week, [phone, laptop]]),
      ],
      ["confirmed"],
    ],
    [
      "the user came later to the other group",
      [
        seenAs("a", [T, [phone, laptop]], [T + week, [phone, laptop]]),
        seenAs("b", [T + 1, [phone]], [T + week, [phone]]),
      ],
      ["pending"],
    ],
    [
      "it left the other group later",
      [
        seenAs("a", [T, [phone, laptop]], [T + week, [phone, laptop]]),
        seenAs("b", [T, [phone, laptop]], [T + 1, [phone]], [T + week, [phone]]),
      ],
      ["pending"],
    ],
    [
      "it came later to a second group",
      [
        seenAs("a", [T, [phone, laptop]], [T + week, [phone, laptop]]),
        seenAs("b", [T, [phone]], [T + week, [phone]]),
        seenAs("c", [T + 9, [phone, laptop]], [T + week, [phone, laptop]]),
      ],
      ["confirmed"],
    ],
    [
      "the user left one of them",
      [seenAs("a", [T, [phone, laptop]], [T + week, [phone, laptop]]), seenAs("b", [T, [phone]], [T + week, []])],
      [],
    ],
    [
      "without a certificate",
      [
        seenAs("a", [T, [phone, leaf("", 0, 1, "basic")]], [T + week, [phone, leaf("", 0, 1, "basic")]]),
        seenAs("b", [T, [phone]], [T + week, [phone]]),
      ],
      [],
    ],
    ["twice in one group is there once", [seenAs("a", [T, [phone, leaf(PHONE, 3, 1)]]), seenAs("b", [T, [phone]])], []],
  ])("%s", (_name, groups, expected) => {
    expect(levels(partialPresence(ALICE, inGroups(groups)))).toEqual(expected);
  });

  it("counts from the end of an old leaf where a device was installed again", () => {
    const again = leaf(PHONE, 2);
    const groups = [
      seenAs("a", [T, [again]], [T + week, [again]]),
      seenAs("b", [T, [phone, laptop]], [T + week, [phone, laptop]]),
    ];
    const judged = (...records: CredentialRecord[]) =>
      [...partialPresence(ALICE, inGroups(groups, { logs: logs(logAt(T, records)) }))].filter(
        ({ client }) => client === PHONE,
      );
    expect(levels(judged(record(1, { revokedAt: T }), record(2)))).toEqual(["confirmed"]);
    expect(levels(judged(record(1, { revokedAt: T + 1 }), record(2)))).toEqual(["pending"]);
    expect(levels(judged(record(1, { notAfter: T + 2 }), record(2)))).toEqual(["pending"]);
    expect(levels(judged(record(1, { notAfter: T - 1 }), record(2)))).toEqual(["confirmed"]);
    // The group was last seen at the very end of its validity: it is not over.
    expect(judged(record(1, { notAfter: T + week }), record(2))).toEqual([]);
    expect(judged(record(2))).toEqual([]);
  });

  it("takes the later end of two old leaves, and each group's own", () => {
    const again = leaf(PHONE, 3);
    const groups = [
      seenAs("a", [T, [again]], [T + week, [again]]),
      seenAs("b", [T, [phone, leaf(PHONE, 2, 1)]], [T + week, [phone, leaf(PHONE, 2, 1)]]),
    ];
    const ends = (first: number, second: number) =>
      levels(
        partialPresence(
          ALICE,
          inGroups(groups, {
            logs: logs(logAt(T, [record(1, { revokedAt: first }), record(2, { revokedAt: second }), record(3)])),
          }),
        ),
      );
    expect(ends(T, T)).toEqual(["confirmed"]);
    expect(ends(T + 1, T)).toEqual(["pending"]);
    expect(ends(T, T + 1)).toEqual(["pending"]);
  });

  it("says when the first of the windows ends", () => {
    const groups = [seenAs("a", [T, [phone, laptop]]), seenAs("b", [T + 50, [phone]]), seenAs("c", [T + 20, [phone]])];
    const [condition] = partialPresence(ALICE, inGroups(groups));
    expect(condition).toMatchObject({
      client: LAPTOP,
      subject: LAPTOP,
      since: T,
      deadline: T + 20 + week,
      evidence: {},
    });
  });
});
