import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startAs } from "@mls-as/as";
import { startKtLog } from "@mls-as/kt-log";
import { readPolicy } from "@mls-as/mls-credentials";
import { afterAll, describe, expect, test, vi } from "vitest";
import { enrol, eventually, mlsAs, mlsAsJson } from "./operator.js";

// Dozens of processes are started: a busy machine takes its time.
vi.setConfig({ testTimeout: 600_000, hookTimeout: 600_000 });

/** The runbooks of docs/operations.md, as drills: real services, real commands. */
const folder = mkdtempSync(join(tmpdir(), "mls-as-runbooks-"));
const closing: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const close of closing.toReversed()) await close();
  rmSync(folder, { recursive: true, force: true });
});
const file = (name: string): string => join(folder, name);

type As = Awaited<ReturnType<typeof startAs>>;
type Log = Awaited<ReturnType<typeof startKtLog>>;

async function log(name: string): Promise<Log> {
  const running = await startKtLog({ dataDir: file(name), port: 0, quiet: true });
  closing.push(() => running.close());
  return running;
}

async function as(name: string, on: Log): Promise<As> {
  const options = { logUrl: on.url, logWriterToken: on.writerToken, publicUrl: "http://as.example" };
  const running = await startAs({ dataDir: file(name), port: 0, quiet: true, ...options });
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => (closed ??= running.close());
  closing.push(close);
  return { ...running, close };
}

interface Directory {
  readonly roots: readonly { id: string; certificate: string; algorithm: string }[];
  readonly issuers: readonly { id: string; algorithm: string; status: string; certificate: string }[];
}
const directory = async ({ url }: As): Promise<Directory> =>
  (await (await fetch(`${url}/v1/directory`)).json()) as Directory;

interface Listed {
  readonly id: string;
  readonly client: string;
  readonly status: string;
  readonly issuer: string;
  readonly logged?: boolean;
}
const listed = (data: string): Promise<Listed[]> => mlsAsJson<Listed[]>("list", "--data", data);

interface Fsck {
  readonly discrepancies: readonly { kind: string }[];
}
const fsck = async (data: string, on: Log, ...more: string[]): Promise<{ status: number; kinds: string[] }> => {
  const { status, stdout } = await mlsAs("fsck", "--data", data, "--log-url", on.url, "--json", ...more);
  return { status, kinds: (JSON.parse(stdout) as Fsck).discrepancies.map(({ kind }) => kind).toSorted() };
};

test("database lost: restored from a backup, it learns from the log, and nothing is un-revoked", async () => {
  const data = file("restored");
  const on = await log("restored-log");
  let running = await as("restored", on);
  const phone = await enrol(running.url, data, "mimi://mls.example/d/alice/phone");
  await enrol(running.url, data, "mimi://mls.example/d/alice/laptop");
  await running.close();
  cpSync(data, file("backup"), { recursive: true });

  running = await as("restored", on);
  await mlsAsJson("revoke", phone.id, "--reason", "keyCompromise", "--data", data);
  await eventually(
    () => listed(data),
    (all) => all.some(({ id, status, logged }) => id === phone.id && status === "revoked" && logged === true),
  );
  const tablet = await enrol(running.url, data, "mimi://mls.example/d/alice/tablet");
  await running.close();

  rmSync(data, { recursive: true });
  cpSync(file("backup"), data, { recursive: true });
  expect(await fsck(data, on)).toEqual({ status: 1, kinds: ["log-ahead", "revoked-in-log", "unknown-here"] });
  await fsck(data, on, "--repair");
  expect((await listed(data)).find(({ id }) => id === phone.id)).toMatchObject({ status: "revoked" });
  running = await as("restored", on);
  const next = await enrol(running.url, data, "mimi://mls.example/d/alice/watch");
  expect(next.id).not.toBe(tablet.id);
  expect((await fsck(data, on)).kinds).not.toContain("revoked-in-log");
});

