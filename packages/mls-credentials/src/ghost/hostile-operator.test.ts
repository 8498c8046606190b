import { nodeProvider } from "@mls-as/mls-core/node";
import { describe, expect, it } from "vitest";
import { type DeviceList, deviceListHash, encodeDeviceList, NO_PREVIOUS_HASH, sortDeviceList } from "../device-list.js";
import { defaultPolicy } from "../policy.js";
import { AlertQueue } from "./alert-queue.js";
import type { GhostEvent, SightedCredential, SightedLeaf } from "./ghost-event.js";
import { GhostDetector } from "./ghost-detector.js";
import { hexBytes } from "./sighting-rules.js";

const DAY = 86_400;
const T = 1_800_000_000;
const [ALICE, BOB] = ["mimi://example.org/u/alice", "mimi://example.org/u/bob"];
const clientOf = (user: string, device: string): string => `${user.replace("/u/", "/d/")}/${device}`;
const hex = (seed: number): string => seed.toString(16).padStart(4, "0").repeat(16);
const keyHash = (seed: number): string => hex(seed + 0x1000);
const policy = defaultPolicy({});

/** One certificate in a list. `key` is the certificate's own unless given. */
interface Entry {
  readonly device: string;
  readonly seed: number;
  readonly key?: number;
  readonly notBefore?: number;
  readonly notAfter?: number;
  readonly revokedAt?: number | bigint;
  readonly reason?: number;
  readonly addedAt?: number;
}

function version(
  user: string,
  number: number,
  before: Uint8Array | undefined,
  entries: readonly Entry[],
  origin: DeviceList["origin"] = "enrolment",
): Uint8Array {
  const devices = new Map<
    string,
    { addedAt: bigint; credentials: DeviceList["devices"][number]["credentials"][number][] }
  >();
  for (const {
    device,
    seed,
    key = seed,
    notBefore = T - DAY,
    notAfter = T + 400 * DAY,
    revokedAt,
    ...rest
  } of entries) {
    const held = devices.get(device) ?? { addedAt: BigInt(rest.addedAt ?? T), credentials: [] };
    devices.set(device, held);
    held.credentials.push({
      tbsCertificateHash: hexBytes(hex(seed)),
      spkiHash: hexBytes(keyHash(key)),
      notBefore: BigInt(notBefore),
      notAfter: BigInt(notAfter),
      approval: undefined,
      continuity: undefined,
      ...(revokedAt === undefined
        ? { status: "active" as const }
        : { status: "revoked" as const, revokedAt: BigInt(revokedAt), reason: rest.reason ?? 1 }),
    });
  }
  const list: DeviceList = {
    format: 1,
    identity: user,
    version: number,
    previousHash: before === undefined ? NO_PREVIOUS_HASH : deviceListHash(before),
    origin,
    devices: [...devices].map(([device, held]) => ({ client: clientOf(user, device), ...held })),
  };
  return encodeDeviceList(sortDeviceList(list));
}

function watching(self = ALICE, change: Partial<typeof policy> = {}) {
  const ownKeys = [{ client: clientOf(self, "phone"), spkiHash: hexBytes(keyHash(1)) }];
  const detector = new GhostDetector({ self, ownKeys, policy: { ...policy, ...change }, provider: nodeProvider });
  const told = async (event: GhostEvent): Promise<string[]> =>
    (await detector.observe(event)).findings.map(({ kind, life }) => `${kind} ${life}`);
  return {
    detector,
    told,
    list: (
      at: number,
      user: string,
      number: number,
      value: Uint8Array,
      more: { greatest?: boolean; provenAt?: number } = {},
    ) => told({ type: "device-list", at, user, version: number, value, provenAt: at, ...more }),
    tree: (at: number, group: string, epoch: number, leaves: readonly SightedLeaf[], current = true) =>
      told({ type: "tree", at, group, epoch, current, leaves }),
    tick: (at: number) => told({ type: "tick", at }),
    silence: (at: number, user: string) => told({ type: "log-unavailable", at, user }),
  };
}

