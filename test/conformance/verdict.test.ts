import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import type { Outcome } from "./main.js";
import { explainVerdicts, runVerdict } from "./verdict.js";
import { evidenceVectors } from "./verdict-evidence-vectors.js";
import { groupVectors } from "./verdict-group-vectors.js";
import { verdictVectors } from "./verdict-vectors.js";

const EXPLAINED = fileURLToPath(new URL("verdict-explanations.json", import.meta.url));
const FOLDER = fileURLToPath(new URL("../vectors/verdict/", import.meta.url));

describe("published verdict cases", async () => {
  const files: Readonly<Record<string, object>> = {
    "acceptance.json": await verdictVectors(),
    "evidence.json": await evidenceVectors(),
    "groups.json": await groupVectors(),
  };
  if (process.env["WRITE_VECTORS"] === "1") {
    mkdirSync(FOLDER, { recursive: true });
    for (const [name, file] of Object.entries(files))
      writeFileSync(FOLDER + name, `${JSON.stringify(file, null, 1)}\n`);
    writeFileSync(EXPLAINED, `${JSON.stringify(await explanations(Object.keys(files)), null, 2)}\n`);
  }

  it("are explained as recorded: standing, rules, places, severities and deadlines", async () => {
    expect(await explanations(Object.keys(files))).toEqual(JSON.parse(readFileSync(EXPLAINED, "utf8")));
  });

  it.each(Object.entries(files))("%s is what this code makes", (name, file) => {
    expect(JSON.parse(readFileSync(FOLDER + name, "utf8"))).toEqual(JSON.parse(JSON.stringify(file)));
  });

  it.each(Object.entries(files))("%s passes", async (name, file) => {
    const outcomes: Outcome[] = [];
    await runVerdict([FOLDER + name], (outcome) => outcomes.push(outcome));
    expect(outcomes.filter(({ ok }) => ok !== true)).toEqual([]);
    const counted = Object.values(file).filter(Array.isArray) as unknown[][];
    expect(outcomes).toHaveLength(counted.reduce((sum, { length }) => sum + length, 0));
  });
});

async function explanations(names: readonly string[]): Promise<Record<string, unknown>> {
  const explained: Record<string, unknown> = {};
  for (const name of names) explained[name] = await explainVerdicts(FOLDER + name);
  return explained;
}
