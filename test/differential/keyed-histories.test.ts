import { KT_128_SHA256_Ed25519 } from "@mls-as/keytrans";
import { describe, expect, test } from "vitest";
import { keyedHashSuite } from "../../packages/keytrans/src/fixtures/keyed-hash-suite.js";
import { record } from "../conformance/keytrans-vectors/generate.js";
import { SCENARIOS } from "../conformance/keytrans-vectors/scenarios.js";
import { readFileSync } from "node:fs";
import type { Transcript } from "../conformance/keytrans-transcript.js";
import { ClientSession } from "../conformance/keytrans-session.js";
import type { Mode } from "./model.js";
import { PairedLog } from "./paired-log.js";
import { play, type Tally } from "./questions.js";

// Without curves: what is compared are trees, algorithms and encodings, over histories that curves would make too slow.

/** Mutation testing plays short histories, many times. */
const SHORT = process.env.MLS_AS_SHORT === "1";
const LONG = process.env.MLS_AS_LONG === "1";
const MODES: readonly Mode[] = ["contactMonitoring", "thirdPartyManagement", "thirdPartyAuditing"];

const SHAPES = [
  ["a window of a few entries", { window: 2500 }],
  ["every entry distinguished", { window: 0, recent: 3 }],
  ["a wide window", { window: 20_000, recent: 2 }],
  ["nothing distinguished", { window: 2 ** 50 }],
  ["a maximum lifetime", { window: 1500, maximumLifetime: 9000, pageSize: 3 }],
] as const;
const OPERATIONS = [
  "search",
  "fixed",
  "distinguished",
  "ownerInit",
  "update",
  "create",
  "contactMonitor",
  "ownerMonitor",
  "credential",
  "credentialUpdate",
];
const SIZE = SHORT
  ? { entries: 14, questions: 4, labels: 4 }
  : LONG
    ? { entries: 150, questions: 5, labels: 40 }
    : { entries: 45, questions: 5, labels: 7 };

describe.each(MODES)("%s", (mode) => {
  test.each(SHAPES)(
    "random histories with %s: the prover's bytes are the model's",
    async (_, shape) => {
      const tally: Tally = new Map();
      for (let history = 0; history < (LONG ? 2 : 1); history++) {
        const seed = history * 104_729 + 3;
        const suite = keyedHashSuite();
        const pair = await PairedLog.create({ id: KT_128_SHA256_Ed25519, suite, mode, seed, ...shape });
        await play(pair, SIZE, tally);
      }
      // With a window that entries fill every operation finds something to answer.
      if (shape.window !== 2500 || SHORT) return;
      for (const operation of OPERATIONS) expect(tally.get(operation) ?? 0, operation).toBeGreaterThan(0);
    },
    LONG ? 7_200_000 : 120_000,
  );
});

describe("the published histories, with everything that must fail around them", () => {
  test.each(SCENARIOS.filter(({ name }) => name.endsWith("-ed25519")))("$name", async (scenario) => {
    const suite = keyedHashSuite();
    const transcript = await record({ ...scenario, log: { ...scenario.log, suite } }, true);
    const file = new URL(`../vectors/keytrans/invalid/${scenario.name}.json`, import.meta.url);
    const published = JSON.parse(readFileSync(file, "utf8")) as Transcript;
    // Which ways to tamper there are depends on the shape of the trees, and so on the hashes; what is asked does not.
    const asked = ({ steps }: Transcript) =>
      steps
        .filter(({ expect: expected }) => expected.ok)
        .map(({ op, expect: { version, value, position, final } }) => [op, version, value, position, final]);
    expect(asked(transcript)).toEqual(asked(published));
    const refused = ({ steps }: Transcript) => steps.filter(({ expect: expected }) => !expected.ok).length;
    expect(refused(transcript)).toBeGreaterThan(refused(published) * 0.8);
    const session = await ClientSession.open(transcript, suite);
    for (const step of transcript.steps) {
      const before = session.snapshot();
      if (step.expect.ok) await session.perform(step);
      else {
        await expect(session.perform(step)).rejects.toMatchObject({ name: "KeytransError" });
        expect(session.snapshot()).toBe(before);
      }
    }
  });
});
