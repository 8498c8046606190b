import type { CryptoProvider } from "@mls-as/mls-core";
import { nodeProvider } from "@mls-as/mls-core/node";
import {
  type CredentialRecord,
  type DeviceList,
  defaultPolicy,
  deviceListHash,
  encodeDeviceList,
  type Finding,
  GhostDetector,
  type GhostEvent,
  NO_PREVIOUS_HASH,
  type Observation,
  sortDeviceList,
} from "@mls-as/mls-credentials";
import { describe, expect, it } from "vitest";
import { countingProvider } from "../counting-provider.js";
import {
  ALICE,
  approvalOf,
  continuityOf,
  DAY,
  digest,
  exampleKey,
  LAPTOP,
  listOf,
  LOG_ID,
  PHONE,
  recordOf,
  START,
} from "../conformance/example-devices.js";

const BOB = "mimi://example.org/u/bob";
const GHOST = "mimi://example.org/d/alice/ghost";
const T = START + 10 * DAY;
const RETENTION = 90 * DAY;
const keys = { phone: exampleKey("phone"), phone2: exampleKey("phone 2"), laptop: exampleKey("laptop") };
const ghostKey = exampleKey("ghost");
const hex = (octets: Uint8Array): string => Buffer.from(octets).toString("hex");

type Sighted = Extract<GhostEvent, { type: "device-list" }>;
type Devices = Readonly<Record<string, readonly CredentialRecord[]>>;

/** Encoded versions of one user's list, each the continuation of the one before. */
function versions(
  lists: readonly (Devices | { readonly origin: DeviceList["origin"]; readonly devices: Devices })[],
  identity = ALICE,
): Uint8Array[] {
  const values: Uint8Array[] = [];
  for (const [version, given] of lists.entries()) {
    const { origin, devices } =
      "origin" in given && typeof given.origin === "string" ? given : { origin: "enrolment", devices: given };
    const records = Object.entries(devices as Devices).map(([client, credentials]) => ({
      client,
      addedAt: BigInt(START),
      credentials: [...credentials],
    }));
    const before = values.at(-1);
    const previousHash = before === undefined ? NO_PREVIOUS_HASH : deviceListHash(before);
    const list = listOf(version, origin as DeviceList["origin"], records, previousHash, identity);
    values.push(encodeDeviceList(sortDeviceList(list)));
  }
  return values;
}

interface Watch {
  readonly detector: GhostDetector;
  readonly see: (version: number, value: Uint8Array, change?: Partial<Sighted>) => Promise<Observation>;
}

/** A contact who looks at Alice's list, or Alice's own device. */
function watching(change: { self?: string; user?: string; logId?: Uint8Array; provider?: CryptoProvider } = {}): Watch {
  const { self = BOB, user = ALICE, provider = nodeProvider, ...rest } = change;
  const ownKeys = self === ALICE ? [{ client: PHONE, spkiHash: keys.phone.spkiHash }] : [];
  const policy = defaultPolicy({});
  const detector = new GhostDetector({ self, ownKeys, policy: { ...policy, retention: RETENTION }, provider, ...rest });
  return {
    detector,
    see: (version, value, sighted = {}) =>
      detector.observe({ type: "device-list", at: T, user, version, value, provenAt: T, ...sighted }),
  };
}

const told = ({ findings }: { readonly findings: readonly Finding[] }): string[] =>
  findings.map(({ kind, life, client }) => [kind, life, client?.split("/").at(-1)].filter(Boolean).join(" "));
const lines = ({ members }: Observation): string[] =>
  members.map(({ kind, client }) => `${kind} ${client.split("/").at(-1)}`);
const shownLists = ({ findings }: Observation) => findings.map(({ evidence }) => evidence.lists ?? []);

