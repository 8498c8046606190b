import { nobleProvider } from "@mls-as/mls-core";
import { describe, expect, it } from "vitest";
import { defaultPolicy } from "../policy.js";
import { GhostDetector, type GhostDetectorOptions } from "./ghost-detector.js";
import type { GhostEvent, SightedLeaf } from "./ghost-event.js";
import { GhostStateError } from "./ghost-state-error.js";

const ALICE = "mimi://example.org/u/alice";
const PHONE = "mimi://example.org/d/alice/phone";
const options: GhostDetectorOptions = {
  self: ALICE,
  ownKeys: [{ client: PHONE, spkiHash: new Uint8Array(32).fill(1) }],
  policy: defaultPolicy({}),
  provider: nobleProvider,
};

const leaf = (leafIndex: number, name: string, more: Partial<SightedLeaf> = {}): SightedLeaf => ({
  leafIndex,
  source: "key_package",
  reference: "mimi://example.org/u/bob",
  type: "x509",
  user: "mimi://example.org/u/bob",
  client: `mimi://example.org/d/bob/${name}`,
  spkiHash: name.charCodeAt(0).toString(16).repeat(32),
  tbsCertificateHash: name.charCodeAt(0).toString(16).repeat(32),
  keyMatches: true,
  notBefore: 0,
  notAfter: 1_000_000,
  certificates: ["3000"],
  ...more,
});

const EVENTS: readonly GhostEvent[] = [
  { type: "tree", at: 10.5, group: "a group", epoch: 1, current: true, leaves: [leaf(0, "a"), leaf(1, "b")] },
  { type: "log-unavailable", at: 20, user: "mimi://example.org/u/bob" },
  { type: "head", at: 30, logId: "00", position: 7, root: "aa", source: "lookup" },
  { type: "head", at: 31, logId: "00", position: 7, root: "bb", source: "gossip" },
  {
    type: "tree",
    at: 40,
    group: "a group",
    epoch: 2,
    current: true,
    leaves: [leaf(0, "a", { source: "update", encryptionKey: "05" }), leaf(1, "c", { source: "commit" })],
  },
  { type: "key-package", at: 41, credential: leaf(0, "d") },
  {
    type: "own-key",
    at: 42,
    client: PHONE,
    spkiHash: "02",
    enrolled: { tbsCertificateHash: "03", version: 1, notAfter: 9 },
  },
];

async function observed(): Promise<GhostDetector> {
  const detector = new GhostDetector(options);
  for (const event of EVENTS) await detector.observe(event);
  return detector;
}

const codeOf = (work: () => unknown): string | undefined => {
  try {
    work();
  } catch (error) {
    if (error instanceof GhostStateError) return error.code;
    throw error;
  }
  return undefined;
};

describe("a detector's snapshot", () => {
  it("restores to the same snapshot, findings, membership log and own devices", async () => {
    const detector = await observed();
    const snapshot = detector.snapshot();
    const restored = GhostDetector.restore({ ...options, ownKeys: [] }, snapshot);
    expect(restored.snapshot()).toEqual(snapshot);
    expect(restored.findings()).toEqual(detector.findings());
    expect(restored.membership()).toEqual(detector.membership());
    expect(restored.own).toEqual(detector.own);
    expect(detector.findings().length).toBeGreaterThan(3);
  });

  it("goes on as the detector would have", async () => {
    const detector = await observed();
    const restored = GhostDetector.restore(options, detector.snapshot());
    const later: GhostEvent[] = [
      { type: "tree", at: 200_000, group: "a group", epoch: 3, current: true, leaves: [leaf(0, "a")] },
      { type: "tick", at: 200_000 },
    ];
    for (const event of later) expect(await restored.observe(event)).toEqual(await detector.observe(event));
  });

  it("is the same for the same history", async () => {
    expect((await observed()).snapshot()).toEqual((await observed()).snapshot());
  });

  it("is refused when it is cut short, prolonged, of another format or of another user", async () => {
    const snapshot = (await observed()).snapshot();
    const restore = (bytes: Uint8Array, self = ALICE) =>
      codeOf(() => GhostDetector.restore({ ...options, self }, bytes));
    for (let length = 0; length < snapshot.length; length += 97)
      expect(restore(snapshot.subarray(0, length))).toBe("malformed-state");
    expect(restore(Uint8Array.of(...snapshot, 0))).toBe("malformed-state");
    expect(restore(Uint8Array.of(0, 1, ...snapshot.subarray(2)))).toBe("unknown-format");
    expect(restore(snapshot, "mimi://example.org/u/bob")).toBe("wrong-user");
  });

  it("never throws anything else for changed bytes", async () => {
    const snapshot = (await observed()).snapshot();
    for (let at = 2; at < snapshot.length; at += 13) {
      const changed = snapshot.slice();
      changed[at] = (changed[at] as number) ^ 0x81;
      expect([undefined, "malformed-state", "wrong-user"]).toContain(
        codeOf(() => GhostDetector.restore(options, changed)),
      );
    }
  });
});

