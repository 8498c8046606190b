import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { writeDurably } from "@mls-as/service-runtime";

const FILE = "running.json";

/** Notes in the data folder where its service listens, so that commands find it. */
export async function rememberRunning(dataDir: string, url: string): Promise<void> {
  await writeDurably(join(dataDir, FILE), `${JSON.stringify({ url, pid: process.pid })}\n`, 0o600);
}

export async function forgetRunning(dataDir: string): Promise<void> {
  await rm(join(dataDir, FILE), { force: true });
}

/** URL of the service that runs on a data folder; undefined when none says so, or its process is gone. */
export async function runningUrl(dataDir: string): Promise<string | undefined> {
  try {
    const { url, pid } = JSON.parse(await readFile(join(dataDir, FILE), "utf8")) as { url: string; pid: number };
    process.kill(pid, 0);
    return url;
  } catch {
    return undefined;
  }
}