const phone = recordOf({ certificate: "phone", key: keys.phone, notBefore: START });
const approvedLaptop = async (changes: Partial<Parameters<typeof approvalOf>[0]> = {}): Promise<CredentialRecord> => {
  const approver = { approver: PHONE, approverKey: keys.phone, afterVersion: 0, expiresAt: START + DAY };
  const approval = await approvalOf({ client: LAPTOP, key: keys.laptop, ...approver, ...changes });
  return recordOf({ certificate: "laptop", key: keys.laptop, notBefore: START, approval });
};
const laptop = recordOf({ certificate: "laptop", key: keys.laptop, notBefore: START });
const revoked = (record: CredentialRecord, reason = 1): CredentialRecord =>
  ({ ...record, status: "revoked", revokedAt: BigInt(START + DAY), reason }) as CredentialRecord;

describe("what a new version of a list says", () => {
  it("is nothing at the first look", async () => {
    const { detector, see } = watching();
    const [first] = versions([{ [PHONE]: [phone] }]);
    expect(await see(0, first as Uint8Array)).toEqual({ findings: [], members: [], identityChanged: [] });
    expect(detector.knownVersion(ALICE)).toBe(0);
  });

  const changes: readonly [
    name: string,
    after: () => Promise<(Devices | { origin: DeviceList["origin"]; devices: Devices })[]>,
    members: string[],
    changed: boolean,
    findings: string[],
  ][] = [
    ["nothing changes", async () => [{ [PHONE]: [phone] }], [], false, []],
    [
      "a device that another approved",
      async () => [{ [PHONE]: [phone], [LAPTOP]: [await approvedLaptop()] }],
      ["device-added laptop"],
      false,
      [],
    ],
    [
      "a device that nobody approved",
      async () => [{ [PHONE]: [phone], [LAPTOP]: [laptop] }],
      ["device-added laptop", "identity-changed laptop"],
      true,
      ["UNAUTHORISED_ENTRY suspect laptop"],
    ],
    [
      "such a device in a recovery",
      async () => [{ origin: "recovery", devices: { [PHONE]: [phone], [LAPTOP]: [laptop] } }],
      ["device-added laptop", "identity-changed laptop"],
      true,
      [],
    ],
    [
      "such a device, two versions later",
      async () => [{ [PHONE]: [phone] }, { [PHONE]: [phone], [LAPTOP]: [laptop] }],
      ["device-added laptop", "identity-changed laptop"],
      true,
      [],
    ],
    [
      "the only certificate is revoked",
      async () => [{ [PHONE]: [revoked(phone)] }],
      ["device-revoked phone"],
      false,
      [],
    ],
    [
      "one certificate of two is revoked",
      async () => {
        const next = recordOf({ certificate: "phone, renewed", key: keys.phone, notBefore: START + DAY });
        return [{ [PHONE]: [revoked(phone), next] }];
      },
      [],
      false,
      [],
    ],
    [
      "a new key that the old one signed for",
      async () => {
        const continuity = await continuityOf(PHONE, keys.phone, keys.phone2);
        return [
          { [PHONE]: [phone, recordOf({ certificate: "2", key: keys.phone2, notBefore: START + DAY, continuity })] },
        ];
      },
      [],
      false,
      [],
    ],
    [
      "two new keys that nothing vouches for",
      async () => [
        {
          [PHONE]: [
            phone,
            recordOf({ certificate: "2", key: keys.phone2, notBefore: START + DAY }),
            recordOf({ certificate: "3", key: exampleKey("phone 3"), notBefore: START + DAY }),
          ],
        },
      ],
      ["identity-changed phone"],
      true,
      ["UNAUTHORISED_ENTRY suspect phone", "UNAUTHORISED_ENTRY suspect phone"],
    ],
    [
      "a device that has come and gone",
      async () => [{ [PHONE]: [phone], [LAPTOP]: [revoked(laptop)] }],
      ["device-added laptop", "device-revoked laptop"],
      false,
      ["TRANSIENT_DEVICE confirmed laptop"],
    ],
    [
      "a device that could not be signed",
      async () => [{ [PHONE]: [phone], [LAPTOP]: [revoked(laptop, 5)] }],
      ["device-added laptop", "device-revoked laptop"],
      false,
      [],
    ],
    [
      "a second key that came and went on a known device",
      async () => [
        { [PHONE]: [phone, revoked(recordOf({ certificate: "2", key: keys.phone2, notBefore: START + DAY }))] },
      ],
      [],
      false,
      [],
    ],
  ];
  it.each(changes)("%s", async (_, after, members, changed, findings) => {
    const { detector, see } = watching();
    const values = versions([{ [PHONE]: [phone] }, ...(await after())]);
    await see(0, values[0] as Uint8Array);
    const version = values.length - 1;
    const seen = await see(version, values[version] as Uint8Array);
    expect(lines(seen)).toEqual(members);
    expect(seen.identityChanged).toEqual(changed ? [ALICE] : []);
    expect(told(seen)).toEqual(findings);
    expect(detector.knownVersion(ALICE)).toBe(version);
    for (const lists of shownLists(seen))
      expect(lists).toEqual([
        { version: 0, value: hex(values[0] as Uint8Array) },
        { version, value: hex(values[version] as Uint8Array) },
      ]);
    // Said once.
    expect(await see(version, values[version] as Uint8Array)).toEqual({
      findings: [],
      members: [],
      identityChanged: [],
    });
  });

  it("once revoked is told once", async () => {
    const { see } = watching();
    const values = versions([{ [PHONE]: [phone] }, { [PHONE]: [revoked(phone)] }, { [PHONE]: [revoked(phone)] }]);
    await see(0, values[0] as Uint8Array);
    expect(lines(await see(1, values[1] as Uint8Array))).toEqual(["device-revoked phone"]);
    expect(lines(await see(2, values[2] as Uint8Array))).toEqual([]);
  });

  it("shows the log's proof where there is one", async () => {
    const { see } = watching();
    const proof = { configuration: "00", request: "01", response: "02", now: T * 1000, recent: 3 };
    const values = versions([{ [PHONE]: [phone] }, { [PHONE]: [phone], [LAPTOP]: [laptop] }]);
    await see(0, values[0] as Uint8Array);
    const [lists] = shownLists(await see(1, values[1] as Uint8Array, { proof }));
    expect(lists).toStrictEqual([
      { version: 0, value: hex(values[0] as Uint8Array) },
      { version: 1, value: hex(values[1] as Uint8Array), proof },
    ]);
    const bare = watching();
    await bare.see(0, values[0] as Uint8Array, { proof });
    expect(shownLists(await bare.see(1, values[1] as Uint8Array))).toStrictEqual([
      [
        { version: 0, value: hex(values[0] as Uint8Array), proof },
        { version: 1, value: hex(values[1] as Uint8Array) },
      ],
    ]);
  });

  it("keeps the proof of the newest look, whatever is read as one of the past", async () => {
    const { see } = watching();
    const proof = { configuration: "00", request: "01", response: "02", now: T * 1000, recent: 3 };
    const values = versions([{ [PHONE]: [phone] }, { [PHONE]: [phone], [LAPTOP]: [laptop] }]) as [
      Uint8Array,
      Uint8Array,
    ];
    await see(0, values[0]);
    await see(0, values[0], { proof });
    await see(0, values[0], { greatest: false });
    expect(shownLists(await see(1, values[1]))[0]?.[0]).toStrictEqual({ version: 0, value: hex(values[0]), proof });
  });

  it("says of a key whether its device is new", async () => {
    const next = recordOf({ certificate: "2", key: keys.phone2, notBefore: START + DAY });
    const values = versions([{ [PHONE]: [phone] }, { [PHONE]: [phone, next], [LAPTOP]: [laptop] }]);
    const { see } = watching();
    await see(0, values[0] as Uint8Array);
    const details = (await see(1, values[1] as Uint8Array)).findings.map(({ client, detail }) => [client, detail]);
    expect(details).toEqual([
      [LAPTOP, expect.stringContaining("approval")],
      [PHONE, expect.stringContaining("continuity")],
    ]);
  });

  it("a device that came and went counts although somebody without standing signed for it", async () => {
    const approver = { approver: GHOST, approverKey: exampleKey("stranger"), afterVersion: 0, expiresAt: START + DAY };
    const approval = await approvalOf({ client: LAPTOP, key: keys.laptop, ...approver });
    const continuity = await continuityOf(LAPTOP, exampleKey("stranger"), keys.laptop);
    const found = ["TRANSIENT_DEVICE confirmed laptop"];
    // It came when nobody was left to ask: without a claim this would be a recovery that another one followed.
    const late = { notBefore: BigInt(START + 2 * DAY) };
    const gone = { [PHONE]: [revoked(phone)] };
    for (const [change, findings] of [
      [{ approval }, found],
      [late, []],
      [{ ...late, approval }, found],
      [{ ...late, continuity }, found],
      [{ ...late, approval, continuity }, found],
    ] as const) {
      const { see } = watching();
      const [first, second] = versions([gone, { ...gone, [LAPTOP]: [{ ...revoked(laptop), ...change }] }]);
      await see(0, first as Uint8Array);
      expect(told(await see(1, second as Uint8Array))).toEqual(findings);
    }
  });

  it("each of two devices that came and went counts", async () => {
    const ghost = revoked(recordOf({ certificate: "ghost", key: ghostKey, notBefore: START }));
    const devices = { [PHONE]: [phone], [LAPTOP]: [revoked(laptop)], [GHOST]: [ghost] };
    const [first, second] = versions([{ [PHONE]: [phone] }, devices]);
    const { see } = watching();
    await see(0, first as Uint8Array);
    expect(told(await see(1, second as Uint8Array))).toEqual([
      "TRANSIENT_DEVICE confirmed ghost",
      "TRANSIENT_DEVICE confirmed laptop",
    ]);
  });
});

