import { expect, it } from "vitest";
import { monitored } from "./monitoring-map.js";

type Pair = readonly [position: number, version: number];
const map = (pairs: readonly Pair[]) => pairs.map(([position, version]) => ({ position, version }));

it.each<[string, Pair[], Pair, Pair[]]>([
  ["the first pair", [], [5, 1], [[5, 1]]],
  ["a version again, further right", [[5, 1]], [9, 1], [[5, 1]]],
  ["a pair that is there", [[5, 1]], [5, 1], [[5, 1]]],
  ["a version again, further left", [[5, 1]], [3, 1], [[3, 1]]],
  ["a greater version at a position", [[5, 1]], [5, 2], [[5, 2]]],
  ["a smaller version at a position", [[5, 2]], [5, 1], [[5, 2]]],
  [
    "another pair, left of the others",
    [[5, 1]],
    [3, 0],
    [
      [3, 0],
      [5, 1],
    ],
  ],
  [
    "another pair, right of the others",
    [[3, 0]],
    [5, 1],
    [
      [3, 0],
      [5, 1],
    ],
  ],
  [
    "a pair that takes the place of two",
    [
      [3, 1],
      [5, 2],
    ],
    [3, 2],
    [[3, 2]],
  ],
  [
    "a pair beside others that stay",
    [
      [1, 0],
      [3, 1],
      [9, 4],
    ],
    [3, 2],
    [
      [1, 0],
      [3, 2],
      [9, 4],
    ],
  ],
  [
    "a known version among others",
    [
      [1, 0],
      [3, 1],
      [9, 4],
    ],
    [4, 1],
    [
      [1, 0],
      [3, 1],
      [9, 4],
    ],
  ],
  [
    "a smaller version among others",
    [
      [1, 0],
      [3, 2],
      [9, 4],
    ],
    [3, 1],
    [
      [1, 0],
      [3, 2],
      [9, 4],
    ],
  ],
])("%s", (_, before, added, after) => {
  const known = map(before);
  expect(monitored(known, { position: added[0], version: added[1] })).toEqual(map(after));
  expect(known).toEqual(map(before));
});
