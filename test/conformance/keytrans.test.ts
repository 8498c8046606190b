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
