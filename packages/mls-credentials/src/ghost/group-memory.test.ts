import { describe, expect, it } from "vitest";
import type { SightedLeaf } from "./ghost-event.js";
import { GroupMemory, keyOf } from "./group-memory.js";

const ALICE = "mimi://example.org/u/alice";
const BOB = "mimi://example.org/u/bob";
const hex = (seed: number): string => seed.toString(16).padStart(2, "0").repeat(32);

/** A leaf at an index with a certificate; the key has the certificate's number plus 100. */
const leaf = (leafIndex: number, certificate: number, changes: Partial<SightedLeaf> = {}): SightedLeaf => ({
  leafIndex,
  source: "key_package",
  reference: ALICE,
  type: "x509",
  user: ALICE,
  client: "phone",
  spkiHash: hex(certificate + 100),
  tbsCertificateHash: hex(certificate),
  keyMatches: true,
  notBefore: 0,
  notAfter: 1,
  ...changes,
});
const laptop = (leafIndex: number, certificate: number, changes: Partial<SightedLeaf> = {}): SightedLeaf =>
  leaf(leafIndex, certificate, { client: "laptop", ...changes });
const bob = (leafIndex: number, certificate: number, changes: Partial<SightedLeaf> = {}): SightedLeaf =>
  leaf(leafIndex, certificate, { reference: BOB, user: BOB, client: "tablet", ...changes });

/** A group, looked at once at time 10 in epoch 1. */
function groupOf(...leaves: readonly SightedLeaf[]): GroupMemory {
  const group = new GroupMemory("g");
  group.sight(1, leaves, 10, true);
  return group;
}
const said = ({ members }: ReturnType<GroupMemory["sight"]>): string[] =>
  members.map(({ kind, client }) => `${kind} ${client}`);
const indexes = (group: GroupMemory, user = ALICE): number[] => [...group.leavesOf(user)].map((each) => each.leafIndex);
const present = (group: GroupMemory, user = ALICE): [string, number, boolean][] =>
  [...group.sightingsOf(user)].map(([, sighting]) => [
    sighting.credential.tbsCertificateHash.slice(0, 2),
    sighting.firstSeen,
    sighting.present,
  ]);

describe("a look at a group", () => {
  it("starts with nothing", () => {
    const group = new GroupMemory("g");
    expect(group).toMatchObject({ group: "g", epoch: -1, syncedAt: Number.NEGATIVE_INFINITY });
    expect(indexes(group)).toEqual([]);
    expect(present(group)).toEqual([]);
  });

  it("tells who is there, who came, who left and who changed, with place and time", () => {
    const group = new GroupMemory("g");
    const first = group.sight(4, [leaf(0, 1), laptop(1, 2)], 10, true);
    const line = { user: ALICE, group: "g" };
    expect(first.members).toEqual([
      { ...line, at: 10, kind: "present", client: "phone", epoch: 4 },
      { ...line, at: 10, kind: "present", client: "laptop", epoch: 4 },
    ]);
    expect(first.users).toEqual(new Set([ALICE]));
    const second = group.sight(5, [leaf(0, 1), bob(2, 3)], 11, true);
    expect(second.members).toEqual([
      { at: 11, kind: "joined", user: BOB, client: "tablet", group: "g", epoch: 5 },
      { ...line, at: 11, kind: "left", client: "laptop", epoch: 5 },
    ]);
    expect(second.users).toEqual(new Set([ALICE, BOB]));
    const renewed = leaf(0, 9, { spkiHash: hex(101) });
    expect(said(group.sight(6, [renewed, bob(2, 4)], 12, true))).toEqual(["renewed phone", "changed-key tablet"]);
    expect(group.sight(7, [renewed, bob(2, 4)], 13, true)).toEqual({ members: [], users: new Set() });
  });

  it("at epoch 0 is a first look, too", () => {
    const group = new GroupMemory("g");
    expect(said(group.sight(0, [leaf(0, 1)], 10, true))).toEqual(["present phone"]);
    expect(said(group.sight(1, [leaf(0, 1), laptop(1, 2)], 11, true))).toEqual(["joined laptop"]);
  });

  it.each<[string, number, boolean, { epoch: number; at: number; syncedAt: number }, string[]]>([
    ["an older epoch says nothing", 0, false, { epoch: 1, at: 10, syncedAt: 10 }, []],
    ["the same epoch out of a backlog", 1, false, { epoch: 1, at: 20, syncedAt: 10 }, ["joined laptop"]],
    ["the same epoch", 1, true, { epoch: 1, at: 20, syncedAt: 20 }, ["joined laptop"]],
    ["a newer epoch out of a backlog", 2, false, { epoch: 2, at: 20, syncedAt: 10 }, ["joined laptop"]],
    ["an older epoch that is the present", 0, true, { epoch: 0, at: 20, syncedAt: 20 }, ["present laptop"]],
  ])("%s", (_, epoch, current, state, members) => {
    const group = groupOf(leaf(0, 1));
    const change = group.sight(epoch, [leaf(0, 1), laptop(1, 2)], 20, current);
    expect(group).toMatchObject(state);
    expect(said(change)).toEqual(members);
    expect(change.users.size).toBe(members.length);
    expect(group.leaves.size).toBe(1 + members.length);
  });

  it("after its epochs were forgotten starts again", () => {
    const group = groupOf(leaf(0, 1));
    group.forgetEpoch();
    expect(said(group.sight(0, [leaf(0, 1), laptop(1, 2)], 20, false))).toEqual(["present laptop"]);
    expect(group.epoch).toBe(0);
  });
});

