import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { FINDING_KINDS } from "@mls-as/mls-credentials";
import { describe, expect, it } from "vitest";
import { runGhost, runTrace } from "./ghost.js";
import { ghostVectors } from "./ghost-vectors.js";
import type { Outcome } from "./main.js";

const FOLDER = fileURLToPath(new URL("../vectors/ghost/", import.meta.url));

describe("published ghost traces", async () => {
  const files = await ghostVectors();
  const traces = Object.values(files).flatMap((file) => file.traces);
  if (process.env["WRITE_VECTORS"] === "1") {
    mkdirSync(FOLDER, { recursive: true });
    for (const [name, file] of Object.entries(files))
      writeFileSync(FOLDER + name, `${JSON.stringify(file, null, 1)}\n`);
  }

  it.each(Object.entries(files))("%s is what this code makes", (name, file) => {
    expect(JSON.parse(readFileSync(FOLDER + name, "utf8"))).toEqual(JSON.parse(JSON.stringify(file)));
  });

  it.each(Object.keys(files))("%s passes", async (name) => {
    const outcomes: Outcome[] = [];
    await runGhost([FOLDER + name], (outcome) => outcomes.push(outcome));
    expect(outcomes.filter(({ ok }) => ok !== true)).toEqual([]);
  });

  it.each(traces.map((trace) => [trace.name, trace] as const))(
    "restarted after every event: %s",
    async (_name, trace) => {
      expect(await runTrace(trace, { restart: true })).toBeUndefined();
    },
  );

  it.each(FINDING_KINDS)("without %s some trace fails", async (kind) => {
    const results = await Promise.all(traces.map((trace) => runTrace(trace, { disabled: new Set([kind]) })));
    expect(results.some((result) => result !== undefined)).toBe(true);
  });
});
