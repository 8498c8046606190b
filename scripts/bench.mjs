// `npm run -s bench -- --json FILE [NAME...]`: see bench/main.ts.
import { prepare } from "./bootstrap.mjs";
import { importTypeScript } from "./run-typescript.mjs";

await prepare();
const { main } = await importTypeScript("bench/main.ts");
await main(process.argv.slice(2));
