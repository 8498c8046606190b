import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import type { Outcome } from "./main.js";
import { runMls } from "./mls.js";

const vectors = join(
  process.env["CONFORMANCE_VECTORS"] ?? fileURLToPath(new URL("../../../shared/vectors", import.meta.url)),
  "mls",
);
const files = existsSync(vectors) ? readdirSync(vectors).filter((name) => name.endsWith(".json")) : [];

test.skipIf(files.length === 0)(
  files.length === 0
    ? "MLS working group vectors: skipped, CONFORMANCE_VECTORS names no folder with mls/*.json"
    : "MLS working group vectors",
  async () => {
    const outcomes: Outcome[] = [];
    await runMls(
      files.map((name) => join(vectors, name)),
      (outcome) => outcomes.push(outcome),
    );
    expect(outcomes.filter(({ ok }) => ok !== true)).toEqual([]);
    expect(outcomes.length).toBeGreaterThanOrEqual(files.length);
  },
);
