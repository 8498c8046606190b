import { spkiHash } from "@mls-as/mls-credentials";
import { type CredentialRecord, isTrusted, ownDevices, readOwnList, trustOwn } from "@mls-as/mls-credentials";
import { describe, expect, it } from "vitest";
import {
  ALICE,
  approvalOf,
  continuityOf,
  DAY,
  type ExampleKey,
  exampleKey,
  LAPTOP,
  listOf,
  PHONE,
  recordOf,
  START,
} from "../conformance/example-devices.js";

const [phone, laptop, tablet, next] = ["phone", "laptop", "tablet", "next"].map(exampleKey) as [
  ExampleKey,
  ExampleKey,
  ExampleKey,
  ExampleKey,
];
const TABLET = "mimi://example.org/d/alice/tablet";

const record = (key: ExampleKey, more: Partial<Parameters<typeof recordOf>[0]> = {}) =>
  recordOf({ certificate: "", key, notBefore: START, ...more });
const approved = async (client: string, key: ExampleKey, approver: string, approverKey: ExampleKey, afterVersion = 0) =>
  approvalOf({ client, key, approver, approverKey, afterVersion, expiresAt: START + DAY });
const list = (version: number, devices: Readonly<Record<string, readonly CredentialRecord[]>>) =>
  listOf(
    version,
    "renewal",
    Object.entries(devices).map(([client, credentials]) => ({ client, addedAt: BigInt(START), credentials })),
  );
const own = ownDevices(ALICE, [{ client: PHONE, spkiHash: phone.spkiHash }]);
const unknownIn = (...versions: ReturnType<typeof list>[]): string[][] => {
  let state = own;
  return versions.map((version) => {
    const read = readOwnList(state, version);
    state = read.own;
    return read.unknown.map(({ client }) => client);
  });
};

