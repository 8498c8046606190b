import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import {
  type PostgresServer,
  postgresBinaries,
  startPostgres,
} from "../../../services/kt-log/fixtures/postgres-server.js";
import { SurvivingLog } from "./surviving-log.js";

const binaries = postgresBinaries();
let postgres: PostgresServer | undefined;
let log: SurvivingLog | undefined;

beforeAll(async () => {
  if (binaries !== undefined) postgres = await startPostgres(binaries);
});
afterEach(() => log?.dispose());
afterAll(() => postgres?.stop());

describe.each(["SQLite", "PostgreSQL"])("two processes on one log, on %s", (driver) => {
  const missing = driver === "PostgreSQL" && binaries === undefined;

  test.skipIf(missing)(
    "one makes the entries, both take updates, and the second takes over when the first dies",
    async () => {
      const database = driver === "SQLite" ? undefined : postgres?.database("two");
      log = new SurvivingLog(database);
      await log.init();
      const environment = { KT_LOG_LEVEL: "warn" };
      const first = await log.start({ environment });
      await log.audit();
      const second = await log.start({ environment });
      if (driver === "SQLite") expect(log.said).toContain(`"pid":${first.child.pid},"url":"${first.url}"`);
      expect(log.said).toContain("another process makes this log's entries");
      for (const [i, run] of [first, second, first, second].entries()) {
        log.follow(run);
        await Promise.all(["alice", "bob", "carol"].map((label) => log?.write(label, `before ${i}`)));
        await log.expectNothingLost();
      }
      log.follow(first);
      await log.kill();
      log.follow(second);
      const died = Date.now();
      for (let taken = false; !taken && Date.now() - died < 60_000; ) {
        taken = await log.write("alice", "after").then(
          () => true,
          () => false,
        );
        if (!taken) await sleep(50);
      }
      expect(log.acknowledged.get("alice")?.value).toBe("after");
      await log.expectNothingLost();
      await log.stop();
      await log.expectSound();
    },
  );
});

// Root writes wherever it likes: the log then runs as somebody else.
const root = process.getuid?.() === 0;
test.skipIf(process.platform !== "linux")(
  "a database that cannot be written is not served, and not harmed",
  async () => {
    log = new SurvivingLog();
    await log.init();
    await log.start();
    await log.audit();
    await log.write("alice", "before");
    await log.stop();
    const folder = log.dataDir;
    const files = readdirSync(folder).map((name) => join(folder, name));
    const nobody = root ? Number(execFileSync("id", ["-u", "nobody"], { encoding: "utf8" })) : undefined;
    for (const file of files) {
      if (nobody !== undefined) chownSync(file, nobody, -1);
      chmodSync(file, 0o400);
    }
    if (nobody !== undefined) chownSync(folder, nobody, -1);
    chmodSync(folder, 0o500);
    await expect(log.start(nobody === undefined ? {} : { uid: nobody })).rejects.toThrow(/ended: [12]/);
    chmodSync(folder, 0o700);
    for (const file of files) {
      chmodSync(file, 0o600);
      if (nobody !== undefined) chownSync(file, 0, -1);
    }
    if (nobody !== undefined) chownSync(folder, 0, -1);
    await log.start();
    await log.expectNothingLost();
    await log.write("alice", "after");
    await log.stop();
    await log.expectSound();
  },
);

test.skipIf(binaries === undefined)(
  "a PostgreSQL that turns read-only refuses updates, goes on reading, and comes back",
  async () => {
    const url = postgres?.database("readonly") as string;
    log = new SurvivingLog(url);
    await log.init();
    await log.start();
    await log.audit();
    await log.write("alice", "before");
    await log.stop();
    const sql = (text: string): void => {
      // From another database: sessions on this one are read-only themselves.
      const args = ["-q", "-c", text, url.replace(/readonly$/, "postgres")];
      execFileSync(join(binaries as string, "psql"), args, { stdio: "ignore" });
    };
    sql("alter database readonly set default_transaction_read_only = on");
    const serving = log;
    const refused = async (): Promise<void> => {
      await serving.start();
      await serving.write("alice", "refused");
    };
    await expect(refused()).rejects.toThrow(/50[03]|ended/);
    await log.kill();
    sql("alter database readonly reset default_transaction_read_only");
    await log.start();
    await log.expectNothingLost();
    await log.write("alice", "after");
    await log.stop();
    await log.expectSound();
  },
);