describe("leaves and users", () => {
  it("follow a leaf from user to user", () => {
    const group = groupOf(leaf(0, 1), laptop(1, 2), bob(2, 3));
    expect([indexes(group), indexes(group, BOB)]).toEqual([[0, 1], [2]]);
    // Bob takes the phone's place.
    const change = group.sight(2, [bob(0, 4), laptop(1, 2), bob(2, 3)], 11, true);
    expect(change.users).toEqual(new Set([ALICE, BOB]));
    expect([indexes(group), indexes(group, BOB)]).toEqual([[1], [2, 0]]);
    group.sight(3, [bob(0, 4)], 12, true);
    expect([indexes(group), indexes(group, BOB)]).toEqual([[], [0]]);
    expect([...group.byUser.keys()]).toEqual([BOB]);
    expect([...group.leaves.keys()]).toEqual([0]);
  });

  it("say since when a user has been there without a break", () => {
    const group = groupOf(leaf(0, 1), laptop(1, 2));
    group.sight(2, [leaf(0, 1)], 11, true);
    group.sight(3, [leaf(0, 1), laptop(1, 3)], 12, true);
    expect([...group.userSince]).toEqual([[ALICE, 10]]);
    group.sight(4, [bob(0, 4)], 13, true);
    expect([...group.userSince]).toEqual([[BOB, 13]]);
    group.sight(5, [leaf(0, 1)], 14, true);
    expect([...group.userSince]).toEqual([[ALICE, 14]]);
  });

  it("tell who was ever seen with a certificate", () => {
    const group = groupOf(leaf(0, 1), bob(1, 2, { type: "basic" }));
    expect([...group.x509Users]).toEqual([ALICE]);
    group.sight(2, [bob(1, 2, { type: "basic" })], 11, true);
    expect([...group.x509Users]).toEqual([ALICE]);
  });
});

describe("since when a leaf is as it is", () => {
  it.each<[string, Partial<SightedLeaf>, number, number]>([
    ["the same", {}, 10, 10],
    ["another encryption key", { encryptionKey: "02" }, 20, 10],
    ["another source", { source: "update" }, 20, 10],
    ["renewed", { tbsCertificateHash: hex(9) }, 20, 10],
    ["another key", { spkiHash: hex(9) }, 20, 10],
    ["a key that is not the certificate's", { keyMatches: false }, 20, 10],
    ["another client", { client: "tablet" }, 20, 20],
    ["another user", { reference: BOB }, 20, 20],
    ["another signature key beside one that matches", { signatureKey: "05" }, 10, 10],
  ])("%s", (_, changes, leafSince, placeSince) => {
    const group = groupOf(leaf(0, 1, { encryptionKey: "01" }));
    group.sight(2, [leaf(0, 1, { encryptionKey: "01", ...changes })], 20, true);
    expect([group.leafSince.get(0), group.placeSince.get(0)]).toEqual([leafSince, placeSince]);
  });

  it("starts again after the leaf was blank", () => {
    const group = groupOf(leaf(0, 1));
    group.sight(2, [], 15, true);
    expect([group.leafSince.size, group.placeSince.size]).toEqual([0, 0]);
    group.sight(3, [leaf(0, 1)], 20, true);
    expect([group.leafSince.get(0), group.placeSince.get(0)]).toEqual([20, 20]);
  });
});

