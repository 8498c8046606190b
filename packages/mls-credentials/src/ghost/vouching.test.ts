import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Continuity, CredentialRecord, DeviceApproval, DeviceList } from "../device-list.js";
import { spkiHash } from "../subject-public-key-info.js";
import { remember, UserLog } from "./log-memory.js";
import { acceptVouched } from "../own-devices.js";
import { couldHaveAsked, unvouchedRecords } from "./vouching.js";

const ALICE = "mimi://example.org/u/alice";
const PHONE = "mimi://example.org/d/alice/phone";
const LAPTOP = "mimi://example.org/d/alice/laptop";
const T = 1_800_000_000;
const octets = (seed: number): Uint8Array => new Uint8Array(32).fill(seed);
const spkiOf = (key: number): Uint8Array => Uint8Array.of(0x30, key);

interface RecordOf {
  readonly key?: number;
  readonly at?: number;
  readonly revokedAt?: number;
  readonly approval?: DeviceApproval;
  readonly continuity?: Continuity;
}

/** A certificate of the key with the same number, unless another is named. */
const record = (certificate: number, given: RecordOf = {}): CredentialRecord => ({
  tbsCertificateHash: octets(certificate),
  spkiHash: spkiHash(spkiOf(given.key ?? certificate)),
  notBefore: BigInt(given.at ?? T),
  notAfter: BigInt(T + 1000),
  ...(given.revokedAt === undefined
    ? { status: "active" as const }
    : { status: "revoked" as const, revokedAt: BigInt(given.revokedAt), reason: 1 }),
  approval: given.approval,
  continuity: given.continuity,
});

/** What vouching reads of an approval; whether it is true of its record and its signature holds was judged before. */
const approval = (approver: string, key: number, afterVersion = 0): DeviceApproval => ({
  tbs: {
    logId: octets(0),
    identity: ALICE,
    client: "",
    spkiHash: octets(0),
    approver,
    approverSpki: spkiOf(key),
    signatureScheme: 0,
    afterVersion,
    expiresAt: 0n,
  },
  signature: new Uint8Array(),
});

const continuity = (key: number): Continuity => ({
  tbs: { logId: octets(0), client: "", oldSpki: spkiOf(key), newSpkiHash: octets(0), signatureScheme: 0 },
  signature: new Uint8Array(),
});

type Devices = Readonly<Record<string, readonly CredentialRecord[]>>;
const listOf = (version: number, devices: Devices): DeviceList => ({
  format: 1,
  identity: ALICE,
  version,
  previousHash: octets(0),
  origin: "renewal",
  devices: Object.entries(devices).map(([client, credentials]) => ({ client, addedAt: 0n, credentials })),
});

/** The certificates of the last list for which nothing vouches, after the lists before it were read. */
function unvouched(...versions: readonly Devices[]): number[] {
  const log = new UserLog(ALICE);
  const lists = versions.map((devices, version) => listOf(version, devices));
  const list = lists.pop() as DeviceList;
  for (const before of lists)
    remember(log, before, { at: T, version: before.version, value: Uint8Array.of(), provenAt: T });
  return unvouchedRecords(log, lists.at(-1) as DeviceList, list).map(
    ({ record: { tbsCertificateHash } }) => tbsCertificateHash[0] as number,
  );
}

