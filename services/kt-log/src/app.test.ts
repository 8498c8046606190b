import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AuditorTreeHead, Configuration, CredentialRequest } from "@mls-as/keytrans";
import { type ClientState, createClient, type KtClient } from "@mls-as/keytrans/client";
import { nodeSuite } from "@mls-as/keytrans/node";
import { decode, encode } from "@mls-as/tls-codec";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createApp } from "./app.js";
import type { LogApp } from "./routes/log-app.js";
import { readConfig } from "./config.js";
import { closeContext, type Context, openContext } from "./context.js";
import { FILES, initialise } from "./data-folder.js";

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

let dataDir: string;
let context: Context;
let app: LogApp;
let client: KtClient;
let writerToken: string;
let now = Date.UTC(2026, 0, 1);

async function open(environment: Record<string, string> = {}): Promise<void> {
  const config = readConfig(environment, { dataDir, batchMilliseconds: 1, logLevel: "silent" });
  context = await openContext(config, () => now);
  app = createApp(context);
}

async function post(path: string, body: Uint8Array, headers: Record<string, string> = {}): Promise<Response> {
  return app.request(path, {
    method: "POST",
    body: body.slice().buffer,
    headers: { "content-type": "application/octet-stream", ...headers },
  });
}

async function bytesOf(response: Response): Promise<Uint8Array> {
  if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`);
  return new Uint8Array(await response.arrayBuffer());
}

const asWriter = (): Record<string, string> => ({ authorization: `Bearer ${writerToken}` });

/** A writer's first steps with a label. */
async function own(label: Uint8Array): Promise<ClientState> {
  const walk = client.prepareDistinguished(client.initialState(), {});
  const { state } = await walk.verify(await bytesOf(await post("/v1/distinguished", walk.request)), now);
  const init = client.prepareOwnerInit(state, { label });
  return (await init.verify(await bytesOf(await post("/v1/owner-init", init.request)), now)).state;
}

async function insert(state: ClientState, label: Uint8Array, value: string): Promise<ClientState> {
  const update = client.prepareUpdate(state, { label, values: [utf8(value)] });
  const verified = await update.verify(await bytesOf(await post("/v1/update", update.request, asWriter())), now);
  expect(verified.result.created).toBe(true);
  return verified.state;
}

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "kt-log-"));
  await initialise(readConfig({}, { dataDir }), { clock: () => now });
  writerToken = (await readFile(join(dataDir, FILES.writerToken), "utf8")).trim();
  await open();
  const configuration = decode(Configuration, await bytesOf(await app.request("/v1/configuration")));
  client = createClient({ suite: await nodeSuite(2), configuration });
});

afterEach(async () => {
  await closeContext(context);
  await rm(dataDir, { recursive: true });
});

test("an update is durable before it is answered, and a fresh client finds it after a restart", async () => {
  const label = utf8("mimi://example.test/u/alice");
  await insert(await insert(await own(label), label, "one"), label, "two");
  await closeContext(context);
  now += 1000;
  await open();
  const search = client.prepareSearch(client.initialState(), { label });
  const { result } = await search.verify(await bytesOf(await post("/v1/search", search.request)), now);
  expect(result.version).toBe(1);
  expect(result.value).toEqual(utf8("two"));
});

test("Prefer: return=minimal is answered once durable, without proofs; repeating the request gives them", async () => {
  const label = utf8("mimi://a.example/u/minimal");
  const state = await own(label);
  const update = client.prepareUpdate(state, { label, values: [utf8("one")] });
  const minimal = { ...asWriter(), prefer: "respond-async, return=minimal" };
  const answer = await post("/v1/update", update.request, minimal);
  expect([answer.status, answer.headers.get("preference-applied")]).toEqual([204, "return=minimal"]);
  expect((await post("/v1/update", update.request, { prefer: "return=minimal" })).status).toBe(401);
  const repeated = await post("/v1/update", update.request, minimal);
  const { result } = await update.verify(await bytesOf(repeated), now);
  expect(result.versions.map(({ value }) => value)).toEqual([utf8("one")]);
});

test("the genesis entry is the empty tree, and a distinguished entry from the start", async () => {
  const head = await context.store.head();
  expect(head?.treeSize).toBe(1);
  const [entry] = await context.store.entries([0]);
  expect(entry?.prefixRoot).toEqual(new Uint8Array(32));
  const walk = client.prepareDistinguished(client.initialState(), {});
  const { result } = await walk.verify(await bytesOf(await post("/v1/distinguished", walk.request)), now);
  expect(result.heads.map(({ position }) => position)).toEqual([0]);
});

test("many labels at once share log entries, and each writer's proof verifies", async () => {
  const labels = Array.from({ length: 40 }, (_, i) => utf8(`mimi://example.test/u/user${i}`));
  const states = await Promise.all(labels.map((label) => own(label)));
  await Promise.all(labels.map((label, i) => insert(states[i] ?? client.initialState(), label, `value ${i}`)));
  expect((await context.store.head())?.treeSize).toBeLessThan(42);
});