describe("keys compromised", async () => {
  const data = file("compromised");
  const on = await log("compromised-log");
  const running = await as("compromised", on);

  test("issuing key compromised: rotate, renew within hours, revoke what the old key certified", async () => {
    const before = await directory(running);
    const old = before.issuers.find(({ algorithm }) => algorithm === "Ed25519")?.id ?? "";
    const phone = await enrol(running.url, data, "mimi://mls.example/d/alice/phone");
    const at = Math.floor(Date.now() / 1000);
    const { renewalOrders } = await mlsAsJson<{ renewalOrders: string[] }>(
      ...["rotate", "--algorithm", "Ed25519", "--reissue-within", "6h", "--data", data],
    );
    expect(renewalOrders).toHaveLength(1);
    const token = { authorization: `Bearer ${running.adminToken}` };
    const { orders } = (await (await fetch(`${running.url}/v1/admin/renewal-orders`, { headers: token })).json()) as {
      orders: { id: string; issuer: string; start: number; end: number }[];
    };
    expect(orders).toMatchObject([{ id: renewalOrders[0], issuer: old }]);
    expect(orders[0]?.end).toBeLessThanOrEqual(at + 7 * 3_600);
    await eventually(
      () => directory(running),
      ({ issuers }) => issuers.some(({ id, status }) => id === old && status === "retiring"),
    );
    const renewed = await enrol(running.url, data, "mimi://mls.example/d/alice/phone");
    expect(renewed.issuer.equals(phone.issuer)).toBe(false);

    const asked = await mlsAs("revoke", "--issuer", old, "--data", data);
    expect(asked.status).toBe(2);
    expect(asked.stderr).toMatch(/1 credentials would be revoked; nothing was done/);
    expect(await mlsAsJson("revoke", "--issuer", old, "--reason", "superseded", "--yes", "--data", data)).toEqual({
      revoked: [phone.id],
    });
    const all = await listed(data);
    expect(all.find(({ id }) => id === phone.id)).toMatchObject({ status: "revoked" });
    expect(all.find(({ id }) => id === renewed.id)).toMatchObject({ status: "active" });
  });

  test("root compromised: a new root, new issuers under it, and a policy that trusts no other", async () => {
    const root = file("new-root");
    const { roots } = await mlsAsJson<{ roots: { path: string }[] }>(
      ...["ceremony", "root", "--data", root, "--domain", "mls.example"],
    );
    const { requests } = await mlsAsJson<{ requests: { id: string; path: string }[] }>(
      ...["ceremony", "request", "--data", data],
    );
    for (const [index, { id, path }] of requests.entries()) {
      await mlsAsJson("ceremony", "sign", path, "--data", root, "--out", file(`${id}.pem`), "--yes");
      await mlsAsJson("ceremony", "import", file(`${id}.pem`), "--root", roots[index]?.path ?? "", "--data", data);
    }
    const published = await eventually(
      () => directory(running),
      ({ issuers }) => requests.every(({ id }) => issuers.some((one) => one.id === id && one.status === "active")),
    );
    const anchors = published.roots
      .filter(({ id }) => roots.some(({ path }) => path.includes(id)))
      .map(({ certificate }) => certificate);
    expect(anchors).toHaveLength(2);
    const policy = async (): Promise<ReturnType<typeof readPolicy>> => {
      const jws = await (await fetch(`${running.url}/v1/policy`)).text();
      return readPolicy(new Uint8Array(Buffer.from(jws.split(".")[1] ?? "", "base64url")));
    };
    const before = await eventually(policy, () => true);
    const changes = file("anchors.json");
    const { domains } = before;
    const trust = domains["mls.example"];
    writeFileSync(changes, JSON.stringify({ domains: { ...domains, "mls.example": { ...trust, anchors } } }));
    const command = ["policy", changes, "--url", running.url, "--data", data];

    const shown = await mlsAs(...command);
    expect(shown.status).toBe(2);
    expect(shown.stdout).toContain("domains.mls.example.anchors[0]");
    expect(shown.stderr).toMatch(/weakens .*anchors.*nothing was changed/);
    const unconfirmed = await mlsAs(...command, "--accept", "anchors");
    expect(unconfirmed.stderr).toMatch(/nothing was changed\n.*--yes/);
    expect((await policy()).sequence).toBe(before.sequence);
    await mlsAsJson(...command, "--accept", "anchors", "--yes");
    const after = await policy();
    expect(after.domains["mls.example"]?.anchors).toEqual(anchors);
    expect(after.sequence).toBe(before.sequence + 1);
    const fresh = await enrol(running.url, data, "mimi://mls.example/d/alice/new");
    expect(published.issuers.find(({ id }) => id === requests[0]?.id)?.certificate).toBe(
      fresh.issuer.toString("base64url"),
    );
  });
});

test("log or VRF key lost: the AS refuses another log; with a folder of its own the same CA goes on there", async () => {
  const first = await log("lost-log");
  const running = await as("lost", first);
  const before = await directory(running);
  await running.close();
  const second = await log("second-log");
  await expect(as("lost", second)).rejects.toThrow(/not the log that this data folder belongs to/);
  cpSync(join(file("lost"), "ca"), join(file("moved"), "ca"), { recursive: true });
  cpSync(join(file("lost"), "passphrase"), join(file("moved"), "passphrase"));
  const moved = await as("moved", second);
  expect((await directory(moved)).issuers).toEqual(before.issuers);
  const phone = await enrol(moved.url, file("moved"), "mimi://mls.example/d/alice/phone");
  expect(before.issuers.map(({ certificate }) => certificate)).toContain(phone.issuer.toString("base64url"));
});

test("log behind the AS: restored from a backup it is found out, and nothing is issued against it", async () => {
  let on = await startKtLog({ dataDir: file("behind-log"), port: 0, quiet: true });
  const port = Number(new URL(on.url).port);
  let running = await as("behind", on);
  const data = file("behind");
  await enrol(running.url, data, "mimi://mls.example/d/alice/phone");
  await running.close();
  await on.close();
  cpSync(file("behind-log"), file("behind-backup"), { recursive: true });
  on = await startKtLog({ dataDir: file("behind-log"), port, quiet: true });
  running = await as("behind", on);
  await enrol(running.url, data, "mimi://mls.example/d/alice/laptop");
  await on.close();

  // Everything of the log is put back, its memory of the highest head too: only others can tell.
  rmSync(file("behind-log"), { recursive: true });
  cpSync(file("behind-backup"), file("behind-log"), { recursive: true });
  on = await startKtLog({ dataDir: file("behind-log"), port, quiet: true });
  closing.push(() => on.close());
  await expect(enrol(running.url, data, "mimi://mls.example/d/alice/tablet")).rejects.toThrow();
  const all = await listed(data);
  expect(all.filter(({ status }) => status === "active")).toHaveLength(2);
  expect((await fsck(data, on)).status).toBe(1);
});