describe("two histories of one log", () => {
  const values = versions([{ [PHONE]: [phone] }, { [PHONE]: [phone], [LAPTOP]: [laptop] }, { [PHONE]: [phone] }]);
  const [zero, one] = values as [Uint8Array, Uint8Array];
  const other = versions([{ [LAPTOP]: [laptop] }, { [LAPTOP]: [laptop] }]) as [Uint8Array, Uint8Array];
  const third = versions([{ [GHOST]: [recordOf({ certificate: "ghost", key: ghostKey, notBefore: START })] }]);

  it("are two values for one version, each of them told", async () => {
    const { detector, see } = watching();
    await see(0, zero);
    const split = await see(0, other[0]);
    expect(told(split)).toEqual(["VIEW_SPLIT confirmed"]);
    expect(split).toMatchObject({ members: [], identityChanged: [] });
    expect(shownLists(split)).toEqual([
      [
        { version: 0, value: hex(zero) },
        { version: 0, value: hex(other[0]) },
      ],
    ]);
    expect(told(await see(0, third[0] as Uint8Array))).toEqual(["VIEW_SPLIT confirmed"]);
    expect(told(await see(0, other[0]))).toEqual([]);
    // What was known first stays known.
    expect(told(await see(0, zero))).toEqual([]);
    expect(detector.findings()).toHaveLength(2);
  });

  it("are an older version that is said to be the newest later on", async () => {
    for (const [change, split] of [
      [{ provenAt: T + 1 }, true],
      [{ provenAt: T }, false],
      [{ provenAt: T - 1 }, false],
      [{ provenAt: T + 1, greatest: false }, false],
    ] as const) {
      const { detector, see } = watching();
      await see(1, one);
      const seen = await see(0, zero, change);
      expect(told(seen), JSON.stringify(change)).toEqual(split ? ["VIEW_SPLIT confirmed"] : []);
      expect(seen).toMatchObject({ members: [], identityChanged: [] });
      expect(detector.knownVersion(ALICE)).toBe(1);
      // The same version again, proven later, is no split.
      expect(told(await see(1, one, { provenAt: T + 2 }))).toEqual([]);
    }
  });

  it("are not what was seen before, seen again", async () => {
    const { detector, see } = watching();
    await see(0, zero);
    await see(1, one);
    for (const greatest of [true, false]) expect(told(await see(0, zero, { greatest }))).toEqual([]);
    expect(detector.findings().map(({ kind }) => kind)).not.toContain("VIEW_SPLIT");
  });

  it("are one value for two versions", async () => {
    const { see } = watching();
    await see(0, zero);
    expect(told(await see(1, zero))).toEqual(["VIEW_SPLIT confirmed"]);
  });

  it("are a version that continues another one than was seen", async () => {
    const { detector, see } = watching();
    await see(0, zero);
    const split = await see(1, other[1]);
    expect(told(split)).toEqual(["VIEW_SPLIT confirmed"]);
    expect(detector.knownVersion(ALICE)).toBe(0);
    const unseen = watching();
    await unseen.see(0, zero);
    expect(told(await unseen.see(2, values[2] as Uint8Array))).toEqual([]);
  });

  it.each([
    ["short", "a"],
    ["of 63 octets and more", "a".repeat(64)],
    ["of 255 octets and more", "a".repeat(300)],
  ])("are told apart from bytes that do not reach as far, for a %s name", async (_, name) => {
    const user = `mimi://example.org/u/${name}`;
    const [client, spki] = [`mimi://example.org/d/${name}/phone`, keys.phone];
    const record = recordOf({ certificate: "phone", key: spki, notBefore: START });
    const [before, after] = [{ [client]: [record] }, { [client]: [revoked(record)] }];
    const [start] = versions([before], user) as [Uint8Array];
    const [, next] = versions([after, after], user) as [Uint8Array, Uint8Array];
    // format, length and octets of the name, version, previous_hash
    const end = 2 + (user.length < 64 ? 1 : 2) + user.length + 4 + 32;
    expect(hex(next.subarray(end - 32, end))).toBe(hex(deviceListHash(versions([after], user)[0] as Uint8Array)));
    for (const [length, findings] of [
      [next.length, "VIEW_SPLIT confirmed"],
      [end, "VIEW_SPLIT confirmed"],
      [end - 1, "UNAUTHORISED_ENTRY confirmed"],
      [3, "UNAUTHORISED_ENTRY confirmed"],
      [2, "UNAUTHORISED_ENTRY confirmed"],
      [0, "UNAUTHORISED_ENTRY confirmed"],
    ] as const) {
      const { see } = watching({ user });
      await see(0, start);
      expect(told(await see(1, next.subarray(0, length))), `${length}`).toEqual([findings]);
    }
    // A length of four octets is no name's.
    const { see } = watching({ user });
    await see(0, start);
    const wide = next.slice();
    wide[2] = 0x80;
    expect(told(await see(1, wide))).toEqual(["UNAUTHORISED_ENTRY confirmed"]);
  });
});

