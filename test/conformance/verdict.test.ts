import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import type { Outcome } from "./main.js";
import { runVerdict } from "./verdict.js";
import { verdictVectors } from "./verdict-vectors.js";

const FILE = fileURLToPath(new URL("../vectors/verdict/acceptance.json", import.meta.url));

describe("published verdict cases", async () => {
  const file = await verdictVectors();
  if (process.env["WRITE_VECTORS"] === "1") {
    mkdirSync(fileURLToPath(new URL("../vectors/verdict/", import.meta.url)), { recursive: true });
    writeFileSync(FILE, `${JSON.stringify(file, null, 1)}\n`);
  }

  it("are what this code makes", () => {
    expect(JSON.parse(readFileSync(FILE, "utf8"))).toEqual(JSON.parse(JSON.stringify(file)));
  });

  it("pass", async () => {
    const outcomes: Outcome[] = [];
    await runVerdict([FILE], (outcome) => outcomes.push(outcome));
    expect(outcomes.filter(({ ok }) => ok !== true)).toEqual([]);
    expect(outcomes).toHaveLength(file.cases.length);
  });
});
