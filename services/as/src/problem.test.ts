import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { PROBLEMS } from "./problem.js";

const source = (path: string): string => readFileSync(new URL(path, import.meta.url), "utf8");

test("docs/errors.md lists every code as it is", () => {
  const documented = source("../../../docs/errors.md");
  for (const [code, { status, title, remedy }] of Object.entries(PROBLEMS))
    expect(documented).toContain(`| \`${code}\` | ${status} | ${title} | ${remedy} |`);
});

test("every code is provoked by a test", () => {
  const tests = readdirSync(new URL(".", import.meta.url), { recursive: true })
    .map(String)
    .filter((path) => path.endsWith(".test.ts") && !path.includes("problem.test"))
    .map((path) => source(`./${path}`))
    .join("\n");
  expect(Object.keys(PROBLEMS).filter((code) => !tests.includes(`"${code}"`))).toEqual([]);
});
