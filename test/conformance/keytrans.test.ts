import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { format, record } from "./keytrans-vectors/generate.js";
import { SCENARIOS } from "./keytrans-vectors/scenarios.js";
import { runKeytrans } from "./keytrans.js";
import type { Step, Transcript } from "./keytrans-transcript.js";
import type { Outcome } from "./main.js";

const FOLDER = new URL("../vectors/keytrans/", import.meta.url);
const files = (kind: "valid" | "invalid"): string[] =>
  readdirSync(new URL(kind, FOLDER)).map((name) => new URL(`${kind}/${name}`, FOLDER).pathname);
const read = (path: string): Transcript => JSON.parse(readFileSync(path, "utf8")) as Transcript;

async function outcomes(path: string): Promise<Outcome[]> {
  const reported: Outcome[] = [];
  await runKeytrans([path], (outcome) => reported.push(outcome));
  return reported;
}

describe("the published transcripts", () => {
  test.each([...files("valid"), ...files("invalid")])("%s", async (path) => {
    const reported = await outcomes(path);
    expect(reported).toHaveLength(read(path).steps.length);
    expect(reported.filter(({ ok }) => ok !== true)).toEqual([]);
  });

  test("cover every operation and mode, with at least 150 steps that must fail, each with its reason", () => {
    const steps = [...files("valid"), ...files("invalid")].flatMap((path) => read(path).steps);
    const operations = [
      "search",
      "contactMonitor",
      "ownerInit",
      "ownerMonitor",
      "update",
      "distinguished",
      "credential",
      "credentialUpdate",
      "audit",
      "managerUpdate",
    ];
    expect(new Set(steps.map(({ op }) => op))).toEqual(new Set(operations));
    const refused = steps.filter((step) => !step.expect.ok);
    expect(new Set(refused.map(({ op }) => op))).toEqual(new Set(operations));
    expect(refused.length).toBeGreaterThanOrEqual(150);
    expect(refused.filter((step) => (step.expect.reason ?? "") === "")).toEqual([]);
    const modes = files("valid").map((path) => read(path).configuration.slice(4, 6));
    expect(new Set(modes)).toEqual(new Set(["01", "02", "03"]));
  });

  test.each(SCENARIOS)("$name comes out of its generator as published", async (scenario) => {
    const published = readFileSync(new URL(`valid/${scenario.name}.json`, FOLDER), "utf8");
    expect(format(await record(scenario, false))).toBe(published);
  });
});

describe("the runner reports a failure", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "keytrans-"));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const base = read(new URL("valid/search-ed25519.json", FOLDER).pathname);
  async function details(
    changed: Partial<Step> & { expect?: Step["expect"] },
    header: Partial<Transcript> = {},
  ): Promise<string> {
    const [first] = base.steps as [Step];
    const path = join(folder, "changed.json");
    writeFileSync(path, JSON.stringify({ ...base, ...header, steps: [{ ...first, ...changed }] }));
    const [outcome] = (await outcomes(path)) as [Outcome];
    return outcome.ok === true ? "passed" : (outcome.detail ?? "no detail");
  }

  test("for another value, version, request, or a refusal that does not come", async () => {
    const { expect: expected } = base.steps[0] as Step;
    expect(await details({})).toBe("passed");
    expect(await details({ expect: { ...expected, value: "00" } })).toMatch(/^value is/);
    expect(await details({ expect: { ...expected, version: 7 } })).toMatch(/^version is/);
    expect(await details({ request: "00" })).toMatch(/^the request is/);
    expect(await details({ expect: { ok: false, reason: "none" } })).toMatch(/^accepted what must be refused/);
    expect(await details({ response: "00" })).toMatch(/^refused: malformed/);
  });

  test("for what it does not understand", async () => {
    const { expect: expected } = base.steps[0] as Step;
    expect(await details({ op: "toString" })).toMatch(/unknown operation/);
    expect(await details({ expect: { ...expected, colour: 1 } })).toMatch(/states colour/);
    expect(await details({ start: 1 })).toMatch(/states start/);
    expect(await details({ response: "xyz" })).toMatch(/is not hex/);
    expect(await details({}, { configuration: "0003" })).not.toBe("passed");
  });
});