describe("a value that is refused", () => {
  const forged = <T extends { signature: Uint8Array }>(voucher: T): T => ({
    ...voucher,
    signature: voucher.signature.map((octet) => octet ^ 1),
  });

  const at = "devices[0].credentials[0]";
  it.each<[string, string, () => Promise<CredentialRecord>]>([
    [
      "a forged approval",
      `invalid-signature at ${at}.approval.signature`,
      async () => {
        const record = await approvedLaptop();
        return { ...record, approval: record.approval && forged(record.approval) };
      },
    ],
    [
      "a forged continuity beside a good approval",
      `invalid-signature at ${at}.continuity.signature`,
      async () => ({
        ...(await approvedLaptop()),
        continuity: forged(await continuityOf(LAPTOP, keys.phone, keys.laptop)),
      }),
    ],
    [
      "a forged approval beside a good continuity",
      `invalid-signature at ${at}.approval.signature`,
      async () => {
        const record = await approvedLaptop();
        const continuity = await continuityOf(LAPTOP, keys.phone2, keys.laptop);
        return { ...record, approval: record.approval && forged(record.approval), continuity };
      },
    ],
    [
      "a forged continuity alone",
      `invalid-signature at ${at}.continuity.signature`,
      async () => ({ ...laptop, continuity: forged(await continuityOf(LAPTOP, keys.phone, keys.laptop)) }),
    ],
    [
      "an approval from the future",
      `approval-from-future at ${at}.approval.tbs.afterVersion`,
      () => approvedLaptop({ afterVersion: 1 }),
    ],
  ])("for %s is found, shown, and not read", async (_, why, record) => {
    const { detector, see } = watching();
    const values = versions([{ [PHONE]: [phone] }, { [PHONE]: [phone], [LAPTOP]: [await record()] }]) as [
      Uint8Array,
      Uint8Array,
    ];
    await see(0, values[0]);
    const refused = await see(1, values[1]);
    expect(told(refused)).toEqual(["UNAUTHORISED_ENTRY confirmed"]);
    expect(refused).toMatchObject({ members: [], identityChanged: [] });
    expect(refused.findings[0]?.detail).toContain(why);
    expect(shownLists(refused)).toEqual([
      [
        { version: 0, value: hex(values[0]) },
        { version: 1, value: hex(values[1]) },
      ],
    ]);
    expect(detector.knownVersion(ALICE)).toBe(0);
  });

  it("is all there is to show at the first look", async () => {
    const { see } = watching();
    const junk = Uint8Array.of(0, 2, 3);
    expect(shownLists(await see(0, junk))).toEqual([[{ version: 0, value: "000203" }]]);
    const split = await see(0, Uint8Array.of(9));
    expect(told(split)).toEqual(["VIEW_SPLIT confirmed"]);
    expect(shownLists(split)).toEqual([[{ version: 0, value: "09" }]]);
  });

  it("and refused again in the next version is a finding of its own", async () => {
    const { see } = watching();
    expect(told(await see(0, Uint8Array.of(1)))).toEqual(["UNAUTHORISED_ENTRY confirmed"]);
    expect(told(await see(1, Uint8Array.of(1)))).toEqual(["UNAUTHORISED_ENTRY confirmed"]);
  });

  it("names another log, where the detector knows its own", async () => {
    const elsewhere = await approvedLaptop({ changes: { logId: digest("another log") } });
    const values = versions([{ [PHONE]: [phone] }, { [PHONE]: [phone], [LAPTOP]: [elsewhere] }]) as [
      Uint8Array,
      Uint8Array,
    ];
    for (const [logId, findings] of [
      [{}, []],
      [{ logId: LOG_ID }, ["UNAUTHORISED_ENTRY confirmed"]],
    ] as const) {
      const { see } = watching(logId);
      await see(0, values[0]);
      expect(told(await see(1, values[1]))).toEqual(findings);
    }
  });
});

