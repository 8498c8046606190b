import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AuditorTreeHead, AuditorTreeHeadTBS, Configuration, type Signer } from "@mls-as/keytrans";
import { type AuditorState, createAuditor, INITIAL_AUDITOR_STATE } from "@mls-as/keytrans/auditor";
import { nodeSuite } from "@mls-as/keytrans/node";
import { decode, encode, opaque, vector } from "@mls-as/tls-codec";
import { afterEach, beforeEach, expect, onTestFinished, test } from "vitest";
import { LabelWriter, type Send, sendInProcess } from "../fixtures/label-writer.js";
import { createApp } from "./app.js";
import { readConfig } from "./config.js";
import { closeContext, type Context, openContext } from "./context.js";
import { FILES, initialise } from "./data-folder.js";
import { rootAt } from "./log-tree.js";
import { fsck } from "./fsck/fsck.js";

const Updates = vector(opaque(0, 2 ** 32 - 1), 0, 2 ** 16 - 1);

let dataDir: string;
let context: Context;
let send: Send;
let token: string;
let signer: Signer;
let state: AuditorState;
let now: number;

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "kt-audit-"));
  now = Date.UTC(2026, 0, 1);
  state = INITIAL_AUDITOR_STATE;
  const suite = await nodeSuite(2);
  signer = suite.importSigner(new Uint8Array(32).fill(7));
  const config = readConfig({}, { dataDir, batchMilliseconds: 1, logLevel: "silent" });
  await initialise(config, { auditor: { publicKey: signer.publicKey, maxLagMilliseconds: 60_000 }, clock: () => now });
  token = (await readFile(join(dataDir, FILES.writerToken), "utf8")).trim();
  context = await openContext(config, () => now);
  send = sendInProcess(createApp(context));
});
afterEach(async () => {
  await closeContext(context);
  await rm(dataDir, { recursive: true });
});

/** Fetches, checks and signs all there is; as the auditor's own process would. */
async function audit(): Promise<Response> {
  const configuration = decode(Configuration, new Uint8Array(await (await send("/v1/configuration")).arrayBuffer()));
  const auditor = createAuditor({ suite: await nodeSuite(2), configuration });
  const answer = await send(`/v1/auditor/updates?start=${state.treeSize}&limit=100`);
  for (const update of decode(Updates, new Uint8Array(await answer.arrayBuffer())))
    state = auditor.process(state, update).state;
  return send("/v1/auditor/tree-head", await auditor.sign(state, signer));
}

test("users are served when the auditor has signed, with its old head up to the lag, and told so afterwards", async () => {
  const early = await send("/v1/distinguished", Uint8Array.of(0, 0));
  expect(await early.json()).toMatchObject({ code: "auditor-late", status: 503 });
  expect((await audit()).status).toBe(204);
  const writer = await LabelWriter.open(send, token, () => now);
  await writer.write("alice", "one");
  now += 59_000;
  await writer.write("alice", "two");
  expect(await writer.read("alice")).toEqual({ version: 1, value: "two" });
  now += 60_000;
  await writer.write("bob", "one").catch(() => undefined);
  await expect(writer.read("alice")).rejects.toThrow(/503.*auditor-late/);
  expect((await audit()).status).toBe(204);
  expect(await writer.read("alice")).toEqual({ version: 1, value: "two" });
  expect((await fsck(context.store)).findings).toEqual([]);
});

test("an operator may have the old head sent beyond the lag; clients judge it themselves", async () => {
  await audit();
  const writer = await LabelWriter.open(send, token, () => now);
  await writer.write("alice", "one");
  now += 61_000;
  await expect(writer.write("alice", "two")).rejects.toThrow(/503.*auditor-late/);
  expect((await send("/v1/distinguished", Uint8Array.of(0, 0))).status).toBe(503);
  const open = sendInProcess(createApp({ ...context, config: { ...context.config, auditorFailure: "open" } }));
  expect((await open("/v1/distinguished", Uint8Array.of(0, 0))).status).toBe(200);
});

test("updates are kept until they are fetched, and after, in pages", async () => {
  await audit();
  const writer = await LabelWriter.open(send, token, () => now);
  for (const value of ["one", "two", "three"]) await writer.write("alice", value);
  const page = async (query: string): Promise<readonly Uint8Array[]> =>
    decode(Updates, new Uint8Array(await (await send(`/v1/auditor/updates${query}`)).arrayBuffer()));
  const all = await page("");
  expect(all).toHaveLength(4);
  const paged: Uint8Array[] = [];
  for (;;) {
    const some = await page(`?start=${paged.length}&limit=3`);
    if (some.length === 0) break;
    paged.push(...some);
  }
  expect(paged).toEqual(all);
  expect(await page("?start=3&limit=1000")).toEqual(all.slice(3));
  for (const query of ["?start=-1", "?start=x", "?limit=0", "?limit=1001", "?start=9007199254740993"]) {
    const refused = await send(`/v1/auditor/updates${query}`);
    expect(await refused.json()).toMatchObject({ code: "malformed", status: 400 });
  }
});

