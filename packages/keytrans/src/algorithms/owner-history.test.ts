import { describe, expect, it } from "vitest";
import { OwnerHistory } from "./owner-history.js";

describe("what an owner expects of a label", () => {
  const history = new OwnerHistory(7, 1, [
    { position: 9, version: 2 },
    { position: 12, version: 5 },
  ]);

  it("is the greatest version inserted at or before an entry", () => {
    expect([7, 8, 9, 11, 12, 100].map((position) => history.greatestAt(position))).toEqual([1, 1, 2, 2, 5, 5]);
    expect([history.greatest, history.lastPosition]).toEqual([5, 12]);
    const none = new OwnerHistory(7, undefined, []);
    expect([none.greatest, none.lastPosition, none.greatestAt(9)]).toEqual([undefined, 7, undefined]);
    const first = none.increased(8, 0);
    expect([first.greatest, first.lastPosition, first.greatestAt(7), first.greatestAt(8)]).toEqual([
      0,
      8,
      undefined,
      0,
    ]);
    expect(none.increases).toEqual([]);
  });

  it("stays the same from the entry that was verified on, without what came before it", () => {
    for (const [start, versionAtStart, increases] of [
      [8, 1, history.increases],
      [9, 2, history.increases.slice(1)],
      [12, 5, []],
      [20, 5, []],
    ] as const) {
      const advanced = history.advanced(start);
      expect(advanced).toEqual(new OwnerHistory(start, versionAtStart, increases));
      for (const position of [20, 21]) expect(advanced.greatestAt(position)).toBe(history.greatestAt(position));
    }
  });
});
