import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { silentNarrator, terminalNarrator } from "./narrator.js";
import { runScenario } from "./scenario.js";

const USAGE = `Usage: npm run -s demo [-- --json]

Starts the log and the AS on a temporary folder, lets three MLS clients of two people enrol and talk, and then has the operator cheat.
  --json   prints one JSON object instead of the story
`;

interface Services {
  readonly as: string;
  readonly log: string;
  stop(): Promise<void>;
}

/** What `npm start -- --port 0 --data DIR --json` starts, as a process of its own. */
async function startServices(dataDir: string): Promise<Services> {
  const start = fileURLToPath(new URL("../scripts/start.mjs", import.meta.url));
  const child = spawn(process.execPath, [start, "--port", "0", "--data", dataDir, "--json"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  const line = await Promise.race([
    once(createInterface({ input: child.stdout }), "line").then(([text]) => String(text)),
    exited.then(([code]) => {
      throw new Error(`the services ended at once with exit code ${String(code)}`);
    }),
  ]);
  const { as, log } = JSON.parse(line) as { as: string; log: string };
  return {
    as,
    log,
    async stop() {
      child.kill("SIGTERM");
      await exited;
    },
  };
}

export async function main(args: string[]): Promise<void> {
  if (args.includes("--help") || args.includes("-h")) {
    process.stdout.write(USAGE);
    return;
  }
  const unknown = args.find((argument) => argument !== "--json");
  if (unknown !== undefined) {
    process.stderr.write(`unknown argument ${unknown}\n\n${USAGE}`);
    process.exitCode = 2;
    return;
  }
  const json = args.includes("--json");
  const dataDir = mkdtempSync(join(tmpdir(), "mls-as-demo-"));
  let services: Services | undefined;
  try {
    services = await startServices(dataDir);
    const report = await runScenario(
      { asUrl: services.as, logUrl: services.log, asDataDir: join(dataDir, "as") },
      json ? silentNarrator : terminalNarrator(process.stdout),
    );
    if (json) process.stdout.write(`${JSON.stringify(report)}\n`);
  } finally {
    await services?.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
}
