import { describe, expect, it } from "vitest";
import type { CredentialRecord, DeviceList } from "../device-list.js";
import { type ListSighting, remember, UserLog } from "./log-memory.js";
import { MembershipLog, type MembershipLine } from "./membership-log.js";

const [PHONE, LAPTOP] = ["mimi://example.org/d/alice/phone", "mimi://example.org/d/alice/laptop"];
const hash = (seed: number): Uint8Array => new Uint8Array(32).fill(seed);
const hex = (seed: number): string => seed.toString(16).padStart(2, "0").repeat(32);

const record = (certificate: number, key: number, ended?: { revokedAt: number; reason: number }): CredentialRecord => ({
  tbsCertificateHash: hash(certificate),
  spkiHash: hash(key),
  notBefore: 10n,
  notAfter: 90n,
  approval: undefined,
  continuity: undefined,
  ...(ended === undefined
    ? { status: "active" as const }
    : { status: "revoked" as const, revokedAt: BigInt(ended.revokedAt), reason: ended.reason }),
});
const listOf = (version: number, devices: Readonly<Record<string, readonly CredentialRecord[]>>): DeviceList => ({
  format: 1,
  identity: "mimi://example.org/u/alice",
  version,
  previousHash: hash(0),
  origin: "enrolment",
  devices: Object.entries(devices).map(([client, credentials]) => ({
    client,
    addedAt: 0n,
    credentials: [...credentials],
  })),
});
const seen = (version: number, change: Partial<ListSighting> = {}): ListSighting => ({
  at: 100 + version,
  version,
  value: Uint8Array.of(version),
  provenAt: 50 + version,
  ...change,
});

describe("what is remembered of a user's lists", () => {
  it("is every certificate, also after the list dropped it", () => {
    const log = new UserLog("alice");
    remember(log, listOf(0, { [PHONE]: [record(1, 2)] }), seen(0));
    remember(log, listOf(1, { [LAPTOP]: [record(3, 4)] }), seen(1));
    const base = { notAfter: 90, revokedAt: undefined, reason: undefined };
    expect([...log.records]).toEqual([
      [hex(1), { ...base, client: PHONE, spkiHash: hex(2), tbsCertificateHash: hex(1) }],
      [hex(3), { ...base, client: LAPTOP, spkiHash: hex(4), tbsCertificateHash: hex(3) }],
    ]);
    expect(log.keysOf(PHONE)).toEqual(new Set([hex(2)]));
    expect(log.keysOf("nobody")).toEqual(new Set());
  });

  it("is the first revocation, whatever a later version says", () => {
    const log = new UserLog("alice");
    const revoked = (version: number, ended?: { revokedAt: number; reason: number }) => {
      remember(log, listOf(version, { [PHONE]: [record(1, 2, ended)] }), seen(version));
      const { revokedAt, reason } = log.records.get(hex(1)) ?? {};
      return [revokedAt, reason];
    };
    expect(revoked(0)).toEqual([undefined, undefined]);
    expect(revoked(1, { revokedAt: 20, reason: 3 })).toEqual([20, 3]);
    expect(revoked(2)).toEqual([20, 3]);
    expect(revoked(3, { revokedAt: 30, reason: 1 })).toEqual([20, 3]);
    // At the time zero counts like any other.
    const other = new UserLog("alice");
    remember(other, listOf(0, { [PHONE]: [record(1, 2, { revokedAt: 0, reason: 0 })] }), seen(0));
    remember(other, listOf(1, { [PHONE]: [record(1, 2, { revokedAt: 9, reason: 4 })] }), seen(1));
    expect(other.records.get(hex(1))).toMatchObject({ revokedAt: 0, reason: 0 });
  });

  it("is the version in which a key lost its last active certificate, until it has one again", () => {
    const log = new UserLog("alice");
    const ended = { revokedAt: 20, reason: 1 };
    const dead = (version: number, ...records: CredentialRecord[]) => {
      remember(log, listOf(version, { [PHONE]: records }), seen(version));
      return [...log.deadKeys];
    };
    expect(dead(0, record(1, 2))).toEqual([]);
    expect(dead(1, record(1, 2, ended), record(3, 2))).toEqual([]);
    expect(dead(2, record(1, 2, ended), record(3, 2, ended))).toEqual([[hex(2), 2]]);
    expect(dead(3, record(1, 2, ended), record(3, 2, ended))).toEqual([[hex(2), 2]]);
    expect(dead(4, record(3, 2, ended), record(5, 2))).toEqual([]);
    expect(dead(5, record(5, 2, ended))).toEqual([[hex(2), 5]]);
  });

  it("is when it was proven and read, the latest proof counting, and no version of the past", () => {
    const log = new UserLog("alice");
    remember(log, listOf(1, {}), seen(1, { provenAt: 70, at: 71 }));
    expect([log.provenAt, log.readAt]).toEqual([70, 71]);
    remember(log, listOf(2, {}), seen(2, { provenAt: 60, at: 72 }));
    expect([log.provenAt, log.readAt]).toEqual([70, 72]);
    remember(log, listOf(3, {}), seen(3, { provenAt: 99, at: 99, greatest: false }));
    expect([log.provenAt, log.readAt, log.list?.version]).toEqual([70, 72, 3]);
    remember(log, listOf(4, {}), seen(4, { provenAt: 99, at: 98, greatest: true }));
    expect([log.provenAt, log.readAt]).toEqual([99, 98]);
  });

  it("is shown as the newest list with its proof", () => {
    const proof = { configuration: "00", request: "01", response: "02", now: 1, recent: 3 };
    const log = new UserLog("alice");
    expect(log.evidence()).toEqual({});
    remember(log, listOf(1, {}), seen(1));
    const first = log.evidence();
    expect(first).toEqual({ lists: [{ version: 1, value: "01" }] });
    expect(Object.keys(first.lists?.[0] ?? {})).toEqual(["version", "value"]);
    expect(log.evidence()).toBe(first);
    log.proof = proof;
    expect(log.evidence()).toEqual({ lists: [{ version: 1, value: "01", proof }] });
    remember(log, listOf(2, {}), seen(2));
    expect(log.evidence()).toEqual({ lists: [{ version: 2, value: "02" }] });
    expect(log.evidence()).toBe(log.evidence());
  });
});

