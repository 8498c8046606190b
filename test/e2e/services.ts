import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** A service in a process of its own, ready to answer. */
export interface Service {
  readonly url: string;
  readonly child: ChildProcess;
  /** Settles when the process has ended, with its exit code or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>;
  /** SIGTERM, and wait. */
  stop(): Promise<void>;
  /** SIGKILL, and wait. */
  kill(): Promise<void>;
}

async function launch(script: string, args: string[], environment: Record<string, string>): Promise<Service> {
  const child = spawn(process.execPath, [join(root, script), ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...environment },
  });
  const errors: string[] = [];
  child.stderr.setEncoding("utf8").on("data", (text: string) => errors.push(text));
  const ended = once(child, "exit").then(
    ([code, signal]: (number | NodeJS.Signals | null)[]) => (code ?? signal ?? 0) as number | NodeJS.Signals,
  );
  const lines = createInterface({ input: child.stdout });
  const url = await new Promise<string>((resolve, reject) => {
    lines.on("line", (line) => {
      if (line.startsWith("{") && line.includes('"url"')) resolve((JSON.parse(line) as { url: string }).url);
    });
    void ended.then((status) => reject(new Error(`${script} ended with ${status}: ${errors.join("")}`)));
  });
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    child.kill(signal);
    await ended;
  };
  return { url, child, ended, stop: () => end("SIGTERM"), kill: () => end("SIGKILL") };
}

/** The Key Transparency log on `dataDir`, made there on the first start. */
export function startLog(dataDir: string, options: { port?: number; failpoint?: string } = {}): Promise<Service> {
  return launch(
    "services/kt-log/dist/main.js",
    ["serve", "--init", "--data", dataDir, "--port", String(options.port ?? 0), "--json"],
    options.failpoint === undefined ? {} : { KT_LOG_FAILPOINT: options.failpoint },
  );
}

/** The AS on `dataDir`, with a fresh development CA on the first start. */
export function startAuthenticationService(
  dataDir: string,
  log: { url: string; dataDir: string },
  options: { port?: number; failpoint?: string } = {},
): Promise<Service> {
  return launch(
    "services/as/dist/main.js",
    [
      ...["serve", "--quiet", "--data", dataDir, "--port", String(options.port ?? 0), "--json"],
      ...["--log-url", log.url, "--log-writer-token-file", join(log.dataDir, "writer-token")],
    ],
    options.failpoint === undefined ? {} : { MLS_AS_FAILPOINT: options.failpoint },
  );
}

/** The port of a service's URL, to start it again where its clients expect it. */
export function portOf(service: Service): number {
  return Number(new URL(service.url).port);
}
