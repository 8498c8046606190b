import { randomInt } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { certificateSigningRequest, subjectKeyPair } from "../../services/as/fixtures/certificate-signing-request.js";
import { firstBrokenEntry, NO_PREVIOUS_ENTRY } from "../../services/as/src/audit.js";
import { compareWithLog } from "../../services/as/src/fsck.js";
import { KeytransLog } from "../../services/as/src/log/keytrans-log.js";
import { httpLogTransport } from "../../services/as/src/log/transport.js";
import { openStore } from "../../services/as/src/storage/open-store.js";
import type { AuditEntry } from "../../services/as/src/storage/store.js";
import { portOf, type Service, startAuthenticationService, startLog } from "../e2e/services.js";

/** How often the AS is killed; MLS_AS_LONG=1 makes it 200. */
const KILLS = process.env["MLS_AS_LONG"] === "1" ? 200 : 3;
const AT_ONCE = 6;

interface Answer {
  readonly status: number;
  readonly body: { readonly token?: string; readonly nonce?: string; readonly credentials?: { readonly id: string }[] };
}

let folder: string;
let log: Service;
let as: Service;
let adminToken = "";

const asDir = (): string => join(folder, "as");
const start = (port?: number): Promise<Service> =>
  startAuthenticationService(
    asDir(),
    { url: log.url, dataDir: join(folder, "log") },
    port === undefined ? {} : { port },
  );

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "mls-as-killed-"));
  log = await startLog(join(folder, "log"));
  as = await start();
  adminToken = (await readFile(join(asDir(), "admin-token"), "utf8")).trim();
});
afterAll(async () => {
  await as.kill();
  await log.kill();
  await rm(folder, { recursive: true });
});

/** Sends a request until it is answered with something else than "not now": the service may be dead at any moment. */
async function send(path: string, body: unknown): Promise<Answer> {
  for (;;) {
    try {
      const response = await fetch(`${as.url}${path}`, {
        method: "POST",
        headers: { "content-type": "application/json", authorization: `Bearer ${adminToken}` },
        body: JSON.stringify(body),
      });
      const answer = { status: response.status, body: (await response.json()) as Answer["body"] };
      if (answer.status < 500) return answer;
    } catch {
      // Killed, or not up again yet.
    }
    await sleep(50);
  }
}

interface Outcome {
  readonly user: string;
  readonly request: unknown;
  readonly answer: Answer;
  readonly revoked: boolean;
}

/** One person's life, whatever happens to the service meanwhile: token, enrolment, and for every other one revocation. */
async function live(n: number): Promise<Outcome> {
  const [user, client] = [`mimi://mls.example/u/user${n}`, `mimi://mls.example/d/user${n}/phone`];
  const { token } = (await send("/v1/admin/tokens", { user, client })).body;
  const key = subjectKeyPair();
  const nonce = (await send("/v1/nonces", {})).body.nonce ?? "";
  const csr = Buffer.from(certificateSigningRequest({ key, uris: [user, client], nonce })).toString("base64url");
  const request = { csrs: [csr], enrolment: { token } };
  const answer = await send("/v1/credentials", request);
  const revoked = n % 2 === 0;
  if (revoked) {
    const { status } = await send("/v1/admin/devices/revocation", { client, reason: "superseded" });
    expect([200, 202]).toContain(status);
  }
  return { user, request, answer, revoked };
}

test(`${KILLS} times kill -9 during issuance and revocation: nothing acknowledged is lost, nothing is signed unlogged`, async () => {
  const port = portOf(as);
  const outcomes: Outcome[] = [];
  let next = 0;
  const over = new AbortController();
  const worker = async (): Promise<void> => {
    while (!over.signal.aborted) outcomes.push(await live(next++));
  };
  const workers = Array.from({ length: AT_ONCE }, worker);
  for (let kill = 0; kill < KILLS; kill++) {
    await sleep(randomInt(20, 600));
    await as.kill();
    as = await start(port);
  }
  over.abort();
  await Promise.all(workers);
  expect(outcomes.length).toBeGreaterThanOrEqual(AT_ONCE);
  for (const { answer, request, revoked } of outcomes) {
    expect(answer.status, JSON.stringify(answer.body)).toBe(201);
    const again = await send("/v1/credentials", request);
    expect(again.body.credentials?.map(({ id }) => id)).toEqual(answer.body.credentials?.map(({ id }) => id));
    if (!revoked) expect(again.body).toEqual(answer.body);
  }
  // What a revocation had not told the log before it was killed is told without anybody asking.
  await expect
    .poll(async () => (await (await fetch(`${as.url}/readyz`)).json()) as unknown, { timeout: 60_000 })
    .toMatchObject({ openIntents: 0 });
  await sleep(2_500);
  await as.stop();

  const store = await openStore({ dataDir: asDir() });
  try {
    const configuration = (await store.meta("log-configuration")) ?? new Uint8Array();
    const transport = httpLogTransport({ url: log.url, writerToken: "", timeout: 30_000 });
    const report = await compareWithLog(store, await KeytransLog.connect(configuration, transport), false, 0);
    expect(report.discrepancies).toEqual([]);
    expect(await store.openIntents()).toEqual([]);
    expect(await store.labelsToRevoke()).toEqual([]);
    for (const { user, answer, revoked } of outcomes) {
      const credentials = await store.credentials({ user, limit: 10 });
      expect(credentials.map(({ id, state }) => [id, state])).toEqual([
        [answer.body.credentials?.[0]?.id, revoked ? "revoked" : "active"],
      ]);
    }
    const entries: AuditEntry[] = [];
    for (let page = await store.auditEntries({ after: 0, limit: 1000 }); page.length > 0; ) {
      entries.push(...page);
      page = await store.auditEntries({ after: entries.length, limit: 1000 });
    }
    expect(firstBrokenEntry(entries, NO_PREVIOUS_ENTRY, 0)).toBeUndefined();
  } finally {
    await store.close();
  }
  as = await start(port);
}, 3_600_000);
