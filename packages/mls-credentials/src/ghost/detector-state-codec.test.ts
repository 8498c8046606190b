import { describe, expect, it } from "vitest";
import { encodeDeviceList } from "../device-list.js";
import { decodeDetectorState, encodeDetectorState } from "./detector-state-codec.js";
import { DetectorState } from "./detector-state.js";
import { type Finding, FINDING_KINDS, type LogProof } from "./finding.js";
import type { SightedLeaf } from "./ghost-event.js";
import { GhostStateError } from "./ghost-state-error.js";
import type { GroupMemory } from "./group-memory.js";
import type { UserLog } from "./log-memory.js";
import type { MembershipLine } from "./membership-log.js";

const ALICE = "mimi://example.org/u/alice";
const BOB = "mimi://example.org/u/bob";
const PHONE = "mimi://example.org/d/alice/phone";
const octets = (seed: number): Uint8Array => new Uint8Array(32).fill(seed);
const proof: LogProof = { configuration: "0a", request: "0b", response: "0c", now: 1.5, recent: 3 };

const leaf = (changes: Partial<SightedLeaf> = {}): SightedLeaf => ({
  leafIndex: 0,
  source: "key_package",
  reference: ALICE,
  type: "x509",
  user: ALICE,
  client: PHONE,
  spkiHash: "aa",
  tbsCertificateHash: "bb",
  keyMatches: true,
  notBefore: 1,
  notAfter: 2,
  ...changes,
});
const FULL: Partial<SightedLeaf> = { certificates: ["3000", ""], signatureKey: "0102", encryptionKey: "03" };

const finding = (changes: Partial<Finding>): Finding => ({
  id: "id",
  kind: "VIEW_SPLIT",
  severity: "critical",
  life: "confirmed",
  user: ALICE,
  since: 1,
  changedAt: 2,
  detail: "why",
  evidence: {},
  ...changes,
});

function fillBook({ book }: DetectorState): void {
  const plain = { scope: "a scope", acknowledged: undefined, ended: false };
  for (const kind of FINDING_KINDS) book.restore({ ...plain, finding: finding({ id: kind, kind }) });
  for (const severity of ["critical", "serious", "notice"] as const)
    book.restore({ ...plain, finding: finding({ id: severity, severity }) });
  for (const life of ["pending", "suspect", "confirmed", "acknowledged", "resolved"] as const)
    book.restore({ ...plain, finding: finding({ id: life, life }) });
  for (const acknowledged of ["pending", "suspect", "confirmed"] as const)
    book.restore({ ...plain, acknowledged, ended: true, finding: finding({ id: `seen ${acknowledged}` }) });
  const place = { client: PHONE, group: "g", deadline: 9.5 };
  const evidence = {
    certificates: ["3000"],
    signatureKey: "01",
    lists: [
      { version: 1, value: "02" },
      { version: 2, value: "", proof },
    ],
    heads: [
      { position: 1, root: "aa", source: "gossip" },
      { position: 2, root: "bb", source: "lookup", signed: { configuration: "04", treeHead: "05" } },
    ],
    misbehaviour: "06",
  };
  book.restore({ ...plain, finding: finding({ id: "all of it", ...place, evidence }) });
}

function fillLog(log: UserLog): void {
  const record = { client: PHONE, spkiHash: "aa", tbsCertificateHash: "bb", notAfter: 5 };
  log.records.set("bb", { ...record, revokedAt: undefined, reason: undefined });
  log.records.set("cc", { ...record, tbsCertificateHash: "cc", revokedAt: 4, reason: 1 });
  log.hashes.set(0, "first").set(1, "second");
  log.deadKeys.set("dd", 1);
  log.vouchers.add("ee");
  log.list = { format: 1, identity: ALICE, version: 1, previousHash: octets(1), origin: "recovery", devices: [] };
  log.value = encodeDeviceList(log.list);
  log.proof = proof;
  log.provenAt = 6.5;
  log.readAt = 7;
  log.missingSince = 8;
  log.failedAt = 9;
}

function fillGroup(group: GroupMemory): void {
  const leaves = [leaf(FULL), leaf({ leafIndex: 1 }), leaf({ leafIndex: 2, reference: BOB, source: "update" })];
  group.sight(3, leaves, 10, true);
  group.sight(
    4,
    [...leaves.slice(0, 2), leaf({ leafIndex: 2, reference: BOB, source: "commit", type: "basic" })],
    11.5,
    false,
  );
  group.sight(
    5,
    [leaf({ ...FULL, tbsCertificateHash: "cc", source: "commit" }), leaf({ leafIndex: 3, type: "other" })],
    12,
    false,
  );
  group.sight(6, [leaf({ ...FULL, keyMatches: false, client: "", source: "update" })], 13, true);
}

const LINE_KINDS: readonly MembershipLine["kind"][] = [
  "present",
  "joined",
  "left",
  "renewed",
  "changed-key",
  "own-departure",
  "device-added",
  "device-revoked",
  "identity-changed",
];

