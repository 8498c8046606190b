import { describe, expect, it } from "vitest";
import type { CredentialRecord, DeviceList } from "../device-list.js";
import { type ListSighting, remember, UserLog } from "./log-memory.js";

const ALICE = "mimi://example.org/u/alice";
const T = 1_800_000_000;
const octets = (seed: number): Uint8Array => new Uint8Array(32).fill(seed);
const hex = (seed: number): string => seed.toString(16).padStart(2, "0").repeat(32);

const record = (certificate: number, key: number, revoked?: { at: number; reason: number }): CredentialRecord => ({
  tbsCertificateHash: octets(certificate),
  spkiHash: octets(key),
  notBefore: 0n,
  notAfter: BigInt(T + certificate),
  ...(revoked === undefined
    ? { status: "active" as const }
    : { status: "revoked" as const, revokedAt: BigInt(revoked.at), reason: revoked.reason }),
  approval: undefined,
  continuity: undefined,
});

const listOf = (version: number, devices: Readonly<Record<string, readonly CredentialRecord[]>>): DeviceList => ({
  format: 1,
  identity: ALICE,
  version,
  previousHash: octets(0),
  origin: "renewal",
  devices: Object.entries(devices).map(([client, credentials]) => ({ client, addedAt: 0n, credentials })),
});

const proof = { configuration: "00", request: "01", response: "02", now: 5, recent: 3 };

/** Takes versions into memory as they come. */
function reading(log = new UserLog(ALICE)) {
  const read = (
    version: number,
    devices: Readonly<Record<string, readonly CredentialRecord[]>>,
    sighting: Partial<ListSighting> = {},
  ): UserLog => {
    const value = Uint8Array.of(version);
    remember(log, listOf(version, devices), { at: T, version, value, provenAt: T, ...sighting });
    return log;
  };
  return read;
}

describe("what a read list leaves in memory", () => {
  it("every record, also those that are gone", () => {
    const read = reading();
    read(0, { phone: [record(1, 11)], laptop: [record(2, 12, { at: T + 7, reason: 4 })] });
    const log = read(1, { phone: [record(3, 13)] });
    const base = { client: "phone", revokedAt: undefined, reason: undefined };
    expect([...log.records]).toEqual([
      [hex(1), { ...base, spkiHash: hex(11), tbsCertificateHash: hex(1), notAfter: T + 1 }],
      [
        hex(2),
        {
          client: "laptop",
          spkiHash: hex(12),
          tbsCertificateHash: hex(2),
          notAfter: T + 2,
          revokedAt: T + 7,
          reason: 4,
        },
      ],
      [hex(3), { ...base, spkiHash: hex(13), tbsCertificateHash: hex(3), notAfter: T + 3 }],
    ]);
    expect(log.keysOf("phone")).toEqual(new Set([hex(11), hex(13)]));
    expect(log.keysOf("laptop")).toEqual(new Set([hex(12)]));
    expect(log.keysOf("tablet")).toEqual(new Set());
  });

  it("a revocation for ever, as it was first said", () => {
    const read = reading();
    const said = (...given: readonly CredentialRecord[]) => {
      const log = read(given.length, { phone: given });
      const { revokedAt, reason } = log.records.get(hex(1)) ?? {};
      return { revokedAt, reason };
    };
    expect(said(record(1, 11))).toEqual({ revokedAt: undefined, reason: undefined });
    expect(said(record(1, 11, { at: T, reason: 1 }))).toEqual({ revokedAt: T, reason: 1 });
    expect(said(record(1, 11, { at: T + 5, reason: 4 }))).toEqual({ revokedAt: T, reason: 1 });
    expect(said(record(1, 11))).toEqual({ revokedAt: T, reason: 1 });
  });

  it("since which version a key has no active certificate", () => {
    const read = reading();
    const end = { at: T, reason: 1 };
    expect([...read(0, { phone: [record(1, 11)] }).deadKeys]).toEqual([]);
    // One of two certificates keeps the key alive.
    expect([...read(1, { phone: [record(1, 11, end), record(2, 11)] }).deadKeys]).toEqual([]);
    expect([...read(2, { phone: [record(1, 11, end), record(2, 11, end)] }).deadKeys]).toEqual([[hex(11), 2]]);
    expect([...read(3, { phone: [record(2, 11, end), record(3, 13)] }).deadKeys]).toEqual([[hex(11), 2]]);
    expect([...read(4, { phone: [record(2, 11, end), record(4, 11)] }).deadKeys]).toEqual([]);
    expect([...read(5, { phone: [record(4, 11, end)] }).deadKeys]).toEqual([[hex(11), 5]]);
  });

  it("when it was proven and read, unless it is of the past", () => {
    const read = reading();
    const log = read(0, {}, { at: T + 1, provenAt: T + 10 });
    expect(log).toMatchObject({ provenAt: T + 10, readAt: T + 1, list: { version: 0 }, proof: undefined });
    read(1, {}, { at: T + 2, provenAt: T + 9, proof });
    expect(log).toMatchObject({ provenAt: T + 10, readAt: T + 2, list: { version: 1 }, proof });
    read(2, {}, { at: T + 3, provenAt: T + 11, greatest: false });
    expect(log).toMatchObject({ provenAt: T + 10, readAt: T + 2, list: { version: 2 }, proof: undefined });
    read(3, {}, { at: T + 4, provenAt: T + 12, greatest: true });
    expect(log).toMatchObject({ provenAt: T + 12, readAt: T + 4, value: Uint8Array.of(3) });
  });
});

describe("the evidence of a log", () => {
  it("is the newest list with its proof", () => {
    const read = reading();
    expect(new UserLog(ALICE).evidence()).toEqual({});
    expect(read(7, {}).evidence()).toStrictEqual({ lists: [{ version: 7, value: "07" }] });
    expect(read(8, {}, { proof }).evidence()).toStrictEqual({ lists: [{ version: 8, value: "08", proof }] });
  });

  it("is nothing where only half of it is known", () => {
    const log = reading()(7, {});
    log.value = undefined;
    expect(log.evidence()).toEqual({});
    log.value = Uint8Array.of(7);
    log.list = undefined;
    expect(log.evidence()).toEqual({});
  });

  it("is made once for a list and proof, and anew for another of either", () => {
    const log = reading()(7, {}, { proof });
    const first = log.evidence();
    expect(log.evidence()).toBe(first);
    const later = { ...proof, now: 6 };
    log.proof = later;
    expect(log.evidence()).toEqual({ lists: [{ version: 7, value: "07", proof: later }] });
    log.value = Uint8Array.of(9);
    expect(log.evidence()).toEqual({ lists: [{ version: 7, value: "09", proof: later }] });
  });
});
