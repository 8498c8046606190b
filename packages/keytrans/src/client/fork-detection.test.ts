import { encode } from "@mls-as/tls-codec";
import { describe, expect, it } from "vitest";
import { keyedHashSuite } from "../fixtures/keyed-hash-suite.js";
import { MemoryLog, text } from "../fixtures/memory-log.js";
import { searchBinaryLadder, MAX_VERSION } from "../binary-ladder.js";
import { DistinguishedHead } from "../structs/index.js";
import { compareDistinguishedHead, compareRoots, createClient, distinguishedHead, INITIAL_STATE } from "./index.js";

const root = (name: string): Uint8Array => {
  const bytes = new Uint8Array(32);
  bytes.set(text(name));
  return bytes;
};
const roots = (names: string): Uint8Array[] => names.split("").map(root);

describe("comparing roots of distinguished heads", () => {
  it.each([
    ["abcd", "abcd"],
    ["abcd", "bcde"],
    ["bcde", "abcd"],
    ["abcd", "defg"],
    ["a", "a"],
  ])("%s and %s are of one log", (ours, theirs) => {
    expect(() => compareRoots(roots(ours), roots(theirs))).not.toThrow();
  });

  it.each([
    ["abcd", "efgh"],
    ["abcd", "abce"],
    ["abcd", "bcYX"],
    ["abcd", "cbdX"],
    ["", ""],
  ])("%s and %s are not", (ours, theirs) => {
    expect(() => compareRoots(roots(ours), roots(theirs))).toThrow(expect.objectContaining({ code: "fork" }));
  });

  it("needs lists of one length", () => {
    expect(() => compareRoots(roots("abc"), roots("ab"))).toThrow(
      expect.objectContaining({ code: "unexpected-count" }),
    );
  });

  it("takes a DistinguishedHead as it is sent", async () => {
    const log = new MemoryLog({ suite: keyedHashSuite(), window: 1000n });
    for (let i = 0; i < 5; i++) await log.append([], 1_000_000 + i * 1000);
    const client = createClient(log);
    const walk = client.prepareDistinguished(client.initialState());
    const { result, state } = await walk.verify(await log.prover.distinguished(walk.request), 1_005_000);
    expect(distinguishedHead(state)).toEqual(result.distinguishedHead);
    expect(() => compareDistinguishedHead(state, result.distinguishedHead)).not.toThrow();
    const heads = result.heads.map((head) => head.root);
    const forked = encode(DistinguishedHead, { heads: heads.with(0, root("other")) });
    expect(() => compareDistinguishedHead(state, forked)).toThrow(expect.objectContaining({ code: "fork" }));
    for (const malformed of [new Uint8Array(), result.distinguishedHead.subarray(1)])
      expect(() => compareDistinguishedHead(state, malformed)).toThrow(expect.objectContaining({ code: "malformed" }));
  });
});

describe("at the edges", () => {
  it("a user without a view has no starting position to own a label from", () => {
    const client = createClient(new MemoryLog({ suite: keyedHashSuite() }));
    expect(() => client.prepareOwnerInit(INITIAL_STATE, { label: text("label") })).toThrow(
      expect.objectContaining({ code: "missing-state", path: "start" }),
    );
  });

  it("a ladder for the greatest version there can be takes what lies beyond as not there", () => {
    const ladder = searchBinaryLadder(MAX_VERSION, MAX_VERSION);
    expect(ladder).toHaveLength(33);
    expect(ladder.at(-1)).toBe(MAX_VERSION);
    expect(searchBinaryLadder(MAX_VERSION, MAX_VERSION, { outcome: () => true })).toEqual([]);
    expect(searchBinaryLadder(MAX_VERSION, MAX_VERSION - 1).at(-1)).toBe(MAX_VERSION);
  });
});