const credential = (
  user: string,
  device: string,
  seed: number,
  change: Partial<SightedCredential> = {},
): SightedCredential => ({
  reference: user,
  type: "x509",
  user,
  client: clientOf(user, device),
  spkiHash: keyHash(seed),
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
const PHONE: Entry = { device: "phone", seed: 1 };

describe("a key under the own label that was excused once", () => {
  const active: Entry = { device: "ghost", seed: 51, key: 50 };
  it.each<[string, Entry[], Entry[][]]>([
    ["revoked before the first look", [{ device: "ghost", seed: 50, revokedAt: T - 9 }], []],
    ["expired before the first look", [{ device: "ghost", seed: 50, notAfter: T - 9 }], []],
    ["as a failed enrolment", [], [[{ device: "ghost", seed: 50, notBefore: T, revokedAt: T + 9, reason: 5 }]]],
  ])("is not excused with another certificate: %s", async (_, atFirst, between) => {
    const { list, tick } = watching();
    let value = version(ALICE, 0, undefined, [PHONE, ...atFirst]);
    expect(await list(T, ALICE, 0, value)).toEqual([]);
    let number = 0;
    let held = atFirst;
    for (const entries of between) {
      held = entries;
      value = version(ALICE, ++number, value, [PHONE, ...entries]);
      expect(await list(T + 10, ALICE, number, value)).toEqual([]);
    }
    value = version(ALICE, ++number, value, [PHONE, ...held, active], "recovery");
    expect(await list(T + 20, ALICE, number, value)).toContain("SELF_UNKNOWN_IN_LOG suspect");
    expect(await tick(T + 20 + DAY)).toContain("SELF_UNKNOWN_IN_LOG confirmed");
  });

  it("nor by being revoked after the first look at it", async () => {
    const { list, tick } = watching();
    const first = version(ALICE, 0, undefined, [PHONE, { device: "ghost", seed: 50 }]);
    expect(await list(T, ALICE, 0, first)).toEqual(["SELF_UNKNOWN_IN_LOG pending"]);
    const gone = version(ALICE, 1, first, [PHONE, { device: "ghost", seed: 50, revokedAt: T + 60 }]);
    expect(await list(T + 60, ALICE, 1, gone)).toEqual([]);
    expect(await tick(T + DAY)).toEqual(["SELF_UNKNOWN_IN_LOG confirmed"]);
  });

  it("nor by another device, or another key of the device, being confirmed in person", async () => {
    const { list, told, detector } = watching();
    const entries = [
      { device: "tablet", seed: 40 },
      { device: "ghost", seed: 50 },
      { device: "tablet", seed: 60 },
    ];
    await list(T, ALICE, 0, version(ALICE, 0, undefined, [PHONE, ...entries]));
    await told({ type: "confirm-device", at: T + 1, client: clientOf(ALICE, "tablet"), spkiHash: keyHash(40) });
    const waiting = detector
      .findings()
      .filter(({ kind, life }) => kind === "SELF_UNKNOWN_IN_LOG" && life === "pending");
    expect(new Set(waiting.map(({ client }) => client?.split("/").at(-1)))).toEqual(new Set(["ghost", "tablet"]));
  });

  it("but what the user confirms in person stays confirmed", async () => {
    const { list, told } = watching();
    const tablet: Entry = { device: "tablet", seed: 40 };
    const approve = { type: "confirm-device" as const, client: clientOf(ALICE, "tablet"), spkiHash: keyHash(40) };
    const lists = [version(ALICE, 0, undefined, [PHONE, tablet])];
    await list(T, ALICE, 0, lists[0] as Uint8Array);
    await told({ ...approve, at: T + 1 });
    const revoked = { ...tablet, revokedAt: T + 9 };
    const next = async (number: number, entries: Entry[]) => {
      lists.push(version(ALICE, number, lists[number - 1], [PHONE, ...entries], "recovery"));
      return (await list(T + 10 * number, ALICE, number, lists[number] as Uint8Array)).filter((each) =>
        each.startsWith("SELF"),
      );
    };
    expect(await next(1, [revoked])).toEqual([]);
    const again: Entry = { device: "tablet", seed: 41, key: 40 };
    expect(await next(2, [revoked, again])).toEqual(["SELF_UNKNOWN_IN_LOG suspect"]);
    expect(await told({ ...approve, at: T + 25 })).toEqual(["SELF_UNKNOWN_IN_LOG resolved"]);
    expect(await next(3, [revoked, again])).toEqual([]);
  });
});

describe("a version that was withheld and is handed out late", () => {
  const ghost: Entry = { device: "ghost", seed: 50 };
  const zero = version(ALICE, 0, undefined, [PHONE]);
  const one = version(ALICE, 1, zero, [PHONE, ghost], "recovery");
  const two = version(ALICE, 2, one, [PHONE], "recovery");

  it("is read for what stands in it, and for what the next one dropped", async () => {
    const { list, silence } = watching();
    await list(T, ALICE, 0, zero);
    await list(T + 10, ALICE, 2, two, { greatest: false, provenAt: 0 });
    await silence(T + 10, ALICE);
    const late = await list(T + 20, ALICE, 1, one, { greatest: false, provenAt: 0 });
    expect(late).toContain("SELF_UNKNOWN_IN_LOG suspect");
    expect(late).toContain("UNAUTHORISED_ENTRY confirmed");
  });

  it("says nothing of what a newer one said already", async () => {
    const { list, told } = watching();
    const tablet: Entry = { device: "tablet", seed: 40 };
    await told({ type: "confirm-device", at: T, client: clientOf(ALICE, "tablet"), spkiHash: keyHash(40) });
    const held = version(ALICE, 1, zero, [PHONE, tablet], "recovery");
    await list(T, ALICE, 0, zero);
    await list(T + 10, ALICE, 2, version(ALICE, 2, held, [PHONE, { ...tablet, revokedAt: T + 9 }]));
    expect(await list(T + 20, ALICE, 1, held, { greatest: false, provenAt: 0 })).toEqual([]);
  });

  it("must be the one that the next names", async () => {
    const { list } = watching(BOB);
    await list(T, ALICE, 0, zero);
    await list(T + 10, ALICE, 2, version(ALICE, 2, one, [PHONE, ghost], "recovery"));
    const other = version(ALICE, 1, zero, [PHONE], "recovery");
    expect(await list(T + 20, ALICE, 1, other, { greatest: false, provenAt: 0 })).toEqual(["VIEW_SPLIT confirmed"]);
  });

  it("is held against the newest also where others lie between, by the later of two clocks", async () => {
    const dropped = version(ALICE, 3, version(ALICE, 2, one, [PHONE, ghost]), [PHONE], "recovery");
    const { list, detector } = watching(BOB);
    await list(T, ALICE, 0, zero);
    await list(T + 10, ALICE, 3, dropped);
    expect(await list(T + 20, ALICE, 1, one, { greatest: false, provenAt: 0 })).toEqual([
      "UNAUTHORISED_ENTRY confirmed",
    ]);
    // And says nothing of the reader's own devices.
    const ofBob = version(BOB, 0, undefined, [{ device: "phone", seed: 80, key: 80 }]);
    expect((await list(T + 30, BOB, 0, ofBob)).filter((each) => !each.endsWith("pending"))).toEqual([]);
    expect(detector.findings().filter(({ client }) => client === clientOf(ALICE, "ghost"))).toEqual([]);
    const old: Entry = { device: "old", seed: 60, notAfter: T };
    const held = version(ALICE, 1, zero, [PHONE, old], "recovery");
    const after = version(ALICE, 2, held, [PHONE], "recovery");
    for (const [at, provenAt] of [
      [T + policy.retention, T + 10],
      [T + 20, T + policy.retention],
    ] as const) {
      const observer = watching(BOB);
      await observer.list(T, ALICE, 0, zero);
      await observer.list(T + 10, ALICE, 2, after, { provenAt });
      expect(await observer.list(at, ALICE, 1, held, { greatest: false, provenAt: 0 })).toEqual([]);
    }
  });

  it("is the one that the newest names also after a restart, and where that one is no list", async () => {
    const { list, detector } = watching(BOB);
    await list(T, ALICE, 0, zero);
    expect(await list(T + 10, ALICE, 2, Uint8Array.of(9))).toEqual(["UNAUTHORISED_ENTRY confirmed"]);
    const options = { self: BOB, ownKeys: [], policy, provider: nodeProvider };
    const restored = GhostDetector.restore(options, detector.snapshot());
    expect(restored.snapshot()).toEqual(detector.snapshot());
    const between = { type: "device-list" as const, user: ALICE, version: 1, value: one, provenAt: T + 20 };
    const { findings } = await restored.observe({ ...between, at: T + 20 });
    expect(findings.filter(({ kind }) => kind === "VIEW_SPLIT")).toEqual([]);
  });

  it("says nothing of what it held past retention", async () => {
    const { list } = watching();
    const old: Entry = { device: "old", seed: 60, notBefore: 1, notAfter: T - policy.retention };
    const held = version(ALICE, 1, zero, [PHONE, old], "recovery");
    await list(T, ALICE, 0, zero);
    await list(T + 10, ALICE, 2, version(ALICE, 2, held, [PHONE], "recovery"));
    expect(await list(T + 20, ALICE, 1, held, { greatest: false, provenAt: 0 })).toEqual([]);
  });
});

describe("times that the operator writes", () => {
  it("do not make a failed enrolment of what only versions of the past say had ended", async () => {
    const { list, detector } = watching();
    const entry: Entry = { device: "ghost", seed: 50, notBefore: T };
    const zero = version(ALICE, 0, undefined, [PHONE]);
    const one = version(ALICE, 1, zero, [PHONE, entry], "recovery");
    const two = version(ALICE, 2, one, [PHONE, { ...entry, revokedAt: T + 9, reason: 5 }]);
    await list(T, ALICE, 0, zero);
    const at = T + policy.evidenceDeadline + 1;
    for (const [number, value] of [one, two].entries())
      await list(at, ALICE, number + 1, value, { greatest: false, provenAt: 0 });
    await list(at, ALICE, 2, two);
    expect(detector.findings().find(({ kind }) => kind === "SELF_UNKNOWN_IN_LOG")).toMatchObject({ life: "suspect" });
  });

  it("do not hide a device that came and went", async () => {
    const { list } = watching(BOB);
    const first = version(ALICE, 0, undefined, [PHONE]);
    await list(T, ALICE, 0, first);
    const ghost: Entry = { device: "ghost", seed: 50, notBefore: 1, revokedAt: T + 60 };
    const between = version(ALICE, 1, first, [PHONE, { device: "ghost", seed: 50, notBefore: 1 }]);
    expect(await list(T + 99, ALICE, 2, version(ALICE, 2, between, [PHONE, ghost]))).toContain(
      "TRANSIENT_DEVICE confirmed",
    );
  });

  it.each([2n ** 62n, BigInt(T + 400 * DAY)])("do not put off the end of a revoked device (%s)", async (revokedAt) => {
    const { list, tree } = watching(BOB);
    const first = version(ALICE, 0, undefined, [PHONE, { device: "laptop", seed: 2 }]);
    await list(T, ALICE, 0, first);
    await tree(T, "g", 0, [leaf(0, credential(ALICE, "laptop", 2))]);
    await list(T + 60, ALICE, 1, version(ALICE, 1, first, [PHONE, { device: "laptop", seed: 2, revokedAt }]));
    const later = T + 60 + policy.removalWindow;
    expect(await tree(later, "g", 1, [leaf(0, credential(ALICE, "laptop", 2))])).toContain(
      "REMOVED_DEVICE_PRESENT confirmed",
    );
  });

  it("are the service's own: a record may be dropped by a clock ahead of the log's, and its client come again", async () => {
    const { list } = watching(BOB);
    const end = T + 10 * DAY;
    const first = version(ALICE, 0, undefined, [PHONE, { device: "laptop", seed: 2, notAfter: end }]);
    await list(T, ALICE, 0, first);
    const at = end + policy.retention - policy.clockSkew;
    const again: Entry = { device: "laptop", seed: 3, addedAt: at };
    const next = version(ALICE, 1, first, [PHONE, again], "recovery");
    expect(await list(at, ALICE, 1, next)).toEqual([]);
    const altered = version(ALICE, 2, next, [PHONE, { ...again, addedAt: at + 1 }], "recovery");
    expect(await list(at + 9, ALICE, 2, altered)).toEqual(["UNAUTHORISED_ENTRY confirmed"]);
  });
});

describe("members whom nobody knows", () => {
  it("without a name conflict with any reference, also with none", async () => {
    const { tree, told } = watching();
    const nameless = credential("", "", 70, { client: "" });
    expect(await tree(T, "g", 0, [leaf(0, nameless)])).toEqual(["IDENTITY_CONFLICT confirmed"]);
    expect(await told({ type: "key-package", at: T, credential: credential("", "", 71, { client: "" }) })).toEqual([
      "IDENTITY_CONFLICT confirmed",
    ]);
  });

  it("are not one user over several groups", async () => {
    const { tree, tick, told: tell } = watching();
    const keyPackage = (at: number, sighted: SightedCredential) =>
      tell({ type: "key-package", at, credential: sighted });
    const stranger = (device: string, seed: number) => leaf(0, credential(BOB, device, seed, { reference: "" }));
    const told: string[] = [];
    for (const at of [T, T + 90 * DAY]) {
      told.push(...(await tree(at, "g", at, [stranger("phone", 70)])));
      told.push(...(await tree(at, "h", at, [stranger("laptop", 71)])));
    }
    told.push(...(await tick(T + 91 * DAY)));
    told.push(
      ...(await tree(T + 92 * DAY, "g", T + 92 * DAY, [leaf(3, credential(BOB, "tablet", 72, { reference: "" }))])),
    );
    told.push(...(await keyPackage(T + 93 * DAY, credential(BOB, "watch", 73, { reference: "" }))));
    told.push(...(await tree(T + 95 * DAY, "g", T + 95 * DAY, [stranger("phone", 70)])));
    expect(new Set(told.map((each) => each.split(" ")[0]))).toEqual(
      new Set(["IDENTITY_CONFLICT", "CREDENTIAL_DEGRADED"]),
    );
  });
});

describe("a second leaf of a client", () => {
  const phone = credential(BOB, "phone", 2);

  it("gains no time by moving", async () => {
    const { tree } = watching();
    await tree(T, "g", 0, [leaf(0, phone), leaf(1, phone)]);
    for (let step = 1; step * 5 * DAY < policy.removalWindow; step++)
      await tree(T + step * 5 * DAY, "g", step, [leaf(0, phone), leaf(step + 1, phone)]);
    expect(await tree(T + policy.removalWindow, "g", 100, [leaf(7, phone), leaf(50, phone)])).toContain(
      "DUPLICATE_CLIENT confirmed",
    );
  });

  it("counts anew once there was only one", async () => {
    const { tree } = watching();
    await tree(T, "g", 0, [leaf(0, phone), leaf(1, phone)]);
    await tree(T + DAY, "g", 1, [leaf(0, phone)]);
    await tree(T + 2 * DAY, "g", 2, [leaf(0, phone), leaf(1, phone)]);
    const due = T + 2 * DAY + policy.removalWindow;
    expect(await tree(due - 1, "g", 3, [leaf(0, phone), leaf(1, phone)])).not.toContain("DUPLICATE_CLIENT confirmed");
    expect(await tree(due, "g", 4, [leaf(0, phone), leaf(1, phone)])).toContain("DUPLICATE_CLIENT confirmed");
  });
});

describe("what was acknowledged", () => {
  it("and ended is told again when it returns", async () => {
    const { tree, list, detector } = watching();
    const wrong = leaf(0, credential(BOB, "phone", 2, { keyMatches: false, signatureKey: "aa" }));
    expect(await tree(T, "g", 0, [wrong])).toContain("KEY_MISMATCH confirmed");
    const [finding] = detector.findings().filter(({ kind }) => kind === "KEY_MISMATCH");
    await detector.observe({ type: "acknowledge", at: T + 1, finding: finding?.id ?? "" });
    expect(await tree(T + 2, "g", 1, [leaf(0, credential(BOB, "phone", 3))])).not.toContain("KEY_MISMATCH confirmed");
    // The log answers for the certificate, so that nothing waits for it any more.
    const value = version(BOB, 0, undefined, [
      { device: "phone", seed: 2 },
      { device: "phone", seed: 3 },
    ]);
    for (const at of [T + 3, T + 4]) await list(at, BOB, 0, value);
    expect(await tree(T + 5, "g", 2, [wrong])).toContain("KEY_MISMATCH confirmed");
  });
});

describe("a clock that was ten years ahead once", () => {
  const AHEAD = T + 3650 * DAY;
  const bob = leaf(1, credential(BOB, "phone", 2));

  it("raises nothing when it is right again", async () => {
    const { silence, list, tree, tick } = watching();
    await silence(AHEAD, BOB);
    await list(T, BOB, 0, version(BOB, 0, undefined, [{ device: "phone", seed: 2 }]));
    expect(await tree(T + 3600, "g", 0, [bob, leaf(2, credential(BOB, "laptop", 3))])).not.toContain(
      "EVIDENCE_UNAVAILABLE confirmed",
    );
    expect((await tick(T + 3700)).filter((each) => each.endsWith("confirmed"))).toEqual([]);
  });

  it("and hides nothing", async () => {
    const silent = watching();
    await silent.silence(AHEAD, BOB);
    await silent.tick(T);
    await silent.silence(T + policy.evidenceDeadline, BOB);
    expect(silent.detector.findings()).toMatchObject([{ kind: "EVIDENCE_UNAVAILABLE", life: "confirmed" }]);

    const { tree, list, detector } = watching();
    await tree(AHEAD, "g", 0, [bob]);
    await tree(T, "g", 1, [bob]);
    const empty = version(BOB, 0, undefined, []);
    await list(T + policy.evidenceDeadline, BOB, 0, empty);
    expect(detector.findings().find(({ kind }) => kind === "UNLOGGED_LEAF")).toMatchObject({ life: "confirmed" });
  });
});

describe("an answer from before a version that is known", () => {
  const zero = version(ALICE, 0, undefined, [PHONE]);
  const one = version(ALICE, 1, zero, [PHONE], "expiry");

  it("is no other history, in whichever order the two are read", async () => {
    const { list } = watching();
    await list(T, ALICE, 0, zero);
    await list(T + 60, ALICE, 1, one, { greatest: false, provenAt: T + 60 });
    for (const provenAt of [T + 30, T + 60 + policy.clockSkew])
      expect(await list(T + 61, ALICE, 0, zero, { provenAt })).toEqual([]);
  });

  it("is one where it comes after", async () => {
    const { list } = watching();
    await list(T, ALICE, 0, zero);
    await list(T + 60, ALICE, 1, one, { greatest: false, provenAt: T + 60 });
    const provenAt = T + 61 + policy.clockSkew;
    expect(await list(provenAt, ALICE, 0, zero, { provenAt })).toEqual(["VIEW_SPLIT confirmed"]);
  });

  it.each(["renewed", "read at once"])("or after the log's own proof of the newer one, %s", async (how) => {
    const { list } = watching();
    await list(T, ALICE, 0, zero);
    if (how === "renewed") await list(T + 60, ALICE, 1, one, { greatest: false, provenAt: T + 60 });
    await list(T + 60, ALICE, 1, one, { provenAt: T + 50 });
    expect(await list(T + 60, ALICE, 0, zero, { provenAt: T + 50 })).toEqual([]);
    expect(await list(T + 60, ALICE, 0, zero, { provenAt: T + 51 })).toEqual(["VIEW_SPLIT confirmed"]);
  });

  it("says nothing while a clock that was ahead is forgotten", async () => {
    const { list } = watching();
    await list(T, ALICE, 0, zero);
    await list(T + 3650 * DAY, ALICE, 1, one, { greatest: false, provenAt: T + 60 });
    const provenAt = T + 61 + policy.clockSkew;
    expect(await list(T + 60, ALICE, 0, zero, { provenAt })).toEqual(["VIEW_SPLIT confirmed"]);
  });
});

describe("a log that acknowledged a certificate and stays at a version from before", () => {
  const zero = version(ALICE, 0, undefined, []);
  const enrolled = { tbsCertificateHash: hex(1), version: 1, notAfter: T + 400 * DAY };
  const own = { type: "own-key" as const, client: clientOf(ALICE, "phone"), spkiHash: keyHash(1), enrolled };

  it("has lost it once the deadline is over, also for one who is told again", async () => {
    const { list, told } = watching();
    await list(T, ALICE, 0, zero);
    await told({ ...own, at: T + 60 });
    await told({ ...own, at: T + 3600 });
    const due = T + 60 + policy.evidenceDeadline;
    expect(await list(due - 1, ALICE, 0, zero)).toEqual([]);
    expect(await list(due, ALICE, 0, zero)).toEqual(["SELF_MISSING_FROM_LOG confirmed"]);
  });

  it("is waited for from its last proof, where this clock is behind, or was ahead once", async () => {
    const behind = watching();
    await behind.list(T, ALICE, 0, zero, { provenAt: T + 30 * DAY });
    await behind.told({ ...own, at: T });
    expect(await behind.list(T + 1, ALICE, 0, zero, { provenAt: T + 30 * DAY + policy.evidenceDeadline - 1 })).toEqual(
      [],
    );
    const ahead = watching();
    await ahead.told({ ...own, at: T + 3650 * DAY });
    await ahead.list(T, ALICE, 0, zero);
    expect(await ahead.list(T + policy.evidenceDeadline, ALICE, 0, zero)).toEqual(["SELF_MISSING_FROM_LOG confirmed"]);
  });
});

describe("keys and who has them", () => {
  it("a key that comes with two leaves of a group has an owner from then on", async () => {
    const { tree } = watching();
    const shared = (user: string, device: string, seed: number) =>
      credential(user, device, seed, { spkiHash: keyHash(7) });
    const told = await tree(T, "g", 0, [leaf(0, shared(BOB, "phone", 7)), leaf(1, shared(BOB, "laptop", 8))]);
    expect(told.filter((each) => each.startsWith("SIGNATURE"))).toEqual(["SIGNATURE_KEY_REUSED confirmed"]);
    expect(await tree(T, "h", 0, [leaf(0, shared(ALICE, "phone", 9))])).toContain("SIGNATURE_KEY_REUSED confirmed");
  });

  it("two leaves that share the key of a third client elsewhere are told with its name", async () => {
    const { tree, detector } = watching();
    const shared = (device: string, seed: number) => credential(BOB, device, seed, { spkiHash: keyHash(7) });
    await tree(T, "g", 0, [leaf(0, credential(ALICE, "phone", 7))]);
    await tree(T, "h", 0, [leaf(0, shared("phone", 8)), leaf(1, shared("laptop", 9))]);
    const reused = detector.findings().filter(({ kind }) => kind === "SIGNATURE_KEY_REUSED");
    expect(reused.map(({ group, client }) => [group, client])).toEqual([
      [undefined, clientOf(BOB, "phone")],
      [undefined, clientOf(BOB, "laptop")],
      ["h", clientOf(BOB, "laptop")],
    ]);
  });

  it("a key's second client stays acknowledged, whatever else is seen", async () => {
    const { tree, list, told, detector } = watching();
    const shared = credential(BOB, "phone", 8, { spkiHash: keyHash(7) });
    await tree(T, "g", 0, [leaf(0, credential(ALICE, "phone", 7))]);
    const reused = async (at: number): Promise<string[]> => {
      await tree(at, "h", at, []);
      return (await tree(at + 1, "h", at + 1, [leaf(0, shared)])).filter((each) => each.startsWith("SIGNATURE"));
    };
    expect(await reused(T)).toEqual(["SIGNATURE_KEY_REUSED confirmed"]);
    const [finding] = detector.findings().filter(({ kind }) => kind === "SIGNATURE_KEY_REUSED");
    await told({ type: "acknowledge", at: T + 9, finding: finding?.id ?? "" });
    const others = [
      () => tree(T + 10, "g", 1, [leaf(0, credential(ALICE, "phone", 7)), leaf(1, credential(BOB, "laptop", 9))]),
      () => told({ type: "key-package", at: T + 20, credential: credential(BOB, "watch", 10) }),
      () => list(T + 30, BOB, 0, version(BOB, 0, undefined, [{ device: "tablet", seed: 11 }])),
    ];
    for (const [each, other] of others.entries()) {
      await other();
      expect(await reused(T + 100 + 10 * each)).toEqual([]);
    }
  });

  it("each wrong key of a certificate is told by itself", async () => {
    const { tree } = watching();
    const wrong = (index: number, signatureKey: string) =>
      leaf(index, credential(BOB, "phone", 2, { keyMatches: false, signatureKey }));
    expect(await tree(T, "g", 0, [wrong(0, "aa")])).toContain("KEY_MISMATCH confirmed");
    expect(await tree(T + 1, "g", 1, [wrong(0, "aa"), wrong(1, "bb")])).toContain("KEY_MISMATCH confirmed");
  });
});

describe("a list with many devices that nobody vouched for", () => {
  const many = Array.from({ length: 60 }, (_, each): Entry => ({ device: `ghost${each}`, seed: 100 + each }));
  const first = version(ALICE, 0, undefined, [PHONE]);
  const next = version(ALICE, 1, first, [PHONE, ...many], "recovery");

  it("is kept once, however many findings it is evidence of", async () => {
    const { list, tick, detector } = watching();
    await list(T, ALICE, 0, first);
    await list(T + 60, ALICE, 1, next);
    expect(detector.findings().filter(({ kind }) => kind === "SELF_UNKNOWN_IN_LOG")).toHaveLength(60);
    expect(detector.snapshot().length).toBeLessThan(20 * next.length);
    const options = { self: ALICE, ownKeys: [], policy, provider: nodeProvider };
    const restored = GhostDetector.restore(options, detector.snapshot());
    expect(restored.findings()).toEqual(detector.findings());
    expect(restored.snapshot()).toEqual(detector.snapshot());
    const later = { type: "tick" as const, at: T + 2 * DAY };
    expect(await restored.observe(later)).toEqual(await detector.observe(later));
    expect(restored.snapshot()).toEqual(detector.snapshot());
    await tick(T + 3 * DAY);

    const alerts = new AlertQueue();
    alerts.offer(detector.findings(), T);
    expect(alerts.snapshot().length).toBeLessThan(20 * next.length);
    expect(AlertQueue.restore(alerts.snapshot()).snapshot()).toEqual(alerts.snapshot());
  });
});

describe("findings that time alone changes", () => {
  it("come in one order, restarted or not", async () => {
    const { detector, list, tree, silence } = watching();
    await list(T, ALICE, 0, version(ALICE, 0, undefined, [PHONE]));
    for (const user of ["z", "m", "a"]) {
      const uri = `mimi://example.org/u/${user}`;
      await silence(T, uri);
      await tree(T + 1, `group ${user}`, 0, [leaf(0, credential(uri, "phone", 2 + user.charCodeAt(0)))]);
      await list(T + policy.clockSkew + 1, uri, 0, version(uri, 0, undefined, []));
      await silence(T + policy.clockSkew + 2, uri);
    }
    const options = { self: ALICE, ownKeys: [], policy, provider: nodeProvider };
    const restored = GhostDetector.restore(options, detector.snapshot());
    for (const at of [T + DAY, T + 2 * DAY]) {
      const [one, other] = [await detector.observe({ type: "tick", at }), await restored.observe({ type: "tick", at })];
      expect(other).toEqual(one);
      const users = one.findings.map(({ user }) => user);
      expect(users).toEqual([...users].sort());
      expect(users.length).toBeGreaterThan(0);
    }
  });
});