describe("a user's own devices", () => {
  it("are keys of clients: the same key under another client, or another key of the client, is none", () => {
    expect(isTrusted(own, PHONE, phone.spkiHash)).toBe(true);
    expect(isTrusted(own, LAPTOP, phone.spkiHash)).toBe(false);
    expect(isTrusted(own, PHONE, laptop.spkiHash)).toBe(false);
    const more = trustOwn(own, { client: LAPTOP, spkiHash: laptop.spkiHash });
    expect(more.trusted).toHaveLength(2);
    expect(trustOwn(more, { client: LAPTOP, spkiHash: laptop.spkiHash })).toBe(more);
    expect(spkiHash(phone.spki)).toEqual(phone.spkiHash);
  });

  it("grow by what a trusted device vouches for, in chains, whatever the order of the list", async () => {
    const second = record(laptop, { approval: await approved(LAPTOP, laptop, PHONE, phone) });
    const third = record(tablet, { approval: await approved(TABLET, tablet, LAPTOP, laptop) });
    const renewed = record(next, { continuity: await continuityOf(TABLET, tablet, next) });
    expect(unknownIn(list(1, { [PHONE]: [record(phone)], [LAPTOP]: [second] }))).toEqual([[]]);
    expect(unknownIn(list(1, { [TABLET]: [renewed, third], [LAPTOP]: [second], [PHONE]: [record(phone)] }))).toEqual([
      [],
    ]);
    expect(unknownIn(list(1, { [PHONE]: [record(phone)], [LAPTOP]: [record(laptop)], [TABLET]: [third] }))).toEqual([
      [LAPTOP, TABLET],
    ]);
    expect(unknownIn(list(1, { [TABLET]: [renewed], [PHONE]: [record(phone)] }))).toEqual([[TABLET]]);
  });

  it("are vouched for under the client that the voucher has", async () => {
    const byAnother = record(laptop, { approval: await approved(LAPTOP, laptop, TABLET, phone) });
    expect(unknownIn(list(1, { [PHONE]: [record(phone)], [LAPTOP]: [byAnother] }))).toEqual([[LAPTOP]]);
    const borrowed = record(next, { continuity: await continuityOf(LAPTOP, phone, next) });
    expect(unknownIn(list(1, { [PHONE]: [record(phone)], [LAPTOP]: [borrowed] }))).toEqual([[LAPTOP]]);
    const kept = record(next, { continuity: await continuityOf(PHONE, phone, next) });
    expect(unknownIn(list(1, { [PHONE]: [record(phone), kept] }))).toEqual([[]]);
  });

  it("vouch for nothing once they are revoked, and in the version that revokes them only for what came before", async () => {
    const gone = record(phone, { revokedAt: START + 100 });
    const at = async (notBefore: number) =>
      record(laptop, { notBefore, approval: await approved(LAPTOP, laptop, PHONE, phone) });
    const approvedAt = async (notBefore: number) => list(1, { [PHONE]: [gone], [LAPTOP]: [await at(notBefore)] });
    expect(unknownIn(await approvedAt(START + 99))).toEqual([[]]);
    expect(unknownIn(await approvedAt(START + 100))).toEqual([[]]);
    expect(unknownIn(await approvedAt(START + 101))).toEqual([[LAPTOP]]);
    expect(unknownIn(list(1, { [PHONE]: [gone] }), list(2, { [PHONE]: [gone], [LAPTOP]: [await at(START)] }))).toEqual([
      [],
      [LAPTOP],
    ]);
    const renewed = record(next, { notBefore: START + 101, continuity: await continuityOf(PHONE, phone, next) });
    expect(unknownIn(list(1, { [PHONE]: [gone, renewed] }))).toEqual([[PHONE]]);
    // A key with another, active certificate is not revoked.
    const still = record(phone, { certificate: "another" });
    expect(
      unknownIn(
        list(1, { [PHONE]: [gone, still] }),
        list(2, { [PHONE]: [gone, still], [LAPTOP]: [await at(START + 200)] }),
      ),
    ).toEqual([[], []]);
  });

  it("are unknown again when a revoked key is active anew, unless somebody vouches for it after that", async () => {
    const gone = record(laptop, { revokedAt: START + 100 });
    const revived = record(laptop, { certificate: "again", notBefore: START + 200 });
    const first = record(laptop, { approval: await approved(LAPTOP, laptop, PHONE, phone) });
    const versions = (again: CredentialRecord) => [
      list(1, { [PHONE]: [record(phone)], [LAPTOP]: [first] }),
      list(2, { [PHONE]: [record(phone)], [LAPTOP]: [{ ...gone, approval: first.approval }] }),
      list(3, { [PHONE]: [record(phone)], [LAPTOP]: [{ ...gone, approval: first.approval }, again] }),
    ];
    expect(unknownIn(...versions(revived))).toEqual([[], [], [LAPTOP]]);
    for (const [afterVersion, unknown] of [
      [1, [LAPTOP]],
      [2, []],
      [3, []],
    ] as const) {
      const approval = await approved(LAPTOP, laptop, PHONE, phone, afterVersion);
      expect(unknownIn(...versions({ ...revived, approval }))[2], `${afterVersion}`).toEqual(unknown);
    }
    // A key does not vouch for its own return.
    const continuity = await continuityOf(LAPTOP, laptop, laptop);
    expect(unknownIn(...versions({ ...revived, continuity }))[2]).toEqual([LAPTOP]);
  });

  it("vouch also where the list has dropped them", async () => {
    const second = record(laptop, { approval: await approved(LAPTOP, laptop, PHONE, phone) });
    expect(unknownIn(list(1, { [LAPTOP]: [second] }))).toEqual([[]]);
  });

  it("do not come back by continuity, which says nothing of when it was signed", async () => {
    const gone = record(laptop, { revokedAt: START + 100 });
    const again = record(laptop, { continuity: await continuityOf(PHONE, phone, laptop) });
    const trusted = trustOwn(own, { client: PHONE, spkiHash: laptop.spkiHash });
    const { own: state } = readOwnList(trusted, list(1, { [PHONE]: [record(phone), gone] }));
    const { unknown } = readOwnList(state, list(2, { [PHONE]: [record(phone), gone, again] }));
    expect(unknown.map(({ record: { continuity } }) => continuity)).toEqual([again.continuity]);
  });

  it("remember the version in which a key was revoked, once", () => {
    const gone = record(phone, { revokedAt: START + 100 });
    const one = readOwnList(own, list(4, { [PHONE]: [gone] }));
    expect(one.own.revoked).toEqual([{ spkiHash: phone.spkiHash, version: 4 }]);
    const two = readOwnList(one.own, list(5, { [PHONE]: [gone] }));
    expect(two.own.revoked).toEqual(one.own.revoked);
    expect(two.own).toMatchObject({ user: ALICE, trusted: own.trusted });
  });
});
