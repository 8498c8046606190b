import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startAs } from "@mls-as/as";
import { startKtLog } from "@mls-as/kt-log";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { enrol, enrolWith, eventually, mlsAs, mlsAsJson, serveAs } from "./operator.js";

// Dozens of processes are started: a busy machine takes its time.
vi.setConfig({ testTimeout: 600_000, hookTimeout: 600_000 });

const USER = "mimi://mls.example/u/alice";
const PHONE = "mimi://mls.example/d/alice/phone";

describe("mls-as, the command", () => {
  const folder = mkdtempSync(join(tmpdir(), "mls-as-commands-"));
  const data = join(folder, "as");
  let log: Awaited<ReturnType<typeof startKtLog>>;
  let as: Awaited<ReturnType<typeof startAs>>;
  let at: readonly string[];

  beforeAll(async () => {
    log = await startKtLog({ dataDir: join(folder, "log"), port: 0, quiet: true });
    as = await startAs({ dataDir: data, port: 0, quiet: true, logUrl: log.url, logWriterToken: log.writerToken });
    at = ["--url", as.url, "--data", data];
  });
  afterAll(async () => {
    await as?.close();
    await log?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test("a token made at a running service enrols; the credential is listed, found by its serial, and revoked", async () => {
    const { token } = await mlsAsJson<{ token: string }>("token", USER, PHONE, "--lifetime", "15m", ...at);
    const issued = await enrolWith(as.url, token, PHONE);
    const [listed] = await mlsAsJson<{ id: string; status: string }[]>("list", "--serial", issued.serial, ...at);
    expect(listed).toMatchObject({ id: issued.id, status: "active", client: PHONE });
    const table = await mlsAs("list", "--user", USER, "--data", data);
    expect(table.stdout).toMatch(/^STATUS +CLIENT +VALID UNTIL +ID\nactive +mimi:/);
    expect(await mlsAsJson("revoke", PHONE, "--reason", "keyCompromise", ...at)).toEqual({ revoked: [issued.id] });
    const { stdout } = await mlsAs("audit", "--serial", issued.serial, ...at, "--json");
    const lines = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { action: string; actor: string; subject: string });
    expect(lines.map(({ action }) => action)).toEqual(
      expect.arrayContaining(["issuance-decided", "credentials-revoked"]),
    );
    expect(lines.every(({ actor, subject }) => actor !== "" && subject === USER)).toBe(true);
    expect(await mlsAsJson("audit", "verify", ...at)).toMatchObject({ broken: null });
  });

  test("a policy is shown, its difference is shown, and it changes with --yes alone", async () => {
    await eventually(
      async () => (await fetch(`${as.url}/v1/policy`)).status,
      (status) => status === 200,
    );
    const shown = await mlsAsJson<{ digest: string; policy: { clockSkew: number; sequence: number } }>(
      "policy",
      "--data",
      data,
    );
    expect(shown.policy).toMatchObject({ clockSkew: 300, sequence: 0 });
    const change = ["policy", "--set", "clockSkew=120", "--set", "maximumLifetime.certificate=8640000", "--data", data];
    const asked = await mlsAs(...change);
    expect(asked.status).toBe(2);
    expect(asked.stdout).toContain("clockSkew\n  - 300\n  + 120\n");
    expect(asked.stdout).toContain("maximumLifetime.certificate\n");
    expect(asked.stderr).toContain("nothing was changed");
    expect(await mlsAsJson(...change, "--yes")).toMatchObject({ sequence: 1 });
    const after = await mlsAsJson<typeof shown>("policy", "--data", data);
    expect(after.policy).toMatchObject({ clockSkew: 120, sequence: 1, previous: shown.digest });
    const wrong = await mlsAs("policy", "--set", "clockSkew=often", "--data", data, "--json");
    expect(JSON.parse(wrong.stderr)).toMatchObject({ error: { code: "malformed-json" } });
    const invalid = await mlsAs("policy", "--set", "clockSkew=-1", "--data", data, "--json", "--yes");
    expect(invalid.status).toBe(2);
    expect(JSON.parse(invalid.stderr)).toMatchObject({ error: { code: "policy-invalid" } });
  });

  test("serve --json logs errors alone, and requests where environment or file ask for them", async () => {
    const file = join(folder, "as.toml");
    writeFileSync(file, 'log_level = "info"\n');
    const logged = async (args: string[], environment: Record<string, string>): Promise<string> => {
      const own = join(folder, `levels-${args.length}-${Object.keys(environment).length}`);
      const service = serveAs(
        own,
        { url: log.url, writerTokenFile: join(folder, "log", "writer-token") },
        args,
        environment,
      );
      try {
        await fetch(`${await service.url}/healthz`);
      } finally {
        await service.stop();
      }
      return service.stderr();
    };
    // Alarms are errors: another service on this log may cause one.
    const levels = (await logged([], {})).split("\n").flatMap((line) => /"level":(\d+)/.exec(line)?.[1] ?? []);
    expect(levels.filter((level) => Number(level) < 50)).toEqual([]);
    for (const lines of [await logged([], { MLS_AS_LOG_LEVEL: "info" }), await logged(["--config", file], {})])
      expect(
        lines
          .trim()
          .split("\n")
          .map((line) => (JSON.parse(line) as { msg: string }).msg),
      ).toContain("request");
  });

  const failures: readonly [string, () => string[], number, string][] = [
    ["a user that is none", () => ["token", "alice", PHONE, "--data", data], 2, "identity-invalid"],
    [
      "a device of somebody else",
      () => ["token", "mimi://mls.example/u/bob", PHONE, "--data", data],
      2,
      "identity-mismatch",
    ],
    [
      "a service that is not there",
      () => ["list", "--url", "http://127.0.0.1:9", "--data", data],
      3,
      "service-unreachable",
    ],
    [
      "a token that is not there",
      () => ["list", "--url", as.url, "--data", join(folder, "none")],
      2,
      "admin-token-missing",
    ],
    ["a wrong token", () => ["list", "--url", as.url, "--admin-token-file", join(folder, "wrong")], 2, "unauthorized"],
    ["a credential that is not there", () => ["revoke", "0".repeat(64), "--data", data], 2, "credential-unknown"],
    ["a request that is not there", () => ["approve", "0".repeat(32), "--data", data], 2, "approval-unknown"],
    ["the same, at the service", () => ["approve", "0".repeat(32), ...at], 2, "approval-unknown"],
    ["a folder that has a CA", () => ["init", "--data", data], 2, "authority-exists"],
    ["a domain that is none", () => ["init", "--data", join(folder, "x"), "--domain", "Example"], 2, "domain-invalid"],
    [
      "a certificate that is none",
      () => ["ceremony", "import", join(folder, "wrong"), "--data", data],
      2,
      "certificate-unreadable",
    ],
    ["settings that cannot be", () => ["serve", "--data", data, "--port", "99999"], 2, "configuration"],
  ];

  test("what goes wrong has a code, an exit code and no stack", async () => {
    writeFileSync(join(folder, "wrong"), "not the token\n");
    const ran = await Promise.all(failures.map(([, args]) => mlsAs(...args(), "--json")));
    ran.forEach(({ status, stdout, stderr }, index) => {
      const [name, , exitCode, code] = failures[index] ?? ["", undefined, -1, ""];
      expect(stdout, name).toBe("");
      expect(JSON.parse(stderr), name).toMatchObject({ error: { code } });
      expect(status, name).toBe(exitCode);
      expect(stderr, name).not.toMatch(/\bat .*\.js:\d/);
    });
  });

  test("a user is erased with --yes, once no credential is good, at the service or in its folder", async () => {
    const [user, client] = ["mimi://mls.example/u/dora", "mimi://mls.example/d/dora/phone"];
    await enrol(as.url, data, client);
    const early = await mlsAs("erase", user, "--yes", "--json", "--data", data);
    expect([early.status, JSON.parse(early.stderr)]).toMatchObject([2, { error: { code: "user-active" } }]);
    await mlsAsJson("revoke", client, ...at);
    await eventually(
      () => mlsAsJson<{ logged?: boolean }[]>("list", "--user", user, ...at),
      ([one]) => one?.logged === true,
    );
    const asked = await mlsAs("erase", user, "--data", data);
    expect([asked.status, asked.stdout]).toEqual([2, ""]);
    expect(asked.stderr).toMatch(/1 credentials of .* would be erased for ever; nothing was done\n.*--yes/);
    expect(await mlsAsJson("erase", user, "--yes", ...at)).toEqual({ erased: user, version: 1 });
    expect(await mlsAsJson("erase", user, "--yes", "--data", data)).toEqual({ erased: user, version: null });
    expect((await mlsAs("export", "audit", "--data", data)).stdout).not.toContain("dora");
    const wrong = await mlsAs("erase", "dora", "--yes", "--json", "--data", data);
    expect([wrong.status, JSON.parse(wrong.stderr)]).toMatchObject([2, { error: { code: "identity-invalid" } }]);
    expect(await mlsAsJson("audit", "verify", ...at)).toMatchObject({ broken: null });
  });

  test("help teaches: every command has examples", async () => {
    const { stdout, status } = await mlsAs("--help");
    expect(status).toBe(0);
    for (const command of [
      "serve",
      "init",
      "ceremony",
      "token",
      "approve",
      "revoke",
      "erase",
      "rotate",
      "list",
      "audit",
      "policy",
      "fsck",
      "export",
    ])
      expect(stdout).toMatch(new RegExp(`^  ${command} `, "m"));
    for (const command of ["ceremony", "policy"])
      expect((await mlsAs(command, "--help")).stdout).toMatch(/\nExamples:\n  mls-as /);
    expect((await mlsAs("--no-such-option")).status).toBe(2);
  });

  test("an export is JSON lines, each with who, what, why", async () => {
    await enrol(as.url, data, "mimi://mls.example/d/bob/phone");
    const { stdout } = await mlsAs("export", "audit", "--identity", "mimi://mls.example/u/bob", "--data", data);
    const entries = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(entries.map(({ action }) => action)).toEqual(expect.arrayContaining(["token-issued", "issuance-decided"]));
    expect(entries.find(({ action }) => action === "issuance-decided")).toMatchObject({
      detail: { why: expect.any(String) },
    });
    const credentials = (await mlsAs("export", "credentials", "--data", data)).stdout.trim().split("\n");
    expect(credentials.map((line) => (JSON.parse(line) as { user: string }).user).toSorted()).toEqual([
      USER,
      "mimi://mls.example/u/bob",
    ]);
  });
});
