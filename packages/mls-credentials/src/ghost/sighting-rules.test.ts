import { describe, expect, it } from "vitest";
import { ownDevices } from "../own-devices.js";
import { defaultPolicy } from "../policy.js";
import type { Condition } from "./finding.js";
import type { SightedCredential } from "./ghost-event.js";
import { type RememberedRecord, UserLog } from "./log-memory.js";
import type { RuleContext } from "./rule-context.js";
import { hexBytes, judgeSelf, judgeSighting } from "./sighting-rules.js";

const DAY = 86_400;
const T = 1_800_000_000;
const ALICE = "mimi://example.org/u/alice";
const BOB = "mimi://example.org/u/bob";
const PHONE = "mimi://example.org/d/alice/phone";
const LAPTOP = "mimi://example.org/d/alice/laptop";
const hex = (seed: number): string => seed.toString(16).padStart(2, "0").repeat(32);

const credentialOf = (changes: Partial<SightedCredential> = {}): SightedCredential => ({
  reference: ALICE,
  type: "x509",
  user: ALICE,
  client: PHONE,
  spkiHash: hex(101),
  tbsCertificateHash: hex(1),
  keyMatches: true,
  notBefore: T - DAY,
  notAfter: T + 90 * DAY,
  ...changes,
});

function logAt(provenAt: number, records: readonly (Partial<RememberedRecord> & { seed: number })[] = []): UserLog {
  const log = new UserLog(ALICE);
  log.provenAt = provenAt;
  log.readAt = provenAt;
  for (const { seed, ...changes } of records)
    log.records.set(hex(seed), {
      client: PHONE,
      spkiHash: hex(seed + 100),
      tbsCertificateHash: hex(seed),
      notAfter: T,
      revokedAt: undefined,
      reason: undefined,
      ...changes,
    });
  return log;
}

const context = (log?: UserLog, changes: Partial<RuleContext> = {}): RuleContext => ({
  now: T,
  tickedAt: Number.NEGATIVE_INFINITY,
  policy: defaultPolicy({}),
  self: BOB,
  own: ownDevices(BOB, []),
  logs: new Map(log === undefined ? [] : [[ALICE, log]]),
  groups: new Map(),
  groupsOf: new Map(),
  ...changes,
});
const sighting = (changes: Partial<SightedCredential> = {}, present = true) => ({
  credential: credentialOf(changes),
  firstSeen: T,
  present,
});
const say = (conditions: Iterable<Condition>): string[] => [...conditions].map(({ kind, level }) => `${kind} ${level}`);