describe("the membership log", () => {
  const line = (at: number, change: Partial<MembershipLine> = {}): MembershipLine => ({
    at,
    kind: "joined",
    user: "alice",
    client: "phone",
    group: "g",
    epoch: at,
    ...change,
  });
  const times = (lines: readonly MembershipLine[]) => lines.map(({ at }) => at);

  it("gives out the newest lines, oldest first, no more than it holds", () => {
    const log = new MembershipLog(10);
    for (let at = 0; at < 10; at++) log.append([line(at)]);
    expect(times(log.lines())).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    for (let at = 10; at < 40; at++) {
      log.append([line(at)]);
      expect(times(log.lines())).toEqual(Array.from({ length: 10 }, (_, i) => at - 9 + i));
    }
    expect(times(log.lines({ limit: 3 }))).toEqual([37, 38, 39]);
    expect(times(log.lines({ limit: 0 }))).toEqual([]);
    expect(log.lines({ limit: 99 })).toHaveLength(10);
    log.append(Array.from({ length: 25 }, (_, i) => line(100 + i)));
    expect(times(log.lines({ limit: 99 }))).toEqual(Array.from({ length: 10 }, (_, i) => 115 + i));
  });

  it("of one group, of one user, or of both", () => {
    const log = new MembershipLog(10);
    const { group: _, ...own } = line(4);
    log.append([line(1), line(2, { user: "bob" }), line(3, { group: "h" }), own]);
    expect(times(log.lines({ group: "g" }))).toEqual([1, 2]);
    expect(times(log.lines({ user: "alice" }))).toEqual([1, 3, 4]);
    expect(times(log.lines({ group: "g", user: "alice" }))).toEqual([1]);
    expect(times(log.lines({ group: "h", user: "bob" }))).toEqual([]);
    expect(times(log.lines({ user: "alice", limit: 2 }))).toEqual([3, 4]);
  });
});
