import { createHash, randomInt } from "node:crypto";
import { appendFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterAll, expect, test } from "vitest";
import { subjectKeyPair } from "../../fixtures/certificate-signing-request.js";
import { Device } from "../../fixtures/device.js";
import { type Answer, octets, PHONE, TestService } from "../../fixtures/service-fixture.js";
import { toBase64Url } from "../binary-text.js";
import { Sealing } from "../storage/sealing.js";
import { SqliteStore } from "../storage/sqlite.js";

/** Rounds for each door; MLS_AS_LONG=1 makes it 100,000. */
const ROUNDS = process.env["MLS_AS_LONG"] === "1" ? 100_000 : 600;
/** Rounds between two looks at every row of the database. */
const LOOKED_AT_EVERY = Math.min(1000, ROUNDS / 4);
/** Milliseconds of processor time that no request may take. */
const SLOW = 1000;

const folder = mkdtempSync(join(tmpdir(), "mls-as-fuzz-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A service on a file, and what tells whether any row in it has changed. */
async function watchedService(name: string): Promise<{ service: TestService; digest: () => string }> {
  const path = join(folder, `${name}.sqlite`);
  const store = new SqliteStore(path, new Sealing(new Uint8Array(32)));
  const service = await TestService.create({ failuresPerMinute: 1_000_000_000 }, { store });
  const database = new Database(path, { readonly: true });
  const tables = (database.prepare("select name from sqlite_master where type = 'table'").all() as { name: string }[])
    .map((table) => table.name)
    .toSorted();
  expect(tables.length).toBeGreaterThan(8);
  const digest = (): string => {
    const hash = createHash("sha256");
    for (const table of tables)
      for (const row of database.prepare(`select * from ${table}`).raw().iterate()) hash.update(JSON.stringify(row));
    return hash.digest("hex");
  };
  return { service, digest };
}

/** Sends mutations, each refused with a code of the table, and looks at the database from time to time. */
async function hammer(
  name: string,
  { service, digest }: Awaited<ReturnType<typeof watchedService>>,
  send: (round: number) => Promise<{ answer: Answer; sent: string } | undefined>,
): Promise<void> {
  const before = digest();
  const { appends } = service.log;
  const codes: Record<string, number> = {};
  let [sums, slowest] = [0, 0];
  for (let round = 0; round < ROUNDS; round++) {
    const started = process.cpuUsage();
    const one = await send(round);
    if (one === undefined) continue;
    const spent = process.cpuUsage(started).user / 1000;
    const { answer, sent } = one;
    if (answer.status < 400 || answer.status >= 500 || answer.body.code === undefined || spent > SLOW)
      expect.fail(`${sent}: ${answer.status} ${JSON.stringify(answer.body)} after ${spent} ms`);
    codes[answer.body.code] = (codes[answer.body.code] ?? 0) + 1;
    slowest = Math.max(slowest, spent);
    if (++sums % LOOKED_AT_EVERY === 0) expect(digest(), `${LOOKED_AT_EVERY} requests up to ${sent}`).toBe(before);
  }
  expect(digest()).toBe(before);
  expect(service.log.appends).toBe(appends);
  const results = process.env["MLS_AS_LONG_RESULTS"];
  if (results !== undefined)
    appendFileSync(results, `${JSON.stringify({ what: `AS, mutated ${name}`, requests: sums, slowest, codes })}\n`);
}

/** One of: a flipped bit, a replaced octet, a cut, a doubled stretch, an inserted stretch. */
function mutate(bytes: Uint8Array): Uint8Array {
  const at = randomInt(bytes.length);
  const length = 1 + randomInt(Math.min(16, bytes.length - at));
  switch (randomInt(5)) {
    case 0:
      return Uint8Array.from(bytes, (octet, i) => (i === at ? octet ^ (1 << randomInt(8)) : octet));
    case 1:
      return Uint8Array.from(bytes, (octet, i) => (i === at ? randomInt(256) : octet));
    case 2:
      return Uint8Array.of(...bytes.subarray(0, at), ...bytes.subarray(at + length));
    case 3:
      return Uint8Array.of(...bytes.subarray(0, at + length), ...bytes.subarray(at));
    default:
      return Uint8Array.of(
        ...bytes.subarray(0, at),
        ...Array.from({ length }, () => randomInt(256)),
        ...bytes.subarray(at),
      );
  }
}

test("mutated CSRs: refused with a code, nothing written, nothing logged, nothing slow", async () => {
  const watched = await watchedService("csr");
  const { service } = watched;
  const token = await service.token(PHONE);
  const keys = (["Ed25519", "P-256", "P-384", "P-521"] as const).map(subjectKeyPair);
  const good = await Promise.all(keys.map(async (key) => octets(await service.csr(PHONE, key))));
  await hammer("CSRs", watched, async (round) => {
    const original = good[round % good.length] as Uint8Array;
    const mutated = mutate(original);
    if (Buffer.compare(mutated, original) === 0) return undefined;
    const sent = toBase64Url(mutated);
    const answer = await service.send("POST", "/v1/credentials", { csrs: [sent], enrolment: { token } });
    return { answer, sent };
  });
  const [first = new Uint8Array()] = good;
  const whole = { csrs: [toBase64Url(first)], enrolment: { token } };
  expect((await service.send("POST", "/v1/credentials", whole)).status).toBe(201);
}, 7_200_000);

test("mutated signed requests: refused with a code, and the credential stays", async () => {
  const watched = await watchedService("jws");
  const { service } = watched;
  const phone = await Device.enrol(service, PHONE, subjectKeyPair("P-256"));
  const path = `/v1/credentials/${phone.id}/revocation`;
  const good = await phone.jws(path, JSON.stringify({ reason: "superseded" }));
  await hammer("signed requests", watched, async (round) => {
    const part = (["protected", "payload", "signature"] as const)[round % 3] as keyof typeof good;
    const mutated = toBase64Url(mutate(octets(good[part])));
    if (mutated === good[part]) return undefined;
    return { answer: await phone.send(path, { ...good, [part]: mutated }), sent: `${part} ${mutated}` };
  });
  expect((await phone.send(path, good)).status).toBe(200);
}, 7_200_000);

test("mutated OCSP requests are answered, never with an error of the service", async () => {
  const service = await TestService.create();
  const good = Buffer.from("304c304a3048304630443009060552".padEnd(150, "0"), "hex");
  for (let i = 0; i < ROUNDS; i++) {
    const response = await service.app.request("http://as.test/ocsp", {
      method: "POST",
      body: new Uint8Array(mutate(new Uint8Array(good))),
      headers: { "content-type": "application/ocsp-request" },
    });
    expect(response.status).toBe(200);
    expect(Buffer.from(await response.arrayBuffer()).toString("hex")).toBe("30030a0101");
  }
}, 7_200_000);