describe("who vouches for a new record", () => {
  const phone = record(1);
  const gone = record(1, { revokedAt: T + 10 });
  const both = { [PHONE]: [phone], [LAPTOP]: [record(2)] };
  const one = { [PHONE]: [phone] };
  const adds = (...given: CredentialRecord[]): Devices => ({ ...one, [LAPTOP]: given });

  it.each<[string, number[], Devices[]]>([
    ["nobody is needed for what is known", [], [both, both]],
    ["nor for what is known and revoked since", [], [both, { ...both, [PHONE]: [gone] }]],
    ["nor for what was revoked before", [], [adds(record(2, { revokedAt: T })), adds(record(2, { revokedAt: T }))]],
    ["nobody", [2], [one, adds(record(2))]],
    ["the key's own standing", [], [one, { [PHONE]: [phone, record(2, { key: 1 })] }]],
    ["a standing key of another client is none", [2], [one, adds(record(2, { key: 1 }))]],
    ["an approver", [], [one, adds(record(2, { approval: approval(PHONE, 1) }))]],
    ["an approver under another name", [2], [one, adds(record(2, { approval: approval(LAPTOP, 1) }))]],
    ["an approver with another key", [2], [one, adds(record(2, { approval: approval(PHONE, 9) }))]],
    ["the old key", [], [one, { [PHONE]: [phone, record(2, { continuity: continuity(1) })] }]],
    ["another client's key", [2], [one, adds(record(2, { continuity: continuity(1) }))]],
    ["an unknown old key", [2], [one, { [PHONE]: [phone, record(2, { continuity: continuity(9) })] }]],
    [
      "the old key where the approver is unknown",
      [],
      [one, { [PHONE]: [phone, record(2, { approval: approval(LAPTOP, 9), continuity: continuity(1) })] }],
    ],
    [
      "one that was vouched for in turn, whatever the order",
      [],
      [
        one,
        {
          [PHONE]: [phone],
          "a tablet": [record(4, { approval: approval("b tablet", 3) })],
          "b tablet": [record(3, { approval: approval(LAPTOP, 2) })],
          [LAPTOP]: [record(2, { approval: approval(PHONE, 1) })],
        },
      ],
    ],
    [
      "two that vouch for each other",
      [2, 3],
      [
        one,
        {
          ...adds(record(2, { approval: approval("tablet", 3) })),
          tablet: [record(3, { approval: approval(LAPTOP, 2) })],
        },
      ],
    ],
    [
      "a key revoked in the same list, after the record came",
      [],
      [one, { [PHONE]: [gone], [LAPTOP]: [record(2, { at: T + 10, approval: approval(PHONE, 1) })] }],
    ],
    [
      "a key revoked in the same list, before the record came",
      [2],
      [one, { [PHONE]: [gone], [LAPTOP]: [record(2, { at: T + 11, approval: approval(PHONE, 1) })] }],
    ],
    [
      "a key revoked in the list before",
      [2],
      [one, { [PHONE]: [gone] }, { [PHONE]: [gone], [LAPTOP]: [record(2, { approval: approval(PHONE, 1) })] }],
    ],
  ])("%s", (_, expected, versions) => {
    expect(unvouched(...versions)).toEqual(expected);
  });

  /** The laptop's key dies in version 1 and is certified again in version 2. */
  const again = (given: RecordOf) => {
    const dead = record(2, { revokedAt: T + 5 });
    return unvouched(both, adds(dead), adds(dead, record(3, { key: 2, at: T + 20, ...given })));
  };
  it.each<[string, number[], RecordOf]>([
    ["nobody", [3], {}],
    ["an approver who knew", [], { approval: approval(PHONE, 1, 1) }],
    ["an approver later on", [], { approval: approval(PHONE, 1, 2) }],
    ["an approver from before", [3], { approval: approval(PHONE, 1, 0) }],
    ["a stranger who knew: that it stood once is nothing", [3], { approval: approval(PHONE, 9, 1) }],
    ["an old key", [3], { continuity: continuity(1) }],
  ])("for a dead key that is certified again: %s", (_, expected, given) => {
    expect(again(given)).toEqual(expected);
  });
});

