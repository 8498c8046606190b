import { cpSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient, type KnownDistinguished, type KtClient, verifyWitnessedHead } from "@mls-as/keytrans/client";
import { nodeSuite } from "@mls-as/keytrans/node";
import {
  consistencyProof,
  decodeWitnessedHeads,
  formatCheckpoint,
  formatVerifierKey,
  hashLeaf,
  hashNode,
  inclusionProof,
  parseSignedNote,
  parseTlogPolicy,
  signNote,
  treeRoot,
} from "@mls-as/keytrans/witness";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { LabelWriter, type Send, sendInProcess } from "../../fixtures/label-writer.js";
import { type PostgresServer, postgresBinaries, startPostgres } from "../../fixtures/postgres-server.js";
import { type RunningWitness, startWitness } from "../../fixtures/witnesses.js";
import { createApp } from "../app.js";
import { readConfig } from "../config.js";
import { closeContext, type Context, openContext } from "../context.js";
import { FILES, initialise, readPassphrase } from "../data-folder.js";
import { RolledBackError } from "../head-memory.js";
import { type CheckpointSigner, openCheckpointKey } from "./checkpoint-key.js";
import { submitCheckpoint } from "./witness-client.js";
import { witnessesOf } from "./witnessing.js";

// Starts processes and derives keys from passphrases, which takes long on a busy machine.
vi.setConfig({ testTimeout: 240_000 });

const ORIGIN = "log.example/keytrans";

/** Where a log is: its folder, and its database where that is not in the folder. */
interface Place {
  readonly dataDir: string;
  readonly databaseUrl?: string;
}

const binaries = postgresBinaries();
let postgres: PostgresServer | undefined;
let databases = 0;
let folder: string;
let dataDir: string;
let place: Place;
let context: Context | undefined;
let send: Send;
let token: string;
let signer: CheckpointSigner;
let witnesses: RunningWitness[];
let policyFile: string;
let client: KtClient;
let now: number;

const stateFile = (i: number): string => join(folder, `witness-${i}.json`);
const startWitnesses = async (): Promise<RunningWitness[]> =>
  Promise.all([1, 2].map((i) => startWitness(`w${i}.example`, i, stateFile(i), [formatVerifierKey(signer.key)])));

async function writePolicy(quorum = "both"): Promise<void> {
  const lines = witnesses.map(({ vkey, url }, i) => `witness w${i + 1} ${vkey} ${url}`);
  const text = `log ${formatVerifierKey(signer.key)}\n${lines.join("\n")}\ngroup both all w1 w2\nquorum ${quorum}\n`;
  await writeFile(policyFile, text);
}

function settings(failure: "open" | "closed", at = place) {
  return readConfig(
    { KT_LOG_WITNESS_POLICY_FILE: policyFile, KT_LOG_WITNESS_ORIGIN: ORIGIN, KT_LOG_WITNESS_INTERVAL_SECONDS: "3600" },
    { ...at, batchMilliseconds: 1, logLevel: "silent", witnessFailure: failure, witnessLagSeconds: 60 },
  );
}

async function open(failure: "open" | "closed" = "open"): Promise<Context> {
  context = await openContext(settings(failure), () => now);
  send = sendInProcess(createApp(context));
  return context;
}

async function close(): Promise<void> {
  if (context !== undefined) await closeContext(context);
  context = undefined;
}

async function distinguishedHeads(): Promise<readonly KnownDistinguished[]> {
  const walk = client.prepareDistinguished(client.initialState(), {});
  const response = await send("/v1/distinguished", walk.request);
  const { state } = await walk.verify(new Uint8Array(await response.arrayBuffer()), now);
  return state.distinguished;
}

/** What an app does: one request for all heads, then its own policy. */
async function verifyHeads(heads: readonly KnownDistinguished[]): Promise<void> {
  const query = heads.map(({ position }) => `position=${position}`).join("&");
  const response = await send(`/v1/witnessed-heads?${query}`);
  if (response.status !== 200) throw new Error(await response.text());
  const { checkpoint, heads: proofs } = decodeWitnessedHeads(new Uint8Array(await response.arrayBuffer()));
  const policy = parseTlogPolicy(await readFile(policyFile, "utf8"));
  for (const [i, head] of heads.entries())
    await verifyWitnessedHead(head, { checkpoint, inclusion: proofs[i]?.inclusion ?? [] }, policy, ORIGIN);
}

