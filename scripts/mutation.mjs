// Mutation testing of a package: node scripts/mutation.mjs PACKAGE [--every N] [PATH...]
// With paths (files or folders below the package's src) only those are mutated; with --every N only each Nth dozen of lines, for a
// sample where there is no time for all. The package says in stryker.PACKAGE.config.mjs what is mutated by default and how; the
// report goes to reports/mutation/PACKAGE.
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const DOZEN = 12;

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

const [name, ...given] = process.argv.slice(2);
if (name === undefined) throw new Error("which package?");
const { VERIFYING } = await import(join(root, `stryker.${name}.config.mjs`));
const every = given[0] === "--every" ? Number(given.splice(0, 2)[1]) : 1;
const files = (given.length > 0 ? given : VERIFYING).flatMap((path) => sources(`packages/${name}/src/${path}`));
// By environment: on Stryker's command line a comma inside braces would end the glob.
const mutate = every > 1 ? sampled(files, every) : files;
const { status } = spawnSync(
  join(root, "node_modules/.bin/stryker"),
  ["run", `stryker.${name}.config.mjs`, "--tempDirName", join(tmpdir(), `${name}-mutation-${process.pid}`)],
  { cwd: root, stdio: "inherit", env: { ...process.env, MUTATE: JSON.stringify(mutate) } },
);
process.exit(status ?? 1);
