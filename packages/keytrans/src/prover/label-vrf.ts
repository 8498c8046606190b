import { type Suite, type VrfPrivateKey, vrfInput } from "../suite/index.js";
import type { ProverStore, StoredVrfProof } from "./store.js";

/** VRF outputs and proofs of one label's versions, each computed once in the life of the log. */
export class LabelVrf {
  readonly #store: ProverStore;
  readonly #key: VrfPrivateKey;
  readonly #label: Uint8Array;
  readonly #known = new Map<number, StoredVrfProof>();

  constructor(store: ProverStore, key: VrfPrivateKey, label: Uint8Array) {
    this.#store = store;
    this.#key = key;
    this.#label = label;
  }

  /** Rows for `versions`, in order. Computes what is not stored, and keeps it. */
  async rows(versions: readonly number[]): Promise<StoredVrfProof[]> {
    const missing = versions.filter((version) => !this.#known.has(version));
    if (missing.length > 0) await this.#load(missing);
    return versions.map((version) => this.#known.get(version) as StoredVrfProof);
  }

  async #load(versions: readonly number[]): Promise<void> {
    const stored = await this.#store.vrfProofs(this.#label, versions);
    const computed: StoredVrfProof[] = [];
    versions.forEach((version, i) => {
      let row = stored[i];
      if (row === undefined) {
        row = { label: this.#label, version, ...this.#key.prove(vrfInput(this.#label, version)) };
        computed.push(row);
      }
      this.#known.set(version, row);
    });
    if (computed.length > 0) await this.#store.saveVrfProofs(computed);
  }
}

/** Everything the prover's parts share. */
export interface ProverContext {
  readonly suite: Suite;
  readonly store: ProverStore;
  readonly vrfPrivateKey: VrfPrivateKey;
}