describe("signatures", () => {
  it("of approvals and continuities are verified once for equal bytes", async () => {
    const { provider, verified } = countingProvider();
    const both = { ...(await approvedLaptop()), continuity: await continuityOf(LAPTOP, keys.phone2, keys.laptop) };
    const devices = { [PHONE]: [phone], [LAPTOP]: [both] };
    const renewed = recordOf({ certificate: "phone, renewed", key: keys.phone, notBefore: START + DAY });
    const values = versions([{ [PHONE]: [phone] }, devices, { ...devices, [PHONE]: [phone, renewed] }]);
    const { see } = watching({ provider });
    await see(0, values[0] as Uint8Array);
    expect(verified).toHaveLength(0);
    await see(1, values[1] as Uint8Array);
    expect(verified).toHaveLength(2);
    await see(2, values[2] as Uint8Array);
    expect(verified).toHaveLength(2);
  });
});

describe("a forged signature", () => {
  it("is refused although another one was good", async () => {
    const good = await approvedLaptop();
    const ghost = recordOf({ certificate: "ghost", key: ghostKey, notBefore: START });
    const forged = await approvalOf({
      client: GHOST,
      key: ghostKey,
      approver: PHONE,
      approverKey: keys.phone,
      afterVersion: 0,
      expiresAt: START + DAY,
    });
    const approval = { ...forged, signature: new Uint8Array(64) };
    const devices = { [PHONE]: [phone], [LAPTOP]: [good] };
    const values = versions([{ [PHONE]: [phone] }, devices, { ...devices, [GHOST]: [{ ...ghost, approval }] }]);
    const { detector, see } = watching();
    await see(0, values[0] as Uint8Array);
    expect(told(await see(1, values[1] as Uint8Array))).toEqual([]);
    expect(told(await see(2, values[2] as Uint8Array))).toEqual(["UNAUTHORISED_ENTRY confirmed"]);
    expect(detector.knownVersion(ALICE)).toBe(1);
  });

  it("is not what a provider that fails has found", async () => {
    const broken = new Error("no such module");
    const { detector, see } = watching({ provider: { ...nodeProvider, verify: () => Promise.reject(broken) } });
    const values = versions([{ [PHONE]: [phone] }, { [PHONE]: [phone], [LAPTOP]: [await approvedLaptop()] }]);
    await see(0, values[0] as Uint8Array);
    await expect(see(1, values[1] as Uint8Array)).rejects.toBe(broken);
    expect(detector.findings()).toEqual([]);
  });
});

