import { describe, expect, test } from "vitest";
import { Paper, safe, wrap } from "./paper.js";
import { table } from "./table.js";
import { countText, durationText, timeText } from "./time-text.js";

function paper(columns: number, isTTY = false, environment: Record<string, string> = {}) {
  let text = "";
  const made = new Paper({ write: (part) => void (text += part), isTTY, columns }, environment);
  return { paper: made, lines: () => text.split("\n").slice(0, -1) };
}

describe("colours", () => {
  test("are for terminals, and for people who want them", () => {
    const of = (isTTY: boolean, environment: Record<string, string>): string[] => {
      const { paper: page, lines } = paper(80, isTTY, environment);
      page.line("x", "good");
      return lines();
    };
    expect(of(true, {})).toEqual(["\u001b[32mx\u001b[0m"]);
    expect(of(true, { NO_COLOR: "" })).toEqual(["\u001b[32mx\u001b[0m"]);
    for (const environment of [{ NO_COLOR: "1" }, { TERM: "dumb" }]) expect(of(true, environment)).toEqual(["x"]);
    expect(of(false, {})).toEqual(["x"]);
  });

  test("cannot be smuggled in, nor anything else that a terminal obeys", () => {
    expect(safe("a\u001b[31mb\u0007\u202ec\nd")).toBe("a\\u001b[31mb\\u0007\\u202ec\\u000ad");
    expect(safe("gr\u00fc\u00df \u2014 \ud83d\udd11")).toBe("gr\u00fc\u00df \u2014 \ud83d\udd11");
  });
});

describe("tables", () => {
  const columns = [{ title: "DEVICE" }, { title: "KEY", least: 8 }, { title: "N", right: true }];
  const rows = [
    ["phone", "1ab84ef1 cfc9dad9 1ab84ef1 cfc9dad9", "1"],
    ["a-device-with-a-long-name", "x", "1000"],
  ];

  test.each([40, 50, 60, 80, 120])("fit %i columns and lose nothing", (width) => {
    const { paper: page, lines } = paper(width);
    table(page, columns, rows);
    for (const line of lines()) expect(line.length).toBeLessThanOrEqual(width);
    const all = lines().join("").replaceAll(/\s/g, "");
    for (const cell of rows.flat())
      for (const word of cell.split(" ")) expect(all).toContain(width < 60 ? word.slice(0, 6) : word);
  });

  test("become blocks of names and values where a line is too short", () => {
    const { paper: page, lines } = paper(40);
    table(page, [...columns, { title: "AND MORE", least: 30 }], [[...(rows[0] as string[]), "something ".repeat(4)]]);
    expect(lines()[0]).toMatch(/device +phone/);
  });
});

test("text is broken at blanks, and in words that are longer than a line", () => {
  expect(wrap("one two three", 8, "")).toEqual(["one two", "three"]);
  expect(wrap("abcdefghijkl", 8, "")).toEqual(["abcdefgh", "ijkl"]);
  expect(wrap("", 8, "")).toEqual([""]);
});

test("times and counts", () => {
  expect(timeText(Date.UTC(2026, 0, 2, 3, 4, 5))).toBe("2026-01-02 03:04:05Z");
  expect(timeText(Number.POSITIVE_INFINITY)).toBe("never");
  const spans = [59_000, 60_000, 3_600_000, 7_860_000, 86_400_000 * 3 + 3_600_000];
  expect(spans.map(durationText)).toEqual(["59 s", "1 min", "1 h", "2 h 11 min", "3 d 1 h"]);
  expect(countText(1_234_567)).toBe("1,234,567");
});
