import { nodeProvider } from "@mls-as/mls-core/node";
import { describe, expect, it } from "vitest";
import { encodeDeviceList, NO_PREVIOUS_HASH } from "../device-list.js";
import { defaultPolicy } from "../policy.js";
import { DetectorState } from "./detector-state.js";
import type { FindingKind } from "./finding.js";
import type { GhostEvent, SightedCredential, SightedLeaf } from "./ghost-event.js";
import { GhostDetector } from "./ghost-detector.js";
import { hexBytes } from "./sighting-rules.js";

const DAY = 86_400;
const T = 1_800_000_000;
const [ALICE, BOB, CAROL] = ["alice", "bob", "carol"].map((name) => `mimi://example.org/u/${name}`) as [
  string,
  string,
  string,
];
const clientOf = (user: string, device = "phone"): string => `${user.replace("/u/", "/d/")}/${device}`;
const hex = (seed: number): string => seed.toString(16).padStart(2, "0").repeat(32);
/** Alice's certificates begin at 1, Bob's at 2, Carol's at 3; a key goes with each. */
const seedOf = (user: string): number => [ALICE, BOB, CAROL].indexOf(user) + 1;
const policy = defaultPolicy({});

const credential = (user: string, change: Partial<SightedCredential> = {}): SightedCredential => ({
  reference: user,
  type: "x509",
  user,
  client: clientOf(user),
  spkiHash: hex(seedOf(user) + 100),
  tbsCertificateHash: hex(seedOf(user)),
  keyMatches: true,
  notBefore: T - DAY,
  notAfter: T + 400 * DAY,
  ...change,
});
const leaf = (leafIndex: number, user: string, change: Partial<SightedLeaf> = {}): SightedLeaf => ({
  ...credential(user, change),
  leafIndex,
  source: "key_package",
  ...change,
});
const [alice, bob, carol] = [leaf(0, ALICE), leaf(1, BOB), leaf(2, CAROL)];

/** Alice's device, her key its own; its memory is at hand. */
function watching(disabled?: readonly FindingKind[]) {
  const ownKeys = [{ client: clientOf(ALICE), spkiHash: hexBytes(hex(101)) }];
  const state = new DetectorState(ALICE, ownKeys);
  const options = { self: ALICE, ownKeys, policy, provider: nodeProvider };
  const detector = new GhostDetector({ ...options, ...(disabled && { disabled: new Set(disabled) }) }, state);
  const epochs = new Map<string, number>();
  const told = async (event: GhostEvent): Promise<string[]> =>
    (await detector.observe(event)).findings.map(({ kind, life, user, group }) =>
      [kind, life, user.split("/").at(-1), ...(group === undefined ? [] : [group])].join(" "),
    );
  return {
    detector,
    state,
    told,
    tree: (group: string, at: number, ...leaves: readonly SightedLeaf[]) => {
      const epoch = (epochs.get(group) ?? -1) + 1;
      epochs.set(group, epoch);
      return told({ type: "tree", at, group, epoch, current: true, leaves });
    },
    silence: (user: string, at: number) => told({ type: "log-unavailable", at, user }),
    tick: (at: number) => told({ type: "tick", at }),
    keyPackage: (at: number, user: string, change: Partial<SightedCredential> = {}) =>
      told({ type: "key-package", at, credential: credential(user, change) }),
    /** The user's list: their one certificate, or none of them. */
    list: (user: string, at: number, holds = true) => {
      const record = {
        tbsCertificateHash: hexBytes(hex(seedOf(user))),
        spkiHash: hexBytes(hex(seedOf(user) + 100)),
        notBefore: BigInt(T - DAY),
        notAfter: BigInt(T + 400 * DAY),
        status: "active" as const,
        approval: undefined,
        continuity: undefined,
      };
      const devices = holds ? [{ client: clientOf(user), addedAt: BigInt(T), credentials: [record] }] : [];
      const list = {
        format: 1,
        identity: user,
        version: 0,
        previousHash: NO_PREVIOUS_HASH,
        origin: "enrolment" as const,
        devices,
      };
      return told({ type: "device-list", at, user, version: 0, value: encodeDeviceList(list), provenAt: at });
    },
  };
}

