import { mkdtemp, readFile, rm } from "node:fs/promises";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { certificateSigningRequest, subjectKeyPair } from "../services/as/fixtures/certificate-signing-request.js";
import { issuanceParts, revocationStatus } from "./as-parts.js";
import type { Benchmark, Measurement } from "./main.js";
import { type ServiceProcess, startService } from "./service-process.js";

const REQUESTS = 1_500;
const WARM_UP = 300;
const ALONE = 60;
const AT_ONCE = 128;
/** Devices that ask for several keys at once: how many devices, and how many keys each. */
const DEVICES = 40;
const KEYS = 32;

const agent = new Agent({ keepAlive: true, maxSockets: 1024, timeout: 2_000 });

/** One exchange, by the lightest client there is: it shares the machine with what it measures. */
function post(url: string, body: string, headers: Record<string, string> = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, {
      method: "POST",
      agent,
      headers: { "content-type": "application/json", "content-length": Buffer.byteLength(body), ...headers },
    });
    outgoing.on("error", reject);
    outgoing.on("response", (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
      incoming.on("error", reject);
      incoming.on("end", () => {
        const text = Buffer.concat(chunks).toString();
        if (incoming.statusCode === 201) resolve(text);
        else reject(new Error(`${url} answered ${incoming.statusCode ?? 0}: ${text}`));
      });
    });
    outgoing.end(body);
  });
}

/** Runs `work` over all items, `atOnce` side by side; milliseconds of each, ascending. */
async function spread<T>(items: readonly T[], atOnce: number, work: (item: T) => Promise<unknown>): Promise<number[]> {
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

let users = 0;

/** Bodies of enrolments of `count` new users: tokens, nonces and signed CSRs are made before a clock starts. */
async function prepare({ as, adminToken }: Services, count: number, keys = 1): Promise<string[]> {
  const bodies: string[] = [];
  const authorization = { authorization: `Bearer ${adminToken}` };
  await spread(Array.from({ length: count }), 16, async () => {
    const name = `user${users++}`;
    const [user, client] = [`mimi://mls.example/u/${name}`, `mimi://mls.example/d/${name}/phone`];
    const asked = await post(`${as.url}/v1/admin/tokens`, JSON.stringify({ user, client }), authorization);
    const { token } = JSON.parse(asked) as { token: string };
    const { nonce } = JSON.parse(await post(`${as.url}/v1/nonces`, "{}")) as { nonce: string };
    const csrs = Array.from({ length: keys }, () => {
      const csr = certificateSigningRequest({ key: subjectKeyPair(), uris: [user, client], nonce });
      return Buffer.from(csr).toString("base64url");
    });
    bodies.push(JSON.stringify({ csrs, enrolment: { token } }));
  });
  return bodies;
}

const percentile = (ascending: readonly number[], share: number): number =>
  ascending[Math.floor(ascending.length * share)] ?? 0;

/** Opens the connections that a load needs: Node accepts one in each turn of its loop, and what is measured is not that. */
async function connect({ as }: Services, count: number): Promise<void> {
  await spread(Array.from({ length: count }), count, () => post(`${as.url}/v1/nonces`, "{}"));
}

interface Load {
  /** Enrolments a second. */
  readonly rate: number;
  /** Milliseconds of each, ascending. */
  readonly times: readonly number[];
  /** CPU milliseconds per enrolment, by process. */
  readonly cpu: Readonly<Record<string, string>>;
}

/** Enrolls, `atOnce` side by side. */
async function load(services: Services, bodies: readonly string[], atOnce: number): Promise<Load> {
  const { as, log } = services;
  await connect(services, atOnce);
  const own = (): number => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  };
  const processes = { AS: () => as.cpu(), log: () => log.cpu(), client: own };
  const before = Object.entries(processes).map(([name, cpu]) => [name, cpu, cpu()] as const);
  const started = performance.now();
  const times = await spread(bodies, atOnce, (body) => post(`${as.url}/v1/credentials`, body));
  const rate = bodies.length / ((performance.now() - started) / 1000);
  const each = before.map(([name, cpu, start]) => [
    `CPU ${name}`,
    `${((cpu() - start) / bodies.length).toFixed(2)} ms`,
  ]);
  return { rate, times, cpu: Object.fromEntries(each) as Record<string, string> };
}

/** First enrolments of different users over HTTP: CSR check, durable log entry with proof, signature, answer. */
export async function enrolments(
  signer: "software" | "SoftHSM2",
  asOptions: readonly string[] = [],
): Promise<readonly Measurement[]> {
  return await withServices(async (services) => {
    const { log, writerToken } = services;
    await load(services, await prepare(services, WARM_UP), AT_ONCE);
    const full = await load(services, await prepare(services, REQUESTS), AT_ONCE);
    const half = await atRate(services, await prepare(services, Math.ceil(REQUESTS / 2)), full.rate / 2);
    const groups = await load(services, await prepare(services, DEVICES, KEYS), DEVICES);
    const alone = await load(services, await prepare(services, ALONE), 1);
    const single = percentile(alone.times, 0.5);
    const parts = await issuanceParts(log, writerToken);
    const sum = Object.values(parts).reduce((total, part) => total + part, 0);
    const shown = Object.fromEntries(Object.entries(parts).map(([part, value]) => [part, `${value.toFixed(2)} ms`]));
    const params = { signer, storage: "sqlite", concurrency: AT_ONCE, processes: "AS, log, client" };
    return [
      {
        name: "as/enrolment alone against the sum of its parts",
        unit: "times",
        value: single / sum,
        samples: ALONE,
        params: { ...shown, enrolment: `${single.toFixed(2)} ms` },
      },
      {
        name: "as/enrolments",
        unit: "credentials/s",
        value: full.rate,
        samples: REQUESTS,
        params: { ...params, ...full.cpu },
      },
      {
        name: "as/enrolment latency p99",
        unit: "ms",
        value: percentile(full.times, 0.99),
        samples: REQUESTS,
        params,
      },
      {
        name: "as/enrolment latency p99 at half the load",
        unit: "ms",
        value: percentile(half, 0.99),
        samples: half.length,
        params: { ...params, concurrency: "as it comes", rate: Math.round(full.rate / 2) },
      },
      {
        name: `as/enrolments of devices with ${KEYS} keys`,
        unit: "credentials/s",
        value: groups.rate * KEYS,
        samples: DEVICES,
        params: { ...params, concurrency: DEVICES, ...groups.cpu },
      },
    ];
  }, asOptions);
}

/** Sends at a steady rate whether or not the answers keep up; milliseconds of each, ascending. */
async function atRate(services: Services, bodies: readonly string[], rate: number): Promise<number[]> {
  const { as } = services;
  await connect(services, AT_ONCE);
  const begun = performance.now();
  const times = await Promise.all(
    bodies.map(async (body, i) => {
      await new Promise((resolve) => setTimeout(resolve, begun + (i * 1000) / rate - performance.now()));
      const started = performance.now();
      await post(`${as.url}/v1/credentials`, body);
      return performance.now() - started;
    }),
  );
  return times.sort((a, b) => a - b);
}

export const benchmarks: readonly Benchmark[] = [
  { name: "as/enrolments", run: () => enrolments("software") },
  { name: "as/revocation status", run: () => withServices(({ asDir }) => revocationStatus(asDir)) },
];
