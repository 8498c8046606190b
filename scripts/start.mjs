// `npm start`: installs and builds what is missing, then runs the log and the AS in this process.
import { prepare, root } from "./bootstrap.mjs";

process.chdir(root);
try {
  await prepare();
  const { main } = await import("./development-services.mjs");
  await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
