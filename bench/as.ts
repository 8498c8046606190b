import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startAs } from "@mls-as/as";
import { startKtLog } from "@mls-as/kt-log";
import {
  certificateSigningRequest,
  type SubjectKeyPair,
  subjectKeyPair,
} from "../services/as/fixtures/certificate-signing-request.js";
import type { Benchmark, Measurement } from "./main.js";

const REQUESTS = 300;
const AT_ONCE = 16;

interface Enrolment {
  readonly user: string;
  readonly client: string;
  readonly key: SubjectKeyPair;
  readonly token: string;
}

async function post<T>(url: string, body: unknown, headers: Record<string, string> = {}): Promise<T> {
  const init = {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  };
  const response = await fetch(url, init);
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
  return (await response.json()) as T;
}

/** Runs `work` over all items, `AT_ONCE` side by side; milliseconds of each. */
async function spread<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<number[]> {
  const queue = items.values();
  const times: number[] = [];
  const worker = async (): Promise<void> => {
    for (const item of queue) {
      const started = performance.now();
      await work(item);
      times.push(performance.now() - started);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return times.sort((a, b) => a - b);
}

/** First enrolments of different users over HTTP: nonce, CSR check, durable log entry with proof, signature, answer. */
async function enrolments(): Promise<readonly Measurement[]> {
  const folder = await mkdtemp(join(tmpdir(), "mls-as-bench-"));
  const log = await startKtLog({ dataDir: join(folder, "log"), port: 0, quiet: true });
  const as = await startAs({
    dataDir: join(folder, "as"),
    port: 0,
    quiet: true,
    logUrl: log.url,
    logWriterToken: log.writerToken,
  });
  try {
    const prepared: Enrolment[] = [];
    for (let i = 0; i < REQUESTS; i++) {
      const [user, client] = [`mimi://mls.example/u/user${i}`, `mimi://mls.example/d/user${i}/phone`];
      const made = await post<{ token: string }>(
        `${as.url}/v1/admin/tokens`,
        { user, client },
        { authorization: `Bearer ${as.adminToken}` },
      );
      prepared.push({ user, client, key: subjectKeyPair(), token: made.token });
    }
    const started = performance.now();
    const times = await spread(prepared, async ({ user, client, key, token }) => {
      const { nonce } = await post<{ nonce: string }>(`${as.url}/v1/nonces`, {});
      const csr = Buffer.from(certificateSigningRequest({ key, uris: [user, client], nonce })).toString("base64url");
      await post(`${as.url}/v1/credentials`, { csrs: [csr], enrolment: { token } });
    });
    const seconds = (performance.now() - started) / 1000;
    const params = {
      signer: "software",
      storage: "sqlite",
      concurrency: AT_ONCE,
      processes: "one, both services and the clients",
    };
    const p99 = times[Math.floor(times.length * 0.99)] ?? 0;
    return [
      { name: "as/enrolments", unit: "credentials/s", value: REQUESTS / seconds, samples: REQUESTS, params },
      { name: "as/enrolment latency p99", unit: "ms", value: p99, samples: REQUESTS, params },
    ];
  } finally {
    await as.close();
    await log.close();
    await rm(folder, { recursive: true, force: true });
  }
}

export const benchmarks: readonly Benchmark[] = [{ name: "as/enrolments", run: enrolments }];
