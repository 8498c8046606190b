import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { KT_128_SHA256_Ed25519, type PrefixLeaf } from "@mls-as/keytrans";
import { nodeSuite } from "@mls-as/keytrans/node";
import { openLogClient } from "@mls-as/kt-client";
import { Pkcs11Signer } from "@mls-as/signers";
import { decode } from "@mls-as/tls-codec";
import { AuditorUpdate } from "@mls-as/keytrans";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { HAS_SOFTHSM, softTokens } from "../../../packages/signers/src/fixtures/soft-token.js";
import { readConfig } from "../../../services/kt-log/src/config.js";
import { serve } from "../../../services/kt-log/src/serve.js";
import { type Service, startLog } from "../services.js";
import { callKt, type Run, runKt, startKt } from "./kt-process.js";
import { type Branch, MaliciousLog } from "./malicious-log.js";
import { ALICE, AliceHistory } from "./users.js";

/** As the signers label the keys that they make. */
const LABEL = "mls-as:tree-head";
const root = fileURLToPath(new URL("../../../", import.meta.url));
const passphrase = { KT_PASSPHRASE: "correct horse battery staple" };
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kt-audit-"));
});
afterAll(() => rm(folder, { recursive: true }));

const newHome = (): Promise<string> => mkdtemp(join(folder, "home-"));
const prepare = (home: string, ...args: string[]): Promise<Run> =>
  callKt([...args, "--json"], { home, environment: passphrase });
const kt = (home: string, args: string[], environment: Record<string, string> = {}): Promise<Run> =>
  runKt([...args, "--json"], { home, environment: { ...passphrase, ...environment } });

test("an auditor that begins at a later entry starts from the checkpoint that the real log gives out", async () => {
  const home = await newHome();
  const key = (await prepare(home, "key", join(folder, "late-keys"))).json;
  const dataDir = join(folder, "late-log");
  const init = ["init", "--data", dataDir, "--auditor-start", "3", "--auditor-public-key", key["publicKey"] as string];
  execFileSync(process.execPath, [join(root, "services/kt-log/dist/main.js"), ...init]);
  const service = await serve(readConfig({}, { dataDir, port: 0, heartbeatMilliseconds: 200, logLevel: "silent" }));
  onTestFinished(() => service.close());
  await prepare(home, "init", service.url, "--name", "l");
  const early = await prepare(home, "audit", "--from", "log", "--sign", key["file"] as string);
  // The entry where it begins may not be there yet; then there is nothing to sign.
  expect(early.code, early.stdout).toBe(0);
  while (((await service.context.store.head())?.treeSize ?? 0) < 5)
    await new Promise((resolve) => setTimeout(resolve, 100));
  const audited = await prepare(home, "audit", "--from", "log", "--restart", "--sign", key["file"] as string);
  expect(audited.json, audited.stdout).toMatchObject({ exit: 0, posted: true });
  expect(audited.json["entries"]).toBe((audited.json["treeSize"] as number) - 3);
  // By hand, as another auditor would.
  const file = join(folder, "checkpoint");
  const checkpoint = new Uint8Array(await (await fetch(`${service.url}/v1/auditor/checkpoint`)).arrayBuffer());
  await writeFile(file, checkpoint);
  const again = await prepare(home, "audit", "--from", file, "--restart");
  expect([again.code, again.json["entries"]]).toEqual([0, (again.json["treeSize"] as number) - 3]);
  await writeFile(file, checkpoint.with(12, (checkpoint[12] as number) ^ 1));
  expect((await prepare(home, "audit", "--from", file, "--restart")).code).toBe(2);
  expect((await prepare(home, "status")).code).toBe(0);
});