/** A state with something, and something else, in every field. */
function fullState(): DetectorState {
  const state = new DetectorState(ALICE, []);
  state.now = 100.25;
  state.tickedAt = 99;
  fillBook(state);
  state.membership.append(
    LINE_KINDS.flatMap((kind) => [
      { at: 1, kind, user: ALICE, client: PHONE },
      { at: 2.5, kind, user: BOB, client: "", group: "g", epoch: 0 },
    ]),
  );
  fillLog(state.logOf(ALICE));
  state.logOf(BOB);
  fillGroup(state.groupNamed("a group"));
  state.groupNamed("");
  state.noteGroupOf(ALICE, "a group");
  state.noteGroupOf(ALICE, "");
  state.noteGroupOf(BOB, "a group");
  const { leafIndex: _, source: __, ...credential } = leaf({ certificates: ["3000"], signatureKey: "01" });
  state.keyPackages.set("one", { credential, firstSeen: 1, present: true });
  state.keyPackages.set("two", { credential: { ...credential, keyMatches: false }, firstSeen: 2, present: false });
  state.keyOwners.set("aa", { client: PHONE, user: ALICE });
  state.keyOwners.set("bb", { client: "", user: BOB, certificates: [] });
  state.rememberHead("log 1", { position: 1, root: "aa", source: "pin" });
  const signed = { configuration: "01", treeHead: "02" };
  state.rememberHead("log 2", { position: 2, root: "bb", source: "gossip", signed });
  state.ownCredentials.set("cc", { tbsCertificateHash: "cc", client: PHONE, version: 3, notAfter: 4, toldAt: 5 });
  const unknown = { client: PHONE, spkiHash: octets(1), tbsCertificateHash: octets(2), firstSeen: 5 };
  const never = Number.NEGATIVE_INFINITY;
  state.unknown.set("dd", {
    ...unknown,
    atFirstLook: true,
    overBefore: true,
    revived: false,
    absentAt: never,
    endedAt: undefined,
  });
  state.unknown.set("ee", {
    ...unknown,
    atFirstLook: false,
    overBefore: false,
    revived: true,
    absentAt: 6,
    endedAt: 7,
  });
  state.own = {
    user: ALICE,
    trusted: [{ client: PHONE, spkiHash: octets(3) }],
    revoked: [{ spkiHash: octets(4), version: 8 }],
  };
  return state;
}

/** Of a sighted leaf the credential is kept, not its place. */
function sightingsOf({ sightings }: GroupMemory): object[] {
  return [...sightings].flatMap(([user, known]) =>
    [...known].map(([key, { credential, ...rest }]) => {
      const { leafIndex: _, source: __, encryptionKey: ___, ...kept } = credential as Partial<SightedLeaf>;
      return { user, key, kept, ...rest };
    }),
  );
}

/** All that a state holds, to be compared. */
function contents({ book, membership, logs, groups, ...rest }: DetectorState): object {
  return {
    ...rest,
    findings: book.entries(),
    openScopes: book.openScopes(),
    lines: membership.lines(),
    logs: [...logs].map(([user, log]) => [user, Object.entries(log)]),
    groups: [...groups].map(([name, group]) => {
      const fields = Object.entries(group).filter(([field]) => field !== "sightings");
      return [name, fields, sightingsOf(group)];
    }),
  };
}

const codeOf = (bytes: Uint8Array, self = ALICE): string | undefined => {
  try {
    decodeDetectorState(bytes, self);
  } catch (error) {
    if (error instanceof GhostStateError) return error.code;
    throw error;
  }
  return undefined;
};

describe("an encoded state", () => {
  const state = fullState();
  const bytes = encodeDetectorState(state);
  const restored = decodeDetectorState(bytes, ALICE);

  it("comes back with everything in it", () => {
    expect(contents(restored)).toStrictEqual(contents(state));
    expect(encodeDetectorState(restored)).toEqual(bytes);
  });

  it("comes back apart from what it was made of", () => {
    const before = encodeDetectorState(state);
    restored.groupsOf.get(ALICE)?.add("another");
    restored.groups.get("a group")?.sight(7, [], 20, true);
    restored.logs.get(ALICE)?.hashes.clear();
    expect(encodeDetectorState(state)).toEqual(before);
    expect(
      [...(restored.groups.get("a group")?.sightingsOf(ALICE) ?? [])].map(([, each]) => each.present),
    ).not.toContain(true);
  });

  it("comes back empty where nothing was seen", () => {
    const empty = new DetectorState(BOB, []);
    const again = decodeDetectorState(encodeDetectorState(empty), BOB);
    expect(contents(again)).toStrictEqual(contents(empty));
  });

  it("keeps a log's list only with its bytes", () => {
    for (const missing of ["list", "value"] as const) {
      const half = new DetectorState(ALICE, []);
      fillLog(half.logOf(ALICE));
      half.logOf(ALICE)[missing] = undefined;
      expect(decodeDetectorState(encodeDetectorState(half), ALICE).logs.get(ALICE)).toMatchObject({
        list: undefined,
        value: undefined,
        readAt: 7,
      });
    }
  });

  it.each<[string, Uint8Array, string | undefined, string?]>([
    ["as it was", bytes, undefined],
    ["nothing", Uint8Array.of(), "malformed-state"],
    ["half a format", Uint8Array.of(0), "malformed-state"],
    ["its format alone", Uint8Array.of(0, 4), "malformed-state"],
    ["an older format", Uint8Array.of(0, 3, ...bytes.subarray(2)), "unknown-format"],
    ["a newer format", Uint8Array.of(0, 5), "unknown-format"],
    ["a format far away", Uint8Array.of(1, 4, ...bytes.subarray(2)), "unknown-format"],
    ["another user's", bytes, "wrong-user", BOB],
  ])("%s", (_, given, code, self) => {
    expect(codeOf(given, self)).toBe(code);
  });
});

describe("what a detector remembers of heads", () => {
  it("is the newest 4096 of them", () => {
    const state = new DetectorState(ALICE, []);
    for (let position = 0; position < 4097; position++)
      state.rememberHead(`log ${position}`, { position, root: "aa", source: "pin" });
    expect(state.heads.size).toBe(4096);
    expect(state.heads.has("log 0")).toBe(false);
    expect(state.heads.has("log 1")).toBe(true);
    state.rememberHead("log 1", { position: 1, root: "bb", source: "pin" });
    expect(state.heads.size).toBe(4096);
    expect(state.heads.get("log 1")?.root).toBe("bb");
  });
});
