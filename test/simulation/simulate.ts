import type { Finding, FindingKind } from "@mls-as/mls-credentials";
import { DAY, START } from "../conformance/example-devices.js";
import type { Attack } from "./attacks.js";
import { Observer } from "./observer.js";
import { HOUR, type User, World } from "./world.js";

/** How many people and groups live in a world; each user has two to six devices at first. */
export interface WorldSize {
  readonly users: number;
  readonly groups: number;
}

/** What `npm test` affords. */
export const SMALL: WorldSize = { users: 6, groups: 4 };
/** About two hundred devices. */
export const FULL: WorldSize = { users: 50, groups: 100 };

const STEP = 6 * HOUR;

export interface SimulationOptions {
  readonly seed: number;
  readonly days: number;
  readonly size: WorldSize;
  /** Begins on the fifth to ninth day; without one, everybody is honest. */
  readonly attack?: Attack;
  /** Rules that the observers go without. */
  readonly disabled?: ReadonlySet<FindingKind>;
}

export interface SimulationRun {
  /** Everything that became suspect or confirmed, for any observer. */
  readonly alarms: readonly Finding[];
  /** What the attack's stated observer reported as the stated finding within the stated time. */
  readonly found: Finding | undefined;
}

/** Lets a world live for some days before the eyes of two observers, in an honest full-size world of three. */
export async function simulate({ seed, days, size, attack, disabled }: SimulationOptions): Promise<SimulationRun> {
  const world = await World.create(seed, size);
  const [first, second, third] = world.users as [User, User, User];
  const own = new Observer(world, first, seed + 1, disabled);
  const contact = new Observer(world, second, seed + 2, disabled);
  const observers =
    attack === undefined && size === FULL ? [own, contact, new Observer(world, third, seed + 3)] : [own, contact];
  const begins = START + (5 + (seed % 5)) * DAY;
  let begun: number | undefined;
  // Stated times allow for four days offline; whoever is away for longer has as much longer.
  const seer = attack?.seenBy === "own" ? own : contact;
  const longer = (): number => Math.max(0, seer.offlineSince(begun ?? Number.POSITIVE_INFINITY) - 4 * DAY);
  for (let now = START + STEP; now <= START + days * DAY + longer(); now += STEP) {
    await world.advance(now);
    if (attack !== undefined && begun === undefined && now >= begins) {
      begun = now;
      await attack.run(world, { own, contact });
    }
    for (const observer of observers) await observer.step();
  }
  const alarms = observers.flatMap((observer) => observer.alarms);
  const due = (begun ?? 0) + (attack?.within ?? 0) + longer();
  return { alarms, found: seer.alarms.find(({ kind, changedAt }) => kind === attack?.finding && changedAt <= due) };
}
