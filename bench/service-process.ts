import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../", import.meta.url));

/** Clock ticks in a second, as `/proc` counts them: the same on every Linux that Node runs on. */
const TICKS = 100;

/** A service in a process of its own, as it is deployed. */
export interface ServiceProcess {
  readonly url: string;
  /** Milliseconds of CPU that all its threads have used; 0 where the platform does not tell (anything but Linux). */
  cpu(): number;
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
    cpu: () => (process.platform === "linux" ? cpuOf(child.pid) : 0),
    stop: async () => {
      child.kill("SIGTERM");
      await ended;
    },
  };
}

/** `utime` and `stime` of a process: fields 14 and 15, counted from behind its name, which may hold anything. */
function cpuOf(pid: number | undefined): number {
  const stat = readFileSync(`/proc/${pid ?? 0}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS;
}
