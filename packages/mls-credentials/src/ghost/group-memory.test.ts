import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { SightedLeaf } from "./ghost-event.js";
import { GroupMemory, keyOf } from "./group-memory.js";

const leaf = (leafIndex: number, change: Partial<SightedLeaf> = {}): SightedLeaf => ({
  leafIndex,
  source: "commit",
  reference: "alice",
  type: "x509",
  user: "alice",
  client: "phone",
  spkiHash: "key",
  tbsCertificateHash: "certificate",
  keyMatches: true,
  notBefore: 0,
  notAfter: 100,
  encryptionKey: "e0",
  ...change,
});
const lines = ({ members }: ReturnType<GroupMemory["sight"]>): string[] =>
  members.map(({ kind, user, client }) => `${kind} ${user} ${client}`);

/** A group that was seen at epochs 5, 6, 7 …, at times 50, 60, 70 …. */
function after(...epochs: readonly (readonly SightedLeaf[])[]) {
  const group = new GroupMemory("g");
  let change = group.sight(4, [], 40, true);
  for (const [i, leaves] of epochs.entries()) change = group.sight(5 + i, leaves, 50 + 10 * i, true);
  return { group, change };
}

describe("the lines of a membership log", () => {
  it.each<[string, readonly (readonly SightedLeaf[])[], string[]]>([
    ["somebody joins", [[leaf(0)]], ["joined alice phone"]],
    ["nothing happens", [[leaf(0)], [leaf(0)]], []],
    ["somebody leaves", [[leaf(0)], []], ["left alice phone"]],
    ["a new certificate for the key", [[leaf(0)], [leaf(0, { tbsCertificateHash: "c2" })]], ["renewed alice phone"]],
    ["a new key", [[leaf(0)], [leaf(0, { tbsCertificateHash: "c2", spkiHash: "k2" })]], ["changed-key alice phone"]],
    ["only another encryption key", [[leaf(0)], [leaf(0, { encryptionKey: "e1" })]], []],
    ["a move to another leaf", [[leaf(0)], [leaf(1)]], ["renewed alice phone"]],
    [
      "another client of the user at the leaf",
      [[leaf(0)], [leaf(0, { client: "laptop" })]],
      ["joined alice laptop", "left alice phone"],
    ],
    [
      "the same client name for somebody else",
      [[leaf(0)], [leaf(0, { reference: "bob" })]],
      ["joined bob phone", "left alice phone"],
    ],
    [
      "two that change places",
      [
        [leaf(0), leaf(1, { client: "laptop", spkiHash: "l" })],
        [leaf(0, { client: "laptop", spkiHash: "l" }), leaf(1)],
      ],
      ["renewed alice laptop", "renewed alice phone"],
    ],
  ])("%s", (_, epochs, expected) => {
    const { change } = after(...epochs);
    expect(lines(change)).toEqual(expected);
    for (const line of change.members)
      expect(line).toMatchObject({ at: 40 + 10 * epochs.length, group: "g", epoch: 4 + epochs.length });
  });

  it("call those present whom the first look shows, and those of a group made anew", () => {
    const group = new GroupMemory("g");
    expect(lines(group.sight(0, [leaf(0)], 1, true))).toEqual(["present alice phone"]);
    const bob = leaf(1, { reference: "bob", client: "bobs", spkiHash: "b" });
    expect(lines(group.sight(1, [leaf(0), bob], 2, true))).toEqual(["joined bob bobs"]);
    // Rolled back, and it is the present.
    const carol = leaf(2, { reference: "carol", client: "carols", spkiHash: "c" });
    expect(lines(group.sight(0, [leaf(0), bob, carol], 3, true))).toEqual(["present carol carols"]);
    expect(lines(group.sight(1, [leaf(0), bob], 4, true))).toEqual(["left carol carols"]);
  });
});

