import { randomInt } from "node:crypto";
import { appendFile, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { certificateSigningRequest, subjectKeyPair } from "../../services/as/fixtures/certificate-signing-request.js";
import { firstBrokenEntry, NO_PREVIOUS_ENTRY } from "../../services/as/src/audit.js";
import { compareWithLog, type DiscrepancyKind } from "../../services/as/src/fsck.js";
import { KeytransLog } from "../../services/as/src/log/keytrans-log.js";
import { httpLogTransport } from "../../services/as/src/log/transport.js";
import { openStore } from "../../services/as/src/storage/open-store.js";
import type { AuditEntry, Store } from "../../services/as/src/storage/store.js";
import { portOf, type Service, startAuthenticationService, startLog } from "../e2e/services.js";

/** How often the AS is killed; MLS_AS_LONG=1 makes it 200. */
const KILLS = process.env["MLS_AS_LONG"] === "1" ? 200 : 3;
const AT_ONCE = 6;
/** Kills between two comparisons of everything with the log; what was acknowledged is looked at after each. */
const WHOLE_EVERY = 10;

interface Answer {
  readonly status: number;
  readonly body: {
    readonly code?: string;
    readonly token?: string;
    readonly nonce?: string;
    readonly credentials?: { readonly id: string }[];
  };
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

interface Acknowledged {
  readonly client: string;
  readonly id: string;
  readonly state: "active" | "revoked";
}

/** What was answered since the last look at it. */
let unchecked: Acknowledged[] = [];
const sums = { issued: 0, revoked: 0 };

interface Outcome {
  readonly user: string;
  readonly client: string;
  readonly token: string | undefined;
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
  expect(answer.status, JSON.stringify(answer.body)).toBe(201);
  const id = answer.body.credentials?.[0]?.id ?? "";
  unchecked.push({ client, id, state: "active" });
  sums.issued++;
  const revoked = n % 2 === 0;
  if (revoked) {
    const { status } = await send("/v1/admin/devices/revocation", { client, reason: "superseded" });
    expect([200, 202]).toContain(status);
    unchecked.push({ client, id, state: "revoked" });
    sums.revoked++;
  }
  return { user, client, token, request, answer, revoked };
}

/** What was acknowledged before the kill is there after it. */
async function checkAcknowledged(looked: readonly Acknowledged[]): Promise<void> {
  for (const { client, id, state } of looked) {
    const response = await fetch(`${as.url}/v1/admin/credentials?client=${encodeURIComponent(client)}`, {
      headers: { authorization: `Bearer ${adminToken}` },
    });
    const { credentials } = (await response.json()) as { credentials: { id: string; status: string }[] };
    expect(credentials.map((one) => one.id)).toEqual([id]);
    // Its revocation may have been acknowledged, or begun, since.
    if (credentials[0]?.status !== "revoked") expect(credentials[0]?.status, client).toBe(state);
  }
}

/** Compares the database of a service that does not run with the log. */
async function compareAll<T>(check: (store: Store) => Promise<T>): Promise<DiscrepancyKind[]> {
  const store = await openStore({ dataDir: asDir() });
  try {
    const configuration = (await store.meta("log-configuration")) ?? new Uint8Array();
    const transport = httpLogTransport({ url: log.url, writerToken: "", timeout: 30_000 });
    const report = await compareWithLog(store, await KeytransLog.connect(configuration, transport), false, 0);
    await check(store);
    return report.discrepancies.map(({ kind }) => kind);
  } finally {
    await store.close();
  }
}

test(`${KILLS} times kill -9 during issuance and revocation: nothing acknowledged is lost, nothing is signed unlogged`, async () => {
  const port = portOf(as);
  const outcomes: Outcome[] = [];
  let next = 0;
  const over = new AbortController();
  const worker = async (): Promise<void> => {
    while (!over.signal.aborted) outcomes.push(await live(next++));
  };
  const workers = Promise.all(Array.from({ length: AT_ONCE }, worker));
  workers.catch(() => over.abort());
  for (let kill = 1; kill <= KILLS && !over.signal.aborted; kill++) {
    await sleep(randomInt(20, 600));
    await as.kill();
    // Between the log's entry and its note in the database the log is ahead; nothing else may differ, ever.
    if (kill % WHOLE_EVERY === 0)
      expect((await compareAll(async () => {})).filter((kind) => kind !== "log-ahead")).toEqual([]);
    as = await start(port);
    await checkAcknowledged(unchecked.splice(0));
  }
  over.abort();
  await workers;
  await checkAcknowledged(unchecked.splice(0));
  expect(outcomes.length).toBeGreaterThanOrEqual(AT_ONCE);
  for (const { answer, request, revoked } of outcomes) {
    const again = await send("/v1/credentials", request);
    expect(again.body.credentials?.map(({ id }) => id)).toEqual(answer.body.credentials?.map(({ id }) => id));
    if (!revoked) expect(again.body).toEqual(answer.body);
  }
  for (const { user, client, token } of outcomes) {
    const nonce = (await send("/v1/nonces", {})).body.nonce ?? "";
    const csr = certificateSigningRequest({ key: subjectKeyPair(), uris: [user, client], nonce });
    const thief = { csrs: [Buffer.from(csr).toString("base64url")], enrolment: { token } };
    expect((await send("/v1/credentials", thief)).body.code).toBe("token-spent");
  }
  // What a revocation had not told the log before it was killed is told without anybody asking.
  await expect
    .poll(async () => (await (await fetch(`${as.url}/readyz`)).json()) as unknown, { timeout: 60_000 })
    .toMatchObject({ openIntents: 0 });
  await sleep(2_500);
  await as.stop();

  const differences = await compareAll(async (store) => {
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
  });
  expect(differences).toEqual([]);
  const results = process.env["MLS_AS_LONG_RESULTS"];
  if (results !== undefined)
    await appendFile(results, `${JSON.stringify({ what: "AS, kill -9, SQLite", kills: KILLS, ...sums })}\n`);
  as = await start(port);
}, 3_600_000);
