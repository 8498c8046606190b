import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { corpus } from "../x509/corpus.js";
import { explanations } from "../x509/explanations.js";
import { type CaseOutcome, readCase, runX509 } from "./x509.js";

const VECTORS =
  process.env["CONFORMANCE_VECTORS"] ?? fileURLToPath(new URL("../../../shared/vectors", import.meta.url));
const LIMBO = `${VECTORS}/x509/limbo.json`;
const OWN = fileURLToPath(new URL("../vectors/x509-mls/x509-mls.json", import.meta.url));

const EXPLAINED = fileURLToPath(new URL("../x509/explanations.json", import.meta.url));

async function outcomesOf(file: string): Promise<CaseOutcome[]> {
  const outcomes: CaseOutcome[] = [];
  await runX509([file], (outcome) => outcomes.push(outcome));
  return outcomes;
}

describe("x509-limbo, cases of RFC 5280 path validation", () => {
  it.skipIf(!existsSync(LIMBO))("agrees with every case (skipped without CONFORMANCE_VECTORS)", async () => {
    const outcomes = await outcomesOf(LIMBO);
    expect(outcomes.filter(({ ok }) => ok !== true)).toEqual([]);
    expect(outcomes).toHaveLength(138);
  });
});

describe("x509-mls, our own corpus", () => {
  it("agrees with every case", async () => {
    expect((await outcomesOf(OWN)).filter(({ ok }) => ok !== true)).toEqual([]);
  });

  it("says of every case which rules it breaks, and where, as recorded beside it", async () => {
    const { testcases } = JSON.parse(readFileSync(OWN, "utf8")) as { testcases: Readonly<Record<string, unknown>>[] };
    const recorded = JSON.parse(readFileSync(EXPLAINED, "utf8")) as object;
    const explained = await explanations(testcases);
    expect(explained).toEqual(recorded);
    for (const { id, expected_result } of testcases) {
      const accepted = "accepted" in (explained[id as string] ?? {});
      expect(accepted, id as string).toBe(expected_result === "SUCCESS");
    }
  });

  it("is what the generator writes, with at least 150 cases of which 100 must fail", () => {
    const { testcases } = corpus();
    expect(`${JSON.stringify({ version: 1, testcases }, null, 1)}\n`).toBe(readFileSync(OWN, "utf8"));
    expect(testcases.length).toBeGreaterThanOrEqual(150);
    expect(testcases.filter(({ expected_result }) => expected_result === "FAILURE").length).toBeGreaterThanOrEqual(100);
  });
});

describe("cases with policy inputs", () => {
  it("are read under the names of RFC 5280 too", () => {
    const { testcase, unread } = readCase({
      id: "names",
      "user-initial-policy-set": ["1.2.3"],
      initial_explicit_policy: true,
      initial_policy_mapping_inhibit: true,
      "any-policy-inhibit": true,
    });
    expect(unread).toEqual([]);
    expect(testcase).toEqual({
      id: "names",
      initial_policies: ["1.2.3"],
      require_explicit_policy: true,
      inhibit_policy_mapping: true,
      inhibit_any_policy: true,
    });
  });

  it("name what is not read, unless it says nothing", () => {
    expect(readCase({ id: "unread", delta_crls: ["x"], signature_algorithms: [], anchors_extra: null }).unread).toEqual(
      ["delta_crls"],
    );
  });
});
