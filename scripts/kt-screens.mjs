// Makes the terminal captures of docs/kt.md anew (`--write`), or prints the page: see test/e2e/kt/screens.ts.
import { prepare } from "./bootstrap.mjs";
import { importTypeScript } from "./run-typescript.mjs";

await prepare();
const { main } = await importTypeScript("test/e2e/kt/screens.ts");
await main(process.argv.slice(2));
