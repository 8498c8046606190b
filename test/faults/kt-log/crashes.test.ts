import { appendFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import {
  type PostgresServer,
  postgresBinaries,
  startPostgres,
} from "../../../services/kt-log/fixtures/postgres-server.js";
import { SurvivingLog } from "./surviving-log.js";
import { buildLayer, compiler, losePower, settle } from "./unsynced-writes.js";

/** `npm run test:long`. */
const LONG = process.env["MLS_AS_LONG"] === "1";
/** Logs, and how often each is killed. */
const [LOGS, KILLS] = LONG ? [10, 21] : [1, 3];
const PATIENCE = LONG ? 3_600_000 : 180_000;

const binaries = postgresBinaries();
const cc = process.platform === "linux" ? compiler() : undefined;
let postgres: PostgresServer | undefined;
let databases = 0;
const logs: SurvivingLog[] = [];

beforeAll(async () => {
  if (binaries !== undefined) postgres = await startPostgres(binaries);
});
afterEach(() => {
  for (const log of logs.splice(0)) log.dispose();
});
afterAll(() => postgres?.stop());

async function make(driver: "SQLite" | "PostgreSQL"): Promise<SurvivingLog> {
  const log = new SurvivingLog(driver === "SQLite" ? undefined : postgres?.database(`faults${databases++}`));
  logs.push(log);
  await log.init();
  await log.start();
  await log.audit();
  return log;
}

/** Long runs leave a line each for `docs/reliability.md`. */
function record(what: string, figures: object): void {
  const file = process.env["MLS_AS_LONG_RESULTS"];
  if (file !== undefined) appendFileSync(file, `${JSON.stringify({ what, ...figures })}\n`);
}

/** Kills a log at random instants of its work. `between`: what happens to the database before it is started again. */
async function killAgainAndAgain(
  log: SurvivingLog,
  kills: number,
  {
    environment = {},
    between,
    beforeStart,
  }: { environment?: Record<string, string>; between?: () => void; beforeStart?: () => void } = {},
): Promise<void> {
  await log.stop();
  for (let round = 0; round < kills; round++) {
    beforeStart?.();
    await log.start({ environment });
    const writing = log.writeUntilGone(round);
    // Mostly in the middle of work, wherever that begins on a busy machine; now and then before anything was done.
    if (round % 4 !== 0) await log.untilAcknowledged(Math.ceil(Math.random() * 12));
    await log.kill(Math.random() * 60);
    await writing;
    between?.();
    await log.expectSound();
    // Every fifth time, and the last, all who were there from the start look at everything.
    if (round % 5 !== 4 && round !== kills - 1) continue;
    beforeStart?.();
    await log.start({ environment });
    await log.expectNothingLost();
    await log.kill();
  }
  beforeStart?.();
  await log.start({ environment });
  await log.expectNothingLost();
  await log.write("alice", "after everything");
  await log.expectNothingLost();
  await log.stop();
  await log.expectSound();
}

const drivers = ["SQLite", ...(binaries === undefined ? [] : ["PostgreSQL" as const])] as ("SQLite" | "PostgreSQL")[];

describe.each(drivers)("a log on %s", (driver) => {
  test(
    `killed at random instants, ${LOGS * KILLS} times, loses nothing that it acknowledged and never contradicts itself`,
    async () => {
      let acknowledgements = 0;
      for (let i = 0; i < LOGS; i++) {
        const log = await make(driver);
        await killAgainAndAgain(log, KILLS);
        acknowledgements += log.acknowledgements;
        record(`kill -9, ${driver}`, { kills: KILLS, acknowledgements: log.acknowledgements });
        log.dispose();
      }
      expect(acknowledgements).toBeGreaterThan(0);
    },
    PATIENCE,
  );
});

describe("a log on SQLite", () => {
  const why = cc === undefined ? " (needs Linux and a C compiler)" : "";
  test.skipIf(cc === undefined)(
    `survives a disk that loses what was not synced${why}`,
    async () => {
      const folder = mkdtempSync(join(tmpdir(), "kt-layer-"));
      try {
        const layer = buildLayer(cc as string, folder);
        let acknowledgements = 0;
        for (let i = 0; i < LOGS / 2; i++) {
          const log = await make("SQLite");
          await log.stop();
          settle(log.dataDir);
          await log.start({ environment: { LD_PRELOAD: layer } });
          const keep = [0, 0.5, 0.9][i % 3] as number;
          await killAgainAndAgain(log, KILLS, {
            environment: { LD_PRELOAD: layer },
            between: () => losePower(log.dataDir, keep),
            // fsck and clean stops wrote without the layer.
            beforeStart: () => settle(log.dataDir),
          });
          acknowledgements += log.acknowledgements;
          record("kill -9 and loss of unsynced writes, SQLite", {
            kills: KILLS,
            acknowledgements: log.acknowledgements,
          });
          log.dispose();
        }
        expect(acknowledgements).toBeGreaterThan(0);
      } finally {
        rmSync(folder, { recursive: true });
      }
    },
    PATIENCE,
  );

  test.skipIf(process.platform === "win32")(
    "refuses updates while the disk is full, and goes on when it is not",
    async () => {
      let refusals = 0;
      const log = await make("SQLite");
      await log.write("alice", "before");
      await log.stop();
      for (let round = 0; round < (LONG ? 20 : 2); round++) {
        // No file may grow beyond this many blocks of 512 bytes: what is written then fails as on a full disk.
        const before = `ulimit -f ${1 + Math.floor(Math.random() * 600)}`;
        const started = await log.start({ before }).catch(() => undefined);
        if (started === undefined) refusals++;
        else {
          const writes = Array.from({ length: 40 }, (_, k) => log.write(`label${k % 8}`, `${round}/${k}`));
          refusals += (await Promise.allSettled(writes)).filter(({ status }) => status === "rejected").length;
          await log.kill();
        }
        await log.expectSound();
        await log.start();
        await log.expectNothingLost();
        await log.write("alice", `round ${round}`);
        await log.stop();
      }
      expect(refusals).toBeGreaterThan(0);
      record("disk full, SQLite", { rounds: LONG ? 20 : 2, refusals, acknowledgements: log.acknowledgements });
    },
    PATIENCE,
  );
});