describe("what counts as another credential", () => {
  const lying = { keyMatches: false, signatureKey: "01" };
  it.each<[string, Partial<SightedLeaf>, Partial<SightedLeaf>, boolean]>([
    ["nothing differs", {}, {}, false],
    ["what is not in the credential", {}, { encryptionKey: "01", source: "update", notAfter: 7 }, false],
    ["a signature key where it matches the certificate", {}, { signatureKey: "01" }, false],
    ["the certificate", {}, { tbsCertificateHash: hex(9) }, true],
    ["its key", {}, { spkiHash: hex(9) }, true],
    ["whom the roster expects", {}, { reference: BOB }, true],
    ["the client", {}, { client: "tablet" }, true],
    ["whether the key matches", {}, { keyMatches: false }, true],
    ["whether the key matches, at last", { keyMatches: false }, {}, true],
    ["the signature key where none matches", lying, { ...lying, signatureKey: "02" }, true],
    ["nothing, where no key matches", lying, lying, false],
  ])("%s", (_, before, after, differs) => {
    const group = groupOf(leaf(0, 1, before));
    const change = group.sight(2, [leaf(0, 1, after)], 20, true);
    expect(change.users.size > 0).toBe(differs);
    expect(change.members.length > 0).toBe(differs);
    expect(keyOf(leaf(0, 1, before)) !== keyOf(leaf(0, 1, after))).toBe(differs);
  });

  it("a match has no signature key in its name, and a mismatch its own", () => {
    expect(keyOf(leaf(0, 1, { signatureKey: "01" }))).toBe(keyOf(leaf(0, 1)));
    expect(keyOf(leaf(0, 1, lying))).toContain(" 01 ");
  });
});

describe("successions", () => {
  const after = laptop(0, 2, { source: "commit" });

  it.each<[string, number, SightedLeaf, boolean]>([
    ["by a commit", 2, after, true],
    ["by an update", 2, { ...after, source: "update" }, true],
    ["by an add", 2, { ...after, source: "key_package" }, false],
    ["an epoch was missed", 3, after, false],
    ["in the same epoch", 1, after, false],
    ["at another leaf", 2, { ...after, leafIndex: 1 }, false],
    ["with the same credential", 2, leaf(0, 1, { source: "update" }), false],
  ])("%s", (_, epoch, leafThere, counts) => {
    const before = leaf(0, 1);
    const group = groupOf(before);
    group.sight(epoch, [leafThere], 20, true);
    expect([...group.successions]).toEqual(counts ? [[ALICE, [{ at: 20, before, after: leafThere }]]] : []);
  });

  it("are kept in their order, under the name of who came", () => {
    const [first, second, third] = [leaf(0, 1), laptop(0, 2, { source: "commit" }), leaf(0, 3, { source: "update" })];
    const last = bob(0, 4, { source: "commit" });
    const group = groupOf(first);
    for (const [i, each] of [second, third, last].entries()) group.sight(2 + i, [each], 20 + i, true);
    expect(group.successions.get(ALICE)).toEqual([
      { at: 20, before: first, after: second },
      { at: 21, before: second, after: third },
    ]);
    expect(group.successions.get(BOB)).toEqual([{ at: 22, before: third, after: last }]);
  });
});

