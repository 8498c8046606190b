import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../", import.meta.url));

/** A service in a process of its own, as it is deployed. */
export interface ServiceProcess {
  readonly url: string;
  stop(): Promise<void>;
}

/** Starts a built service with `--json`, and waits until it says where it listens. */
export async function startService(
  service: "kt-log" | "as",
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<ServiceProcess> {
  const script = join(root, "services", service, "dist", "main.js");
  // MLS_BENCH_NODE passes options to Node, as --cpu-prof.
  const options = (process.env["MLS_BENCH_NODE"] ?? "").split(" ").filter((option) => option !== "");
  const child = spawn(process.execPath, [...options, script, "serve", ...args, "--port", "0", "--json"], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, ...environment },
  });
  const ended = once(child, "exit");
  const line = await Promise.race([
    once(createInterface(child.stdout), "line").then(([text]) => String(text)),
    ended.then(([code]) => {
      throw new Error(`${service} ended with ${String(code)}`);
    }),
  ]);
  return {
    url: (JSON.parse(line) as { url: string }).url,
    stop: async () => {
      child.kill("SIGTERM");
      await ended;
    },
  };
}
