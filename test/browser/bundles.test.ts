import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { Configuration } from "@mls-as/keytrans";
import { createClient } from "@mls-as/keytrans/client";
import { nodeSuite } from "@mls-as/keytrans/node";
import { createProver, MemoryStore, sequence } from "@mls-as/keytrans/prover";
import { encode } from "@mls-as/tls-codec";
import { build } from "esbuild";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BUNDLES } from "./entries.js";

const CHROMIUM = "/usr/bin/chromium";
const root = fileURLToPath(new URL("../../", import.meta.url));
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

/** A minified bundle that puts its exports on `globalThis.bundle`. */
async function bundle(code: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: code, resolveDir: root, loader: "ts" },
    bundle: true,
    minify: true,
    write: false,
    format: "iife",
    globalName: "bundle",
    platform: "browser",
    target: "es2022",
    logLevel: "silent",
  });
  return outputFiles[0]?.text ?? "";
}

/** Gzipped size of what a page loads before anything is asked of it: the entry and the chunks it imports statically. */
async function loadedSize(code: string): Promise<number> {
  const { outputFiles, metafile } = await build({
    stdin: { contents: code, resolveDir: root, loader: "ts" },
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    format: "esm",
    splitting: true,
    outdir: "/",
    absWorkingDir: "/",
    platform: "browser",
    target: "es2022",
    logLevel: "silent",
  });
  const entry = Object.entries(metafile.outputs).find(([, { entryPoint }]) => entryPoint === "<stdin>")?.[0];
  if (entry === undefined) throw new Error("no entry");
  const loaded = new Set([entry]);
  for (const name of loaded)
    for (const { path, kind } of metafile.outputs[name]?.imports ?? [])
      if (kind === "import-statement") loaded.add(path);
  return outputFiles
    .filter(({ path }) => loaded.has(path.slice(1)))
    .reduce((sum, { contents }) => sum + gzipSync(contents, { level: 9 }).length, 0);
}

describe("browser bundles", () => {
  test.each(Object.entries(BUNDLES))("%s stay within their limit", async (_name, { code, limit }) => {
    const size = await loadedSize(code);
    expect(size).toBeGreaterThan(2000);
    expect(size).toBeLessThanOrEqual(limit);
  });
});

/** A log with one label, as a browser meets it: configuration and one verifiable search. */
async function recordedSearch(): Promise<{ configuration: string; response: string; label: string; now: number }> {
  const suite = await nodeSuite(2);
  const random = (length: number): Uint8Array => crypto.getRandomValues(new Uint8Array(length));
  const signer = suite.importSigner(suite.generatePrivateKey(random));
  const vrfPrivateKey = suite.importVrfPrivateKey(suite.generatePrivateKey(random));
  const configuration: Configuration = {
    ciphersuite: suite.id,
    mode: "contactMonitoring",
    signaturePublicKey: signer.publicKey,
    vrfPublicKey: vrfPrivateKey.publicKey,
    maxAhead: 60_000n,
    maxBehind: 3_600_000n,
    reasonableMonitoringWindow: 86_400_000n,
    maximumLifetime: undefined,
  };
  const store = new MemoryStore();
  const context = { suite, configuration, vrfPrivateKey, signer, random, store };
  const now = Date.UTC(2026, 5, 1);
  const label = new TextEncoder().encode("mimi://example.test/u/alice");
  store.apply((await sequence(context, [], now)).writes);
  const values = [{ value: new TextEncoder().encode("a device list") }];
  store.apply((await sequence(context, [{ label, greatestVersion: undefined, values }], now + 1000)).writes);
  const client = createClient({ suite, configuration });
  const { request } = client.prepareSearch(client.initialState(), { label });
  const response = await createProver(context).search(request);
  return { configuration: hex(encode(Configuration, configuration)), response: hex(response), label: hex(label), now };
}

