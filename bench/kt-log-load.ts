import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { Agent, request as httpRequest } from "node:http";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../services/kt-log/dist/main.js", import.meta.url));

/** A log as a process of its own. */
export interface ServedLog {
  post(path: string, body: Uint8Array, headers?: Record<string, string>): Promise<Uint8Array>;
  /** CPU milliseconds of the process so far, all threads. */
  cpu(): number;
  /** Resident memory, bytes. */
  memory(): number;
  readonly writerToken: string;
  stop(): Promise<void>;
}

export async function serveLog(dataDir: string): Promise<ServedLog> {
  const child = spawn(process.execPath, [MAIN, "serve", "--data", dataDir, "--port", "0", "--json"], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, KT_LOG_LEVEL: "error" },
  });
  const ended = once(child, "exit");
  const [line] = (await Promise.race([
    once(createInterface({ input: child.stdout }), "line"),
    ended.then(() => Promise.reject(new Error("the log ended"))),
  ])) as [string];
  const { hostname, port } = new URL((JSON.parse(line) as { url: string }).url);
  const agent = new Agent({ keepAlive: true, maxSockets: 1024 });
  const proc = (file: string): string => readFileSync(`/proc/${child.pid}/${file}`, "utf8");
  return {
    post: (path, body, headers = {}) =>
      new Promise((resolve, reject) => {
        const sent = { "content-type": "application/octet-stream", "content-length": body.length, ...headers };
        const request = httpRequest({ hostname, port, path, method: "POST", agent, headers: sent }, (response) => {
          const parts: Uint8Array[] = [];
          response.on("data", (part: Uint8Array) => parts.push(part));
          response.on("end", () => {
            const { statusCode = 0 } = response;
            if (statusCode < 300) resolve(new Uint8Array(Buffer.concat(parts)));
            else reject(new Error(`${statusCode}: ${Buffer.concat(parts).toString()}`));
          });
        });
        request.on("error", reject);
        request.end(body);
      }),
    cpu: () => {
      const fields = proc("stat").split(") ")[1]?.split(" ") ?? [];
      return (Number(fields[11]) + Number(fields[12])) * 10;
    },
    memory: () => Number(/^VmRSS:\s+(\d+)/m.exec(proc("status"))?.[1] ?? 0) * 1024,
    writerToken: readFileSync(join(dataDir, "writer-token"), "utf8").trim(),
    async stop() {
      agent.destroy();
      child.kill("SIGTERM");
      await ended;
    },
  };
}

export interface Load {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
}

const summary = (times: number[], count: number, total: number): Load => {
  times.sort((a, b) => a - b);
  const at = (share: number): number => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0;
  return { perSecond: (count / total) * 1000, p50: at(0.5), p99: at(0.99) };
};

/** As fast as it goes with `atOnce` requests under way. Times in milliseconds. */
export async function closedLoop(count: number, atOnce: number, work: (i: number) => Promise<unknown>): Promise<Load> {
  const times: number[] = [];
  let next = 0;
  const begun = performance.now();
  const worker = async (): Promise<void> => {
    for (let i = next++; i < count; i = next++) {
      const started = performance.now();
      await work(i);
      times.push(performance.now() - started);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return summary(times, count, performance.now() - begun);
}

/** `rate` requests a second whether or not the earlier ones were answered: waiting counts from when each was due. */
export async function openLoop(count: number, rate: number, work: (i: number) => Promise<unknown>): Promise<Load> {
  const times: number[] = [];
  const begun = performance.now();
  const running: Promise<void>[] = [];
  for (let i = 0; i < count; ) {
    const due = Math.min(count, Math.floor(((performance.now() - begun) / 1000) * rate) + 1);
    for (; i < due; i++) {
      const started = begun + (i / rate) * 1000;
      running.push(work(i).then(() => void times.push(performance.now() - started)));
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await Promise.all(running);
  return summary(times, count, performance.now() - begun);
}
