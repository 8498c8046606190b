// Writes kt's man page and shell completions, which are made from the commands themselves.
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { prepare, root } from "./bootstrap.mjs";

await prepare();
const { manual } = await import(join(root, "packages/kt-cli/dist/manual/manual.js"));
for (const [path, text] of Object.entries(manual())) {
  const file = join(root, "packages/kt-cli", path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}
