import { randomInt } from "node:crypto";
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { FINDING_KINDS } from "@mls-as/mls-credentials";
import { describe, expect, it } from "vitest";
import { DAY } from "../conformance/example-devices.js";
import { ATTACKS } from "./attacks.js";
import { FULL, SMALL, simulate } from "./simulate.js";

/** `MLS_AS_LONG=1`: a thousand runs of 50 users, about 200 devices and 100 groups, with seeds nobody has used; else a small world. */
const LONG = process.env["MLS_AS_LONG"] === "1";
const RUNS = LONG ? Number(process.env["GHOST_SIMULATION_RUNS"] ?? 1000) : 20;
const ATTACK_SEEDS = LONG ? Number(process.env["GHOST_SIMULATION_ATTACK_SEEDS"] ?? 2) : 1;
const FIXED_SEED = process.env["GHOST_SIMULATION_SEED"];
const size = LONG ? FULL : SMALL;

/** A seed for each run: drawn anew in the long mode, or counted up from a given one. */
function seedOf(run: number): number {
  if (!LONG) return 1 + run;
  return FIXED_SEED === undefined ? randomInt(2 ** 31) : Number(FIXED_SEED) + run;
}

/** A line for each honest run that came to its end: seed and alarms. A long mode that was interrupted goes on from there. */
const RESULTS = LONG ? process.env["GHOST_SIMULATION_RESULTS"] : undefined;

function runsDone(): number {
  if (RESULTS === undefined || !existsSync(RESULTS)) return 0;
  return readFileSync(RESULTS, "utf8").split("\n").length - 1;
}

describe("ghost simulation", () => {
  it(`raises no alarm in ${RUNS} honest runs of 60 days`, { timeout: 60_000 + RUNS * 60_000 }, async () => {
    for (let run = runsDone(); run < RUNS; run++) {
      const seed = seedOf(run);
      const { alarms } = await simulate({ seed, days: 60, size });
      expect(alarms.map(({ kind, life, client, detail }) => ({ seed, kind, life, client, detail }))).toEqual([]);
      if (RESULTS !== undefined) appendFileSync(RESULTS, `${seed} ${alarms.length}\n`);
      else if (LONG) process.stderr.write(`honest run with seed ${seed}: ${alarms.length} alarms\n`);
    }
  });

  it.each(ATTACKS)(
    "finds $name in time, and not with its rule disabled",
    async (attack) => {
      const days = 11 + attack.within / DAY;
      for (let run = 0; run < ATTACK_SEEDS; run++) {
        const seed = LONG ? seedOf(run) : 101;
        const { found, alarms } = await simulate({ seed, days, size, attack });
        expect(found, `seed ${seed}: ${alarms.map(({ kind }) => kind).join(", ")}`).toBeDefined();
        const without = await simulate({ seed, days, size, attack, disabled: new Set([attack.finding]) });
        expect(without.found, `seed ${seed}`).toBeUndefined();
      }
    },
    60_000 + ATTACK_SEEDS * 60_000,
  );

  it("attacks in a way that only that rule finds, for every rule", () => {
    expect([...new Set(ATTACKS.map(({ finding }) => finding))].sort()).toEqual([...FINDING_KINDS].sort());
  });
});