describe("an auditor of the real log", () => {
  let service: Service;
  let home: string;
  let keyFile: string;
  const data = (): string => join(folder, "log");

  beforeAll(async () => {
    home = await newHome();
    const key = await prepare(home, "key", join(folder, "keys"));
    keyFile = key.json["file"] as string;
    const init = ["init", "--data", data(), "--auditor-public-key", key.json["publicKey"] as string];
    execFileSync(process.execPath, [join(root, "services/kt-log/dist/main.js"), ...init], {
      encoding: "utf8",
    });
    service = await startLog(data());
    await prepare(home, "init", service.url, "--name", "l");
  });
  afterAll(() => service?.stop());

  async function newHomePinned(): Promise<string> {
    const fresh = await newHome();
    await prepare(fresh, "init", service.url, "--name", "l");
    return fresh;
  }

  /** As many versions as asked for, each an entry of its own. */
  async function grow(labels: readonly string[]): Promise<void> {
    const writerToken = (await readFile(join(data(), "writer-token"), "utf8")).trim();
    const client = await openLogClient({ url: service.url, writerToken, suite: nodeSuite });
    for (const label of labels) {
      const bytes = new TextEncoder().encode(label);
      await client.ownerInit({ label: bytes });
      await client.update({ label: bytes, values: [bytes] });
    }
  }

  test("signs and posts, so that users are served; goes on where it stopped", async () => {
    const first = await kt(home, ["audit", "--sign", keyFile]);
    expect(first.code, first.stdout).toBe(0);
    expect(first.json).toMatchObject({ treeSize: 1, newEntries: 1, newChanges: 0, posted: true });
    await grow(["a", "b", "c"]);
    const second = await kt(home, ["audit", "--sign", keyFile]);
    expect(second.json).toMatchObject({ entries: second.json["treeSize"], changes: 3, posted: true });
    expect((await kt(home, ["audit", "--sign", keyFile])).json).toMatchObject({ newEntries: 0, changes: 3 });
    const status = await kt(home, ["status"]);
    expect(status.json, status.stdout).toMatchObject({ exit: 0, auditor: { signed: true } });
  });

  test("killed at any instant, it goes on without skipping or repeating", async () => {
    await grow(["d", "e", "f", "g"]);
    const { treeSize, changes } = (await prepare(home, "audit", "--sign", keyFile, "--restart", "--no-post")).json;
    for (const point of ["audit-processed:2", "audit-saving", "audit-saved", "audit-signed", "audit-posted"]) {
      await rm(join(home, "logs", "l", "audit.json"), { force: true });
      const killed = await kt(home, ["audit", "--sign", keyFile], { KT_FAILPOINT: point });
      expect(killed.code, point).toBe(null);
      const resumed = await prepare(home, "audit", "--sign", keyFile);
      expect(resumed.json, point).toMatchObject({ exit: 0, treeSize, entries: treeSize, changes, posted: true });
    }
  });

  test("follows the log as it grows, and ends when told to", async () => {
    const { treeSize } = (await prepare(home, "audit")).json as { treeSize: number };
    // This log's auditor answers for every entry: where to begin is not for a file to say.
    expect((await prepare(await newHomePinned(), "audit", "--from", keyFile)).code).toBe(2);
    const late = await newHomePinned();
    const child = startKt(["audit", "--json", "--follow", "--interval", "0.2", "--sign", keyFile], {
      home: late,
      environment: passphrase,
    });
    let out = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
    await grow(["followed"]);
    const audited = async (): Promise<number> => {
      const text = await readFile(join(late, "logs", "l", "audit.json"), "utf8").catch(() => "{}");
      return (JSON.parse(text) as { changes?: number }).changes ?? 0;
    };
    const all = (await prepare(home, "audit")).json as { changes: number; treeSize: number };
    expect(all.treeSize).toBeGreaterThan(treeSize);
    while ((await audited()) < all.changes) await new Promise((resolve) => setTimeout(resolve, 100));
    child.kill("SIGTERM");
    const [code] = (await once(child, "close")) as [number];
    expect([code, JSON.parse(out)], out).toMatchObject([0, { changes: all.changes, posted: true }]);
  });

  test("refuses a key that is not the auditor's, a wrong passphrase, and two audits at once are one after the other", async () => {
    const other = await prepare(home, "key", join(folder, "other-keys"));
    expect((await prepare(home, "audit", "--sign", other.json["file"] as string)).code).toBe(2);
    expect((await kt(home, ["audit", "--sign", keyFile], { KT_PASSPHRASE: "wrong" })).code).toBe(2);
    const both = await Promise.all([kt(home, ["audit"]), kt(home, ["audit"])]);
    expect(
      both.map(({ code }) => code),
      both.map(({ stdout }) => stdout).join(""),
    ).toEqual([0, 0]);
  });
});

