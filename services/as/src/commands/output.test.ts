import { describe, expect, test } from "vitest";
import { policyDifference } from "../policy/policy-difference.js";
import { duration, moment, wholeNumber } from "./options.js";
import { table } from "./output.js";

describe("tables", () => {
  const rows = [
    ["STATUS", "CLIENT", "ID"],
    ["active", "mimi://mls.example/d/alice/phone", "0123456789abcdef0123456789abcdef"],
    ["revoked", "mimi://mls.example/d/bob/ü", "f"],
  ];

  test("columns are as wide as their widest cell, without spaces at the end", () => {
    expect(table(rows, Number.POSITIVE_INFINITY).split("\n")).toEqual([
      "STATUS   CLIENT                            ID",
      "active   mimi://mls.example/d/alice/phone  0123456789abcdef0123456789abcdef",
      "revoked  mimi://mls.example/d/bob/ü        f",
    ]);
  });

  test.each([40, 50, 60, 72])(
    "no line is wider than the %i columns of the terminal; both ends stay readable",
    (width) => {
      const lines = table(rows, width).split("\n");
      for (const line of lines) expect(Array.from(line).length).toBeLessThanOrEqual(width);
      expect(lines[1]).toMatch(/^active {3}mimi.*….*e {2}0123.*….*ef$/);
    },
  );

  test("a terminal that is too narrow for any table gets one all the same", () => {
    expect(table(rows, 5).split("\n")).toHaveLength(3);
    expect(table([], 80)).toBe("");
  });
});

describe("arguments", () => {
  test("time spans", () => {
    expect(["90", "90s", "15m", "24h", "30d", "2w"].map(duration)).toEqual([90, 90, 900, 86_400, 2_592_000, 1_209_600]);
    for (const text of ["", "1y", "-1", "1.5h", "h", "1 h", "9999999999"])
      expect(() => duration(text)).toThrow(/time span/);
  });

  test("times are UTC unless they say otherwise", () => {
    expect(moment("2026-11-23")).toBe(Date.UTC(2026, 10, 23) / 1000);
    expect(moment("2026-11-23T08:30")).toBe(Date.UTC(2026, 10, 23, 8, 30) / 1000);
    expect(moment("2026-11-23 08:30:15")).toBe(Date.UTC(2026, 10, 23, 8, 30, 15) / 1000);
    expect(moment("2026-11-23T08:30Z")).toBe(Date.UTC(2026, 10, 23, 8, 30) / 1000);
    expect(moment("2026-11-23T08:30+02:00")).toBe(Date.UTC(2026, 10, 23, 6, 30) / 1000);
    for (const text of ["", "today", "2026", "2026-13-01", "23.11.2026", "1700000000"])
      expect(() => moment(text)).toThrow();
  });

  test("whole numbers", () => {
    expect(wholeNumber("8440")).toBe(8440);
    for (const text of ["", "1.5", "-1", "0x10", "ten"]) expect(() => wholeNumber(text)).toThrow();
  });
});

test("a policy's difference names every value that is new, gone or another", () => {
  const before = { clockSkew: 300, suites: [1, 2], domains: { "a.example": { anchors: ["x", "y"] } }, gone: null };
  const after = {
    clockSkew: 120,
    suites: [1, 2, 3],
    domains: { "a.example": { anchors: ["x", "z", "w"] } },
    fresh: {},
  };
  expect(policyDifference(before, after)).toEqual([
    { path: "clockSkew", before: "300", after: "120" },
    { path: "suites", before: "[1,2]", after: "[1,2,3]" },
    { path: "domains.a.example.anchors[1]", before: '"y"', after: '"z"' },
    { path: "gone", before: "null", after: undefined },
    { path: "domains.a.example.anchors[2]", before: undefined, after: '"w"' },
    { path: "fresh", before: undefined, after: "{}" },
  ]);
  expect(policyDifference(before, before)).toEqual([]);
});
