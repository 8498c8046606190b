// Writes test/vectors/keytrans anew: see test/conformance/keytrans-vectors/.
import { prepare } from "./bootstrap.mjs";
import { importTypeScript } from "./run-typescript.mjs";

await prepare();
const { main } = await importTypeScript("test/conformance/keytrans-vectors/generate.ts");
await main();
