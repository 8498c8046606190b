import { KT_128_SHA256_Ed25519, KT_128_SHA256_P256, type SuiteId } from "@mls-as/keytrans";
import { ProverError } from "@mls-as/keytrans/prover";
import { describe, expect, test } from "vitest";
import type { MapEntry, Mode } from "./model.js";
import { pathTo } from "./naive-trees.js";
import { PairedLog } from "./paired-log.js";
import { Refusal } from "./refusal.js";
import { hex, join } from "./wire.js";

const LONG = process.env.MLS_AS_LONG === "1";
const HISTORIES = LONG ? 40 : 2;
const ENTRIES = LONG ? 150 : 40;
const LABELS = LONG ? 40 : 8;

/** The prover informs of so many log entries in one answer. */
const MOST_RESPONSES = 16;

const OPERATIONS = [
  "search",
  "search",
  "fixed",
  "fixed",
  "fixed",
  "distinguished",
  "ownerInit",
  "update",
  "update",
  "contactMonitor",
  "ownerMonitor",
] as const;

/** Both answers as text; a refusal on both sides counts as the same answer. */
async function answers(model: () => Promise<Uint8Array>, prover: () => Promise<Uint8Array>): Promise<[string, string]> {
  const expected = model().then(hex, (error: unknown) => {
    if (error instanceof Refusal) return "refused";
    throw error;
  });
  const actual = prover().then(hex, (error: unknown) => {
    if (error instanceof ProverError) return "refused";
    throw error;
  });
  return Promise.all([expected, actual]);
}

const optional = <K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } =>
  (value === undefined ? {} : { [key]: value }) as { [P in K]?: V };

/** Ask one random thing of both. @returns what was asked and the two answers */
async function ask(
  pair: PairedLog,
  labels: readonly Uint8Array[],
): Promise<{ asked: string; expected: string; actual: string }> {
  const { dice, model, prover, requests } = pair;
  const last = optional(
    "last",
    dice.pick([undefined, 1 + dice.below(model.size), 1 + dice.below(model.size), model.size, model.size + 1, 0]),
  );
  const label = dice.pick(labels);
  const versions = model.versions(label);
  const operation = dice.pick(OPERATIONS);
  const compare = async (request: object, expected: () => Promise<Uint8Array>, actual: () => Promise<Uint8Array>) => {
    const [wanted, given] = await answers(expected, actual);
    return {
      asked: `${operation} ${JSON.stringify({ ...request, label: hex(label) })} at size ${pair.model.size}`,
      expected: wanted,
      actual: given,
    };
  };
  switch (operation) {
    case "search": {
      const request = { ...last, label };
      return compare(
        request,
        () => model.search(request),
        () => prover.search(requests.search(request)),
      );
    }
    case "fixed": {
      const request = { ...last, label, version: dice.below(versions.length + 2) };
      return compare(
        request,
        () => model.search(request),
        () => prover.search(requests.search(request)),
      );
    }
    case "distinguished": {
      const request = { ...last, ...optional("stop", dice.pick([undefined, dice.below(model.size)])) };
      return compare(
        request,
        () => model.distinguished(request),
        () => prover.distinguished(requests.distinguished(request)),
      );
    }
    case "ownerInit": {
      const request = { ...last, label, start: dice.below(model.size + 1) };
      return compare(
        request,
        () => model.ownerInit(request),
        () => prover.ownerInit(requests.ownerInit(request)),
      );
    }
    case "update": {
      const known = dice.below(versions.length + 1);
      const request = { ...last, label, ...optional("greatestVersion", known === 0 ? undefined : known - 1) };
      return compare(
        request,
        () => allUpdates(pair, request),
        async () => {
          const plan = await prover.planUpdate(requests.update({ ...request, values: [] }));
          if (plan.kind !== "answer") throw new Error("an update without values plans an insertion");
          return join(...plan.responses);
        },
      );
    }
    case "contactMonitor": {
      // Of a label that does not exist there is nothing to monitor; the prover refuses, the draft does not say.
      if (versions.length === 0) return ask(pair, labels);
      const request = { ...last, label, entries: monitoringMap(pair, label) };
      return compare(
        request,
        () => model.contactMonitor(request),
        () => prover.contactMonitor(requests.contactMonitor(request)),
      );
    }
    default: {
      const start = dice.below(model.size);
      const greatest = dice.below(versions.length + 1);
      const request = {
        ...last,
        label,
        entries: monitoringMap(pair, label),
        start,
        ...optional("greatestVersion", greatest === 0 ? undefined : greatest - 1),
      };
      return compare(
        request,
        () => model.ownerMonitor(request),
        () => prover.ownerMonitor(requests.ownerMonitor(request)),
      );
    }
  }
}

/** The responses that tell an owner of all later versions, one for each log entry, as if each had been asked for alone. */
async function allUpdates(
  { model }: PairedLog,
  request: { readonly last?: number; readonly label: Uint8Array; readonly greatestVersion?: number },
): Promise<Uint8Array> {
  const versions = model.versions(request.label);
  const responses: Uint8Array[] = [];
  let next = request;
  do {
    responses.push(await model.update({ ...next, created: false }));
    const position = versions[(next.greatestVersion ?? -1) + 1]?.position;
    const greatestVersion = versions.findLastIndex((version) => version.position === position);
    next = { label: request.label, last: model.size, greatestVersion };
  } while ((next.greatestVersion as number) < versions.length - 1 && responses.length < MOST_RESPONSES);
  return join(...responses);
}

/** What a client might be monitoring: for some versions, a place on the path of the entry that first held them. */
function monitoringMap({ dice, model }: PairedLog, label: Uint8Array): MapEntry[] {
  const chosen = new Map<number, number>();
  for (const [version, { position }] of model.versions(label).entries()) {
    if (dice.below(3) === 0) continue;
    const right = pathTo(position, model.size).filter((step) => step >= position);
    chosen.set(dice.pick(right), version);
  }
  // Also maps that no honest client holds, with a lesser version further right.
  return [...chosen]
    .map(([position, version]) => ({ position, version }))
    .sort((left, right) => left.position - right.position);
}

/** Grows a log at random times with random batches, and asks as it grows. */
async function play(pair: PairedLog, entries: number, questions: number): Promise<void> {
  const { dice } = pair;
  const labels = Array.from({ length: LABELS }, (_, i) => new TextEncoder().encode(`label-${i}`));
  let now = 1_700_000_000_000;
  await pair.append(now, []);
  const managed = pair.configuration.mode === "thirdPartyManagement";
  for (let i = 0; i < entries; i++) {
    now += dice.pick([0, 1, 50, 400, 1000, 5000]);
    const changed = labels.filter(() => dice.below(4) === 0);
    await pair.append(
      now,
      changed.map((label) => ({
        label,
        values: Array.from({ length: 1 + (dice.below(3) === 0 ? dice.below(5) : 0) }, () =>
          dice.bytes(8 + dice.below(20)),
        ),
        ...(managed && dice.below(3) === 0 ? { skipped: 1 + dice.below(3) } : {}),
      })),
    );
    if (pair.configuration.mode === "thirdPartyAuditing" && (i === 0 || dice.below(3) === 0)) await pair.audit();
    for (let q = 0; q < questions; q++) {
      const { asked, expected, actual } = await ask(pair, labels);
      expect({ asked, answer: actual }).toEqual({ asked, answer: expected });
    }
  }
}

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
          await play(pair, entries, 4);
          expect(pair.model.size).toBe(entries + 1);
        }
      },
      LONG ? 3_600_000 : 60_000,
    );
  });
});
