import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UpdateRequest } from "@mls-as/keytrans";
import { type ClientState, createClient, type KtClient } from "@mls-as/keytrans/client";
import { nodeSuite } from "@mls-as/keytrans/node";
import { connectLog, type Fetch } from "@mls-as/kt-client";
import { nodeProvider } from "@mls-as/mls-core/node";
import { readAsDevice } from "@mls-as/mls-credentials/client";
import { listen } from "@mls-as/service-runtime";
import { encode } from "@mls-as/tls-codec";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { LabelWriter, type Send, sendInProcess, utf8 } from "../../../services/kt-log/fixtures/label-writer.js";
import { createApp } from "../../../services/kt-log/src/app.js";
import { readConfig } from "../../../services/kt-log/src/config.js";
import { closeContext, type Context, openContext } from "../../../services/kt-log/src/context.js";
import { serve } from "../../../services/kt-log/src/serve.js";
import { FILES, initialise } from "../../../services/kt-log/src/data-folder.js";
import { exampleIssuer, exampleLeaf, exampleRoot } from "../../conformance/example-certificates.js";
import { ALICE, DAY, type ExampleKey, exampleKey, PHONE, START } from "../../conformance/example-devices.js";

/** A log that only readers may search and monitor: holders of a token, and devices with a credential. */
const PUBLIC_URL = "https://log.example.org";
const READER = "reader-token";
const LABEL = "mimi://example.org/u/bob";

let folder: string;
let context: Context;
let send: Send;
let token: string;
let client: KtClient;
let now = (START + DAY) * 1000;
let phone: ExampleKey;
let leaf: Uint8Array;
let issuer: Uint8Array;
/** A contact's state after a search that it was allowed to make. */
let known: ClientState;
let opening: Uint8Array | undefined;

const base64Url = (data: Uint8Array | string): string => Buffer.from(data).toString("base64url");
const pem = (der: Uint8Array): string =>
  `-----BEGIN CERTIFICATE-----\n${Buffer.from(der).toString("base64")}\n-----END CERTIFICATE-----\n`;
const reader = { authorization: `Bearer ${READER}` };
const searchOf = (label: string): Uint8Array =>
  client.prepareSearch(client.initialState(), { label: utf8(label) }).request;

/** An update by somebody who knows the label up to version 3. */
const updateOf = (values: { value: Uint8Array }[]): Uint8Array =>
  encode(UpdateRequest, { last: undefined, label: utf8(LABEL), greatestVersion: 3, values });

interface Signing {
  readonly key?: ExampleKey;
  readonly chain?: readonly Uint8Array[];
  readonly body: Uint8Array;
  readonly path?: string;
  readonly header?: Record<string, unknown>;
}

async function freshNonce(): Promise<string> {
  return (await send("/v1/nonces", new Uint8Array())).headers.get("replay-nonce") ?? "";
}

/** What a device sends: a compact JWS over the body, with the body left out. */
async function signed({ key = phone, chain = [leaf, issuer], body, path = "/v1/search", header = {} }: Signing) {
  const protectedHeader = base64Url(
    JSON.stringify({
      alg: "EdDSA",
      nonce: await freshNonce(),
      url: `${PUBLIC_URL}${path}`,
      "x5t#S256": createHash("sha256")
        .update(chain[0] ?? new Uint8Array())
        .digest("base64url"),
      x5c: chain.map((der) => Buffer.from(der).toString("base64")),
      ...header,
    }),
  );
  const signature = await nodeProvider.sign(0x0807, key.privateKey, utf8(`${protectedHeader}.${base64Url(body)}`));
  return { authorization: `MLS-JWS ${protectedHeader}..${base64Url(signature)}` };
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kt-access-"));
  const dataDir = join(folder, "log");
  await initialise(readConfig({}, { dataDir }), { clock: () => now });
  token = (await readFile(join(dataDir, FILES.writerToken), "utf8")).trim();
  const root = await exampleRoot();
  const authority = await exampleIssuer(root);
  phone = exampleKey("phone");
  leaf = await exampleLeaf({ serial: "phone", issuer: authority, key: phone, names: [ALICE, PHONE] });
  issuer = authority.certificate;
  await writeFile(join(folder, "anchors"), pem(root.certificate));
  await writeFile(join(folder, "readers"), `${createHash("sha256").update(READER).digest("hex")}\n`);
  const config = readConfig(
    {},
    {
      dataDir,
      batchMilliseconds: 1,
      logLevel: "silent",
      publicUrl: PUBLIC_URL,
      readerAnchorsFile: join(folder, "anchors"),
      readerTokensFile: join(folder, "readers"),
    },
  );
  context = await openContext(config, () => now);
  send = sendInProcess(createApp(context));
  client = createClient({ suite: await nodeSuite(2), configuration: context.configuration });
  const asWriter: Send = (path, body, headers) => send(path, body, { authorization: `Bearer ${token}`, ...headers });
  const writer = await LabelWriter.open(asWriter, token, () => now);
  await writer.write(LABEL, "zero");
  now += DAY * 1000;
  for (const value of ["one", "two", "three"]) {
    await writer.write(LABEL, value);
    now += 60_000;
  }
  const search = client.prepareSearch(client.initialState(), { label: utf8(LABEL) });
  const answer = await send("/v1/search", search.request, reader);
  const verified = await search.verify(new Uint8Array(await answer.arrayBuffer()), now);
  known = verified.state;
  opening = (await context.store.opening(utf8(LABEL), verified.result.version))?.opening;
  now += DAY * 1000;
  await writer.write(LABEL, "four");
});
afterAll(async () => {
  await closeContext(context);
  await rm(folder, { recursive: true });
});

