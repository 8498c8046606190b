import { ProverError, signManagerUpdate } from "@mls-as/keytrans/prover";
import { expect } from "vitest";
import type { MapEntry } from "./model.js";
import { frontier, pathTo } from "./naive-trees.js";
import type { PairedLog } from "./paired-log.js";
import { Refusal } from "./refusal.js";
import { hex, join } from "./wire.js";

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
  "credential",
  "credentialUpdate",
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

interface Compared {
  readonly asked: string;
  readonly expected: string;
  readonly actual: string;
}

/** Ask one random thing of both. @returns what was asked and the two answers */
async function ask(pair: PairedLog, labels: readonly Uint8Array[]): Promise<Compared> {
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
    case "credential": {
      const request = { label, ...optional("position", dice.pick([undefined, dice.below(model.size + 1)])) };
      return compare(
        request,
        () => model.credential(request),
        () => prover.credential(requests.credential(request)),
      );
    }
    case "credentialUpdate": {
      // Mostly what a credential could have shown: the terminal entry of a search lies on the tree's frontier.
      const treeSize = 1 + dice.below(model.size + 1);
      const position = dice.below(8) === 0 ? dice.below(treeSize + 1) : dice.pick(frontier(treeSize));
      const version = dice.below(8) === 0 ? dice.below(versions.length + 1) : (model.greatestAt(label, position) ?? 0);
      const request = { label, version, position, treeSize };
      return compare(
        request,
        () => model.credentialUpdate(request),
        () => prover.credentialUpdate(requests.credentialUpdate(request)),
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

/** An owner, or the operator for a manager, creates versions through the prover. */
async function create(pair: PairedLog, label: Uint8Array, now: number): Promise<Compared> {
  const { dice, model, prover, requests, configuration } = pair;
  const greatest = model.greatestAt(label, model.size - 1);
  const last = dice.pick([undefined, 1 + dice.below(model.size), model.size]);
  const values = Array.from({ length: 1 + dice.below(3) }, () => dice.bytes(1 + dice.below(20)));
  const known = { ...optional("last", last), label, ...optional("greatestVersion", greatest) };
  const managed = configuration.mode === "thirdPartyManagement";
  const skipped = managed ? dice.below(3) : 0;
  const signedVersion = (greatest ?? -1) + 1 + skipped;
  const plain = requests.update({ ...known, values });
  const request = managed ? await signManagerUpdate(pair, plain, signedVersion) : plain;
  if (managed && hex(request) !== hex(await requests.managerUpdate({ ...known, values, signedVersion })))
    throw new Error("the ManagerUpdateRequest differs");
  const plan = managed ? await prover.planManagerUpdate(request) : await prover.planUpdate(request);
  if (plan.kind !== "insert") throw new Error("an update of the greatest version plans no insertion");
  await pair.append(now, [{ label, values, skipped }]);
  const [expected, actual] = await answers(
    () => model.update({ ...known, created: true }),
    () => (managed ? prover.answerManagerUpdate(request) : prover.answerUpdate(request)),
  );
  return { asked: `create ${JSON.stringify({ ...known, label: hex(label) })} at size ${model.size}`, expected, actual };
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

/** How often each operation was answered, refused answers aside. */
export type Tally = Map<string, number>;

/** Grows a log at random times with random batches, and asks as it grows. */
export async function play(
  pair: PairedLog,
  {
    entries,
    questions,
    labels: count,
  }: { readonly entries: number; readonly questions: number; readonly labels: number },
  tally: Tally = new Map(),
): Promise<void> {
  const { dice } = pair;
  const answered = ({ asked, expected, actual }: Compared): void => {
    expect({ asked, answer: actual }).toEqual({ asked, answer: expected });
    const operation = asked.slice(0, asked.indexOf(" "));
    if (actual !== "refused") tally.set(operation, (tally.get(operation) ?? 0) + 1);
  };
  const labels = Array.from({ length: count }, (_, i) => new TextEncoder().encode(`label-${i}`));
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
    for (let q = 0; q < questions; q++) answered(await ask(pair, labels));
    if (dice.below(4) === 0) answered(await create(pair, dice.pick(labels), now));
  }
}
