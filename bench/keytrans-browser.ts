import { existsSync } from "node:fs";
import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { Configuration, vrfInput } from "@mls-as/keytrans";
import { encode } from "@mls-as/tls-codec";
import { label, openLog } from "./keytrans-log.js";
import type { Measurement } from "./main.js";

const CHROMIUM = "/usr/bin/chromium";
const ROOT = fileURLToPath(new URL("../", import.meta.url));
const SAMPLES = 11;
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

const NOBLE = `export { Configuration, nobleSuite, vrfInput } from "@mls-as/keytrans";
  export { createClient } from "@mls-as/keytrans/client";
  export { decode } from "@mls-as/tls-codec";`;
const SODIUM = `import sodium from "libsodium-wrappers-sumo";
  import { sha512 } from "@noble/hashes/sha2.js";
  import { sodiumVrf } from "./packages/keytrans/src/suite/sodium-vrf.ts";
  export const load = async () => { await sodium.ready; return sodiumVrf(sodium, sha512); };`;

async function bundle(contents: string, globalName: string): Promise<string> {
  const { build } = await import("esbuild");
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: ROOT, loader: "ts" },
    bundle: true,
    minify: true,
    write: false,
    format: "iife",
    globalName,
    platform: "browser",
    target: "es2022",
    logLevel: "silent",
    external: ["crypto", "path", "fs"],
  });
  return outputFiles[0]?.text ?? "";
}

/** Runs in the page: medians, in milliseconds, of a first search and of its bare VRF verifications, with each provider. */
const MEASURE = `async ({ configuration, response, label, now, versions, proofs }) => {
  const bytes = (text) => Uint8Array.from(text.match(/../g), (pair) => parseInt(pair, 16));
  const { Configuration, nobleSuite, vrfInput, createClient, decode } = noble;
  const settings = decode(Configuration, bytes(configuration));
  const reference = nobleSuite(2);
  const suites = { noble: reference, libsodium: { ...reference, ...(await sodium.load()) } };
  const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];
  const results = {};
  for (const [name, suite] of Object.entries(suites)) {
    const client = createClient({ suite, configuration: settings });
    const key = suite.importVrfPublicKey(settings.vrfPublicKey);
    const [whole, bare] = [[], []];
    for (let sample = -2; sample < ${SAMPLES}; sample++) {
      let started = performance.now();
      for (let i = 0; i < 5; i++)
        await client.prepareSearch(client.initialState(), { label: bytes(label) }).verify(bytes(response), now);
      if (sample >= 0) whole.push((performance.now() - started) / 5);
      started = performance.now();
      for (let i = 0; i < 5; i++)
        versions.forEach((version, at) => key.verify(vrfInput(bytes(label), version), bytes(proofs[at])));
      if (sample >= 0) bare.push((performance.now() - started) / 5);
    }
    results[name] = { whole: median(whole), bare: median(bare) };
  }
  return results;
}`;

/** A client's first search of a label at version 3 in Chromium, against its six VRF verifications alone. */
export async function inChromium(): Promise<Measurement[]> {
  if (!existsSync(CHROMIUM)) {
    process.stderr.write(`skipped: ${CHROMIUM} is missing\n`);
    return [];
  }
  const log = await openLog(false);
  await log.append([]);
  for (let version = -1; version < 3; version++) await log.append([label(0)], version < 0 ? undefined : version);
  const versions = [0, 1, 3, 7, 5, 4];
  const key = log.suite.importVrfPrivateKey(new Uint8Array(32).fill(1));
  const given = {
    configuration: hex(encode(Configuration, log.configuration)),
    response: hex(await log.search(label(0))),
    label: hex(label(0)),
    now: log.now,
    versions,
    proofs: versions.map((version) => hex(key.prove(vrfInput(label(0), version)).proof)),
  };
  const [client, provider] = [await bundle(NOBLE, "noble"), await bundle(SODIUM, "sodium")];
  const { chromium } = await import("playwright-core");
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox", "--disable-gpu"] });
  const server = createServer((_request, response) => response.setHeader("content-type", "text/html").end("<title>"));
  try {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    await page.addScriptTag({ content: client });
    await page.addScriptTag({ content: provider });
    const results = (await page.evaluate(`(${MEASURE})(${JSON.stringify(given)})`)) as Record<
      string,
      { readonly whole: number; readonly bare: number }
    >;
    const size = (name: string, content: string): Measurement => ({
      name: "keytrans.chromium.bundle",
      unit: "bytes gzip",
      value: gzipSync(content, { level: 9 }).length,
      samples: 1,
      params: { bundle: name },
    });
    return [
      size("client with noble", client),
      size("libsodium, loaded apart", provider),
      ...Object.entries(results).flatMap(([name, { whole, bare }]): Measurement[] => {
        const params = { provider: name, version: 3, proofs: 6 };
        return [
          { name: "keytrans.chromium.first-search", unit: "ms", value: whole, samples: SAMPLES, params },
          {
            name: "keytrans.chromium.first-search.ratio",
            unit: "x bare VRF",
            value: whole / bare,
            samples: SAMPLES,
            params,
          },
        ];
      }),
    ];
  } finally {
    await browser.close();
    server.close();
  }
}
