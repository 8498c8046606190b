import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";

/** What became of one case. A case counts as passed only when everything it states was compared. */
export interface Outcome {
  readonly case: string;
  readonly ok: boolean | "skipped";
  readonly detail?: string;
}

type Runner = (paths: string[], report: (outcome: Outcome) => void) => Promise<void>;

const SUITES: Readonly<Record<string, () => Promise<Runner>>> = {
  mls: async () => (await import("./mls.js")).runMls,
  vrf: async () => (await import("./vrf.js")).runVrf,
  keytrans: async () => (await import("./keytrans.js")).runKeytrans,
  x509: async () => (await import("./x509.js")).runX509,
  verdict: async () => (await import("./verdict.js")).runVerdict,
  "device-list": async () => (await import("./device-list.js")).runDeviceList,
  ghost: async () => (await import("./ghost.js")).runGhost,
};

const USAGE = `Usage: npm run -s conformance -- SUITE PATH...

Runs test vectors, anyone's, through this project's code.
SUITE is one of ${Object.keys(SUITES).join(", ")}; PATH is a JSON file or a folder of them.
Formats: docs/conformance.md. Exit 0: all passed; 1: a case failed; 2: usage.
`;

/** Files as given, folders searched for .json files, in a stable order. */
function expand(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path, { withFileTypes: true })
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => (entry.isDirectory() || entry.name.endsWith(".json") ? expand(join(path, entry.name)) : []));
}

/** A line for each failing or skipped case; last line `N passed, M failed, K skipped`. */
export async function main(args: string[]): Promise<void> {
  const [suite, ...paths] = args;
  const load = suite === undefined || !Object.hasOwn(SUITES, suite) ? undefined : SUITES[suite];
  if (load === undefined || paths.length === 0) {
    process.stderr.write(USAGE);
    process.exitCode = 2;
    return;
  }
  let files: string[];
  try {
    files = paths.flatMap(expand);
  } catch (error) {
    const { code, path, message } = error as NodeJS.ErrnoException;
    process.stderr.write(code === "ENOENT" ? `There is no ${path}.\n` : `${message}\n`);
    process.exitCode = 2;
    return;
  }
  const counts = { passed: 0, failed: 0, skipped: 0 };
  const report = (outcome: Outcome): void => {
    const detail = outcome.detail === undefined ? "" : `: ${outcome.detail}`;
    if (outcome.ok === true) counts.passed++;
    else if (outcome.ok === "skipped") {
      counts.skipped++;
      process.stdout.write(`skipped ${outcome.case}${detail}\n`);
    } else {
      counts.failed++;
      process.stdout.write(`FAILED ${outcome.case}${detail}\n`);
    }
  };
  const run = await load();
  for (const file of files) {
    try {
      await run([file], report);
    } catch (error) {
      report({ case: file, ok: false, detail: `the file cannot be run: ${(error as Error).message}` });
    }
  }
  if (counts.passed + counts.failed + counts.skipped === 0)
    report({ case: paths.join(" "), ok: false, detail: "no case found" });
  process.stdout.write(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped\n`);
  process.exitCode = counts.failed === 0 ? 0 : 1;
}