test("a stranger gets the same answer about a label that exists, one that does not, and bytes that are no request", async () => {
  const openings = { "kt-openings": `3=${randomBytes(16).toString("base64url")}` };
  const contact = client.prepareContactMonitor(known, { label: utf8(LABEL) }).request;
  const nobody = contact.slice();
  nobody[nobody.indexOf("b".charCodeAt(0), 12)] = "x".charCodeAt(0);
  for (const [path, bodies, headers] of [
    ["/v1/search", [searchOf(LABEL), searchOf("mimi://example.org/u/nobody"), new Uint8Array(3)], {}],
    ["/v1/search", [searchOf(LABEL), searchOf("mimi://example.org/u/nobody")], { authorization: "Bearer wrong" }],
    ["/v1/contact-monitor", [contact, nobody], {}],
    ["/v1/contact-monitor", [contact, nobody], openings],
    ["/v1/credential", [Uint8Array.of(1, 65, 0), new Uint8Array()], {}],
    ["/v1/owner-init", [new Uint8Array(12)], {}],
  ] as const) {
    const documents = new Set<string>();
    for (const body of bodies) {
      const response = await send(path, body, headers);
      expect(response.status).toBe(401);
      const { requestId, ...document } = (await response.json()) as Record<string, unknown>;
      expect(requestId).toBeTypeOf("string");
      const names = [...response.headers.keys()].sort();
      documents.add(JSON.stringify({ document, names, challenge: response.headers.get("www-authenticate") }));
    }
    expect(documents.size).toBe(1);
  }
});

