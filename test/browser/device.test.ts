import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type AdminClient, adminClient } from "../../demo/admin.js";
import { type Service, startAuthenticationService, startLog } from "../e2e/services.js";

const CHROMIUM = "/usr/bin/chromium";
const root = fileURLToPath(new URL("../../", import.meta.url));

/** What an app loads, and a device over IndexedDB alone, so that a reload finds everything again. */
const APP = `
  import { Device, Monitor, indexedDbKeyStore, indexedDbStateStore, openLog, policyOf, readDirectory } from "@mls-as/mls-credentials/client";
  import { spkiHash, verifyCredential } from "@mls-as/mls-credentials";
  import { webCryptoProvider } from "@mls-as/mls-core";

  export async function openDevice(service, client) {
    const directory = await readDirectory(service);
    const state = (name) => indexedDbStateStore({ database: "states", name });
    const device = await Device.open({ service, log: directory.log, client, keys: indexedDbKeyStore(), store: state("device") });
    const lists = await openLog({ ...directory.log, store: state("log") });
    return { directory, device, lists, state };
  }
  export async function openMonitor({ directory, device, lists, state }) {
    const { key } = await device.current();
    return await Monitor.open({
      user: device.user,
      ownKeys: [{ client: device.client, spkiHash: spkiHash(key.subjectPublicKeyInfo) }],
      policy: policyOf(directory),
      provider: webCryptoProvider,
      lists,
      store: state("monitor"),
      since: 0,
      schedule: { quietPeriod: 0, reminder: 86400 },
    });
  }
  export async function validate({ directory, device, lists }) {
    const { certificates, key } = await device.current();
    const devices = await lists.lookup(device.user);
    const verdict = await verifyCredential(
      { certificates, signatureKey: key.subjectPublicKeyInfo.slice(-32), signatureScheme: 0x0807 },
      { user: device.user, client: device.client },
      { policy: policyOf(directory), provider: webCryptoProvider, time: Math.floor(Date.now() / 1000), timeSource: "local", devices },
    );
    return verdict.acceptance;
  }
`;

describe.skipIf(!existsSync(CHROMIUM))("a device in Chromium (needs /usr/bin/chromium) against real services", () => {
  let folder: string;
  let log: Service;
  let as: Service;
  let admin: AdminClient;
  let browser: Browser;
  let page: Page;
  let server: Server;
  const client = "mimi://mls.example/d/carol/browser";

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "mls-as-browser-"));
    log = await startLog(join(folder, "kt-log"));
    as = await startAuthenticationService(join(folder, "as"), { url: log.url, dataDir: join(folder, "kt-log") });
    admin = await adminClient(as.url, join(folder, "as"));
    const { outputFiles } = await build({
      stdin: { contents: APP, resolveDir: root, loader: "ts" },
      bundle: true,
      write: false,
      format: "iife",
      globalName: "app",
      platform: "browser",
      target: "es2022",
      logLevel: "silent",
    });
    const script = outputFiles[0]?.text ?? "";
    server = createServer((request, response) => {
      if (request.url === "/app.js") response.setHeader("content-type", "text/javascript").end(script);
      else response.setHeader("content-type", "text/html").end('<title>mls</title><script src="/app.js"></script>');
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    browser = await chromium.launch({
      executablePath: CHROMIUM,
      args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"],
    });
    page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  }, 180_000);
  afterAll(async () => {
    await browser.close();
    server.close();
    await as.stop();
    await log.stop();
    await rm(folder, { recursive: true });
  });

  test("enrols with a key that cannot be read out, and validates itself by the log's proof", {
    timeout: 180_000,
  }, async () => {
    const token = await admin.token("mimi://mls.example/u/carol", client);
    const outcome: unknown = await page.evaluate(`(async () => {
      const opened = await app.openDevice(${JSON.stringify(as.url)}, ${JSON.stringify(client)});
      await opened.device.enrol({ token: ${JSON.stringify(token)} });
      const pair = await new Promise((resolve) => {
        indexedDB.open("mls-as-keys", 1).onsuccess = ({ target }) => {
          const keys = target.result.transaction("keys", "readonly").objectStore("keys");
          keys.getAll().onsuccess = (event) => { target.result.close(); resolve(event.target.result[0]); };
        };
      });
      const readOut = await crypto.subtle.exportKey("pkcs8", pair.privateKey).then(() => true, () => false);
      const { accepted, standing } = await app.validate(opened);
      const monitor = await app.openMonitor(opened);
      const { alerts, incidents } = await monitor.round([]);
      return { accepted, standing, extractable: pair.privateKey.extractable, readOut, alerts: alerts.length, incidents: incidents.length };
    })()`);
    expect(outcome).toEqual({
      accepted: true,
      standing: "valid",
      extractable: false,
      readOut: false,
      alerts: 0,
      incidents: 0,
    });
  });

  test("after a reload it has its credential, and detects a ghost that came meanwhile", {
    timeout: 180_000,
  }, async () => {
    const ghost = "mimi://mls.example/d/carol/ghost";
    const token = await admin.token("mimi://mls.example/u/carol", ghost);
    await page.reload();
    // Somebody else with power over tokens enrols a device under Carol's name; another profile of the browser plays it.
    const other = await (await browser.newContext()).newPage();
    await other.goto(page.url());
    await other.evaluate(
      `app.openDevice(${JSON.stringify(as.url)}, ${JSON.stringify(ghost)}).then(({ device }) => device.enrol({ token: ${JSON.stringify(token)} })).then(() => undefined)`,
    );
    const look = `(async () => {
      const opened = await app.openDevice(${JSON.stringify(as.url)}, ${JSON.stringify(client)});
      const monitor = await app.openMonitor(opened);
      const { alerts } = await monitor.round([]);
      const kinds = alerts.flatMap(({ findings }) => findings.map(({ kind }) => kind)).sort();
      const known = monitor.detector.findings().map(({ kind, life }) => kind + " " + life).sort();
      return { credentials: opened.device.credentials.length, kinds, known };
    })()`;
    const known = ["SELF_UNKNOWN_IN_LOG suspect", "UNAUTHORISED_ENTRY suspect"];
    expect(await page.evaluate(look)).toEqual({
      credentials: 1,
      kinds: ["SELF_UNKNOWN_IN_LOG", "UNAUTHORISED_ENTRY"],
      known,
    });
    await page.reload();
    // Nothing is told twice, nothing is forgotten.
    expect(await page.evaluate(look)).toEqual({ credentials: 1, kinds: [], known });
  });
});