test("a repeated update answers what exists instead of inserting again", async () => {
  const label = utf8("mimi://example.test/u/alice");
  const state = await own(label);
  const update = client.prepareUpdate(state, { label, values: [utf8("one")] });
  await bytesOf(await post("/v1/update", update.request, asWriter()));
  const size = (await context.store.head())?.treeSize;
  const { result } = await update.verify(await bytesOf(await post("/v1/update", update.request, asWriter())), now);
  expect(result.versions.map(({ value }) => value)).toEqual([utf8("one")]);
  expect((await context.store.head())?.treeSize).toBe(size);
});

test("two writers racing for one version: both learn the same history", async () => {
  const label = utf8("mimi://example.test/u/alice");
  const state = await own(label);
  const attempts = ["mine", "yours"].map(async (value) => {
    const update = client.prepareUpdate(state, { label, values: [utf8(value)] });
    return (await update.verify(await bytesOf(await post("/v1/update", update.request, asWriter())), now)).result;
  });
  const results = await Promise.all(attempts);
  expect(results.filter(({ created }) => created)).toHaveLength(1);
  expect(results[0]?.versions).toEqual(results[1]?.versions);
});

test("a clock that steps back does not move timestamps back", async () => {
  const label = utf8("mimi://example.test/u/alice");
  const state = await own(label);
  const before = (await context.store.head())?.timestamp;
  now -= 3_000;
  await insert(state, label, "one");
  expect((await context.store.head())?.timestamp).toBe(before);
  now += 3_000;
});

test("only the writer may update; the refusal says how, and nothing is written", async () => {
  const update = client.prepareUpdate(await own(utf8("l")), { label: utf8("l"), values: [utf8("v")] });
  for (const headers of [{}, { authorization: "Bearer wrong" }, { authorization: `Basic ${writerToken}` }]) {
    const response = await post("/v1/update", update.request, headers as Record<string, string>);
    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject({ code: "unauthorized" });
  }
  expect((await context.store.head())?.treeSize).toBe(1);
});

test.each([
  ["trailing bytes", "/v1/search", Array.from({ length: 20 }, () => 0), 400, "malformed"],
  ["an empty body", "/v1/search", [], 400, "malformed"],
  ["an unknown path", "/v1/nothing", [], 404, "not-found"],
])("bad input: %s", async (_name, path, body, status, code) => {
  const response = await post(path, new Uint8Array(body));
  expect(response.status).toBe(status);
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  expect(await response.json()).toMatchObject({ code, status });
});

test("an unknown label, a wrong method, a wrong media type and an oversized body each have their code", async () => {
  const search = client.prepareSearch(client.initialState(), { label: utf8("nobody") });
  expect(await (await post("/v1/search", search.request)).json()).toMatchObject({ code: "label-unknown", status: 404 });
  expect(await (await app.request("/v1/search")).json()).toMatchObject({ code: "method-not-allowed" });
  const json = await post("/v1/search", search.request, { "content-type": "application/json" });
  expect(await json.json()).toMatchObject({ code: "unsupported-media-type" });
  const large = await post("/v1/search", new Uint8Array(2 ** 22 + 1));
  expect(await large.json()).toMatchObject({ code: "body-too-large", status: 413 });
  expect(large.headers.get("connection")).toBe("close");
});

test("metrics and readiness tell of the log and of no label", async () => {
  const label = utf8("mimi://example.test/u/alice");
  await insert(await own(label), label, "one");
  const text = await (await app.request("/metrics")).text();
  expect(text).toContain("kt_log_tree_size 2");
  expect(text).not.toContain("alice");
  expect(await (await app.request("/readyz")).json()).toMatchObject({ ready: true, treeSize: 2 });
  now += 2 * 3_600_000;
  expect((await app.request("/readyz")).status).toBe(503);
});