describe.skipIf(!existsSync(CHROMIUM))("in Chromium (needs /usr/bin/chromium)", () => {
  let browser: Browser;
  let page: Page;
  let server: Server;

  beforeAll(async () => {
    browser = await chromium.launch({
      executablePath: CHROMIUM,
      args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"],
    });
    page = await browser.newPage();
    // WebCrypto exists in secure contexts only; loopback is one.
    server = createServer((_request, response) =>
      response.setHeader("content-type", "text/html").end("<title>mls</title>"),
    );
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  });
  afterAll(async () => {
    await browser.close();
    server.close();
  });

  test("the KEYTRANS client verifies a search, and refuses it with any one of its last bytes changed", async () => {
    const search = await recordedSearch();
    await page.addScriptTag({ content: await bundle(BUNDLES["KEYTRANS client with noble"].code) });
    // A string, so that nothing of the test's own build gets into the page.
    const outcome: unknown = await page.evaluate(`(async () => {
      const { configuration, response, label, now } = ${JSON.stringify(search)};
      const bytes = (text) => Uint8Array.from(text.match(/../g), (pair) => parseInt(pair, 16));
      const { Configuration, nobleSuite, createClient, decode } = bundle;
      const client = createClient({ suite: nobleSuite(2), configuration: decode(Configuration, bytes(configuration)) });
      const prepared = client.prepareSearch(client.initialState(), { label: bytes(label) });
      const { result } = await prepared.verify(bytes(response), now + 2000);
      let refused = 0;
      for (let i = 1; i <= 32; i++) {
        const changed = bytes(response);
        changed[changed.length - i] ^= 1;
        await prepared.verify(changed, now + 2000).catch(() => { refused++; });
      }
      return { version: result.version, value: new TextDecoder().decode(result.value), refused };
    })()`);
    expect(outcome).toEqual({ version: 0, value: "a device list", refused: 32 });
  });

  test("the MLS codecs read a KeyPackage back to the same bytes, and refuse it with a byte too many", async () => {
    const corpus = JSON.parse(readFileSync(join(root, "test/vectors/mls-x509/mls-x509-p256.json"), "utf8")) as {
      structure: string;
      codes: string[];
      encoded: string;
    }[];
    const given = corpus.find(({ structure, codes }) => structure === "KeyPackage" && codes.length === 0)?.encoded;
    await page.addScriptTag({ content: await bundle(BUNDLES["MLS codecs and types"].code) });
    const outcome: unknown = await page.evaluate(`(() => {
      const bytes = Uint8Array.from(${JSON.stringify(given)}.match(/../g), (pair) => parseInt(pair, 16));
      const { KeyPackage, decode, encode } = bundle;
      const again = encode(KeyPackage, decode(KeyPackage, bytes));
      let code;
      try { decode(KeyPackage, Uint8Array.of(...bytes, 0)); } catch (error) { code = error.code; }
      return { same: again.length === bytes.length && again.every((byte, i) => byte === bytes[i]), code };
    })()`);
    expect(outcome).toEqual({ same: true, code: "trailing-bytes" });
  });

  test("WebCrypto and noble sign and verify alike", async () => {
    await page.addScriptTag({
      content: await bundle(`export { nobleProvider, signaturePublicKey, webCryptoProvider } from "@mls-as/mls-core";`),
    });
    const outcome: unknown = await page.evaluate(`(async () => {
      const { nobleProvider: noble, webCryptoProvider: web, signaturePublicKey } = bundle;
      const key = new Uint8Array(32).fill(7);
      const message = new Uint8Array([1, 2, 3]);
      const answers = [];
      for (const scheme of [0x0807, 0x0403]) {
        const publicKey = signaturePublicKey(scheme, key);
        for (const [signer, verifier] of [[noble, web], [web, noble]]) {
          const signature = await signer.sign(scheme, key, message);
          answers.push(await verifier.verify(scheme, publicKey, message, signature));
          signature[signature.length - 1] ^= 1;
          answers.push(await verifier.verify(scheme, publicKey, message, signature));
        }
      }
      return { secure: isSecureContext, answers };
    })()`);
    expect(outcome).toEqual({ secure: true, answers: [true, false, true, false, true, false, true, false] });
  });
});
