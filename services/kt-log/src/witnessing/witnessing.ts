import {
  consistencyProof,
  formatCheckpoint,
  inclusionProof,
  isSignedBy,
  meetsQuorum,
  parseCheckpoint,
  parseSignedNote,
  signNote,
  type TlogPolicy,
  treeRoot,
} from "@mls-as/keytrans/witness";
import { equalBytes } from "@mls-as/tls-codec";
import type { LogStore } from "../storage/store.js";
import type { CheckpointSigner } from "./checkpoint-key.js";
import { ParallelTree, subtreeSource } from "./parallel-tree.js";
import {
  fetchWitnessed,
  submitCheckpoint,
  type Submission,
  type SubmissionFailure,
  type WitnessAddress,
} from "./witness-client.js";
import { type SignedCheckpoint, signedCheckpoint, WitnessState } from "./witness-state.js";

/** What is told of witnesses to metrics and logs. */
export interface WitnessObserver {
  cosigned(witness: string, size: number, time: number): void;
  failed(witness: string, reason: SubmissionFailure, detail: string): void;
  checkpoint(size: number, hasQuorum: boolean): void;
  /** A round could not be made at all. */
  broken(error: unknown): void;
}

export interface WitnessingOptions {
  readonly store: LogStore;
  readonly signer: CheckpointSigner;
  readonly policy: TlogPolicy;
  readonly observer: WitnessObserver;
  /** Only the process that makes log entries signs checkpoints. */
  readonly leading: () => boolean;
  /** Milliseconds: between rounds, and that one witness may take. */
  readonly interval: number;
  readonly timeout: number;
  /** Called with what a witness proves that this log has signed and does not hold: it was rolled back or forked. */
  readonly onContradiction: (treeSize: number, witness: string) => void;
}

/** How long a read of the stored checkpoints stays good, milliseconds. */
const FRESH = 500;

/**
 * The log's side of C2SP tlog-witness: signs checkpoints of the parallel log as it grows, collects cosignatures, and
 * keeps the newest checkpoint that has the quorum.
 */
