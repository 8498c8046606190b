// Mutation testing of packages/keytrans: node scripts/mutation-keytrans.mjs [--every N] [PATH...]
// With paths (files or folders below packages/keytrans/src) only those are mutated; with --every N only each Nth dozen of lines, for a
// sample where there is no time for all. The report goes to reports/mutation.
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const DOZEN = 12;
const VERIFYING = [
  "algorithms",
  "auditor",
  "client",
  "log-tree",
  "prefix-tree/audit.ts",
  "prefix-tree/bits.ts",
  "prefix-tree/evaluate.ts",
  "binary-ladder.ts",
  "search-tree.ts",
];

/** The sources at a path, tests and re-exports aside. */
function sources(path) {
  if (statSync(join(root, path)).isFile()) return [path];
  const names = readdirSync(join(root, path)).sort();
  return names.flatMap((name) => sources(`${path}/${name}`)).filter((file) => !/(\.test|\/index)\.ts$/.test(file));
}

/** Each `every`th dozen of lines of the files, as Stryker names ranges. The count runs on from file to file. */
function sampled(files, every) {
  let dozen = 0;
  return files.flatMap((file) => {
    const lines = readFileSync(join(root, file), "utf8").split("\n").length;
    const ranges = [];
    for (let first = 1; first <= lines; first += DOZEN)
      if (dozen++ % every === 0) ranges.push(`${file}:${first}-${Math.min(lines, first + DOZEN - 1)}`);
    return ranges;
  });
}

const given = process.argv.slice(2);
const every = given[0] === "--every" ? Number(given.splice(0, 2)[1]) : 1;
const files = (given.length > 0 ? given : VERIFYING).flatMap((path) => sources(`packages/keytrans/src/${path}`));
// By environment: on Stryker's command line a comma inside braces would end the glob.
const mutate = every > 1 ? sampled(files, every) : files;
const { status } = spawnSync(
  join(root, "node_modules/.bin/stryker"),
  ["run", "stryker.keytrans.config.mjs", "--tempDirName", join(tmpdir(), `keytrans-mutation-${process.pid}`)],
  {
    cwd: root,
    stdio: "inherit",
    env: { ...process.env, KEYTRANS_MUTATE: JSON.stringify(mutate) },
  },
);
process.exit(status ?? 1);
