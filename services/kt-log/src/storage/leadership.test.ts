import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { LabelWriter, sendTo } from "../../fixtures/label-writer.js";
import { type PostgresServer, postgresBinaries, startPostgres } from "../../fixtures/postgres-server.js";
import { readConfig } from "../config.js";
import { FILES, initialise } from "../data-folder.js";
import { fsck } from "../fsck/fsck.js";
import { PostgresLogStore } from "./postgres.js";

const MAIN = fileURLToPath(new URL("../../dist/main.js", import.meta.url));
const binaries = postgresBinaries();

/** Front ends on one PostgreSQL database, each a process with a data folder of its own. */
describe.skipIf(binaries === undefined)(
  "front ends on one PostgreSQL (skipped where its server is not installed)",
  () => {
    let server: PostgresServer;
    let databaseUrl: string;
    let folder: string;
    const children: ChildProcess[] = [];

    async function frontEnd(name: string): Promise<{ url: string; child: ChildProcess; ended: Promise<unknown> }> {
      const dataDir = join(folder, name);
      await cp(join(folder, "origin"), dataDir, { recursive: true, force: false });
      const child = spawn(process.execPath, [MAIN, "serve", "--data", dataDir, "--port", "0", "--json"], {
        stdio: ["ignore", "pipe", "inherit"],
        env: { ...process.env, KT_LOG_LEVEL: "silent", KT_LOG_DATABASE_URL: databaseUrl },
      });
      children.push(child);
      const ended = once(child, "exit");
      const [line] = await once(createInterface({ input: child.stdout }), "line");
      return { url: (JSON.parse(String(line)) as { url: string }).url, child, ended };
    }

    beforeAll(async () => {
      server = await startPostgres(binaries ?? "");
      databaseUrl = server.database("log");
      folder = await mkdtemp(join(tmpdir(), "kt-leader-"));
      await initialise(readConfig({}, { dataDir: join(folder, "origin"), databaseUrl }));
    });
    afterAll(async () => {
      for (const child of children) if (child.exitCode === null) child.kill("SIGKILL");
      server.stop();
      await rm(folder, { recursive: true });
    });

    test("all accept updates; one makes the entries; killed, it is followed within 5 s and nothing forks", async () => {
      const token = (await readFile(join(folder, "origin", FILES.writerToken), "utf8")).trim();
      const leader = await frontEnd("first");
      const follower = await frontEnd("second");
      const [atLeader, atFollower] = await Promise.all(
        [leader, follower].map(({ url }) => LabelWriter.open(sendTo(url), token)),
      );
      if (atLeader === undefined || atFollower === undefined) throw new Error("no writers");
      await Promise.all([atLeader.write("alice", "one"), atFollower.write("bob", "one")]);
      await atFollower.write("bob", "two");
      expect(await atLeader.read("bob")).toEqual({ version: 1, value: "two" });
      const refused = await fetch(`${follower.url}/v1/update`, { method: "POST", body: new Uint8Array(1) });
      expect(refused.status).toBe(401);

      leader.child.kill("SIGKILL");
      await leader.ended;
      const killed = Date.now();
      for (;;) {
        try {
          await atFollower.write("bob", "three");
          break;
        } catch (error) {
          if (Date.now() - killed > 10_000) throw error;
          await sleep(50);
        }
      }
      expect(Date.now() - killed).toBeLessThan(5000);
      expect((await atFollower.read("bob")).version).toBe(2);
      expect((await atFollower.read("alice")).value).toBe("one");
      await atFollower.monitor("bob");
      const store = await PostgresLogStore.open(databaseUrl, 2);
      expect((await fsck(store)).findings).toEqual([]);
      await store.close();
      follower.child.kill("SIGTERM");
      expect((await follower.ended) as unknown[]).toEqual([0, null]);
    });
  },
);
