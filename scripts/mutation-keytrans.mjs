// Mutation testing of packages/keytrans: node scripts/mutation-keytrans.mjs [GLOB...]
// With globs (below packages/keytrans/src) only those files are mutated. The report goes to reports/mutation.
import { spawnSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
// By environment: on Stryker's command line a comma inside braces would end the glob.
const files = process.argv.slice(2).map((glob) => `packages/keytrans/src/${glob}`);
const { status } = spawnSync(
  join(root, "node_modules/.bin/stryker"),
  ["run", "stryker.keytrans.config.mjs", "--tempDirName", join(tmpdir(), `keytrans-mutation-${process.pid}`)],
  {
    cwd: root,
    stdio: "inherit",
    env: { ...process.env, ...(files.length > 0 && { KEYTRANS_MUTATE: JSON.stringify(files) }) },
  },
);
process.exit(status ?? 1);
