// `npm run -s conformance -- SUITE PATH...`: see test/conformance/main.ts.
import { prepare } from "./bootstrap.mjs";
import { importTypeScript } from "./run-typescript.mjs";

await prepare();
const { main } = await importTypeScript("test/conformance/main.ts");
await main(process.argv.slice(2));
