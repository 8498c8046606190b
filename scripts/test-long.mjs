// `npm run test:long`: the tests that take long on purpose (hundreds of kills, random walks for hours). Extra arguments go to
// vitest; without any, every test file that knows a long mode runs. Results are appended to MLS_AS_LONG_RESULTS, a line each.
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { prepare, root } from "./bootstrap.mjs";

/** Test files that read MLS_AS_LONG. */
function longTests(folder) {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    if (name === "node_modules" || name === "dist" || name.startsWith(".")) return [];
    if (statSync(path).isDirectory()) return longTests(path);
    return name.endsWith(".test.ts") && readFileSync(path, "utf8").includes("MLS_AS_LONG")
      ? [relative(root, path)]
      : [];
  });
}

await prepare();
const given = process.argv.slice(2);
const files = ["packages", "services", "test"].flatMap((folder) => longTests(join(root, folder)));
const { status } = spawnSync(
  process.execPath,
  [join(root, "node_modules/vitest/vitest.mjs"), "run", ...(given.length > 0 ? given : files)],
  { cwd: root, stdio: "inherit", env: { ...process.env, MLS_AS_LONG: "1" } },
);
process.exitCode = status ?? 1;