describe("devices", () => {
  test("a holder of an unexpired credential reads with a signed request", async () => {
    const body = searchOf(LABEL);
    const search = client.prepareSearch(client.initialState(), { label: utf8(LABEL) });
    const answer = await send("/v1/search", body, await signed({ body }));
    const { result } = await search.verify(new Uint8Array(await answer.arrayBuffer()), now);
    expect(result.value).toEqual(utf8("four"));
  });

  test("the SDK signs the log client's requests, over HTTP", async () => {
    const server = await listen({ fetch: createApp(context).fetch, host: "127.0.0.1", port: 0 });
    // The proxy's part: callers use the public URL.
    const fetchThere = (url: string, init: RequestInit): Promise<Response> =>
      fetch(url.replace(PUBLIC_URL, server.url), init);
    const key = {
      subjectPublicKeyInfo: phone.spki,
      sign: async (data: Uint8Array) => nodeProvider.sign(0x0807, phone.privateKey, data),
    };
    const reading = readAsDevice({ key, certificate: leaf, issuers: [issuer] }, { fetch: fetchThere as Fetch });
    const options = { url: PUBLIC_URL, fetch: fetchThere as Fetch, clock: () => now, retry: { attempts: 1 } };
    const stranger = await connectLog(options);
    await expect(stranger.search(stranger.kt.initialState(), { label: utf8(LABEL) })).rejects.toMatchObject({
      status: 401,
    });
    const connection = await connectLog({ ...options, reader: reading });
    const { result } = await connection.search(connection.kt.initialState(), { label: utf8(LABEL) });
    expect(result.value).toEqual(utf8("four"));
    await server.close(0);
  });

  test("a refusal carries a nonce that works", async () => {
    const body = searchOf(LABEL);
    const refused = await send("/v1/search", body, await signed({ body, header: { nonce: "stale" } }));
    expect(refused.status).toBe(401);
    const nonce = refused.headers.get("replay-nonce");
    expect((await send("/v1/search", body, await signed({ body, header: { nonce } }))).status).toBe(200);
  });

  test("a request signed for another server works nowhere else, whatever Host it comes with", async () => {
    const body = searchOf(LABEL);
    const nameless = { ...context, config: { ...context.config, publicUrl: undefined } };
    const evil = "http://evil.example";
    const ask = async (app: ReturnType<typeof createApp>, url: string): Promise<number> => {
      const { authorization } = await signed({ body, header: { url: `${url}/v1/search` } });
      const headers = { authorization, host: "evil.example", "content-type": "application/octet-stream" };
      return (await app.request(`${evil}/v1/search`, { method: "POST", body: body.slice().buffer, headers })).status;
    };
    const listening = createApp(nameless, () => "http://127.0.0.1:8441");
    expect(await ask(listening, evil)).toBe(401);
    expect(await ask(listening, "http://127.0.0.1:8441")).toBe(200);
    // Where the log does not know its own URL, nobody can sign for it.
    expect(await ask(createApp(nameless), evil)).toBe(401);
    const config = { ...nameless.config, dataDir: join(folder, "none"), host: "0.0.0.0" };
    await expect(serve(config)).rejects.toThrow(/public_url/);
  });

  test("a signed request works once, for its own body and URL", async () => {
    const body = searchOf(LABEL);
    const headers = await signed({ body });
    expect((await send("/v1/credential", body, headers)).status).toBe(401);
    expect((await send("/v1/search", searchOf("other"), headers)).status).toBe(401);
    expect((await send("/v1/search", body, headers)).status).toBe(200);
    expect((await send("/v1/search", body, headers)).status).toBe(401);
  });

  test("no other credential, key, chain or header is let in, and none may update", async () => {
    const body = searchOf(LABEL);
    const root = await exampleRoot();
    const authority = await exampleIssuer(root);
    const foreign = await exampleIssuer(await exampleRoot("Other Root"));
    const leafOf = (changes: object): Promise<Uint8Array> =>
      exampleLeaf({ serial: "x", issuer: authority, key: phone, names: [ALICE, PHONE], ...changes });
    const attempts: Record<string, Partial<Signing>> = {
      "an expired credential": { chain: [await leafOf({ notBefore: START - 10 * DAY, notAfter: START }), issuer] },
      "one that is not valid yet": { chain: [await leafOf({ notBefore: START + 30 * DAY }), issuer] },
      "another purpose": { chain: [await leafOf({ keyPurpose: "1.3.6.1.5.5.7.3.2" }), issuer] },
      "another CA": { chain: [await leafOf({ issuer: foreign }), foreign.certificate] },
      "no issuer": { chain: [leaf] },
      "another device's key": { key: exampleKey("laptop") },
      "a thumbprint of something else": { header: { "x5t#S256": createHash("sha256").digest("base64url") } },
      "another URL": { path: "/v1/distinguished" },
      "another algorithm": { header: { alg: "EdDSA", crit: ["b64"], b64: true } },
    };
    for (const [name, attempt] of Object.entries(attempts))
      expect([name, (await send("/v1/search", body, await signed({ body, ...attempt }))).status]).toEqual([name, 401]);
    const update = updateOf([{ value: utf8("mine") }]);
    expect((await send("/v1/update", update, await signed({ body: update, path: "/v1/update" }))).status).toBe(401);
    expect((await send("/v1/update", update, reader)).status).toBe(401);
    for (const junk of ["MLS-JWS", "MLS-JWS e30..AA", "MLS-JWS ..", `MLS-JWS ${"A".repeat(9000)}..AA`])
      expect((await send("/v1/search", body, { authorization: junk })).status).toBe(401);
  });
});

test("who shows the opening of what it looked up may go on monitoring it without any other right", async () => {
  const monitor = client.prepareContactMonitor(known, { label: utf8(LABEL) });
  const shown = Buffer.from(opening ?? new Uint8Array()).toString("base64url");
  const answer = await send("/v1/contact-monitor", monitor.request, { "kt-openings": `3=${shown}` });
  expect(answer.status).toBe(200);
  await monitor.verify(new Uint8Array(await answer.arrayBuffer()), now);
  for (const header of ["", `2=${shown}`, `3=${shown}, 3=${shown}`, shown, `3=${shown.slice(1)}A`])
    expect((await send("/v1/contact-monitor", monitor.request, { "kt-openings": header })).status).toBe(401);
  // It opens nothing else.
  expect((await send("/v1/search", searchOf(LABEL), { "kt-openings": `3=${shown}` })).status).toBe(401);
});

test("readers ask with an empty update for what is new, and write nothing with it", async () => {
  const size = (await context.store.head())?.treeSize;
  const empty = updateOf([]);
  expect((await send("/v1/update", empty)).status).toBe(401);
  expect((await send("/v1/update", empty, reader)).status).toBe(200);
  expect((await send("/v1/update", empty, await signed({ body: empty, path: "/v1/update" }))).status).toBe(200);
  expect((await context.store.head())?.treeSize).toBe(size);
});

test("an operator's own rules take the place of the built-in ones", async () => {
  const app = createApp({
    ...context,
    access: {
      admit: async ({ authorization }) =>
        authorization === "Custom yes" ? { identity: "somebody", writer: false } : undefined,
    },
  });
  const custom = sendInProcess(app);
  expect((await custom("/v1/search", searchOf(LABEL), { authorization: "Custom yes" })).status).toBe(200);
  expect((await custom("/v1/search", searchOf(LABEL), reader)).status).toBe(401);
});