describe("transcripts as others may write them", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "keytrans-"));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  async function play(content: unknown): Promise<(string | true)[]> {
    const path = join(folder, "transcript.json");
    writeFileSync(path, JSON.stringify(content));
    return (await outcomes(path)).map(({ ok, detail }) => (ok === true ? true : (detail ?? "failed")));
  }
  const valid = (name: string): Transcript => read(new URL(`valid/${name}-ed25519.json`, FOLDER).pathname);
  const all = (transcript: Transcript): true[] => transcript.steps.map(() => true);
  /** The transcript with some steps rewritten. */
  const rewritten = (transcript: Transcript, op: string, change: (step: Step) => object): Transcript => ({
    ...transcript,
    steps: transcript.steps.map((step) => (step.op === op ? ({ ...step, ...change(step) } as Step) : step)),
  });

  test("without `recent`, `now`, `request` or `expect` fields; upper-case hex; several in a file", async () => {
    const search = valid("search");
    const { now: _now, recent: _recent, ...header } = search;
    expect(await play(header)).toEqual(all(search));
    const bare = {
      ...search,
      steps: search.steps.map(({ request: _request, ...step }) => ({
        ...step,
        response: (step.response as string).toUpperCase(),
        expect: { ok: true },
      })),
    };
    expect(await play(bare)).toEqual(all(search));
    expect(await play([search, valid("owner")])).toHaveLength(search.steps.length + valid("owner").steps.length);
  });

  test("a single response as a list, `version` and `stop` left out, `values` empty or left out", async () => {
    const search = valid("search");
    expect(await play(rewritten(search, "search", ({ response }) => ({ response: [response] })))).toEqual(all(search));
    const greatest = rewritten(search, "search", ({ version }) => (version === null ? { version: undefined } : {}));
    expect(await play(greatest)).toEqual(all(search));
    const owner = valid("owner");
    expect(await play(rewritten(owner, "distinguished", ({ stop }) => ({ stop: stop ?? undefined })))).toEqual(
      all(owner),
    );
    const management = valid("third-party-management");
    const silent = rewritten(management, "update", () => ({ values: undefined }));
    expect(await play(silent)).toEqual(all(management));
  });

  test("responses out of order, one left out, none, or one twice are refused and change nothing", async () => {
    const owner = valid("owner");
    const at = owner.steps.findIndex(({ response }) => Array.isArray(response));
    const series = owner.steps[at] as Step;
    const [first, second] = series.response as [string, string];
    const failing = [[second, first], [second], [], [first, first], [first, second, second], "", "00"].map(
      (response) => ({
        ...series,
        response,
        expect: { ok: false },
      }),
    );
    const played = { ...owner, steps: [...owner.steps.slice(0, at), ...failing, ...owner.steps.slice(at)] };
    expect(await play(played)).toEqual([...all(owner), ...failing.map(() => true)]);
  });

  test("everything a result holds may be stated, in part, and is compared", async () => {
    const owner = valid("owner");
    const update = owner.steps.find(({ op, values }) => op === "update" && values?.length === 3) as Step;
    const versions = (update.values as string[]).map((value, i) => ({ version: 2 + i, value }));
    const stated = (expected: object) =>
      play(rewritten(owner, "update", (step) => (step === update ? { expect: { ok: true, ...expected } } : {})));
    expect(await stated({ versions, created: true, skipped: 0 })).toEqual(all(owner));
    expect(await stated({ versions: versions.map(({ version }) => ({ version })) })).toEqual(all(owner));
    expect(await stated({ versions: versions.slice(1) })).not.toEqual(all(owner));
    expect(await stated({ created: false })).not.toEqual(all(owner));
    const encoded = (heads: readonly string[]) => `0${heads.length}${heads.join("")}`;
    const walk = owner.steps.find(({ op }) => op === "distinguished") as Step;
    const heads = walk.expect.heads as string[];
    const walked = (value: unknown) =>
      play(rewritten(owner, "distinguished", (step) => (step === walk ? { expect: { ok: true, heads: value } } : {})));
    expect(await walked(encoded(heads))).toEqual(all(owner));
    expect(await walked(heads.toReversed())).not.toEqual(all(owner));
    expect(await walked([])).not.toEqual(all(owner));
  });

  test("updates of credentials and audits as lists; the auditor's all or nothing", async () => {
    const audit = valid("audit");
    const updates = audit.steps.map(({ update }) => update as string);
    const last = audit.steps.at(-1) as Step;
    const wrong = { op: "audit", update: [...updates.slice(0, -1), updates[0]], expect: { ok: false } };
    expect(await play({ ...audit, steps: [wrong, { ...last, update: updates }] })).toEqual([true, true]);
    const credentials = valid("credentials");
    const listed = rewritten(credentials, "credentialUpdate", ({ update }) => ({ update: [update] }));
    expect(await play(listed)).toEqual(all(credentials));
    const early = { ...(credentials.steps.find(({ op }) => op === "credentialUpdate") as Step), expect: { ok: false } };
    expect(await play({ ...credentials, steps: [early] })).toEqual([true]);
  });

  test("steps that fail before anything is decoded, or under a configuration that is refused", async () => {
    const search = valid("search");
    const [step] = search.steps as [Step];
    const refused = { ok: false, reason: "no state", error: "any code" };
    const steps = [
      { op: "ownerMonitor", label: step.label, request: "", response: "", expect: refused },
      { op: "contactMonitor", label: step.label, request: "", response: "", expect: refused },
      { op: "update", label: step.label, values: ["00"], request: "", response: "", expect: refused },
      { op: "ownerInit", label: step.label, request: "", response: "", expect: refused },
      { op: "credentialUpdate", update: "", expect: refused },
      { op: "credential", credential: "00", expect: refused },
      { op: "audit", update: "", expect: refused },
      step,
    ];
    expect(await play({ ...search, steps })).toEqual(steps.map(() => true));
    for (const configuration of ["", "0003", search.configuration.slice(0, -2), `${search.configuration}00`]) {
      const results = await play({ ...search, configuration, steps: [{ ...step, expect: refused }, step] });
      expect(results[0]).toBe(true);
      expect(results[1]).not.toBe(true);
    }
  });
});
