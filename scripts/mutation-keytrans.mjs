// Mutation testing of packages/keytrans: node scripts/mutation-keytrans.mjs [GLOB...]
// With globs (below packages/keytrans/src) only those files are mutated. The report goes to reports/mutation.
import { spawnSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const globs = process.argv.slice(2);
const chosen = globs.length === 0 ? [] : ["--mutate", globs.map((glob) => `packages/keytrans/src/${glob}`).join(",")];
const { status } = spawnSync(
  join(root, "node_modules/.bin/stryker"),
  [
    "run",
    "stryker.keytrans.config.mjs",
    "--tempDirName",
    join(tmpdir(), `keytrans-mutation-${process.pid}`),
    ...chosen,
  ],
  { cwd: root, stdio: "inherit" },
);
process.exit(status ?? 1);
