import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ALICE, LAPTOP, PHONE, TestService } from "../../services/as/fixtures/service-fixture.js";
import { KeytransLog } from "../../services/as/src/log/keytrans-log.js";
import { httpLogTransport } from "../../services/as/src/log/transport.js";
import { readConfig } from "../../services/kt-log/src/config.js";
import { FILES, initialise } from "../../services/kt-log/src/data-folder.js";
import { type RunningService, serve } from "../../services/kt-log/src/serve.js";

let folder: string;
let log: RunningService;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "closed-log-"));
  const readers = join(folder, "readers");
  await writeFile(readers, `${createHash("sha256").update("a reader").digest("hex")}\n`);
  const config = readConfig(
    {},
    { dataDir: join(folder, "log"), port: 0, logLevel: "silent", readerTokensFile: readers },
  );
  await initialise(config);
  log = await serve(config);
});

afterAll(async () => {
  await log.close();
  await rm(folder, { recursive: true, force: true });
});

async function connect(writerToken: string): Promise<KeytransLog> {
  const transport = httpLogTransport({ url: log.url, writerToken, timeout: 30_000 });
  return await KeytransLog.connect(await transport.get("configuration"), transport);
}

test("credentials are issued and revoked over a log that strangers may not search", async () => {
  const token = (await readFile(join(folder, "log", FILES.writerToken), "utf8")).trim();
  const connected = await connect(token);
  const service = await TestService.create({}, { log: connected, logId: connected.logId });
  expect((await service.enrol(PHONE)).body.log?.version).toBe(0);
  expect((await service.enrol(LAPTOP)).body.log?.version).toBe(1);
  const revoked = await service.admin("POST", "/devices/revocation", { client: LAPTOP, reason: "superseded" });
  expect([revoked.status, revoked.body.version]).toEqual([200, 2]);
  expect((await connected.look(ALICE)).latest?.version).toBe(2);
  expect(service.alarms).toEqual([]);
  await expect((await connect("")).look(ALICE)).rejects.toMatchObject({ code: "unavailable" });
});
