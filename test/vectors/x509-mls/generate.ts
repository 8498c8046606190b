// Writes the corpus and its explanations beside this file: node -e 'import("./scripts/run-typescript.mjs").then((run) => run.importTypeScript("test/vectors/x509-mls/generate.ts"))'
import { writeFileSync } from "node:fs";
import { corpus } from "../../x509/corpus.js";
import { explanations } from "../../x509/explanations.js";

const write = (name: string, value: unknown): void =>
  writeFileSync(new URL(name, import.meta.url), `${JSON.stringify(value, null, 1)}\n`);
const suite = corpus();
write("x509-mls.json", suite);
write("../../x509/explanations.json", await explanations(suite.testcases));
