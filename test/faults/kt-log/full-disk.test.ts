import { randomBytes } from "node:crypto";
import { appendFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  type PostgresServer,
  postgresBinaries,
  startPostgres,
} from "../../../services/kt-log/fixtures/postgres-server.js";
import { type SmallDisk, smallDisk } from "./small-disk.js";
import { SurvivingLog } from "./surviving-log.js";

const LONG = process.env["MLS_AS_LONG"] === "1";
const ROUNDS = LONG ? 20 : 1;

const binaries = postgresBinaries();
let disk: SmallDisk | undefined;
let postgres: PostgresServer | undefined;
let log: SurvivingLog | undefined;

beforeAll(async () => {
  disk = binaries === undefined ? undefined : smallDisk(96);
  if (binaries === undefined || disk === undefined) return;
  const data = join(disk.folder, "data");
  mkdirSync(data, { mode: 0o700 });
  postgres = await startPostgres(binaries, { data, segment: 1 });
});
afterAll(() => {
  log?.dispose();
  postgres?.stop();
  disk?.remove();
});

/** Whatever the server does when it finds no room: refuse a statement, or end and recover. */
test(
  "a PostgreSQL without room refuses updates, and goes on when there is room",
  async ({ skip }) => {
    if (disk === undefined || postgres === undefined) return skip("needs PostgreSQL, and the right to mount");
    log = new SurvivingLog(postgres.database("full"));
    await log.init();
    await log.start();
    await log.audit();
    await log.write("alice", "before");
    await log.stop();
    let refusals = 0;
    for (let round = 0; round < ROUNDS; round++) {
      // Room for a few log entries, or for none.
      disk.fill(Math.floor(Math.random() ** 2 * 1_500_000));
      const started = await log.start().catch(() => undefined);
      if (started === undefined) refusals++;
      else {
        const present = log;
        const values = Array.from({ length: 60 }, () => randomBytes(24_000).toString("base64"));
        const writes = values.map((value, k) => present.write(`label${k % 8}`, value));
        refusals += (await Promise.allSettled(writes)).filter(({ status }) => status === "rejected").length;
        await log.kill();
      }
      disk.clear();
      postgres.revive();
      await log.expectSound();
      await log.start();
      await log.expectNothingLost();
      await log.write("alice", `round ${round}`);
      await log.stop();
    }
    expect(refusals).toBeGreaterThan(0);
    const file = process.env["MLS_AS_LONG_RESULTS"];
    const figures = { what: "disk full, PostgreSQL", rounds: ROUNDS, refusals, acknowledgements: log.acknowledgements };
    if (file !== undefined) appendFileSync(file, `${JSON.stringify(figures)}\n`);
  },
  LONG ? 3_600_000 : 180_000,
);
