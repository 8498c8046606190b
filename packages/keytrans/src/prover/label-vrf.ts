import type { Awaitable } from "../algorithms/index.js";
import { type Suite, type VrfEvaluation, vrfInput } from "../suite/index.js";
import type { ProverStore, StoredVrfProof } from "./store.js";

/** A suite's `VrfPrivateKey`, or one that computes elsewhere: in another thread, or another process. */
export interface VrfEvaluator {
  /** The encoded public key. */
  readonly publicKey: Uint8Array;
  prove(input: Uint8Array): Awaitable<VrfEvaluation>;
  output(input: Uint8Array): Awaitable<Uint8Array>;
}

/** VRF outputs and proofs of one label's versions, each computed once in the life of the log. */
export class LabelVrf {
  readonly #store: ProverStore;
  readonly #key: VrfEvaluator;
  readonly #label: Uint8Array;
  readonly #known = new Map<number, Omit<StoredVrfProof, "label" | "version">>();

  constructor(store: ProverStore, key: VrfEvaluator, label: Uint8Array) {
    this.#store = store;
    this.#key = key;
    this.#label = label;
  }

  /** Outputs for `versions`, in order. Computes what is not stored, without the proof; the caller may store it. */
  async outputs(versions: readonly number[]): Promise<Uint8Array[]> {
    await this.#load(versions);
    return Promise.all(
      versions.map(async (version) => {
        const known = this.#known.get(version);
        if (known !== undefined) return known.output;
        const output = await this.#key.output(vrfInput(this.#label, version));
        this.#known.set(version, { output, proof: undefined });
        return output;
      }),
    );
  }

  /** Outputs and proofs for `versions`, in order. Makes the proofs that are not stored, and stores them. */
  async proofs(versions: readonly number[]): Promise<VrfEvaluation[]> {
    await this.#load(versions);
    const made: StoredVrfProof[] = [];
    const evaluations = await Promise.all(
      versions.map(async (version): Promise<VrfEvaluation> => {
        const known = this.#known.get(version);
        if (known?.proof !== undefined) return { output: known.output, proof: known.proof };
        const evaluation = await this.#key.prove(vrfInput(this.#label, version));
        this.#known.set(version, evaluation);
        made.push({ label: this.#label, version, ...evaluation });
        return evaluation;
      }),
    );
    if (made.length > 0) await this.#store.saveVrfProofs(made);
    return evaluations;
  }

  async #load(versions: readonly number[]): Promise<void> {
    const missing = versions.filter((version) => !this.#known.has(version));
    if (missing.length === 0) return;
    for (const row of await this.#store.vrfProofs(this.#label, missing)) if (row) this.#known.set(row.version, row);
  }
}

/** Everything the prover's parts share. */
export interface ProverContext {
  readonly suite: Suite;
  readonly store: ProverStore;
  readonly vrfPrivateKey: VrfEvaluator;
}