describe("a record that is dropped", () => {
  // The service drops by its own clock, which may be ahead of the log's.
  const end = START + 90 * DAY + RETENTION - defaultPolicy({}).clockSkew;
  const values = versions([{ [PHONE]: [phone], [LAPTOP]: [laptop] }, { [PHONE]: [phone] }]) as [Uint8Array, Uint8Array];

  it.each<[string, Partial<Sighted>, boolean]>([
    ["when its retention ends", { provenAt: end, at: 0 }, false],
    ["a second early", { provenAt: end - 1, at: end }, true],
    ["within the second of its end", { provenAt: end - 0.5, at: 0 }, false],
    ["in a version of the past that was read in time", { greatest: false, provenAt: 0, at: end }, false],
    ["in a version of the past that was read early", { greatest: false, provenAt: end, at: end - 1 }, true],
    ["in the greatest version, said so", { greatest: true, provenAt: end, at: 0 }, false],
  ])("%s", async (_, change, found) => {
    const { detector, see } = watching();
    await see(0, values[0], { provenAt: START });
    expect(told(await see(1, values[1], change))).toEqual(found ? ["UNAUTHORISED_ENTRY confirmed"] : []);
    // What the log says now is read all the same.
    expect(detector.knownVersion(ALICE)).toBe(1);
  });
});