describe("which epochs count", () => {
  it("an older one says nothing, unless it is the present", () => {
    const { group } = after([leaf(0)]);
    const old = group.sight(3, [], 60, false);
    expect(old).toEqual({ members: [], users: new Set() });
    expect([group.epoch, group.at, group.leaves.size]).toEqual([5, 50, 1]);
    expect(lines(group.sight(3, [], 70, true))).toEqual(["left alice phone"]);
    expect(group.epoch).toBe(3);
  });

  it("the same one again only renews when the leaves were known, as far as it is the present", () => {
    const { group } = after([leaf(0)]);
    expect(group.sight(5, [leaf(0)], 60, false)).toEqual({ members: [], users: new Set() });
    expect([group.at, group.syncedAt]).toEqual([60, 50]);
    group.sight(5, [leaf(0)], 70, true);
    expect([group.at, group.syncedAt]).toEqual([70, 70]);
  });

  it("after the epoch is forgotten any one does, from the very first", () => {
    const { group } = after([leaf(0)]);
    group.forgetEpoch();
    expect(lines(group.sight(0, [leaf(0), leaf(1, { client: "laptop" })], 60, false))).toEqual([
      "present alice laptop",
    ]);
    expect(group.epoch).toBe(0);
  });
});

describe("a leaf that takes another's place", () => {
  const [before, next] = [leaf(0), leaf(0, { tbsCertificateHash: "c2" })];
  const successions = (group: GroupMemory, user = "alice") => group.successions.get(user);

  it("is a succession in the epoch that follows, by Update or Commit", () => {
    expect(successions(after([before], [next]).group)).toEqual([{ at: 60, before, after: next }]);
    const update = { ...next, source: "update" as const };
    expect(successions(after([before], [update]).group)).toEqual([{ at: 60, before, after: update }]);
    const added = { ...next, source: "key_package" as const };
    expect(successions(after([before], [added]).group)).toBeUndefined();
    const { group } = after([before]);
    group.sight(7, [next], 60, true);
    expect(successions(group)).toBeUndefined();
    // The same epoch again, with another leaf in it, follows nothing.
    const same = after([before]).group;
    same.sight(5, [next], 60, true);
    expect(successions(same)).toBeUndefined();
  });

  it("is kept with those before it, under the name of the one who came", () => {
    const third = leaf(0, { reference: "bob", client: "bobs" });
    const { group } = after([before], [next], [before], [third]);
    expect(successions(group)).toEqual([
      { at: 60, before, after: next },
      { at: 70, before: next, after: before },
    ]);
    expect(successions(group, "bob")).toEqual([{ at: 80, before, after: third }]);
  });

  it.each<[string, Partial<SightedLeaf>, boolean]>([
    ["certificate", { tbsCertificateHash: "other" }, true],
    ["key", { spkiHash: "other" }, true],
    ["name", { reference: "bob" }, true],
    ["client", { client: "laptop" }, true],
    ["fit of its key", { keyMatches: false, signatureKey: "s" }, true],
    ["encryption key", { encryptionKey: "e1" }, false],
    ["source", { source: "update" }, false],
    ["signature key, which its certificate names", { signatureKey: "s" }, false],
  ])("is another credential when it has another %s", (_, change, another) => {
    const { group, change: seen } = after([leaf(0)], [leaf(0, change)]);
    expect([...group.successions.values()].flat()).toHaveLength(another ? 1 : 0);
    expect(seen.users.size > 0).toBe(another);
    // Another encryption key or source is an update of the leaf all the same; an unread signature key is none.
    expect(group.leafSince.get(0)).toBe("signatureKey" in change && !another ? 50 : 60);
    expect(group.placeSince.get(0)).toBe("reference" in change || "client" in change ? 60 : 50);
  });

  it("is another credential by its signature key where the certificate does not name that", () => {
    const stray = (signatureKey: string) => leaf(0, { keyMatches: false, signatureKey });
    expect(after([stray("a")], [stray("b")]).group.successions.size).toBe(1);
    expect(after([stray("a")], [stray("a")]).group.successions.size).toBe(0);
    expect(keyOf(stray("a"))).not.toBe(keyOf(stray("b")));
    expect(keyOf(leaf(0, { signatureKey: "a" }))).toBe(keyOf(leaf(0, { signatureKey: "b" })));
  });
});

