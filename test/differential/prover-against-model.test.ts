import { KT_128_SHA256_Ed25519, KT_128_SHA256_P256, type SuiteId } from "@mls-as/keytrans";
import { describe, expect, test } from "vitest";
import type { Mode } from "./model.js";
import { PairedLog } from "./paired-log.js";
import { play } from "./questions.js";

const LONG = process.env.MLS_AS_LONG === "1";
const HISTORIES = LONG ? 3 : 1;
const ENTRIES = LONG ? 120 : 40;
const LABELS = LONG ? 30 : 8;

const SUITES: readonly [string, SuiteId][] = [
  ["Ed25519", KT_128_SHA256_Ed25519],
  ["P256", KT_128_SHA256_P256],
];
const MODES: readonly Mode[] = ["contactMonitoring", "thirdPartyManagement", "thirdPartyAuditing"];

describe.each(SUITES)("%s", (name, id) => {
  describe.each(MODES)("%s", (mode) => {
    test.each([
      ["a window of a few entries", { window: 2500 }],
      ["a window of zero: every entry distinguished", { window: 0, recent: 3 }],
      ["nothing distinguished", { window: 2 ** 50 }],
      ["a maximum lifetime", { window: 1500, maximumLifetime: 9000, pageSize: 3 }],
    ] as const)(
      "random histories with %s: the prover's bytes are the model's",
      async (_, shape) => {
        // P-256's VRF is slow: fewer entries, the same questions.
        const entries = name === "P256" && !LONG ? 12 : ENTRIES;
        for (let history = 0; history < (name === "P256" && !LONG ? 1 : HISTORIES); history++) {
          const pair = await PairedLog.create({ id, mode, seed: history * 7919 + 17, ...shape });
          await play(pair, { entries, questions: 4, labels: LABELS });
          expect(pair.model.size).toBeGreaterThan(entries);
        }
      },
      LONG ? 3_600_000 : 60_000,
    );
  });
});
