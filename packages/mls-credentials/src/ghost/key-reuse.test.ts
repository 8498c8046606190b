import { describe, expect, it } from "vitest";
import { DetectorState } from "./detector-state.js";
import type { SightedCredential } from "./ghost-event.js";
import { noteCredentialKey, noteKey } from "./key-reuse.js";

const ALICE = "mimi://example.org/u/alice";
const BOB = "mimi://example.org/u/bob";
const T = 1_800_000_000;

function stateOf(): DetectorState {
  const state = new DetectorState(BOB, []);
  state.now = T;
  return state;
}

/** Gives a user a list, for the evidence. */
function list(state: DetectorState, user: string, value: number): void {
  const log = state.logOf(user);
  log.list = {
    format: 1,
    identity: user,
    version: 2,
    previousHash: new Uint8Array(32),
    origin: "renewal",
    devices: [],
  };
  log.value = Uint8Array.of(value);
}

const credentialOf = (changes: Partial<SightedCredential> = {}): SightedCredential => ({
  reference: ALICE,
  type: "x509",
  user: ALICE,
  client: "phone",
  spkiHash: "aa",
  tbsCertificateHash: "01",
  keyMatches: true,
  notBefore: T,
  notAfter: T,
  certificates: ["alice"],
  ...changes,
});

describe("SIGNATURE_KEY_REUSED over groups, KeyPackages and lists", () => {
  it("a key belongs to the client first seen with it", () => {
    const state = stateOf();
    const use = { key: "aa", client: "phone", user: ALICE };
    expect(noteKey(state, use)).toEqual([]);
    expect(noteKey(state, use)).toEqual([]);
    expect(noteKey(state, { ...use, key: "bb", client: "tablet" })).toEqual([]);
    const twin = { ...use, client: "tablet", user: BOB };
    const found = {
      kind: "SIGNATURE_KEY_REUSED",
      level: "confirmed",
      subject: "aa tablet",
      user: BOB,
      client: "tablet",
    };
    expect(noteKey(state, twin)).toMatchObject([{ ...found, since: T, evidence: {} }]);
    expect(noteKey(state, twin)).toMatchObject([found]);
    expect(noteKey(state, use)).toEqual([]);
    expect(noteKey(state, twin)[0]?.evidence).toEqual({});
  });

  it("shows both chains and both lists, the newcomer's first", () => {
    const state = stateOf();
    noteCredentialKey(state, credentialOf());
    const twin = credentialOf({ reference: BOB, client: "tablet", certificates: ["bob"] });
    expect(noteCredentialKey(state, twin)[0]?.evidence).toEqual({ certificates: ["bob", "alice"] });
    list(state, ALICE, 1);
    list(state, BOB, 2);
    const lists = [
      { version: 2, value: "02" },
      { version: 2, value: "01" },
    ];
    expect(noteCredentialKey(state, twin)[0]?.evidence).toEqual({ certificates: ["bob", "alice"], lists });
    const { certificates: _, ...bare } = twin;
    expect(noteCredentialKey(state, bare)[0]?.evidence).toEqual({ certificates: ["alice"], lists });
    // One user's two devices: the list once.
    const own = noteCredentialKey(state, credentialOf({ client: "laptop", certificates: [] }));
    expect(own[0]?.evidence).toEqual({ certificates: ["alice"], lists: lists.slice(1) });
  });

  it("keeps no certificates where there are none", () => {
    const state = stateOf();
    const { certificates: _, ...bare } = credentialOf();
    noteCredentialKey(state, bare);
    expect([...state.keyOwners.values()]).toStrictEqual([{ client: "phone", user: ALICE }]);
  });

  it.each([
    ["no certificate", { type: "basic" as const }],
    ["a key that is not the certificate's", { keyMatches: false }],
    ["no key", { spkiHash: "" }],
  ])("%s owns nothing", (_name, changes) => {
    const state = stateOf();
    expect(noteCredentialKey(state, credentialOf(changes))).toEqual([]);
    expect(state.keyOwners.size).toBe(0);
  });
});