describe("the log's silence", () => {
  const values = versions([{ [PHONE]: [phone] }, { [PHONE]: [phone] }, { [PHONE]: [phone] }]) as Uint8Array[];
  const silent = async () => {
    const watch = watching({ self: ALICE });
    await watch.see(0, values[0] as Uint8Array);
    await watch.detector.observe({ type: "log-unavailable", at: T + 1, user: ALICE });
    expect(watch.detector.findings()).toMatchObject([{ kind: "EVIDENCE_UNAVAILABLE", life: "pending" }]);
    return watch;
  };
  const life = ({ detector }: Watch) => detector.findings()[0]?.life;

  it.each<[string, number, Partial<Sighted>, string]>([
    ["the newest list, seen before", 0, {}, "resolved"],
    ["the newest list, said to be so", 0, { greatest: true }, "resolved"],
    ["a newer list", 1, {}, "resolved"],
    ["the same list as one of the past", 0, { greatest: false }, "pending"],
    ["a newer one as one of the past", 1, { greatest: false }, "pending"],
  ])("is %s's to end or not", async (_, version, change, expected) => {
    const watch = await silent();
    await watch.see(version, values[version] as Uint8Array, { at: T + 2, provenAt: T + 2, ...change });
    expect(life(watch)).toBe(expected);
  });

  it("a list that is older than what was proven makes nothing newer", async () => {
    const { detector, see } = watching();
    await see(1, values[1] as Uint8Array, { provenAt: T + 10 });
    // Shown again as of an earlier time: what it proved at T + 10 stays proven.
    await see(1, values[1] as Uint8Array, { provenAt: T });
    expect(told(await see(0, values[0] as Uint8Array, { provenAt: T + 10 }))).toEqual([]);
    expect(told(await see(0, values[0] as Uint8Array, { provenAt: T + 11 }))).toEqual(["VIEW_SPLIT confirmed"]);
    expect(detector.knownVersion(ALICE)).toBe(1);
  });
});