describe("whether somebody could have been asked when a record came", () => {
  const newcomer = record(9, { at: T });
  const asked = (previous: Devices, list: Devices, given = newcomer, provenAt = Number.NEGATIVE_INFINITY): boolean => {
    const next = listOf(1, { ...list, newcomer: [given] });
    return couldHaveAsked({ list: listOf(0, previous), provenAt }, next, [{ client: "newcomer", record: given }])(
      given,
    );
  };

  it("it came after the list before was proven, whatever it says", () => {
    const early = record(9, { at: 1 });
    const phone = { [PHONE]: [record(1, { at: T - 9 })] };
    expect(asked(phone, phone, early)).toBe(false);
    expect(asked(phone, phone, early, T - 10)).toBe(false);
    expect(asked(phone, phone, early, T - 9)).toBe(true);
    const gone = { [PHONE]: [record(1, { at: T - 9, revokedAt: T })] };
    expect(asked(phone, gone, early, T - 1)).toBe(true);
    expect(asked(phone, gone, early, T)).toBe(false);
  });

  it.each<[string, boolean, CredentialRecord[], CredentialRecord[]]>([
    ["nobody else", false, [], []],
    ["one that stands", true, [record(1)], [record(1)]],
    ["one from the same second", true, [], [record(1, { at: T })]],
    ["one that came later", false, [], [record(1, { at: T + 1 })]],
    ["one revoked later", true, [], [record(1, { at: T - 9, revokedAt: T + 1 })]],
    ["one revoked in the same second", false, [], [record(1, { at: T - 9, revokedAt: T })]],
    ["one that came later and was revoked later", false, [], [record(1, { at: T + 1, revokedAt: T + 2 })]],
    ["one of several", true, [], [record(1), record(2, { revokedAt: T })]],
    ["one that the list dropped", true, [record(1)], []],
    ["one that the list dropped long after its end", false, [record(1, { revokedAt: T })], []],
    ["what the newer list says of it counts", false, [record(1)], [record(1, { revokedAt: T })]],
  ])("%s", (_, expected, previous, list) => {
    expect(asked({ [PHONE]: previous }, { [PHONE]: list })).toBe(expected);
  });

  it("another stranger is nobody to ask, whichever list names it", () => {
    const strangers = [newcomer, record(8)].map((each) => ({ client: "newcomer", record: each }));
    const list = listOf(1, { newcomer: [newcomer, record(8)] });
    expect(couldHaveAsked({ list: listOf(0, {}), provenAt: 0 }, list, strangers)(newcomer)).toBe(false);
  });
});

describe("a chain of vouchers", () => {
  it.each([1, -1])("costs its length, from whichever end it comes (%i)", (direction) => {
    const chain = Array.from({ length: 200 }, (_, each) => ({
      client: PHONE,
      record: record(each + 1, { continuity: continuity(each) }),
    }));
    const accepted = new Set([0]);
    let looks = 0;
    const rest = acceptVouched(
      direction === 1 ? chain : chain.toReversed(),
      (each) => {
        looks += 1;
        return accepted.has(chain.indexOf(each));
      },
      (each) => accepted.add(chain.indexOf(each) + 1),
    );
    expect(rest).toEqual([]);
    expect(looks).toBeLessThanOrEqual(3 * chain.length);
  });

  it("comes to what looking at everything again and again comes to", () => {
    const links = fc.array(fc.tuple(fc.nat(9), fc.option(fc.nat(9)), fc.option(fc.nat(9))), { maxLength: 12 });
    fc.assert(
      fc.property(links, fc.nat(9), (given, start) => {
        const records = given.map(([key, approver, before], each) => ({
          client: PHONE,
          record: record(20 + each, {
            key,
            ...(approver === null ? {} : { approval: approval(PHONE, approver) }),
            ...(before === null ? {} : { continuity: continuity(before) }),
          }),
        }));
        const vouched = (accepted: ReadonlySet<number>, each: (typeof records)[number]): boolean =>
          (given[records.indexOf(each)] ?? []).some((key) => key !== null && accepted.has(key));
        const keyOf = (each: (typeof records)[number]): number => given[records.indexOf(each)]?.[0] ?? -1;
        const accepted = new Set([start]);
        const rest = acceptVouched(
          records,
          (each) => vouched(accepted, each as (typeof records)[number]),
          (each) => accepted.add(keyOf(each as (typeof records)[number])),
        );
        const naive = new Set([start]);
        for (let round = 0; round <= records.length; round++)
          for (const each of records) if (vouched(naive, each)) naive.add(keyOf(each));
        expect(accepted).toEqual(naive);
        expect(rest).toEqual(records.filter((each) => !vouched(naive, each)));
      }),
    );
  });

  it("that nothing holds is left, in its order", () => {
    const chain = [3, 2, 1].map((seed) => ({
      client: PHONE,
      record: record(seed, { continuity: continuity(seed - 1) }),
    }));
    expect(
      acceptVouched(
        chain,
        () => false,
        () => undefined,
      ),
    ).toEqual(chain);
  });
});
