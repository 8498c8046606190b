// Writes the corpus beside this file: node -e 'import("./scripts/run-typescript.mjs").then((run) => run.importTypeScript("test/vectors/x509-mls/generate.ts"))'
import { writeFileSync } from "node:fs";
import { corpus } from "../../x509/corpus.js";

writeFileSync(new URL("x509-mls.json", import.meta.url), `${JSON.stringify(corpus(), null, 1)}\n`);