describe("whoever has left every group need not be asked about", () => {
  /** Alice and Bob in a group, Bob's certificate known to the log, which has fallen silent about him. */
  async function silent(holds = true) {
    const watch = watching();
    await watch.list(ALICE, T);
    await watch.list(BOB, T, holds);
    expect(await watch.tree("g", T, alice, bob)).toEqual(holds ? [] : ["UNLOGGED_LEAF pending bob g"]);
    expect(await watch.silence(BOB, T + 10)).toEqual(["EVIDENCE_UNAVAILABLE pending bob"]);
    return watch;
  }

  it("but they were, until they left", async () => {
    const watch = await silent();
    expect(await watch.tick(T + 20)).toEqual([]);
    expect(await watch.tree("g", T + 30, alice)).toEqual(["EVIDENCE_UNAVAILABLE resolved bob"]);
    expect(await watch.tick(T + 9 * DAY)).toEqual([]);
  });

  it("and still are, while they are in another group", async () => {
    for (const order of [
      ["g", "h"],
      ["h", "g"],
    ] as const) {
      const watch = await silent();
      await watch.tree("h", T + 15, alice, bob);
      const [first, last] = order;
      expect(await watch.tree(first, T + 30, alice)).toEqual([]);
      expect(await watch.tree(last, T + 40, alice)).toEqual(["EVIDENCE_UNAVAILABLE resolved bob"]);
    }
  });

  it("and while something that was seen of them waits for its answer", async () => {
    const watch = await silent(false);
    expect(await watch.tree("g", T + 30, alice)).toEqual([]);
    expect(await watch.tick(T + 10 + DAY)).toEqual(["EVIDENCE_UNAVAILABLE confirmed bob"]);
    // A KeyPackage that the log does not hold waits as well, Carol's does not.
    const others = await silent();
    await others.keyPackage(T + 20, CAROL);
    expect(await others.tree("g", T + 30, alice)).toEqual(["EVIDENCE_UNAVAILABLE resolved bob"]);
    const his = await silent();
    await his.keyPackage(T + 20, BOB, { tbsCertificateHash: hex(50) });
    expect(await his.tree("g", T + 30, alice)).toEqual([]);
  });

  it("what is no certificate waits for none", async () => {
    const watch = await silent();
    await watch.tree(
      "g",
      T + 20,
      alice,
      bob,
      leaf(3, BOB, { type: "basic", client: "", tbsCertificateHash: "", spkiHash: "" }),
    );
    expect(await watch.tree("g", T + 30, alice)).toContain("EVIDENCE_UNAVAILABLE resolved bob");
  });

  it("except oneself", async () => {
    const watch = watching();
    await watch.list(ALICE, T);
    await watch.tree("g", T, alice, bob);
    expect(await watch.silence(ALICE, T + 10)).toEqual(["EVIDENCE_UNAVAILABLE pending alice"]);
    expect(await watch.tree("g", T + 30, bob)).toEqual([]);
    expect(await watch.told({ type: "left", at: T + 40, group: "g" })).toEqual([]);
    expect(await watch.tick(T + 10 + DAY)).toContain("EVIDENCE_UNAVAILABLE confirmed alice");
  });
});

describe("what time alone may change", () => {
  it("is what waits for the log, found when it is overdue and only then", async () => {
    const watch = watching();
    await watch.list(ALICE, T);
    expect(await watch.tree("g", T, alice, bob)).toEqual(["UNLOGGED_LEAF pending bob g"]);
    expect(await watch.tick(T + DAY - 1)).toEqual([]);
    expect(await watch.tick(T + DAY)).toEqual(["EVIDENCE_UNAVAILABLE confirmed bob"]);
    expect(await watch.tick(T + 2 * DAY)).toEqual([]);
  });

  it("also of a KeyPackage", async () => {
    const watch = watching();
    await watch.list(ALICE, T);
    expect(await watch.keyPackage(T, BOB)).toEqual(["UNLOGGED_KEY_PACKAGE pending bob"]);
    expect(await watch.tick(T + DAY)).toEqual(["EVIDENCE_UNAVAILABLE confirmed bob"]);
    expect(await watch.list(BOB, T + DAY + 1)).toEqual([
      "EVIDENCE_UNAVAILABLE resolved bob",
      "UNLOGGED_KEY_PACKAGE resolved bob",
    ]);
  });

  it("or of a member under one's own name whom the log cannot be asked about", async () => {
    const watch = watching();
    const ghost = leaf(4, ALICE, { client: clientOf(ALICE, "ghost"), spkiHash: hex(77), tbsCertificateHash: hex(78) });
    expect(await watch.tree("a group", T, ghost)).toEqual([
      "UNLOGGED_LEAF pending alice a group",
      "SELF_UNKNOWN_IN_GROUP pending alice a group",
    ]);
    expect(await watch.tick(T + DAY)).toEqual(["EVIDENCE_UNAVAILABLE confirmed alice"]);
    expect(await watch.tick(T + DAY + 1)).toEqual(["SELF_UNKNOWN_IN_GROUP suspect alice a group"]);
  });

  it("is nothing where nobody is expected at all", async () => {
    const watch = watching();
    await watch.tree("g", T, leaf(1, "", { user: "mimi://example.org/u/stranger" }));
    await watch.keyPackage(T, "");
    expect((await watch.tick(T + 9 * DAY)).join()).not.toContain("EVIDENCE_UNAVAILABLE");
  });
});

