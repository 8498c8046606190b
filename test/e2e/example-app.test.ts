import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startAs } from "@mls-as/as";
import { startKtLog } from "@mls-as/kt-log";
import { build } from "esbuild";
import { type Browser, chromium } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const CHROMIUM = "/usr/bin/chromium";
const root = fileURLToPath(new URL("../../", import.meta.url));
const example = join(root, "examples/chat-app");

/** Runs a program of the project to its end, with what it wrote. */
async function run(program: string, args: readonly string[]): Promise<{ status: number; output: string }> {
  const child = spawn(process.execPath, [join(root, program), ...args], { cwd: example });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => (output += text));
  const [status] = (await once(child, "close")) as [number | null];
  return { status: status ?? -1, output };
}

/** `examples/chat-app`, compiled as its README says, against the real services. */
describe("the example app", () => {
  let folder: string;
  let log: Awaited<ReturnType<typeof startKtLog>>;
  let as: Awaited<ReturnType<typeof startAs>>;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "mls-as-example-"));
    log = await startKtLog({ dataDir: join(folder, "log"), port: 0, quiet: true });
    const services = { logUrl: log.url, logWriterToken: log.writerToken };
    as = await startAs({ dataDir: join(folder, "as"), port: 0, quiet: true, ...services });
  });
  afterAll(async () => {
    await as.close();
    await log.close();
    await rm(folder, { recursive: true });
  });

  const token = async (user: string, device: string): Promise<string> => {
    const response = await fetch(`${as.url}/v1/admin/tokens`, {
      method: "POST",
      headers: { authorization: `Bearer ${as.adminToken}`, "content-type": "application/json" },
      body: JSON.stringify({ user: `mimi://mls.example/u/${user}`, client: `mimi://mls.example/d/${user}/${device}` }),
    });
    return ((await response.json()) as { token: string }).token;
  };

  test("compiles against the packages as published", async () => {
    expect(await run("node_modules/@typescript/native/bin/tsc", ["-p", "."])).toEqual({ status: 0, output: "" });
  });

  test("on Node, two people talk and compare", async () => {
    const tokens = [await token("alice", "phone"), await token("bob", "phone")];
    const { status, output } = await run("examples/chat-app/dist/main-node.js", [as.url, ...tokens]);
    expect(output).toMatch(/bob reads: Hello Bob\nalice reads: Hello Alice\n/);
    expect(output).toMatch(/safety number, the same on both phones: (\d{5} ){11}\d{5}\n/);
    expect(output).toMatch(/alice\/phone sees 0 alerts\nmimi:.*bob\/phone sees 0 alerts\n/);
    expect(status).toBe(0);
  });

  test("on Node, a token that is not known is refused and says why", async () => {
    const { status, output } = await run("examples/chat-app/dist/main-node.js", [as.url, "x", "y"]);
    expect(status).not.toBe(0);
    expect(output).toMatch(/token-unknown/);
  });

  describe.skipIf(!existsSync(CHROMIUM))("in Chromium (needs /usr/bin/chromium)", () => {
    let browser: Browser;
    let pages: Server;

    beforeAll(async () => {
      const entry = { entryPoints: [join(example, "src/main-browser.ts")], outfile: join(folder, "browser.js") };
      await build({ ...entry, bundle: true, format: "esm", logLevel: "silent" });
      pages = createServer((request, response) => {
        const script = request.url === "/dist/browser.js";
        readFile(script ? join(folder, "browser.js") : join(example, "index.html")).then(
          (body) => response.setHeader("content-type", script ? "text/javascript" : "text/html").end(body),
          () => response.writeHead(404).end(),
        );
      }).listen(0, "127.0.0.1");
      await once(pages, "listening");
      browser = await chromium.launch({
        executablePath: CHROMIUM,
        args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"],
      });
    });
    afterAll(async () => {
      await browser.close();
      pages.close();
    });

    test("a page of another origin enrols and looks a contact up", async () => {
      const page = await browser.newPage();
      await page.goto(`http://127.0.0.1:${(pages.address() as AddressInfo).port}/`);
      await page.getByText("ready").waitFor();
      const fill = async (name: string, value: string): Promise<void> => await page.locator(`#${name}`).fill(value);
      await fill("service", as.url);
      await fill("client", "mimi://mls.example/d/carol/browser");
      await fill("token", await token("carol", "browser"));
      await page.getByRole("button", { name: "Enrol" }).click();
      await page.getByText("enrolled as mimi://mls.example/d/carol/browser; logged").waitFor();
      await fill("contact", "mimi://mls.example/u/bob");
      await page.getByRole("button", { name: "Look up" }).click();
      await page.getByText("mimi://mls.example/u/bob has 1 device: mimi://mls.example/d/bob/phone").waitFor();
      await page.getByText("a conversation is open").waitFor();
      expect(await page.getByText("ALERT").count()).toBe(0);
      expect(await page.getByText("failed").count()).toBe(0);
    });
  });
});
