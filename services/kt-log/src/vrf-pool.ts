import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { HASH_LENGTH, type Suite, type VrfEvaluation, type VrfPrivateKey, vrfInput } from "@mls-as/keytrans";
import type { LabelChange, VrfEvaluator } from "@mls-as/keytrans/prover";
import { concatBytes } from "@mls-as/tls-codec";
import type { VrfAnswer, VrfTask, VrfWorkerData } from "./vrf-worker.js";

/** Inputs in one message: what a search waits for at most behind a batch, about 3 ms. */
const TASK_INPUTS = 8;
/** Tasks that a worker holds, so that it never waits for the next one. */
const TASKS_AHEAD = 2;
/** Outputs computed before their batch is made. */
const PREPARED = 20_000;

interface Job {
  readonly input: Uint8Array;
  resolve(evaluation: { readonly output: Uint8Array; readonly proof: Uint8Array | undefined }): void;
  reject(error: Error): void;
}

interface Crew {
  readonly worker: Worker;
  readonly tasks: Map<number, readonly Job[]>;
}

export interface VrfPoolOptions {
  readonly suite: Suite;
  /** 32 bytes. */
  readonly privateKey: Uint8Array;
  /** Worker threads; default one less than there are processors, at least one. 0: all is computed in this thread. */
  readonly threads?: number | undefined;
}

/**
 * Evaluates the VRF in worker threads: one evaluation takes a third of a millisecond or more, in which this thread answers
 * others. Proofs, for which users wait, go before the outputs of batches.
 */
export class VrfPool implements VrfEvaluator {
  readonly publicKey: Uint8Array;
  readonly #key: VrfPrivateKey;
  readonly #crew: Crew[] = [];
  readonly #waiting: Record<VrfTask["kind"], Job[]> = { prove: [], output: [] };
  readonly #prepared = new Map<string, Promise<Uint8Array>>();
  #nextTask = 0;
  #dispatching = false;
  #closed = false;

  constructor({ suite, privateKey, threads = Math.max(1, availableParallelism() - 1) }: VrfPoolOptions) {
    this.#key = suite.importVrfPrivateKey(privateKey);
    this.publicKey = this.#key.publicKey;
    const data: VrfWorkerData = { suiteId: suite.id, privateKey };
    for (let i = 0; i < threads; i++) this.#hire(data);
  }

  #hire(workerData: VrfWorkerData): void {
    // Sources that run unbuilt, as in tests, have their worker beside the built ones.
    const file = import.meta.url.endsWith(".ts") ? "../dist/vrf-worker.js" : "./vrf-worker.js";
    const worker = new Worker(new URL(file, import.meta.url), { workerData });
    worker.unref();
    const member: Crew = { worker, tasks: new Map() };
    worker.on("message", (answer: VrfAnswer) => {
      const jobs = member.tasks.get(answer.id) ?? [];
      member.tasks.delete(answer.id);
      if (member.tasks.size === 0) worker.unref();
      this.#dispatch();
      const { evaluations } = answer;
      const each = evaluations.length / jobs.length;
      for (const [i, job] of jobs.entries()) {
        const output = evaluations.slice(i * each, i * each + HASH_LENGTH);
        const proof = each > HASH_LENGTH ? evaluations.slice(i * each + HASH_LENGTH, (i + 1) * each) : undefined;
        job.resolve({ output, proof });
      }
    });
    worker.on("error", () => this.#dismiss(member));
    worker.on("exit", () => this.#dismiss(member));
    this.#crew.push(member);
  }

  /** A worker that ended: what it had goes to the others, or is done here. */
  #dismiss(member: Crew): void {
    const at = this.#crew.indexOf(member);
    if (at < 0) return;
    this.#crew.splice(at, 1);
    for (const job of [...member.tasks.values()].flat()) this.#compute("prove", job);
    if (this.#crew.length > 0 && !this.#closed) return this.#dispatch();
    for (const kind of ["prove", "output"] as const)
      for (const job of this.#waiting[kind].splice(0)) this.#compute(kind, job);
  }

  #compute(kind: VrfTask["kind"], job: Job): void {
    if (this.#closed) return job.reject(new Error("the VRF is closed"));
    try {
      job.resolve(
        kind === "prove" ? this.#key.prove(job.input) : { output: this.#key.output(job.input), proof: undefined },
      );
    } catch (error) {
      job.reject(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #submit(
    kind: VrfTask["kind"],
    input: Uint8Array,
  ): Promise<{ readonly output: Uint8Array; readonly proof: Uint8Array | undefined }> {
    return new Promise((resolve, reject) => {
      const job: Job = { input, resolve, reject };
      if (this.#crew.length === 0) return this.#compute(kind, job);
      this.#waiting[kind].push(job);
      if (this.#dispatching) return;
      // What the same turn asks for goes out together.
      this.#dispatching = true;
      queueMicrotask(() => {
        this.#dispatching = false;
        this.#dispatch();
      });
    });
  }

  #dispatch(): void {
    for (;;) {
      const kind = this.#waiting.prove.length > 0 ? "prove" : "output";
      const free = this.#crew.reduce<Crew | undefined>(
        (best, member) => (best === undefined || member.tasks.size < best.tasks.size ? member : best),
        undefined,
      );
      if (this.#waiting[kind].length === 0 || free === undefined || free.tasks.size >= TASKS_AHEAD) return;
      const share = Math.ceil(this.#waiting[kind].length / (this.#crew.length * TASKS_AHEAD));
      const jobs = this.#waiting[kind].splice(0, Math.min(TASK_INPUTS, Math.max(1, share)));
      const inputs = jobs.map(({ input }) => input);
      const lengths = inputs.map(({ length }) => length);
      const task: VrfTask = { id: this.#nextTask++, kind, lengths, inputs: concatBytes(...inputs) };
      if (free.tasks.size === 0) free.worker.ref();
      free.tasks.set(task.id, jobs);
      free.worker.postMessage(task, []);
    }
  }

  async prove(input: Uint8Array): Promise<VrfEvaluation> {
    const { output, proof } = await this.#submit("prove", input);
    return { output, proof: proof as Uint8Array };
  }

  async output(input: Uint8Array): Promise<Uint8Array> {
    return this.#prepared.get(keyOf(input)) ?? (await this.#submit("output", input)).output;
  }

  /** Begins with the outputs that a log entry with `change` takes, while the batch fills. Forgotten by {@link settled}. */
  prepare(change: LabelChange): void {
    if (this.#crew.length === 0) return;
    for (const input of inputsOf(change)) {
      if (this.#prepared.size >= PREPARED) return;
      const key = keyOf(input);
      if (this.#prepared.has(key)) continue;
      const output = this.#submit("output", input).then((evaluation) => evaluation.output);
      // Whoever needs it hears of a failure.
      output.catch(() => this.#prepared.delete(key));
      this.#prepared.set(key, output);
    }
  }

  /** The change is in a log entry, or never will be. */
  settled(change: LabelChange): void {
    if (this.#prepared.size > 0) for (const input of inputsOf(change)) this.#prepared.delete(keyOf(input));
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#crew.map(({ worker }) => worker.terminate()));
  }
}

const keyOf = (input: Uint8Array): string => Buffer.from(input).toString("latin1");

function inputsOf({ label, greatestVersion, values, signedVersion }: LabelChange): Uint8Array[] {
  const next = (greatestVersion ?? -1) + 1;
  const count = (signedVersion ?? next) + values.length - next;
  return Array.from({ length: Math.max(0, Math.min(count, 255)) }, (_, i) => vrfInput(label, next + i));
}
