import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Configuration, type Signer, type Suite } from "@mls-as/keytrans";
import { type ClientState, createClient, type KtClient } from "@mls-as/keytrans/client";
import { nodeSuite } from "@mls-as/keytrans/node";
import { signManagerUpdate } from "@mls-as/keytrans/prover";
import { decode } from "@mls-as/tls-codec";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type Send, sendInProcess, utf8 } from "../fixtures/label-writer.js";
import { createApp } from "./app.js";
import { readConfig } from "./config.js";
import { closeContext, type Context, openContext } from "./context.js";
import { FILES, initialise } from "./data-folder.js";
import { fsck } from "./fsck/fsck.js";

// Starts processes and derives keys from passphrases, which takes long on a busy machine.
vi.setConfig({ testTimeout: 240_000 });

/** This log is the manager; the Service Operator is whoever holds the leaf key and the writer token. */
let dataDir: string;
let context: Context;
let send: Send;
let suite: Suite;
let operator: Signer;
let client: KtClient;
let now: number;
let authorization: Record<string, string>;
const label = utf8("mimi://example.test/u/alice");

const bytesOf = async (response: Response): Promise<Uint8Array> => {
  if (response.status !== 200) throw new Error(await response.text());
  return new Uint8Array(await response.arrayBuffer());
};

async function owned(): Promise<ClientState> {
  const walk = client.prepareDistinguished(client.initialState(), {});
  const { state } = await walk.verify(await bytesOf(await send("/v1/distinguished", walk.request)), now);
  const init = client.prepareOwnerInit(state, { label });
  return (await init.verify(await bytesOf(await send("/v1/owner-init", init.request)), now)).state;
}

async function managed(request: Uint8Array, version: number, leafSigner = operator): Promise<Response> {
  const { configuration } = context;
  const signed = await signManagerUpdate({ suite, configuration, leafSigner }, request, version);
  return send("/v1/manager-update", signed, authorization);
}

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "kt-managed-"));
  now = Date.UTC(2026, 0, 1);
  suite = await nodeSuite(2);
  operator = suite.importSigner(new Uint8Array(32).fill(5));
  const config = readConfig({}, { dataDir, batchMilliseconds: 1, logLevel: "silent" });
  await initialise(config, { leafPublicKey: operator.publicKey, clock: () => now });
  authorization = { authorization: `Bearer ${(await readFile(join(dataDir, FILES.writerToken), "utf8")).trim()}` };
  context = await openContext(config, () => now);
  send = sendInProcess(createApp(context));
  const configuration = decode(Configuration, await bytesOf(await send("/v1/configuration")));
  client = createClient({ suite, configuration });
});
afterEach(async () => {
  await closeContext(context);
  await rm(dataDir, { recursive: true });
});

test("a user's update, signed by the operator, is inserted by the manager and verified by owner and contact", async () => {
  expect(context.configuration).toMatchObject({ mode: "thirdPartyManagement", leafPublicKey: operator.publicKey });
  const update = client.prepareUpdate(await owned(), { label, values: [utf8("one")] });
  const { result, state } = await update.verify(await bytesOf(await managed(update.request, 0)), now);
  expect(result.created).toBe(true);
  // The operator leaves versions out that it authorised for nobody.
  const second = client.prepareUpdate(state, { label, values: [utf8("two")] });
  const later = await second.verify(await bytesOf(await managed(second.request, 3)), now);
  expect(later.result.created).toBe(true);
  const search = client.prepareSearch(client.initialState(), { label });
  const found = await search.verify(await bytesOf(await send("/v1/search", search.request)), now);
  expect([found.result.version, found.result.value]).toEqual([3, utf8("two")]);
  // Repeated, it tells of what there is.
  const again = await second.verify(await bytesOf(await managed(second.request, 3)), now);
  expect(again.result.created).toBe(false);
  expect((await fsck(context.store)).findings).toEqual([]);
});

test("without the operator's signature, or with another's, nothing is inserted", async () => {
  const update = client.prepareUpdate(await owned(), { label, values: [utf8("one")] });
  const plain = await send("/v1/update", update.request, authorization);
  expect(await plain.json()).toMatchObject({ code: "wrong-mode", status: 409 });
  const forged = await managed(update.request, 0, suite.importSigner(new Uint8Array(32).fill(6)));
  expect(await forged.json()).toMatchObject({ code: "invalid-update-signature", status: 403 });
  const { configuration } = context;
  const signed = await signManagerUpdate({ suite, configuration, leafSigner: operator }, update.request, 0);
  expect((await send("/v1/manager-update", signed)).status).toBe(401);
  expect((await send("/v1/manager-update", signed.slice(0, -1), authorization)).status).toBe(400);
  expect((await context.store.head())?.treeSize).toBe(1);
});