describe("the membership log", () => {
  it("tells who was there, joined, left, updated and changed a key", async () => {
    const detector = await observed();
    await detector.observe({ type: "left", at: 50, group: "a group" });
    const lines = detector
      .membership({ group: "a group" })
      .map(({ kind, client }) => `${kind} ${client.split("/").at(-1)}`);
    expect(lines).toEqual(["present a", "present b", "joined c", "left b", "own-departure "]);
    expect(detector.membership({ user: "mimi://example.org/u/bob", limit: 1 })).toMatchObject([{ kind: "left" }]);
  });

  it("shows a second leaf of a client, and its departure", async () => {
    const detector = new GhostDetector(options);
    const tree = (epoch: number, leaves: SightedLeaf[]): GhostEvent => ({
      type: "tree",
      at: epoch,
      group: "g",
      epoch,
      current: true,
      leaves,
    });
    await detector.observe(tree(1, [leaf(0, "a")]));
    const again = leaf(1, "a", { spkiHash: "ee", tbsCertificateHash: "ee" });
    expect((await detector.observe(tree(2, [leaf(0, "a"), again]))).members).toMatchObject([{ kind: "joined" }]);
    expect((await detector.observe(tree(3, [again]))).members).toMatchObject([{ kind: "left" }]);
    const renewed = { ...again, spkiHash: "dd", tbsCertificateHash: "dd", source: "update" as const };
    expect((await detector.observe(tree(4, [renewed]))).members).toMatchObject([{ kind: "changed-key" }]);
  });
});

describe("an acknowledged finding", () => {
  const unlogged = async (): Promise<{ detector: GhostDetector; id: string }> => {
    const detector = new GhostDetector(options);
    const [finding] = (await detector.observe(EVENTS[0] as GhostEvent)).findings;
    return { detector, id: finding?.id ?? "" };
  };

  it("opens again when it gets worse", async () => {
    const { detector } = await unlogged();
    await detector.observe({ type: "log-unavailable", at: 20, user: "mimi://example.org/u/bob" });
    const pending = detector.findings().find(({ kind }) => kind === "EVIDENCE_UNAVAILABLE");
    expect(pending?.life).toBe("pending");
    const told = await detector.observe({ type: "acknowledge", at: 21, finding: pending?.id ?? "" });
    expect(told.findings).toMatchObject([{ life: "acknowledged" }]);
    const later = await detector.observe({ type: "tick", at: 20 + 86_400 });
    expect(later.findings).toMatchObject([{ kind: "EVIDENCE_UNAVAILABLE", life: "confirmed" }]);
  });

  it("of an unknown id changes nothing, nor does a second acknowledgement", async () => {
    const { detector, id } = await unlogged();
    expect((await detector.observe({ type: "acknowledge", at: 21, finding: "none" })).findings).toEqual([]);
    expect((await detector.observe({ type: "acknowledge", at: 22, finding: id })).findings).toHaveLength(1);
    expect((await detector.observe({ type: "acknowledge", at: 23, finding: id })).findings).toEqual([]);
  });

  it("of a condition that ended and returned is a new one", async () => {
    const detector = new GhostDetector({ ...options, policy: { ...options.policy, removalWindow: 0 } });
    const twins = [leaf(0, "a"), leaf(1, "a", { spkiHash: "ee", tbsCertificateHash: "ee" })];
    const tree = (epoch: number, leaves: SightedLeaf[]): GhostEvent => ({
      type: "tree",
      at: epoch,
      group: "g",
      epoch,
      current: true,
      leaves,
    });
    const duplicates = async (event: GhostEvent) =>
      (await detector.observe(event)).findings.filter(({ kind }) => kind === "DUPLICATE_CLIENT");
    const [found] = await duplicates(tree(1, twins));
    expect(found?.life).toBe("confirmed");
    await detector.observe({ type: "acknowledge", at: 2, finding: found?.id ?? "" });
    expect(await duplicates(tree(3, twins))).toEqual([]);
    expect(await duplicates(tree(4, twins.slice(0, 1)))).toEqual([]);
    expect(await duplicates(tree(5, twins))).toMatchObject([{ id: found?.id, life: "confirmed" }]);
  });
});