export class Witnessing {
  readonly #options: WitnessingOptions;
  readonly #state: WitnessState;
  readonly #witnesses: readonly WitnessAddress[];
  /** The size that each witness cosigned last, as far as known. */
  readonly #sizes = new Map<string, number>();
  #tree: ParallelTree | undefined;
  #timer: NodeJS.Timeout | undefined;
  #rounds: Promise<void> = Promise.resolve();
  #stopped = false;
  #read: { readonly at: number; readonly quorum?: SignedCheckpoint; readonly newest?: SignedCheckpoint } = {
    at: -FRESH,
  };

  constructor(options: WitnessingOptions) {
    this.#options = options;
    this.#state = new WitnessState(options.store);
    this.#witnesses = witnessesOf(options.policy);
  }

  /** Asks all witnesses what they saw last; see `onContradiction`. Those that do not answer are passed over. */
  async compareWithWitnesses(): Promise<void> {
    await Promise.all(this.#witnesses.map((witness) => this.#compare(witness)));
  }

  start(): void {
    this.#schedule(0);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#rounds;
  }

  /** One round, after those under way: signs the present tree when it is a new one, and asks for its cosignatures. */
  ask(): Promise<void> {
    const round = this.#rounds.then(() => this.#askOnce());
    this.#rounds = round.catch(() => undefined);
    return round;
  }

  /** The newest checkpoint with the quorum, and the newest of all. May be half a second old. */
  async checkpoints(): Promise<{ readonly quorum?: SignedCheckpoint; readonly newest?: SignedCheckpoint }> {
    if (performance.now() - this.#read.at >= FRESH) {
      const [quorum, newest] = [await this.#state.quorum(), await this.#state.newest()];
      this.#read = { at: performance.now(), ...(quorum && { quorum }), ...(newest && { newest }) };
    }
    return this.#read;
  }

  /** Audit path of a leaf in a checkpoint's tree. */
  inclusion(position: number, size: number): Promise<Uint8Array[]> {
    return inclusionProof(position, size, subtreeSource(this.#options.store));
  }

  #schedule(delay: number): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => {
      this.ask()
        .catch(this.#options.observer.broken)
        .finally(() => this.#schedule(this.#options.interval));
    }, delay);
    this.#timer.unref();
  }

  async #askOnce(): Promise<void> {
    if (!this.#options.leading()) {
      this.#tree = undefined;
      return;
    }
    const checkpoint = await this.#present();
    if (checkpoint === undefined) return;
    const answers = await Promise.all(this.#witnesses.map((witness) => this.#askWitness(witness, checkpoint)));
    const lines = answers.filter((line) => line !== undefined);
    const cosigned = new Set(this.#witnesses.filter((_, i) => answers[i] !== undefined).map(({ name }) => name));
    const [text = "", own = ""] = checkpoint.note.split("\n\n");
    const log = own.slice(0, own.indexOf("\n") + 1);
    const hasQuorum = meetsQuorum(this.#options.policy, cosigned);
    await this.#state.save({ ...checkpoint, note: `${text}\n\n${log}${lines.join("")}` }, hasQuorum);
    this.#read = { at: -FRESH };
    this.#options.observer.checkpoint(checkpoint.size, hasQuorum);
  }

  /** The checkpoint of the present tree: the one signed before, or a new one once the log has grown. */
  async #present(): Promise<SignedCheckpoint | undefined> {
    const { store, signer } = this.#options;
    const head = await store.head();
    const before = await this.#state.newest();
    if (head === undefined) return undefined;
    if (before?.size === head.treeSize) return before;
    // The store is asked for no more than it must hold: what the checkpoint before it covers.
    this.#tree ??= new ParallelTree(store, before?.size ?? 0);
    await this.#tree.grow(head.treeSize);
    if (before !== undefined) await this.#assertContinues(before);
    const root = await treeRoot(head.treeSize, subtreeSource(store));
    const text = formatCheckpoint({ origin: signer.key.name, size: head.treeSize, root });
    const checkpoint = signedCheckpoint(`${text}\n${await signNote(text, signer.key, signer.signer)}`);
    // Kept before anybody sees it: what was signed is known after a crash.
    await this.#state.save(checkpoint, this.#options.policy.quorum === undefined);
    return checkpoint;
  }

  /** A tree that does not continue the last one signed is never signed. */
  async #assertContinues(before: SignedCheckpoint): Promise<void> {
    const head = await this.#options.store.head();
    const whole = head !== undefined && head.treeSize >= before.size;
    if (whole && equalBytes(await treeRoot(before.size, subtreeSource(this.#options.store)), before.root)) return;
    this.#options.onContradiction(before.size, "this log's own last checkpoint");
    throw new Error("the parallel tree does not continue the last checkpoint; run kt-log fsck");
  }

  /** @returns the cosignature line; undefined when there is none to be had now */
  async #askWitness(witness: WitnessAddress, checkpoint: SignedCheckpoint): Promise<string | undefined> {
    const { observer } = this.#options;
    let answer = await this.#submit(witness, checkpoint, this.#sizes.get(witness.name) ?? 0);
    if (answer.kind === "other-size" && answer.size <= checkpoint.size)
      answer = await this.#submit(witness, checkpoint, answer.size);
    if (answer.kind === "cosigned") {
      this.#sizes.set(witness.name, checkpoint.size);
      observer.cosigned(witness.name, checkpoint.size, answer.time);
      return answer.line;
    }
    this.#sizes.delete(witness.name);
    if (answer.kind === "other-size") observer.failed(witness.name, "refused", `it has seen ${answer.size} leaves`);
    else observer.failed(witness.name, answer.reason, answer.detail);
    // Its word alone stops nothing; what it shows must bear this log's signature.
    if (answer.kind === "other-size" || answer.reason === "inconsistent") await this.#compare(witness);
    return undefined;
  }

  async #submit(witness: WitnessAddress, checkpoint: SignedCheckpoint, oldSize: number): Promise<Submission> {
    const { store, timeout } = this.#options;
    const proof = await consistencyProof(oldSize, checkpoint.size, subtreeSource(store));
    return submitCheckpoint(witness, { oldSize, proof, checkpoint: checkpoint.note }, timeout);
  }

  async #compare(witness: WitnessAddress): Promise<void> {
    const { store, signer, timeout, onContradiction } = this.#options;
    const text = await fetchWitnessed(witness, signer.key.name, timeout);
    if (text === undefined) return;
    let shown: { size: number; root: Uint8Array };
    try {
      const note = parseSignedNote(text);
      shown = parseCheckpoint(note.text);
      if (!(await isSignedBy(note, signer.key))) return;
    } catch {
      return;
    }
    const size = (await store.head())?.treeSize ?? 0;
    if (shown.size > size) onContradiction(shown.size, witness.name);
    else if (shown.size > 0 && !equalBytes(await this.#rootOf(shown.size), shown.root))
      onContradiction(shown.size, witness.name);
  }

  async #rootOf(size: number): Promise<Uint8Array> {
    const { store } = this.#options;
    const tree = new ParallelTree(store, Math.min(size, (await this.#state.newest())?.size ?? 0));
    await tree.grow(size);
    return treeRoot(size, subtreeSource(store));
  }
}

/** The witnesses of a policy that can be asked. */
export function witnessesOf(policy: TlogPolicy): WitnessAddress[] {
  return [...policy.witnesses].flatMap(([name, key]) => {
    const url = policy.urls.get(name);
    return url === undefined ? [] : [{ name, key, url }];
  });
}