async function begin(database?: string): Promise<void> {
  folder = await mkdtemp(join(tmpdir(), "kt-witness-"));
  dataDir = join(folder, "log");
  policyFile = join(folder, "policy");
  place = { dataDir, ...(database !== undefined && { databaseUrl: database }) };
  now = Date.now();
  const config = readConfig({}, { ...place });
  await initialise(config, { clock: () => now });
  token = (await readFile(join(dataDir, FILES.writerToken), "utf8")).trim();
  signer = await openCheckpointKey(dataDir, await readPassphrase(config), ORIGIN);
  witnesses = await startWitnesses();
  await writePolicy();
  const running = await open();
  client = createClient({ suite: await nodeSuite(2), configuration: running.configuration });
}

beforeAll(async () => {
  if (binaries !== undefined) postgres = await startPostgres(binaries);
});
afterEach(async () => {
  await close();
  for (const witness of witnesses) await witness.stop();
  await rm(folder, { recursive: true });
});
afterAll(() => postgres?.stop());

/** A copy of the closed log, as a backup holds it. */
function backup(): Place {
  cpSync(dataDir, join(folder, "backup"), { recursive: true });
  const copy = { dataDir: join(folder, "backup") };
  if (place.databaseUrl === undefined || postgres === undefined) return copy;
  const from = new URL(place.databaseUrl).pathname.slice(1);
  return { ...copy, databaseUrl: postgres.copy(`${from}_backup`, from) };
}

describe.each(["SQLite", ...(binaries === undefined ? [] : ["PostgreSQL"])])("a log on %s", (driver) => {
  beforeEach(() => begin(driver === "SQLite" ? undefined : postgres?.database(`witnessed${databases++}`)));

  test("two witnesses cosign as the log grows, and a client that demands both verifies its heads with one request", async () => {
    const writer = await LabelWriter.open(send, token, () => now);
    for (const label of ["alice", "bob"]) {
      await writer.write(label, "one");
      await context?.witnessing?.ask();
      await verifyHeads(await distinguishedHeads());
    }
    const note = parseSignedNote(await (await send("/checkpoint")).text());
    expect(note.text.split("\n").slice(0, 2)).toEqual([ORIGIN, "3"]);
    expect(note.signatures.map(({ name }) => name)).toEqual([ORIGIN, "w1.example", "w2.example"]);
    expect(await (await send("/metrics")).text()).toContain("kt_log_quorum_size 3");
    // A log that starts anew knows no old size: 409 tells it.
    await close();
    await open();
    await (await LabelWriter.open(send, token, () => now)).write("carol", "one");
    await context?.witnessing?.ask();
    await verifyHeads(await distinguishedHeads());
  });

  test("with one witness silent there is no quorum: failing open serves on, the client's policy refuses; failing closed refuses", async () => {
    await context?.witnessing?.ask();
    await witnesses[0]?.stop();
    const writer = await LabelWriter.open(send, token, () => now);
    await writer.write("alice", "one");
    await context?.witnessing?.ask();
    now += 61_000;
    expect((await writer.read("alice")).value).toBe("one");
    // The genesis entry is covered by the older checkpoint; an entry beyond it is not.
    const heads = await distinguishedHeads();
    await verifyHeads(heads.filter(({ position }) => position === 0));
    await expect(verifyHeads(heads)).rejects.toMatchObject({ code: "unwitnessed-head" });
    const beyond = await send("/v1/witnessed-heads?position=1");
    const { checkpoint } = decodeWitnessedHeads(new Uint8Array(await beyond.arrayBuffer()));
    expect(parseSignedNote(checkpoint).signatures.map(({ name }) => name)).toEqual([ORIGIN, "w2.example"]);
    await close();
    await open("closed");
    await context?.witnessing?.ask();
    const search = client.prepareSearch(client.initialState(), { label: new TextEncoder().encode("alice") });
    const refused = await send("/v1/search", search.request);
    expect(await refused.json()).toMatchObject({ code: "witnesses-late", status: 503, retryAfter: 30 });
    expect(await (await send("/v1/witnessed-heads?position=1")).json()).toMatchObject({ code: "not-witnessed" });
    expect((await send("/readyz")).status).toBe(503);
    witnesses[0] = await startWitness("w1.example", 1, stateFile(1), [formatVerifierKey(signer.key)]);
    await writePolicy();
    await close();
    await open("closed");
    await context?.witnessing?.ask();
    expect((await send("/v1/search", search.request)).status).toBe(200);
    expect((await send("/readyz")).status).toBe(200);
  });

  test("a restored backup is noticed through the witnesses: it does not start, and one that runs signs nothing more", async () => {
    await close();
    const copy = backup();
    await open();
    const writer = await LabelWriter.open(send, token, () => now);
    await writer.write("alice", "one");
    await context?.witnessing?.ask();
    await close();
    const restored = settings("open", copy);
    await rm(join(copy.dataDir, FILES.headMemory), { force: true });
    await expect(openContext(restored, () => now)).rejects.toThrow(RolledBackError);
    // It comes up while no witness answers, and asks again later.
    for (const witness of witnesses) await witness.stop();
    context = await openContext(restored, () => now);
    send = sendInProcess(createApp(context));
    const before = (await context.store.head())?.treeSize;
    witnesses = await startWitnesses();
    await context.witnessing?.compareWithWitnesses();
    await writePolicy();
    await close();
    await expect(openContext(restored, () => now)).rejects.toThrow(
      /holds this log's signature over a tree of 2 entries/,
    );
    expect(before).toBe(1);
  });
});