describe.skipIf(!HAS_SOFTHSM)("an auditor whose key is in a token (needs SoftHSM2)", () => {
  test("signs and posts by a pkcs11: URI", async () => {
    const tokens = softTokens();
    onTestFinished(() => tokens.remove());
    const location = tokens.add("auditor");
    const signer = await Pkcs11Signer.open(location, {});
    const { publicKey } = await signer.generate("tree-head", "Ed25519");
    await signer.close();
    const data = join(folder, "token-log");
    const raw = Buffer.from(publicKey.subarray(-32)).toString("hex");
    const init = ["init", "--data", data, "--auditor-public-key", raw];
    execFileSync(process.execPath, [join(root, "services/kt-log/dist/main.js"), ...init], { encoding: "utf8" });
    const service = await startLog(data);
    onTestFinished(() => service.stop());
    const home = await newHome();
    await prepare(home, "init", service.url, "--name", "l");
    const [path = "", query = ""] = location.split("?");
    const byKey = (object: string): string => `${path};object=${object}?${query}`;
    const environment = { SOFTHSM2_CONF: tokens.configuration };
    const run = await kt(home, ["audit", "--sign", byKey(LABEL)], environment);
    expect(run.json, run.stdout + run.stderr).toMatchObject({ exit: 0, treeSize: 1, posted: true });
    expect((await kt(home, ["audit", "--sign", byKey("nothing")], environment)).code).toBe(2);
  });
});

describe("an audited log that cheats", () => {
  let log: MaliciousLog;
  let forAuditor: Branch;
  let forUsers: Branch;
  let home: string;
  let url: string;
  let start: number;
  let alice: AliceHistory;

  async function world(): Promise<void> {
    home = await newHome();
    log = await MaliciousLog.create({ audited: true });
    start = Date.now() - 600_000;
    alice = new AliceHistory(log.logId, Math.floor(start / 1000));
    forAuditor = log.branch();
    forUsers = forAuditor;
    await forAuditor.heartbeat(start);
    await forAuditor.put(ALICE, alice.enrol(), start + 1000);
    await forAuditor.put(ALICE, await alice.addLaptop(), start + 2000);
    url = await log.serve({
      branch: (path) => (path === "/v1/tree-head" || path.startsWith("/v1/auditor") ? forAuditor : forUsers),
    });
    expect((await prepare(home, "init", url, "--name", "l")).code).toBe(0);
    expect((await prepare(home, "audit")).json).toMatchObject({ treeSize: 3, changes: 2 });
  }

  async function convicts(run: Run, code: number, headline: RegExp): Promise<void> {
    expect(run.code, run.stdout).toBe(code);
    log.close();
    const verdict = await kt(await newHome(), ["evidence", run.json.error?.evidence as string]);
    expect([verdict.code, verdict.json["headline"]], verdict.stdout).toEqual([code, expect.stringMatching(headline)]);
  }

  test("removes a leaf", async () => {
    await world();
    const added = decode(AuditorUpdate, forAuditor.auditorUpdates[2] as Uint8Array).added as PrefixLeaf[];
    const removal = await forAuditor.removal(start + 60_000, added);
    await forAuditor.forge(start + 60_000, 1, removal);
    await convicts(await kt(home, ["audit"]), 1, /removed/);
  });

  test("stamps time backwards", async () => {
    await world();
    await forAuditor.forge(start + 500, 2);
    await forAuditor.heartbeat(start + 60_000);
    await convicts(await kt(home, ["audit"]), 1, /time backwards/);
  });

  test("changes the prefix tree behind the auditor's back: the signed tree is another one", async () => {
    await world();
    await forAuditor.forge(start + 60_000, 1);
    await convicts(await kt(home, ["audit"]), 3, /another tree/);
  });

  test("equivocates to auditor and users", async () => {
    await world();
    forUsers = forAuditor.fork();
    await forUsers.put(ALICE, alice.addGhost(), start + 60_000);
    await forAuditor.heartbeat(start + 60_000);
    // The user saw the tree with the ghost; the auditor's head that comes with it is of the common past.
    const { suite } = log;
    expect(suite.id).toBe(KT_128_SHA256_Ed25519);
    const user = await newHome();
    await prepare(user, "init", url, "--name", "l");
    const auditorHead = join(folder, "head.bin");
    await writeFile(auditorHead, await log.auditorHead(forAuditor.fork(3)));
    forUsers.store.setAuditorTreeHead(new Uint8Array(await readFile(auditorHead)));
    const file = join(folder, "user.json");
    const saved = await prepare(user, "gossip", "--save", file);
    expect(saved.code, saved.stdout).toBe(0);
    await forAuditor.heartbeat(start + 61_000);
    await convicts(await kt(home, ["audit", "--compare", file]), 1, /FORK/);
  });
});
