import { describe, expect, it } from "vitest";
import { type MembershipLine, MembershipLog } from "./membership-log.js";

const line = (at: number, changes: Partial<MembershipLine> = {}): MembershipLine => ({
  at,
  kind: "joined",
  user: "alice",
  client: "phone",
  group: "g",
  ...changes,
});
const lines = (count: number, from = 0): MembershipLine[] => Array.from({ length: count }, (_, i) => line(from + i));
const times = (chosen: readonly MembershipLine[]): number[] => chosen.map(({ at }) => at);

describe("the membership log", () => {
  it("keeps its lines in order and gives the newest", () => {
    const log = new MembershipLog(10);
    expect(log.lines()).toEqual([]);
    log.append([line(0), line(1)]);
    log.append([]);
    log.append([line(2)]);
    expect(log.lines()).toEqual([line(0), line(1), line(2)]);
    expect(times(log.lines({ limit: 2 }))).toEqual([1, 2]);
    expect(times(log.lines({ limit: 3 }))).toEqual([0, 1, 2]);
    expect(times(log.lines({ limit: 99 }))).toEqual([0, 1, 2]);
    expect(log.lines({ limit: 0 })).toEqual([]);
  });

  it("chooses by group, by user and by both", () => {
    const log = new MembershipLog(10);
    const { group: _, ...bare } = line(4, { user: "bob" });
    log.append([
      line(0),
      line(1, { group: "h" }),
      line(2, { user: "bob" }),
      line(3, { user: "bob", group: "h" }),
      bare,
    ]);
    expect(times(log.lines({ group: "g" }))).toEqual([0, 2]);
    expect(times(log.lines({ user: "bob" }))).toEqual([2, 3, 4]);
    expect(times(log.lines({ user: "bob", group: "h" }))).toEqual([3]);
    expect(times(log.lines({ user: "bob", limit: 1 }))).toEqual([4]);
    expect(log.lines({ user: "carol" })).toEqual([]);
  });

  it("never gives more than it is to hold", () => {
    const log = new MembershipLog(10);
    log.append(lines(11));
    expect(times(log.lines())).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(log.lines({ limit: 11 })).toHaveLength(10);
  });

  it("forgets the oldest once a tenth too many are there", () => {
    const log = new MembershipLog(10);
    log.append([line(0, { group: "first" }), line(1, { group: "second" }), line(2, { group: "third" })]);
    log.append(lines(8, 3));
    // Eleven: all are still held.
    expect(times(log.lines({ group: "first" }))).toEqual([0]);
    log.append(lines(1, 11));
    expect(log.lines({ group: "first" })).toEqual([]);
    expect(log.lines({ group: "second" })).toEqual([]);
    expect(times(log.lines({ group: "third" }))).toEqual([2]);
    expect(log.lines()).toHaveLength(10);
  });
});
