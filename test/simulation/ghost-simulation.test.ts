import { randomInt } from "node:crypto";
import { type Finding, FINDING_KINDS, type FindingKind } from "@mls-as/mls-credentials";
import { describe, expect, it } from "vitest";
import { DAY, START } from "../conformance/example-devices.js";
import { ATTACKS, type Attack } from "./attacks.js";
import { Observer } from "./observer.js";
import { HOUR, type User, World } from "./world.js";

/** `MLS_AS_LONG=1`: a thousand runs of 50 users, about 200 devices and 100 groups, with seeds nobody has used; else a small world. */
const LONG = process.env["MLS_AS_LONG"] === "1";
const RUNS = LONG ? Number(process.env["GHOST_SIMULATION_RUNS"] ?? 1000) : 20;
const FIRST_SEED = LONG ? Number(process.env["GHOST_SIMULATION_SEED"] ?? randomInt(2 ** 31)) : 1;
const SIZE = LONG ? { users: 50, groups: 100 } : { users: 6, groups: 4 };
const STEP = 6 * HOUR;

interface Run {
  readonly alarms: readonly Finding[];
  readonly found: Finding | undefined;
}

async function simulate(
  seed: number,
  days: number,
  attack?: Attack,
  disabled?: ReadonlySet<FindingKind>,
): Promise<Run> {
  const world = await World.create(seed, SIZE);
  const [first, second, third] = world.users as [User, User, User];
  const own = new Observer(world, first, seed + 1, disabled);
  const contact = new Observer(world, second, seed + 2, disabled);
  const observers =
    attack === undefined && LONG ? [own, contact, new Observer(world, third, seed + 3)] : [own, contact];
  const begins = START + (5 + (seed % 5)) * DAY;
  let begun: number | undefined;
  for (let now = START + STEP; now <= START + days * DAY; now += STEP) {
    await world.advance(now);
    if (attack !== undefined && begun === undefined && now >= begins) {
      begun = now;
      await attack.run(world, { own, contact });
    }
    for (const observer of observers) await observer.step();
  }
  const alarms = observers.flatMap((observer) => observer.alarms);
  const seen = attack === undefined ? [] : (attack.seenBy === "own" ? own : contact).alarms;
  const due = (begun ?? 0) + (attack?.within ?? 0);
  return { alarms, found: seen.find(({ kind, changedAt }) => kind === attack?.finding && changedAt <= due) };
}

describe("ghost simulation", () => {
  it(`raises no alarm in ${RUNS} honest runs of 60 days`, { timeout: 60_000 + RUNS * 20_000 }, async () => {
    for (let seed = FIRST_SEED; seed < FIRST_SEED + RUNS; seed++) {
      const { alarms } = await simulate(seed, 60);
      if (LONG) process.stderr.write(`honest run with seed ${seed}: ${alarms.length} alarms\n`);
      expect(alarms.map(({ kind, life, client, detail }) => ({ seed, kind, life, client, detail }))).toEqual([]);
    }
  });

  it.each(ATTACKS)("finds $name in time, and not with its rule disabled", async (attack) => {
    const days = 11 + attack.within / DAY;
    for (const seed of LONG ? [FIRST_SEED, FIRST_SEED + 1] : [101]) {
      const { found, alarms } = await simulate(seed, days, attack);
      expect(found, `seed ${seed}: ${alarms.map(({ kind }) => kind).join(", ")}`).toBeDefined();
      const without = await simulate(seed, days, attack, new Set([attack.finding]));
      expect(without.found).toBeUndefined();
    }
  });

  it("attacks in a way that only that rule finds, for every rule", () => {
    expect([...new Set(ATTACKS.map(({ finding }) => finding))].sort()).toEqual([...FINDING_KINDS].sort());
  });
});