describe("how long somebody has been there", () => {
  it("a client that comes back within the window has stayed", () => {
    for (const [window, since] of [
      [20, 50],
      [19, 70],
    ] as const) {
      const { group } = after([leaf(0)]);
      group.sight(6, [], 50, true, window);
      expect(group.clientLeft.get("phone")).toBe(50);
      group.sight(7, [leaf(0)], 70, true, window);
      expect(group.clientSince.get("phone"), `${window}`).toBe(since);
    }
  });

  it("a client at two leaves has not left when one of them is gone", () => {
    const { group } = after([leaf(0), leaf(1)], [leaf(1)]);
    expect(group.clientLeft.size).toBe(0);
    expect(group.clientSince.get("phone")).toBe(50);
    expect([...group.sightingsOf("alice")].map(([, { present }]) => present)).toEqual([true]);
    const renewed = after([leaf(0), leaf(1)], [leaf(0, { tbsCertificateHash: "c2" }), leaf(1)]).group;
    expect([...renewed.sightingsOf("alice")].map(([, { present }]) => present)).toEqual([true, true]);
    renewed.sight(7, [leaf(0, { tbsCertificateHash: "c2" })], 70, true);
    expect([...renewed.sightingsOf("alice")].map(([, { present }]) => present)).toEqual([false, true]);
    const mixed = after([leaf(0), leaf(1, { client: "laptop" })], [leaf(1, { client: "laptop" })]).group;
    expect([...mixed.clientLeft]).toEqual([["phone", 60]]);
    const three = after(
      [leaf(0), leaf(1), leaf(2, { client: "laptop" })],
      [leaf(1), leaf(2, { client: "laptop" })],
    ).group;
    expect(three.clientLeft.size).toBe(0);
  });

  it("a user is there from the first leaf to the last", () => {
    const { group } = after([leaf(0)], [leaf(0), leaf(1, { client: "laptop" })], [leaf(1, { client: "laptop" })]);
    expect(group.userSince.get("alice")).toBe(50);
    group.sight(8, [], 80, true);
    expect(group.userSince.has("alice")).toBe(false);
    group.sight(9, [leaf(0)], 90, true);
    expect(group.userSince.get("alice")).toBe(90);
  });

  it("nobody has a leaf who was never seen", () => {
    const { group } = after([leaf(0)]);
    expect([...group.leavesOf("bob")]).toEqual([]);
    expect([...group.sightingsOf("bob")]).toEqual([]);
  });
});

