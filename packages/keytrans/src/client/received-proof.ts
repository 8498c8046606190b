import type { ProofSource } from "../algorithms/index.js";
import type { Lookups } from "../binary-ladder.js";
import { KeytransError } from "../errors.js";
import { evaluatePrefixProof, type SearchedKey } from "../prefix-tree/evaluate.js";
import type { CombinedTreeProof } from "../structs/index.js";
import type { Suite } from "../suite/index.js";

const SECTION = "Combined Tree (Tree Proofs)";

/** VRF outputs and commitments of a label's versions. A version without commitment cannot be shown included. */
export type KnownVersions = ReadonlyMap<number, SearchedKey>;

/** One lookup's outcome in the prefix tree of one log entry. */
export interface ShownLookup {
  readonly position: number;
  readonly version: number;
  readonly vrfOutput: Uint8Array;
  readonly included: boolean;
}

/** Feeds algorithms from a received proof, consuming it. */
export class ReceivedProof implements ProofSource {
  readonly #suite: Suite;
  readonly #proof: CombinedTreeProof;
  readonly #versions: KnownVersions;
  #timestamps = 0;
  #prefixProofs = 0;
  /** Everything looked up so far. */
  readonly shown: ShownLookup[] = [];

  constructor(suite: Suite, proof: CombinedTreeProof, versions: KnownVersions) {
    this.#suite = suite;
    this.#proof = proof;
    this.#versions = versions;
  }

  timestamp(): number {
    const timestamp = this.#proof.timestamps[this.#timestamps++];
    if (timestamp === undefined) throw count("timestamps", "too few");
    return timestamp;
  }

  lookUp(position: number, lookups: Lookups, report: (version: number, included: boolean) => void): Uint8Array {
    const proof = this.#proof.prefixProofs[this.#prefixProofs++];
    if (proof === undefined) throw count("prefixProofs", "too few");
    const keys: SearchedKey[] = [];
    for (const result of proof.results) {
      const version = lookups.next();
      if (version === undefined) throw count("prefixProofs.results", "too many");
      const key = this.#versions.get(version);
      if (key === undefined)
        throw new KeytransError("missing-state", `no VRF output for version ${version}`, SECTION, "prefixProofs");
      const included = result.resultType === "inclusion";
      keys.push(key);
      this.shown.push({ position, version, vrfOutput: key.vrfOutput, included });
      report(version, included);
      lookups.answer(included);
    }
    if (lookups.next() !== undefined) throw count("prefixProofs.results", "too few");
    return evaluatePrefixProof(this.#suite, keys, proof);
  }

  /** The only stop a user knows: nothing is left. */
  ownerStops(): boolean {
    return this.#prefixProofs >= this.#proof.prefixProofs.length;
  }

  /** Refuses leftovers. */
  finish(): void {
    if (this.#timestamps !== this.#proof.timestamps.length) throw count("timestamps", "too many");
    if (this.#prefixProofs !== this.#proof.prefixProofs.length) throw count("prefixProofs", "too many");
  }
}

function count(field: string, what: string): KeytransError {
  return new KeytransError("unexpected-count", `${what} ${field}`, SECTION, field);
}