describe("findings are kept apart", () => {
  it("by group: what another group shows ends nothing", async () => {
    const watch = watching();
    for (const user of [ALICE, BOB, CAROL]) await watch.list(user, T);
    const twice = leaf(5, BOB, { spkiHash: hex(102) });
    // Names that have spaces in them, one of which begins with the other.
    expect(await watch.tree("g", T + DAY, alice, bob, twice)).toEqual([
      "DUPLICATE_CLIENT pending bob g",
      "SIGNATURE_KEY_REUSED confirmed bob g",
    ]);
    expect(await watch.tree("g h", T + DAY, alice, carol)).toEqual([]);
    expect(await watch.tree("h", T + DAY, alice, carol)).toEqual([]);
    expect(await watch.tick(T + 2 * DAY)).toEqual([]);
    expect(await watch.tree("g", T + 8 * DAY, alice, bob, twice)).toEqual(["DUPLICATE_CLIENT confirmed bob g"]);
    expect(await watch.tree("g", T + 9 * DAY, alice, bob)).toEqual(["DUPLICATE_CLIENT resolved bob g"]);
  });

  it("by member: a list that answers ends what it answers, in every group", async () => {
    const watch = watching();
    await watch.list(ALICE, T);
    for (const group of ["g", "g h"])
      expect(await watch.tree(group, T, alice, bob, carol)).toEqual([
        `UNLOGGED_LEAF pending bob ${group}`,
        `UNLOGGED_LEAF pending carol ${group}`,
      ]);
    expect(await watch.list(BOB, T + 10)).toEqual(["UNLOGGED_LEAF resolved bob g", "UNLOGGED_LEAF resolved bob g h"]);
    expect(await watch.list(CAROL, T + 10, false)).toEqual([]);
    expect(await watch.list(CAROL, T + 10 + DAY, false)).toEqual([
      "UNLOGGED_LEAF confirmed carol g",
      "UNLOGGED_LEAF confirmed carol g h",
    ]);
  });

  it("and what the user confirms ends everywhere at once", async () => {
    const watch = watching();
    await watch.list(ALICE, T);
    const tablet = leaf(4, ALICE, {
      client: clientOf(ALICE, "tablet"),
      spkiHash: hex(77),
      tbsCertificateHash: hex(78),
    });
    for (const group of ["g", "h"])
      expect(await watch.tree(group, T, alice, tablet)).toContain(`SELF_UNKNOWN_IN_GROUP pending alice ${group}`);
    const confirmed = { type: "confirm-device" as const, at: T + 1, client: tablet.client, spkiHash: tablet.spkiHash };
    expect(await watch.told(confirmed)).toEqual([
      "SELF_UNKNOWN_IN_GROUP resolved alice g",
      "SELF_UNKNOWN_IN_GROUP resolved alice h",
    ]);
  });

  it("kinds that are switched off are not told, others are", async () => {
    const watch = watching(["UNLOGGED_LEAF"]);
    await watch.list(ALICE, T);
    expect(await watch.tree("g", T, alice, bob)).toEqual([]);
    expect(await watch.keyPackage(T, CAROL)).toEqual(["UNLOGGED_KEY_PACKAGE pending carol"]);
    expect(await watching([]).keyPackage(T, CAROL)).toEqual(["UNLOGGED_KEY_PACKAGE pending carol"]);
  });
});

describe("what has its answer is forgotten", () => {
  it("once it has left, and not before", async () => {
    const watch = watching();
    const kept = () => [...(watch.state.groups.get("g")?.sightingsOf(BOB) ?? [])].length;
    await watch.list(ALICE, T);
    await watch.tree("g", T, alice, bob);
    expect(kept()).toBe(1);
    await watch.list(BOB, T);
    expect(kept()).toBe(1);
    await watch.tree("g", T + 10, alice);
    expect(kept()).toBe(0);
    // What has none is kept although it left.
    await watch.tree("g", T + 20, alice, leaf(1, BOB, { tbsCertificateHash: hex(50) }));
    await watch.tree("g", T + 30, alice);
    expect(kept()).toBe(1);
  });

  it("and a KeyPackage at once", async () => {
    const watch = watching();
    await watch.list(BOB, T);
    await watch.keyPackage(T, BOB);
    await watch.keyPackage(T, CAROL);
    expect([...watch.state.keyPackages.values()].map(({ credential: { reference } }) => reference)).toEqual([CAROL]);
    await watch.list(CAROL, T + 10);
    expect(watch.state.keyPackages.size).toBe(0);
  });
});
