// `npm test`: installs, builds, runs every test. Extra arguments go to vitest.
// What needs a server or a device is skipped with its reason where that is missing; a full run ends with the counts on a line of their own.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { prepare, root } from "./bootstrap.mjs";

await prepare();
const folder = mkdtempSync(join(tmpdir(), "mls-as-test-"));
const results = join(folder, "results.json");
const { status } = spawnSync(
  process.execPath,
  [
    join(root, "node_modules/vitest/vitest.mjs"),
    "run",
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${results}`,
    ...process.argv.slice(2),
  ],
  { cwd: root, stdio: "inherit" },
);
process.exitCode = status ?? 1;
try {
  const report = JSON.parse(readFileSync(results, "utf8"));
  const tests = report.testResults.flatMap((file) => file.assertionResults);
  const skipped = tests.filter(
    (test) => test.status === "pending" || test.status === "skipped" || test.status === "todo",
  );
  for (const test of skipped) console.log(`skipped: ${test.fullName}`);
  // A file that cannot even be loaded has no tests to count; it is one failure.
  const brokenFiles = report.testResults.filter(
    (file) => file.status === "failed" && file.assertionResults.length === 0,
  );
  const failed = report.numFailedTests + brokenFiles.length;
  console.log(`${report.numPassedTests} passed, ${failed} failed, ${skipped.length} skipped`);
  if (failed > 0) process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
