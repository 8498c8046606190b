import { expect, it } from "vitest";
import { ProvenLookups } from "./omission.js";

it("what was included further left, or not included further right, is known; nothing else is", () => {
  const proven = new ProvenLookups();
  // Recorded out of order: the leftmost inclusion and the rightmost non-inclusion count.
  for (const position of [5, 3, 7]) proven.record(position, 1, true);
  for (const position of [5, 9, 7]) proven.record(position, 2, false);
  const at = (position: number, version: number) => proven.at(position).outcome(version);
  expect([2, 3, 4, 5, 8].map((position) => at(position, 1))).toEqual([undefined, undefined, true, true, true]);
  expect([4, 5, 8, 9, 10].map((position) => at(position, 2))).toEqual([false, false, false, undefined, undefined]);
  expect(at(100, 3)).toBeUndefined();
});