describe("sightings", () => {
  it("stay after the leaf left, with the first time, and are present again when it is back", () => {
    const group = groupOf(leaf(0, 1), laptop(1, 2));
    expect(present(group)).toEqual([
      ["01", 10, true],
      ["02", 10, true],
    ]);
    group.sight(2, [laptop(1, 2), bob(2, 3)], 11, true);
    expect(present(group)).toEqual([
      ["01", 10, false],
      ["02", 10, true],
    ]);
    expect(present(group, BOB)).toEqual([["03", 11, true]]);
    group.sight(3, [leaf(0, 1)], 12, true);
    expect(present(group)).toEqual([
      ["01", 10, true],
      ["02", 10, false],
    ]);
    expect(present(group, BOB)).toEqual([["03", 11, false]]);
  });

  it("end with a renewal, not with an update", () => {
    const group = groupOf(leaf(0, 1));
    group.sight(2, [leaf(0, 1, { source: "update" })], 11, true);
    expect(present(group)).toEqual([["01", 10, true]]);
    group.sight(3, [leaf(0, 2)], 12, true);
    expect(present(group)).toEqual([
      ["01", 10, false],
      ["02", 12, true],
    ]);
  });

  it("of a credential at two leaves last as long as one of them", () => {
    const group = groupOf(leaf(0, 1), leaf(1, 1));
    group.sight(2, [leaf(1, 1), laptop(2, 2)], 11, true);
    expect(present(group)).toEqual([
      ["01", 10, true],
      ["02", 11, true],
    ]);
    group.sight(3, [laptop(2, 2)], 12, true);
    expect(present(group)).toEqual([
      ["01", 10, false],
      ["02", 11, true],
    ]);
  });

  it("that were forgotten meanwhile are made anew where the credential comes again, and nowhere else", () => {
    const group = groupOf(leaf(0, 1), leaf(1, 1));
    group.sightings.clear();
    group.sight(2, [leaf(1, 1)], 11, true);
    expect(present(group)).toEqual([]);
    group.sight(3, [], 12, true);
    group.sight(4, [leaf(0, 1)], 13, true);
    expect(present(group)).toEqual([["01", 13, true]]);
  });
});

describe("how long a client has been there", () => {
  /** A phone that is away from 20 on and back at a time. */
  const back = (at: number, window?: number) => {
    const group = groupOf(leaf(0, 1), bob(1, 2));
    group.sight(2, [bob(1, 2)], 20, true);
    expect([...group.clientLeft]).toEqual([["phone", 20]]);
    group.sight(3, [leaf(0, 1), bob(1, 2)], at, true, ...(window === undefined ? [] : [window]));
    return [...group.clientSince];
  };

  it.each<[string, number, number | undefined, number]>([
    ["back within the window", 24, 5, 10],
    ["at its end", 25, 5, 10],
    ["past it", 26, 5, 26],
    ["back at once, without a window", 20, undefined, 10],
    ["back later, without a window", 21, undefined, 21],
  ])("%s", (_, at, window, since) => {
    expect(back(at, window)).toEqual([
      ["phone", since],
      ["tablet", 10],
    ]);
  });

  it("nobody who stays is away: renewed, or at another leaf", () => {
    const group = groupOf(leaf(0, 1));
    group.sight(2, [leaf(0, 3)], 20, true);
    expect(said(group.sight(3, [leaf(4, 3)], 30, true))).toEqual(["renewed phone"]);
    expect([...group.clientSince]).toEqual([["phone", 10]]);
    expect([...group.clientLeft]).toEqual([]);
  });

  it("one of two leaves that goes is told, and the client is not away", () => {
    const group = groupOf(leaf(0, 1), leaf(1, 2));
    expect(said(group.sight(2, [leaf(0, 1)], 20, true))).toEqual(["left phone"]);
    expect([...group.clientLeft]).toEqual([]);
    // Two that go at once for one that comes: one takes its place, one left.
    const twins = groupOf(leaf(0, 1), leaf(1, 2));
    expect(said(twins.sight(2, [leaf(5, 1)], 20, true))).toEqual(["renewed phone", "left phone"]);
  });

  it("another leaf of the user is no reason to stay", () => {
    const group = groupOf(leaf(0, 1), laptop(1, 2));
    group.sight(2, [laptop(1, 2)], 20, true);
    expect([...group.clientLeft]).toEqual([["phone", 20]]);
  });

  it("a client under another user's name is another one", () => {
    const group = groupOf(leaf(0, 1));
    const change = group.sight(2, [leaf(0, 1, { reference: BOB })], 20, true);
    expect(change.members.map(({ kind, user }) => [kind, user])).toEqual([
      ["joined", BOB],
      ["left", ALICE],
    ]);
  });
});
