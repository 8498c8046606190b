import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { LabelWriter, sendTo } from "../fixtures/label-writer.js";

// Starts processes and derives keys from passphrases, which takes long on a busy machine.
vi.setConfig({ testTimeout: 240_000 });

/** The command as operators run it; `npm test` builds it first. */
const MAIN = fileURLToPath(new URL("../dist/main.js", import.meta.url));

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "kt-main-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const environment = (variables: Record<string, string> = {}): NodeJS.ProcessEnv => ({
  PATH: process.env["PATH"],
  ...variables,
});

function run(args: readonly string[], variables?: Record<string, string>) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], {
    encoding: "utf8",
    env: environment(variables),
    cwd: folder,
  });
  return { status, stdout, stderr };
}

async function serve(args: readonly string[]): Promise<{ child: ChildProcess; url: string; errors: () => string }> {
  const child = spawn(process.execPath, [MAIN, "serve", "--json", "--port", "0", ...args], { env: environment() });
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => {
    errors += chunk.toString();
  });
  const ended = once(child, "exit").then(() => {
    throw new Error(errors);
  });
  const [line] = (await Promise.race([once(createInterface(child.stdout), "line"), ended])) as [string];
  ended.catch(() => undefined);
  const { url, pid } = JSON.parse(line) as { url: string; pid: number };
  expect(pid).toBe(child.pid);
  return { child, url, errors: () => errors };
}

describe("what is wrong with a call is told in a sentence, with exit code 2", () => {
  test.each<[string, string[], Record<string, string>, RegExp]>([
    ["no log there", ["serve", "--data", "nowhere"], {}, /There is no log in nowhere\. Make one with: kt-log init/],
    ["a setting", ["serve"], { KT_LOG_PORT: "http" }, /port \(KT_LOG_PORT\): .*Set port in the file or KT_LOG_PORT/],
    ["a file that is not there", ["serve", "--config", "absent.toml"], {}, /absent\.toml.*cannot be read/],
    ["a name in the file", ["serve", "--config", "typo.toml"], {}, /prot \(typo\.toml\): .*Did you mean port\?/],
    ["no name for the parallel log", ["witness-key", "--data", "nowhere"], {}, /--origin/],
    ["no such command", ["frobnicate"], {}, /unknown command 'frobnicate'\n\(kt-log --help says more\)/],
    ["no command", [], {}, /Usage: kt-log/],
    ["no such option", ["fsck", "--repair"], {}, /unknown option '--repair'\n\(kt-log --help says more\)/],
    ["no file", ["export"], {}, /missing required argument 'file'/],
    ["no number", ["serve", "--port", "http"], {}, /--port/],
  ])("%s", (_name, args, variables, message) => {
    writeFileSync(join(folder, "typo.toml"), "prot = 1\n");
    const { status, stderr } = run(args, variables);
    expect(stderr).toMatch(message);
    expect(stderr).not.toContain("    at ");
    expect(status).toBe(2);
  });
});

test("npm links the command of a fresh clone before anything is built, and may run it after", () => {
  const packageFolder = fileURLToPath(new URL("../", import.meta.url));
  const { bin, files } = JSON.parse(readFileSync(join(packageFolder, "package.json"), "utf8")) as {
    readonly bin: Readonly<Record<string, string>>;
    readonly files: readonly string[];
  };
  expect(bin["kt-log"]).not.toMatch(/^(\.\/)?dist\//);
  expect(files).toContain("bin");
  const { status, stdout } = spawnSync(join(packageFolder, bin["kt-log"] as string), ["--help"], { encoding: "utf8" });
  expect(stdout).toContain("Usage: kt-log");
  expect(status).toBe(0);
});

test("help names every command; settings lists every setting", () => {
  const { stdout } = run(["--help"]);
  for (const command of ["serve", "init", "fsck", "export", "import", "prune", "erase", "settings", "witness-key"])
    expect(stdout).toContain(`  ${command} `);
  expect(JSON.parse(run(["settings", "--json"]).stdout)).toContainEqual({
    field: "port",
    variable: "KT_LOG_PORT",
    default: "8441",
    help: "port from 0 to 65535; 0 picks any free one",
  });
});

test("init, serve by a settings file, an update that SIGTERM does not lose, and the same log again", async () => {
  const dataDir = join(folder, "log");
  const file = join(folder, "kt-log.toml");
  writeFileSync(file, `data_dir = ${JSON.stringify(dataDir)}\nbatch_milliseconds = 5000\nlog_level = "info"\n`);
  expect(run(["init", "--config", file])).toMatchObject({ status: 0, stderr: "" });
  expect(run(["init", "--config", file])).toMatchObject({
    status: 2,
    stderr: expect.stringContaining("already") as string,
  });
  expect(run(["witness-key", "--config", file, "--origin", "log.example"]).stdout).toMatch(
    /^log\.example\+[0-9a-f]{8}\+A/,
  );
  const { child, url, errors } = await serve(["--config", file]);
  const token = readFileSync(join(dataDir, "writer-token"), "utf8").trim();
  const writer = await LabelWriter.open(sendTo(url), token);
  const written = writer.write("alice", "one");
  // Under way: the change waits for company for five seconds.
  while (!/kt_log_queue_changes [1-9]/.test(await (await fetch(`${url}/metrics`)).text()));
  const exit = once(child, "exit");
  child.kill("SIGTERM");
  expect((await written).created).toBe(true);
  expect(await exit).toEqual([0, null]);
  expect(errors()).not.toContain("alice");
  const again = await serve(["--config", file]);
  expect((await (await LabelWriter.open(sendTo(again.url), token)).read("alice")).value).toBe("one");
  const ended = once(again.child, "exit");
  again.child.kill("SIGINT");
  expect(await ended).toEqual([0, null]);
  expect(run(["fsck", "--config", file]).status).toBe(0);
  expect(existsSync(join(dataDir, "highest-head.json"))).toBe(true);
});
