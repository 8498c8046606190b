import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  certificateSigningRequest,
  type SubjectKeyPair,
  subjectKeyPair,
} from "../services/as/fixtures/certificate-signing-request.js";
import { issuanceParts, revocationStatus } from "./as-parts.js";
import type { Benchmark, Measurement } from "./main.js";
import { type ServiceProcess, startService } from "./service-process.js";

const REQUESTS = 600;
const WARM_UP = 64;
const ALONE = 60;
const AT_ONCE = 64;

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

/** Runs `work` over all items, `atOnce` side by side; milliseconds of each, ascending. */
async function spread<T>(items: readonly T[], atOnce: number, work: (item: T) => Promise<void>): Promise<number[]> {
  const queue = items.values();
  const times: number[] = [];
  const worker = async (): Promise<void> => {
    for (const item of queue) {
      const started = performance.now();
      await work(item);
      times.push(performance.now() - started);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return times.sort((a, b) => a - b);
}

interface Services {
  readonly as: ServiceProcess;
  readonly log: ServiceProcess;
  readonly adminToken: string;
  readonly asDir: string;
  readonly writerToken: string;
}

/** Both services in processes of their own, as they are deployed. */
async function withServices<T>(
  work: (services: Services) => Promise<T>,
  asOptions: readonly string[] = [],
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "mls-as-bench-"));
  const [logDir, asDir] = [join(folder, "log"), join(folder, "as")];
  const log = await startService("kt-log", ["--init", "--data", logDir]);
  try {
    const writer = ["--log-url", log.url, "--log-writer-token-file", join(logDir, "writer-token")];
    const as = await startService("as", ["--quiet", "--data", asDir, ...writer, ...asOptions]);
    try {
      const adminToken = (await readFile(join(asDir, "admin-token"), "utf8")).trim();
      const writerToken = (await readFile(join(logDir, "writer-token"), "utf8")).trim();
      return await work({ as, log, adminToken, asDir, writerToken });
    } finally {
      await as.stop();
    }
  } finally {
    await log.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function prepare(as: ServiceProcess, adminToken: string, from: number, count: number): Promise<Enrolment[]> {
  const users = Array.from({ length: count }, (_, i) => from + i);
  const prepared: Enrolment[] = [];
  await spread(users, 8, async (i) => {
    const [user, client] = [`mimi://mls.example/u/user${i}`, `mimi://mls.example/d/user${i}/phone`];
    const authorization = { authorization: `Bearer ${adminToken}` };
    const { token } = await post<{ token: string }>(`${as.url}/v1/admin/tokens`, { user, client }, authorization);
    prepared.push({ user, client, key: subjectKeyPair(), token });
  });
  return prepared;
}

async function enrolOne(as: ServiceProcess, { user, client, key, token }: Enrolment): Promise<void> {
  const { nonce } = await post<{ nonce: string }>(`${as.url}/v1/nonces`, {});
  const csr = Buffer.from(certificateSigningRequest({ key, uris: [user, client], nonce })).toString("base64url");
  await post(`${as.url}/v1/credentials`, { csrs: [csr], enrolment: { token } });
}

const percentile = (ascending: readonly number[], share: number): number =>
  ascending[Math.floor(ascending.length * share)] ?? 0;

/** First enrolments of different users over HTTP: nonce, CSR check, durable log entry with proof, signature, answer. */
export async function enrolments(
  signer: "software" | "SoftHSM2",
  asOptions: readonly string[] = [],
): Promise<readonly Measurement[]> {
  return await withServices(async ({ as, adminToken, log, writerToken }) => {
    await spread(await prepare(as, adminToken, 0, WARM_UP), 16, (one) => enrolOne(as, one));
    const prepared = await prepare(as, adminToken, WARM_UP, REQUESTS);
    const started = performance.now();
    const times = await spread(prepared, AT_ONCE, (one) => enrolOne(as, one));
    const rate = REQUESTS / ((performance.now() - started) / 1000);
    const params = { signer, storage: "sqlite", concurrency: AT_ONCE, processes: "AS, log, clients" };
    const half = await atRate(as, await prepare(as, adminToken, WARM_UP + REQUESTS, REQUESTS / 2), rate / 2);
    const alone = await prepare(as, adminToken, WARM_UP + REQUESTS * 2, ALONE);
    const single = percentile(await spread(alone, 1, (one) => enrolOne(as, one)), 0.5);
    const parts = await issuanceParts(log, writerToken);
    const sum = Object.values(parts).reduce((total, part) => total + part, 0);
    const shown = Object.fromEntries(Object.entries(parts).map(([part, value]) => [part, `${value.toFixed(2)} ms`]));
    return [
      {
        name: "as/enrolment alone against the sum of its parts",
        unit: "times",
        value: single / sum,
        samples: ALONE,
        params: { ...shown, enrolment: `${single.toFixed(2)} ms` },
      },
      { name: "as/enrolments", unit: "credentials/s", value: rate, samples: REQUESTS, params },
      { name: "as/enrolment latency p99", unit: "ms", value: percentile(times, 0.99), samples: REQUESTS, params },
      {
        name: "as/enrolment latency p99 at half the load",
        unit: "ms",
        value: percentile(half, 0.99),
        samples: half.length,
        params: { ...params, concurrency: "as it comes", rate: Math.round(rate / 2) },
      },
    ];
  }, asOptions);
}

/** Sends at a steady rate whether or not the answers keep up; milliseconds of each, ascending. */
async function atRate(as: ServiceProcess, prepared: readonly Enrolment[], rate: number): Promise<number[]> {
  const begun = performance.now();
  const times = await Promise.all(
    prepared.map(async (one, i) => {
      await new Promise((resolve) => setTimeout(resolve, begun + (i * 1000) / rate - performance.now()));
      const started = performance.now();
      await enrolOne(as, one);
      return performance.now() - started;
    }),
  );
  return times.sort((a, b) => a - b);
}

export const benchmarks: readonly Benchmark[] = [
  { name: "as/enrolments", run: () => enrolments("software") },
  { name: "as/revocation status", run: () => withServices(({ asDir }) => revocationStatus(asDir)) },
];
