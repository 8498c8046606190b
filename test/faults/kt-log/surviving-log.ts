import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Configuration } from "@mls-as/keytrans";
import { type Auditor, type AuditorState, createAuditor } from "@mls-as/keytrans/auditor";
import { type ClientState, createClient, type KtClient } from "@mls-as/keytrans/client";
import { nodeSuite } from "@mls-as/keytrans/node";
import { decode, opaque, vector } from "@mls-as/tls-codec";
import { LabelWriter, type Send, sendTo, utf8 } from "../../../services/kt-log/fixtures/label-writer.js";
import { fsck } from "../../../services/kt-log/src/fsck/fsck.js";
import { PostgresLogStore } from "../../../services/kt-log/src/storage/postgres.js";
import { SqliteLogStore } from "../../../services/kt-log/src/storage/sqlite.js";

const MAIN = fileURLToPath(new URL("../../../services/kt-log/dist/main.js", import.meta.url));
const LABELS = ["alice", "bob", "carol", "dave", "eve"];
const AuditorUpdates = vector(opaque(0, 2 ** 32 - 1), 0, 2 ** 16 - 1);

export interface Run {
  readonly url: string;
  readonly child: ChildProcess;
  /** Exit code or signal. */
  readonly ended: Promise<unknown>;
}

export interface StartOptions {
  readonly environment?: Record<string, string>;
  /** A shell command before the log's own, as `ulimit -f 100`. */
  readonly before?: string;
  /** The user it runs as. */
  readonly uid?: number;
}

/**
 * An audited log that is killed again and again, with those who live through all of it: a writer of each label, a reader
 * and an auditor, each with one history. Every answer is verified.
 */
export class SurvivingLog {
  readonly dataDir = mkdtempSync(join(tmpdir(), "kt-faults-"));
  /** What each label was acknowledged to hold: how many versions at least, and the last value sent. */
  readonly acknowledged = new Map<string, { versions: number; value: string }>();
  acknowledgements = 0;
  /** What the processes wrote for their operator. */
  said = "";
  readonly #databaseUrl: string | undefined;
  readonly #auditorKey = new Uint8Array(randomBytes(32));
  #run: Run | undefined;
  #writer: LabelWriter | undefined;
  #client: KtClient | undefined;
  #reader: ClientState | undefined;
  #auditor: Auditor | undefined;
  #audited: AuditorState | undefined;

  constructor(databaseUrl?: string) {
    this.#databaseUrl = databaseUrl;
  }

  get #environment(): NodeJS.ProcessEnv {
    return {
      ...process.env,
      KT_LOG_LEVEL: "silent",
      KT_LOG_BATCH_MILLISECONDS: "2",
      KT_LOG_VRF_THREADS: "0",
      KT_LOG_PASSPHRASE: "a passphrase of a test",
      ...(this.#databaseUrl === undefined ? {} : { KT_LOG_DATABASE_URL: this.#databaseUrl }),
    };
  }