test("an auditor that begins later starts at the log's checkpoint, and nobody is served before it has signed", async () => {
  const folder = await mkdtemp(join(tmpdir(), "kt-late-audit-"));
  const config = readConfig({}, { dataDir: folder, batchMilliseconds: 1, logLevel: "silent" });
  const auditor = { publicKey: signer.publicKey, maxLagMilliseconds: 60_000, startPosition: 5 };
  await initialise(config, { auditor, clock: () => now });
  const later = await openContext(config, () => now);
  onTestFinished(async () => {
    await closeContext(later);
    await rm(folder, { recursive: true });
  });
  const ask = sendInProcess(createApp(later));
  const checkpoint = async (): Promise<Uint8Array> =>
    new Uint8Array(await (await ask("/v1/auditor/checkpoint")).arrayBuffer());
  const library = createAuditor({ suite: await nodeSuite(2), configuration: later.configuration });
  const grow = async (): Promise<void> => {
    now += 1000;
    const label = new TextEncoder().encode(`label ${now}`);
    await later.sequencer.submit({ label, greatestVersion: undefined, values: [{ value: label }] });
  };
  // Each size has another shape of proof; from the position on it is always the same checkpoint.
  for (let size = 1; size < 9; size++) {
    const started = await library.start(await checkpoint());
    expect(started.treeSize).toBe(Math.min(size, 5));
    await grow();
  }
  const fixed = await checkpoint();
  state = await library.start(fixed);
  expect(await checkpoint()).toEqual(fixed);
  expect((await ask("/v1/distinguished", Uint8Array.of(0, 0))).status).toBe(503);
  const updates = await ask(`/v1/auditor/updates?start=${state.treeSize}&limit=100`);
  for (const update of decode(Updates, new Uint8Array(await updates.arrayBuffer())))
    state = library.process(state, update).state;
  expect(state).toMatchObject({ start: 5, treeSize: 9 });
  expect((await ask("/v1/auditor/tree-head", await library.sign(state, signer))).status).toBe(204);
  expect((await ask("/v1/distinguished", Uint8Array.of(0, 0))).status).toBe(200);
  expect((await fsck(later.store)).findings).toEqual([]);
});

test("a head from before the auditor's start is refused; a log whose auditor begins at once has no checkpoint", async () => {
  expect(await (await send("/v1/auditor/checkpoint")).json()).toMatchObject({ code: "invalid-start", status: 409 });
  const { configuration } = context;
  if (configuration.mode !== "thirdPartyAuditing") throw new Error("this log has an auditor");
  const late = { ...context, configuration: { ...configuration, auditorStartPos: 3n } };
  await audit();
  // Signed as by an auditor of the first entry, under the other configuration.
  const tbs = {
    config: late.configuration,
    timestamp: state.timestamp,
    treeSize: 1,
    root: await rootAt(context.store, 1),
  };
  const signature = await signer.sign(encode(AuditorTreeHeadTBS, tbs));
  const head = encode(AuditorTreeHead, { timestamp: state.timestamp, treeSize: 1, signature });
  const refused = await sendInProcess(createApp(late))("/v1/auditor/tree-head", head);
  expect(await refused.json()).toMatchObject({ code: "invalid-auditor-head", path: "treeSize" });
});

test("a head that is older, forged, or beyond the log is refused, and the last good one stays", async () => {
  const writer = async (): Promise<LabelWriter> => LabelWriter.open(send, token, () => now);
  await audit();
  const old = state;
  await (await writer()).write("alice", "one");
  await audit();
  const kept = (await context.store.head())?.auditorTreeHead;
  const auditor = createAuditor({ suite: await nodeSuite(2), configuration: context.configuration });
  const stranger = (await nodeSuite(2)).importSigner(new Uint8Array(32).fill(9));
  const heads = {
    older: await auditor.sign(old, signer),
    forged: await auditor.sign(state, stranger),
    beyond: await auditor.sign({ ...state, treeSize: state.treeSize + 1 }, signer).catch(() => new Uint8Array(3)),
  };
  const codes: unknown[] = [];
  for (const head of Object.values(heads))
    codes.push(((await (await send("/v1/auditor/tree-head", head)).json()) as { code: string }).code);
  expect(codes.slice(0, 2)).toEqual(["invalid-auditor-head", "invalid-auditor-head"]);
  expect(["invalid-auditor-head", "malformed"]).toContain(codes[2]);
  expect((await context.store.head())?.auditorTreeHead).toEqual(kept);
});
