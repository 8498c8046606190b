import { describe, expect, it } from "vitest";
import { prepareString } from "./string-preparation.js";

describe("RFC 4518, String Preparation for caseIgnoreMatch", () => {
  it.each([
    ["Issuing CA", "  issuing   ca "],
    ["STRASSE", "straße"],
    ["ΟΔΟΣ", "οδος"],
    ["e\u0301", "\u00c9"],
    ["\uff21", "a"],
    ["a\u00adb", "AB"],
    ["a\u200bb", "ab"],
    ["a\u00a0b", "a b"],
    ["a\tb", "a b"],
    ["\u212b", "å"],
    ["", "   "],
  ])("%j equals %j", (left, right) => expect(prepareString(left)).toBe(prepareString(right)));
  it.each([
    ["ab", "a b"],
    ["CA", "C\u0410"],
    ["i", "ı"],
    ["a", "á"],
  ])("%j differs from %j", (left, right) => expect(prepareString(left)).not.toBe(prepareString(right)));
  it.each(["\ufffd", "a\ue000", "\ufdd0", "\u{10ffff}"])("%j is prohibited", (text) =>
    expect(prepareString(text)).toBeUndefined(),
  );
  it("is idempotent", () => {
    for (const text of ["Straße  X", "ΟΔΟΣ", "\ufb01le", "İ"]) {
      const once = prepareString(text);
      expect(once === undefined ? undefined : prepareString(once)).toBe(once);
    }
  });
});