  /** `kt-log init` for an auditor of ours. */
  async init(): Promise<void> {
    const suite = await nodeSuite(2);
    const key = Buffer.from(suite.importSigner(this.#auditorKey).publicKey).toString("hex");
    mkdirSync(this.dataDir, { recursive: true });
    execFileSync(process.execPath, [MAIN, "init", "--data", this.dataDir, "--auditor-public-key", key], {
      env: this.#environment,
      stdio: "ignore",
    });
  }

  async start({ environment = {}, before, uid }: StartOptions = {}): Promise<Run> {
    const args = [MAIN, "serve", "--data", this.dataDir, "--port", "0", "--json"];
    const [file, rest]: [string, string[]] =
      before === undefined
        ? [process.execPath, args]
        : ["/bin/sh", ["-c", `${before}; exec "$0" "$@"`, process.execPath, ...args]];
    const child = spawn(file, rest, {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...this.#environment, ...environment },
      ...(uid === undefined ? {} : { uid }),
    });
    if (child.stderr !== null)
      child.stderr.on("data", (part: Uint8Array) => (this.said += Buffer.from(part).toString()));
    const ended = once(child, "exit").then(([code, signal]: unknown[]) => signal ?? code);
    const line = once(createInterface({ input: child.stdout }), "line").then(([text]) => String(text));
    const ready = await Promise.race([
      line,
      ended.then((status) => Promise.reject(new Error(`the log ended: ${String(status)}`))),
    ]);
    this.#run = { url: (JSON.parse(ready) as { url: string }).url, child, ended };
    return this.#run;
  }

  /** Speaks to another process of this log from now on. */
  follow(run: Run): void {
    this.#run = run;
  }

  /** To wherever the log listens now. */
  readonly #send: Send = (path, body, headers) => sendTo(this.#run?.url ?? "")(path, body, headers);

  async #get(path: string): Promise<Uint8Array> {
    const response = await this.#send(path);
    if (response.status !== 200) throw new Error(`${path}: ${response.status}`);
    return new Uint8Array(await response.arrayBuffer());
  }

  /** The auditor goes over what is new, and signs. Nothing it ever saw may have changed. */
  async audit(): Promise<void> {
    const suite = await nodeSuite(2);
    const configuration = decode(Configuration, await this.#get("/v1/configuration"));
    this.#auditor ??= createAuditor({ suite, configuration });
    let state = this.#audited ?? this.#auditor.initialState();
    for (;;) {
      const updates = decode(AuditorUpdates, await this.#get(`/v1/auditor/updates?start=${state.treeSize}&limit=500`));
      if (updates.length === 0) break;
      for (const update of updates) ({ state } = this.#auditor.process(state, update));
    }
    await this.#auditor.verifyTreeHead(state, await this.#get("/v1/tree-head")).catch((error: unknown) => {
      // The log may have grown since the last page.
      if ((error as { code?: unknown }).code !== "invalid-tree-size") throw error;
    });
    const head = await this.#auditor.sign(state, suite.importSigner(this.#auditorKey));
    const response = await this.#send("/v1/auditor/tree-head", head);
    if (response.status !== 204) throw new Error(`the auditor's head: ${response.status} ${await response.text()}`);
    this.#audited = state;
  }

  async #writing(): Promise<LabelWriter> {
    const token = readFileSync(join(this.dataDir, "writer-token"), "utf8").trim();
    this.#writer ??= await LabelWriter.open(this.#send, token);
    return this.#writer;
  }

  /** One update of a label. Throws what a caller of a dying log sees. */
  async write(label: string, value: string): Promise<void> {
    const writer = await this.#writing();
    // Whatever was written without an answer is told first; only what is new counts as acknowledged.
    while (!(await writer.write(label, value)).created);
    const before = this.acknowledged.get(label)?.versions ?? 0;
    this.acknowledged.set(label, { versions: before + 1, value });
    this.acknowledgements++;
  }

  /** All labels are written, over and over, until the log is gone. @throws what is not the silence of a dead log */
  async writeUntilGone(round: number): Promise<void> {
    const outcomes = await Promise.allSettled(
      LABELS.map(async (label) => {
        for (let turn = 0; ; turn++) await this.write(label, `${round}/${turn}`);
      }),
    );
    for (const outcome of outcomes) {
      const reason: unknown = outcome.status === "rejected" ? outcome.reason : undefined;
      if (!isSilence(reason)) throw reason;
    }
  }

  /** Waits for `count` more acknowledgements; gives up when the log ends. */
  async untilAcknowledged(count: number): Promise<void> {
    const due = this.acknowledgements + count;
    while (this.acknowledgements < due && this.#run?.child.exitCode === null) await sleep(2);
  }

  /** Kills the log as a power switch does, `after` milliseconds from now. */
  async kill(after = 0): Promise<void> {
    const run = this.#run;
    await sleep(after);
    run?.child.kill("SIGKILL");
    await run?.ended;
  }

  async stop(): Promise<void> {
    this.#run?.child.kill("SIGTERM");
    const status = await this.#run?.ended;
    if (status !== 0) throw new Error(`the log ended with ${String(status)} when asked to`);
  }

  /** Every acknowledged version is proven to the reader who has been there from the start, and to the auditor. */
  async expectNothingLost(): Promise<void> {
    await this.audit();
    const suite = await nodeSuite(2);
    this.#client ??= createClient({
      suite,
      configuration: decode(Configuration, await this.#get("/v1/configuration")),
    });
    for (const [label, { versions, value }] of this.acknowledged) {
      const search = this.#client.prepareSearch(this.#reader ?? this.#client.initialState(), { label: utf8(label) });
      const response = await this.#send("/v1/search", search.request);
      if (response.status !== 200) throw new Error(`search: ${response.status} ${await response.text()}`);
      const { result, state } = await search.verify(new Uint8Array(await response.arrayBuffer()), Date.now());
      this.#reader = state;
      const found = new TextDecoder().decode(result.value);
      if (result.version < versions - 1) throw new Error(`${label} lost a version after ${result.version}`);
      if (result.version === versions - 1 && found !== value) throw new Error(`${label} holds ${found}, not ${value}`);
    }
  }

  /** Whether the log holds a label, by the word of its search. */
  async exists(label: string): Promise<boolean> {
    const client = this.#client;
    if (client === undefined) throw new Error("nothing was read before");
    const search = client.prepareSearch(client.initialState(), { label: utf8(label) });
    const response = await this.#send("/v1/search", search.request);
    if (response.status === 404) return false;
    await search.verify(new Uint8Array(await response.arrayBuffer()), Date.now());
    return true;
  }

  /** The database as it lies there, with no log running on it. */
  async expectSound(): Promise<void> {
    const store =
      this.#databaseUrl === undefined
        ? new SqliteLogStore(join(this.dataDir, "log.sqlite"))
        : await PostgresLogStore.open(this.#databaseUrl, 2);
    try {
      const { findings } = await fsck(store);
      if (findings.length > 0) throw new Error(`fsck: ${JSON.stringify(findings)}`);
    } finally {
      await store.close();
    }
  }

  dispose(): void {
    if (this.#run?.child.exitCode === null && this.#run.child.signalCode === null) this.#run.child.kill("SIGKILL");
    rmSync(this.dataDir, { recursive: true, force: true });
  }
}

/** What a caller sees of a log that is gone, or going: no answer, or one that names the storage or the shutdown. */
export function isSilence(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return error.message === "fetch failed" || error.message === "terminated" || /^50[03]: /.test(error.message);
}
