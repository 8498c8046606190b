import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import {
  type PostgresServer,
  postgresBinaries,
  startPostgres,
} from "../../../services/kt-log/fixtures/postgres-server.js";
import { FAILPOINTS, type Failpoint } from "../../../services/kt-log/src/failpoint.js";
import { SurvivingLog } from "./surviving-log.js";

const binaries = postgresBinaries();
let postgres: PostgresServer | undefined;
let log: SurvivingLog | undefined;

beforeAll(async () => {
  if (binaries !== undefined) postgres = await startPostgres(binaries);
});
afterEach(() => log?.dispose());
afterAll(() => postgres?.stop());

const STEPS = FAILPOINTS.filter((step) => step !== "pruning");
/** From the first of these steps on, the entry is in the log, whoever was told. */
const COMMITTED: ReadonlySet<Failpoint> = new Set(["after-head-moved", "head-remembered"]);

describe.each(["SQLite", "PostgreSQL"])("a commit on %s", (driver) => {
  const missing = driver === "PostgreSQL" && binaries === undefined;
  const why = missing ? " (PostgreSQL is not installed here)" : "";

  test.skipIf(missing)(
    `killed at each of its steps is there wholly or not at all${why}`,
    async () => {
      log = new SurvivingLog(driver === "SQLite" ? undefined : postgres?.database("failpoints"));
      await log.init();
      await log.start();
      await log.audit();
      await log.write("alice", "acknowledged");
      await log.stop();
      for (const step of STEPS) {
        const run = await log.start({ environment: { KT_LOG_FAILPOINT: step } });
        await log.expectNothingLost();
        await expect(log.write(step, "lost answer"), step).rejects.toThrow();
        expect(await run.ended, step).toBe("SIGKILL");
        await log.expectSound();
      }
      await log.start();
      await log.expectNothingLost();
      for (const step of STEPS) expect(await log.exists(step), step).toBe(COMMITTED.has(step));
      // Whoever lost the answer asks again, and is told.
      for (const step of STEPS) await log.write(step, "again");
      await log.stop();
      await log.expectSound();
    },
    180_000,
  );
});
