import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { silentNarrator } from "../../../demo/narrator.js";
import { runScenario } from "../../../demo/scenario.js";
import { type Service, startAuthenticationService, startLog } from "../services.js";
import { callKt, type KtOptions, type Run, runKt } from "./kt-process.js";

const ALICE = "mimi://mls.example/u/alice";

/** The log and the AS in processes of their own, with what the demo does to them: three devices, a ghost, a revocation. */
describe("on the real services", () => {
  let folder: string;
  let home: string;
  let log: Service;
  let as: Service;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "kt-honest-"));
    home = join(folder, "home");
    log = await startLog(join(folder, "log"));
    as = await startAuthenticationService(join(folder, "as"), { url: log.url, dataDir: join(folder, "log") });
    await runScenario({ asUrl: as.url, logUrl: log.url, asDataDir: join(folder, "as") }, silentNarrator);
  });
  afterAll(async () => {
    await as?.stop();
    await log?.stop();
    await rm(folder, { recursive: true });
  });

  const run = (args: string[], options: Partial<KtOptions> = {}): Promise<Run> => runKt(args, { home, ...options });
  const call = (...args: string[]): Promise<Run> => callKt(args, { home });
  const json = async (...args: string[]): Promise<Run["json"] & { exit: number }> => {
    const { json: object, stderr, stdout } = await run([...args, "--json"]);
    expect(object["exit"], stderr + stdout).toBeTypeOf("number");
    return object as Run["json"] & { exit: number };
  };

  test("a log is pinned by its fingerprint only if it has it, and pinned once", async () => {
    expect((await call("status")).code).toBe(2);
    expect((await run(["init", log.url, "--fingerprint", "0".repeat(64)])).code).toBe(4);
    const { logId } = (await runKt(["init", log.url, "--json"], { home: join(folder, "other") })).json;
    const pinned = await json("init", log.url, "--name", "l", "--fingerprint", logId as string);
    expect(pinned).toMatchObject({ exit: 0, state: "pinned", by: "fingerprint", logId });
    expect(await json("init", log.url, "--name", "l")).toMatchObject({
      exit: 0,
      state: "pinned-before",
      by: "fingerprint",
    });
  });

  test("status", async () => {
    expect(await json("status")).toMatchObject({ exit: 0, signature: "good", auditor: null, newEntries: null });
    expect(await json("status")).toMatchObject({ exit: 0, newEntries: 0 });
  });

  test("search, history, saved proof, verified offline and only as it was saved", async () => {
    const file = join(folder, "alice.json");
    const found = await json("search", ALICE, "--history", "--save", file);
    expect(found).toMatchObject({ exit: 0, label: ALICE });
    const keys = found["keys"] as { device: string; status: string; vouched: string }[];
    expect(keys.map(({ device }) => device)).toEqual(expect.arrayContaining(["phone", "laptop", "backup"]));
    expect(keys.find(({ device }) => device === "laptop")).toMatchObject({ status: "revoked", vouched: "device" });
    expect((found["history"] as unknown[]).length).toBe((found["version"] as number) + 1);

    const stranger = join(folder, "stranger");
    const trusting = await runKt(
      ["verify", file, "--json", "--fingerprint", (await call("status", "--json")).json["logId"] as string],
      { home: stranger },
    );
    expect(trusting.json, trusting.stdout).toMatchObject({ exit: 0, verified: true });
    expect((await callKt(["verify", file], { home: stranger })).code).toBe(4);
    expect(await json("verify", file)).toMatchObject({ exit: 0, trusted: "the pinned log l" });

    const saved = JSON.parse(await readFile(file, "utf8")) as { exchanges: { responses: string[] }[] };
    const last = saved.exchanges.at(-1) as { responses: string[] };
    const bytes = Buffer.from(last.responses[0] as string, "base64url");
    for (const part of [0.1, 0.5, 0.9]) {
      const bent = Buffer.from(bytes);
      const at = Math.floor(part * bent.length);
      bent[at] = (bent[at] as number) ^ 1;
      last.responses[0] = bent.toString("base64url");
      await writeFile(`${file}.bent`, JSON.stringify(saved));
      expect((await call("verify", `${file}.bent`)).code).toBe(3);
    }
    await writeFile(`${file}.bent`, "{}");
    expect((await call("verify", `${file}.bent`)).code).toBe(2);
  });

  test("explain tells nine steps, online and from a file", async () => {
    const online = (await json("explain", ALICE))["steps"] as { title: string }[];
    const offline = (await json("explain", "--file", join(folder, "alice.json")))["steps"] as { title: string }[];
    expect(online.map(({ title }) => title)).toEqual(offline.map(({ title }) => title));
    expect(online).toHaveLength(9);
  });

  test("an owner's watch finds the ghost that the operator logged", async () => {
    const own = join(folder, "devices.json");
    const clients = ["phone", "laptop"].map((device) => ({ client: `mimi://mls.example/d/alice/${device}` }));
    await writeFile(own, JSON.stringify({ devices: clients }));
    const found = await json("watch", ALICE, "--own", own);
    expect(found).toMatchObject({ exit: 1 });
    expect(found["alerts"]).toMatchObject([{ kind: "unknown-device", client: "mimi://mls.example/d/alice/backup" }]);
    await writeFile(own, JSON.stringify({ devices: [...clients, { client: "mimi://mls.example/d/alice/backup" }] }));
    expect(await json("watch", ALICE, "--own", own)).toMatchObject({ exit: 0, alerts: [] });
  });

  test("gossip with itself is consistent; a log without an auditor cannot be audited", async () => {
    expect(await json("gossip", "--via", log.url)).toMatchObject({ exit: 0, compared: [{ verdict: "consistent" }] });
    expect(await json("audit")).toMatchObject({ exit: 2, error: { code: "no-auditor" } });
  });

  test("what is not there, what is not reachable, what makes no sense", async () => {
    expect(await json("search", "mimi://mls.example/u/nobody")).toMatchObject({
      exit: 3,
      error: { reason: "label-unknown" },
    });
    expect(await json("status", "--url", "http://127.0.0.1:9", "--timeout", "1")).toMatchObject({
      exit: 3,
      error: { code: "unreachable" },
    });
    for (const args of [
      ["search"],
      ["nonsense"],
      ["search", ALICE, "--version", "x"],
      ["search", ALICE, "--nonsense"],
      ["evidence", "/nowhere"],
      ["status", "--log", "none"],
    ])
      expect((await call(...args)).code, args.join(" ")).toBe(2);
    expect((await call("--help")).code).toBe(0);
    expect((await call("help", "watch")).stdout).toContain("--webhook");
  });

  test("text has no colours off terminals, and fits the width", async () => {
    const { stdout } = await run(["search", ALICE, "--history"], { environment: { COLUMNS: "70" } });
    expect(stdout).not.toContain("\u001b");
    expect(
      Math.max(
        ...stdout
          .split("\n")
          .slice(3)
          .map(({ length }) => length),
      ),
    ).toBeLessThanOrEqual(70);
    expect(stdout).toMatch(/phone +[0-9a-f]{8}/);
  });
});