describe("over any history", () => {
  const anyLeaf = fc.record({
    leafIndex: fc.nat(3),
    reference: fc.constantFrom("alice", "bob", ""),
    client: fc.constantFrom("phone", "laptop"),
    spkiHash: fc.constantFrom("k1", "k2"),
    tbsCertificateHash: fc.constantFrom("c1", "c2"),
    keyMatches: fc.boolean(),
    signatureKey: fc.constantFrom("s1", "s2"),
    encryptionKey: fc.constantFrom("e1", "e2"),
    source: fc.constantFrom("key_package" as const, "update" as const, "commit" as const),
  });
  const anyEpoch = fc.record({
    step: fc.constantFrom(0, 1, 1, 1, 2, -1),
    current: fc.boolean(),
    leaves: fc.uniqueArray(anyLeaf, { selector: ({ leafIndex }) => leafIndex, maxLength: 4 }),
    /** Leaf indexes that stay as they were, and one that becomes a copy of another. */
    stay: fc.uniqueArray(fc.nat(3), { maxLength: 4 }),
    copy: fc.option(fc.tuple(fc.nat(3), fc.nat(3)), { nil: undefined }),
  });

  it("it is what the epochs taken in make, kept naively", () => {
    fc.assert(
      fc.property(fc.array(anyEpoch, { maxLength: 12 }), (epochs) => {
        const group = new GroupMemory("g");
        const taken: { at: number; leaves: SightedLeaf[] }[] = [];
        let epoch = 0;
        let greatest = -1;
        for (const [i, { step, current, leaves: drawn, stay, copy }] of epochs.entries()) {
          epoch = Math.max(0, epoch + step);
          const before = taken.at(-1)?.leaves ?? [];
          const kept = before.filter(({ leafIndex }) => stay.includes(leafIndex));
          const leaves = [...kept, ...drawn.filter(({ leafIndex }) => !stay.includes(leafIndex))];
          const [from, to] = copy ?? [];
          const source = leaves.find(({ leafIndex }) => leafIndex === from);
          if (source !== undefined && to !== undefined && !leaves.some(({ leafIndex }) => leafIndex === to))
            leaves.push({ ...source, leafIndex: to });
          // What a credential is goes with its bytes.
          const full = leaves.map((each) =>
            leaf(each.leafIndex, { ...each, type: each.tbsCertificateHash === "c1" ? "x509" : "basic" }),
          );
          group.sight(epoch, full, i, current);
          if (epoch < greatest && !current) continue;
          greatest = epoch;
          taken.push({ at: i, leaves: full });
        }
        const now = taken.at(-1)?.leaves ?? [];
        expect(new Map([...group.leaves].map(([index, each]) => [index, keyOf(each)]))).toEqual(
          new Map(now.map((each) => [each.leafIndex, keyOf(each)])),
        );
        const users = [...new Set(taken.flatMap(({ leaves }) => leaves.map(({ reference }) => reference)))];
        expect(new Set(group.byUser.keys())).toEqual(new Set(now.map(({ reference }) => reference)));
        for (const user of users) {
          const own = now.filter(({ reference }) => reference === user);
          expect(new Set([...group.leavesOf(user)].map(({ leafIndex }) => leafIndex))).toEqual(
            new Set(own.map(({ leafIndex }) => leafIndex)),
          );
          // When each credential was first there, and whether it still is.
          const sighted = new Map<string, { firstSeen: number; present: boolean }>();
          for (const { at, leaves } of taken)
            for (const each of leaves.filter(({ reference }) => reference === user))
              if (!sighted.has(keyOf(each)))
                sighted.set(keyOf(each), { firstSeen: at, present: own.some((other) => keyOf(other) === keyOf(each)) });
          const known = [...group.sightingsOf(user)].map(([key, { firstSeen, present }]) => [
            key,
            { firstSeen, present },
          ]);
          expect(new Map(known as [string, { firstSeen: number; present: boolean }][])).toEqual(sighted);
          // Since when somebody of that name has been there without a break.
          let since: number | undefined;
          for (const { at, leaves } of taken)
            since = leaves.some(({ reference }) => reference === user) ? (since ?? at) : undefined;
          expect(group.userSince.get(user)).toBe(since);
        }
        const certified = taken.flatMap(({ leaves }) => leaves.filter(({ type }) => type === "x509"));
        for (const { reference } of certified) expect(group.x509Users.has(reference)).toBe(true);
        for (const { leafIndex, reference, client } of now) {
          let place = 0;
          taken.forEach(({ at, leaves }, i) => {
            const here = leaves.find((each) => each.leafIndex === leafIndex);
            const before = taken[i - 1]?.leaves.find((each) => each.leafIndex === leafIndex);
            if (here?.reference !== before?.reference || here?.client !== before?.client || before === undefined)
              place = at;
          });
          expect(group.placeSince.get(leafIndex), `${reference} ${client}`).toBe(place);
        }
        expect(group.leafSince.size).toBe(now.length);
        expect(group.placeSince.size).toBe(now.length);
      }),
      { numRuns: 200 },
    );
  });
});
