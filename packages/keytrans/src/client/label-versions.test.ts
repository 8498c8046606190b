import { describe, expect, it } from "vitest";
import { OwnerHistory } from "../algorithms/index.js";
import { retainVersions } from "./label-versions.js";
import type { LabelState } from "./state.js";

const key = (fill: number, committed = true) => ({
  vrfOutput: new Uint8Array(32).fill(fill),
  commitment: committed ? new Uint8Array(32).fill(100 + fill) : undefined,
});
const known = (versions: readonly number[]) => new Map(versions.map((version) => [version, key(version)]));
const state = (change: Partial<LabelState>): LabelState => ({
  label: Uint8Array.of(1),
  monitoring: [],
  owner: undefined,
  versions: new Map(),
  ...change,
});
const kept = (before: LabelState, learned = known([])) =>
  [...retainVersions(before, learned).versions.keys()].sort((a, b) => a - b);
const everything = known([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 31]);

describe("what is kept of a label's versions", () => {
  it("is nothing where nothing is monitored or owned", () => {
    expect(kept(state({ versions: everything }), everything)).toEqual([]);
  });

  it("is the base ladder of each version in the monitoring map", () => {
    expect(kept(state({ monitoring: [{ position: 3, version: 5 }], versions: everything }))).toEqual([
      0, 1, 3, 5, 6, 7,
    ]);
    expect(kept(state({ monitoring: [{ position: 3, version: 0 }] }), everything)).toEqual([0, 1]);
  });

  it("is, for an owner, those of the start and of every increase, and version 0", () => {
    const owner = (start: number | undefined, ...versions: number[]) =>
      new OwnerHistory(
        7,
        start,
        versions.map((version, i) => ({ position: 8 + i, version })),
      );
    expect(kept(state({ owner: owner(undefined), versions: everything }))).toEqual([0]);
    expect(kept(state({ owner: owner(1), versions: everything }))).toEqual([0, 1, 2, 3]);
    expect(kept(state({ owner: owner(undefined, 5), versions: everything }))).toEqual([0, 1, 3, 5, 6, 7]);
  });

  it("takes the later key, and keeps a commitment that it does not repeat", () => {
    const before = state({ monitoring: [{ position: 3, version: 1 }], versions: known([0, 1]) });
    const learned = new Map([
      [0, { ...key(9), commitment: undefined }],
      [1, key(8)],
    ]);
    const { versions } = retainVersions(before, learned);
    expect(versions.get(0)).toEqual({ vrfOutput: key(9).vrfOutput, commitment: key(0).commitment });
    expect(versions.get(1)).toEqual(key(8));
  });
});