test("owners and contacts monitor, and credentials are made, over HTTP", async () => {
  const label = utf8("mimi://example.test/u/alice");
  let state = await insert(await own(label), label, "one");
  now += 25 * 3_600_000;
  state = await insert(state, label, "two");
  const owner = client.prepareOwnerMonitor(state, { label });
  await owner.verify(await bytesOf(await post("/v1/owner-monitor", owner.request)), now);

  for (const value of ["three", "four"]) {
    now += 60_000;
    state = await insert(state, label, value);
  }
  const search = client.prepareSearch(client.initialState(), { label });
  const found = await search.verify(await bytesOf(await post("/v1/search", search.request)), now);
  expect(found.result.monitor).toBe(true);
  now += 25 * 3_600_000;
  await insert(state, label, "five");
  const contact = client.prepareContactMonitor(found.state, { label });
  await contact.verify(await bytesOf(await post("/v1/contact-monitor", contact.request)), now);

  const request = encode(CredentialRequest, { label, position: undefined });
  expect((await bytesOf(await post("/v1/credential", request))).length).toBeGreaterThan(100);
});

test("where reading needs a token, a stranger learns nothing of any label", async () => {
  const label = utf8("mimi://example.test/u/alice");
  await insert(await own(label), label, "one");
  await closeContext(context);
  const readers = join(dataDir, "readers");
  await writeFile(readers, `# partners\n${createHash("sha256").update("reader-token").digest("hex")}\n`);
  await open({ KT_LOG_READER_TOKENS_FILE: readers });
  const refusals = ["mimi://example.test/u/alice", "nobody"].map(async (name) => {
    const { request } = client.prepareSearch(client.initialState(), { label: utf8(name) });
    const { requestId, ...document } = (await (await post("/v1/search", request)).json()) as Record<string, unknown>;
    expect(requestId).toBeTypeOf("string");
    return document;
  });
  const [known, unknown] = await Promise.all(refusals);
  expect(known).toMatchObject({ code: "unauthorized" });
  expect(known).toEqual(unknown);
  const search = client.prepareSearch(client.initialState(), { label });
  const answer = await post("/v1/search", search.request, { authorization: "Bearer reader-token" });
  expect((await search.verify(await bytesOf(answer), now)).result.value).toEqual(utf8("one"));
  await writeFile(readers, "reader-token\n");
  await expect(open({ KT_LOG_READER_TOKENS_FILE: readers })).rejects.toThrow(/reader_tokens_file .*line 1/);
});

test("limits by label hold for everybody but the writer", async () => {
  const label = utf8("mimi://example.test/u/alice");
  await insert(await own(label), label, "one");
  await closeContext(context);
  await open({ KT_LOG_LABEL_RATE: "1" });
  const { request } = client.prepareSearch(client.initialState(), { label });
  const codes: number[] = [];
  for (let i = 0; i < 5; i++) codes.push((await post("/v1/search", request)).status);
  expect(codes).toEqual([200, 200, 200, 200, 429]);
  expect((await post("/v1/search", request)).headers.get("retry-after")).toBe("1");
  expect((await post("/v1/search", request, asWriter())).status).toBe(200);
});

test("limits by caller hold for whom the proxy names, before anything is decoded", async () => {
  await closeContext(context);
  await open({ KT_LOG_CALLER_RATE: "0.5", KT_LOG_CALLER_HEADER: "x-real-ip" });
  const ask = async (caller: string): Promise<number> =>
    (await post("/v1/search", new Uint8Array(), { "x-real-ip": caller })).status;
  expect([await ask("a"), await ask("a"), await ask("a")]).toEqual([400, 400, 429]);
  expect(await ask("b")).toBe(400);
  now += 2000;
  expect([await ask("a"), await ask("a")]).toEqual([400, 429]);
  expect((await post("/v1/search", new Uint8Array(), asWriter())).status).toBe(400);
});

test("an auditor's head is refused by a log that has none", async () => {
  const body = encode(AuditorTreeHead, { timestamp: now, treeSize: 1, signature: new Uint8Array(64) });
  expect(await (await post("/v1/auditor/tree-head", body)).json()).toMatchObject({ code: "wrong-mode", status: 409 });
});
