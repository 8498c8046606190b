// `npm run -s demo`: see demo/main.ts.
import { prepare } from "./bootstrap.mjs";
import { importTypeScript } from "./run-typescript.mjs";

await prepare();
const { main } = await importTypeScript("demo/main.ts");
await main(process.argv.slice(2));
