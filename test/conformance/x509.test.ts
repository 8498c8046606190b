import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { type CaseOutcome, runX509 } from "./x509.js";

const VECTORS = process.env["CONFORMANCE_VECTORS"] ?? fileURLToPath(new URL("../../../shared/vectors", import.meta.url));
const LIMBO = `${VECTORS}/x509/limbo.json`;

describe("x509-limbo, cases of RFC 5280 path validation", () => {
  it.skipIf(!existsSync(LIMBO))("agrees with every case", async () => {
    const outcomes: CaseOutcome[] = [];
    await runX509([LIMBO], (outcome) => outcomes.push(outcome));
    expect(outcomes.filter(({ ok }) => ok !== true)).toEqual([]);
    expect(outcomes).toHaveLength(138);
  });
});