describe("a credential against the log", () => {
  const inGroup = { group: "g", unlogged: "UNLOGGED_LEAF" } as const;
  const judged = (changes: Partial<SightedCredential>, log?: UserLog) =>
    say(judgeSighting(sighting(changes), inGroup, context(log)));

  it.each([
    ["held", {}, logAt(T, [{ seed: 1 }]), []],
    ["never asked", {}, undefined, ["UNLOGGED_LEAF pending"]],
    ["asked before it came, with the skew", {}, logAt(T + 299), ["UNLOGGED_LEAF pending"]],
    ["asked after the skew", {}, logAt(T + 300), ["UNLOGGED_LEAF suspect"]],
    ["asked before the deadline", {}, logAt(T + DAY - 1), ["UNLOGGED_LEAF suspect"]],
    ["asked at the deadline", {}, logAt(T + DAY), ["UNLOGGED_LEAF confirmed"]],
    ["another of the client's keys is held", {}, logAt(T, [{ seed: 2 }]), ["KEY_MISMATCH pending"]],
    ["another client's key is held", {}, logAt(T, [{ seed: 2, client: LAPTOP }]), ["UNLOGGED_LEAF pending"]],
    [
      "this key is held with another certificate",
      {},
      logAt(T, [{ seed: 2, spkiHash: hex(101) }]),
      ["UNLOGGED_LEAF pending"],
    ],
    ["held for another client", {}, logAt(T, [{ seed: 1, client: LAPTOP }]), ["KEY_MISMATCH confirmed"]],
    ["held for another key", {}, logAt(T, [{ seed: 1, spkiHash: hex(9) }]), ["KEY_MISMATCH confirmed"]],
    ["not its certificate's key", { keyMatches: false }, logAt(T, [{ seed: 1 }]), ["KEY_MISMATCH confirmed"]],
    ["another user than expected", { user: BOB }, logAt(T, [{ seed: 1 }]), ["IDENTITY_CONFLICT confirmed"]],
    ["nobody is expected", { reference: "" }, undefined, ["IDENTITY_CONFLICT confirmed"]],
    [
      "nobody is expected and nobody presented",
      { reference: "", user: "" },
      undefined,
      ["IDENTITY_CONFLICT confirmed"],
    ],
    ["basic", { type: "basic" as const, user: "" }, undefined, []],
    ["dropped after retention", { notAfter: T - 90 * DAY - 1 }, logAt(T), []],
    ["at the end of retention", { notAfter: T - 90 * DAY }, logAt(T), ["UNLOGGED_LEAF pending"]],
    ["old, but never asked", { notAfter: T - 900 * DAY }, undefined, ["UNLOGGED_LEAF pending"]],
  ])("%s", (_name, changes, log, expected) => {
    expect(judged(changes, log)).toEqual(expected);
  });

  it("names the place, the credential and the deadline", () => {
    const subject = `${PHONE} ${hex(1)} ${hex(101)}`;
    const [inside] = judgeSighting(sighting(), inGroup, context());
    expect(inside).toMatchObject({ group: "g", subject, user: ALICE, client: PHONE, since: T, deadline: T + DAY });
    const [outside] = judgeSighting(sighting(), { unlogged: "UNLOGGED_KEY_PACKAGE" }, context());
    expect(outside).toMatchObject({ kind: "UNLOGGED_KEY_PACKAGE", subject });
    expect(outside).not.toHaveProperty("group");
  });
});

describe("SELF_UNKNOWN_IN_GROUP", () => {
  const trusting = (client: string, seed: number) => ({
    self: ALICE,
    own: ownDevices(ALICE, [{ client, spkiHash: new Uint8Array(32).fill(seed) }]),
  });
  const mine = { self: ALICE, own: ownDevices(ALICE, []) };
  const judged = (given: RuleContext, changes: Partial<SightedCredential> = {}, present = true) =>
    say(judgeSelf(sighting(changes, present), "g", given)).map((each) => each.split(" ")[1]);

  it.each([
    ["somebody else's leaf", judged(context(logAt(T + DAY))), []],
    ["before the log could answer", judged(context(logAt(T), mine)), ["pending"]],
    ["after the skew", judged(context(logAt(T + 300), mine)), ["suspect"]],
    ["at the deadline", judged(context(logAt(T + DAY), mine)), ["confirmed"]],
    ["without a list, at the deadline", judged(context(undefined, { ...mine, tickedAt: T + DAY })), ["pending"]],
    ["without a list, past the deadline", judged(context(undefined, { ...mine, tickedAt: T + DAY + 1 })), ["suspect"]],
    ["an own device", judged(context(logAt(T + DAY), trusting(PHONE, 101))), []],
    ["an own device's other key", judged(context(logAt(T + DAY), trusting(PHONE, 102))), ["confirmed"]],
    ["another device's key", judged(context(logAt(T + DAY), trusting(LAPTOP, 101))), ["confirmed"]],
    ["a leaf that left", judged(context(logAt(T + DAY), mine), {}, false), []],
    ["basic", judged(context(logAt(T + DAY), mine), { type: "basic" }), []],
  ])("%s", (_name, levels, expected) => {
    expect(levels).toEqual(expected);
  });

  it("names the key and the deadline", () => {
    const [condition] = judgeSelf(sighting(), "g", context(logAt(T), mine));
    expect(condition).toMatchObject({ subject: `${PHONE} ${hex(101)}`, group: "g", since: T, deadline: T + DAY });
  });
});

describe("hexBytes", () => {
  it("reads every octet", () => {
    const all = Uint8Array.from({ length: 256 }, (_, i) => i);
    expect(hexBytes(Buffer.from(all).toString("hex"))).toEqual(all);
    expect(hexBytes("")).toEqual(new Uint8Array(0));
  });
});