describe("whatever the database", () => {
  beforeEach(() => begin());

  test("a lying log that shows the witnesses another tree gets no cosignature, and no client believes it", async () => {
    const writer = await LabelWriter.open(send, token, () => now);
    await writer.write("alice", "one");
    await context?.witnessing?.ask();
    const [head] = await distinguishedHeads();
    if (head === undefined) throw new Error("no head");
    const lies = [0, 1, 2, 3].map((i) => hashLeaf(Uint8Array.of(i)));
    const nodes = (keys: readonly { level: number; index: number }[]): Promise<Uint8Array[]> =>
      Promise.all(
        keys.map(async ({ level, index }) => {
          if (level === 0) return lies[index] as Uint8Array;
          const [left, right] = await nodes([
            { level: level - 1, index: 2 * index },
            { level: level - 1, index: 2 * index + 1 },
          ]);
          return hashNode(left as Uint8Array, right as Uint8Array);
        }),
      );
    const text = formatCheckpoint({ origin: ORIGIN, size: 4, root: await treeRoot(4, nodes) });
    const checkpoint = `${text}\n${await signNote(text, signer.key, signer.signer)}`;
    const policy = parseTlogPolicy(await readFile(policyFile, "utf8"));
    for (const witness of witnessesOf(policy)) {
      const proof = await consistencyProof(2, 4, nodes);
      expect(await submitCheckpoint(witness, { oldSize: 2, proof, checkpoint }, 30_000)).toMatchObject({
        kind: "failed",
        reason: "inconsistent",
      });
      expect(await submitCheckpoint(witness, { oldSize: 0, proof: [], checkpoint }, 30_000)).toEqual({
        kind: "other-size",
        size: 2,
      });
    }
    const inclusion = await inclusionProof(head.position, 4, nodes);
    await expect(verifyWitnessedHead(head, { checkpoint, inclusion }, policy, ORIGIN)).rejects.toMatchObject({
      code: "unwitnessed-head",
    });
  });

  test("the name and key of the parallel log never change", async () => {
    await context?.witnessing?.ask();
    await close();
    const renamed = { ...settings("open"), witnessOrigin: "other.example" };
    await expect(openContext(renamed)).rejects.toThrow(/signed as log\.example\/keytrans/);
  });

  test("a policy that is none is told by its setting", async () => {
    await close();
    for (const [text, message] of [
      ["", /exactly one quorum/],
      ["quorum w1\n", /not defined/],
      ["witness w1 w1.example+00000000+BAAA\nquorum w1\n", /key id|base64/],
    ] as const) {
      await writeFile(policyFile, text);
      const refused = expect(openContext(settings("open"))).rejects;
      await refused.toMatchObject({
        faults: [{ field: "witness_policy_file", message: expect.stringMatching(message) as string }],
      });
    }
  });
});
