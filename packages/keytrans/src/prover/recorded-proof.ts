import type { Inspection, ProofSource } from "../algorithms/index.js";
import type { Lookups } from "../binary-ladder.js";
import { type BatchShape, batchProofElements } from "../log-tree/batch-proof.js";
import { provePrefixSearch } from "../prefix-tree/search.js";
import type { CombinedTreeProof, PrefixProof } from "../structs/index.js";
import { ProverError } from "./errors.js";
import type { LabelVrf } from "./label-vrf.js";
import type { ProverStore, StoredEntry } from "./store.js";

/** The label that lookups are about. */
export interface ProvenLabel {
  readonly label: Uint8Array;
  readonly vrf: LabelVrf;
}

/** Most ladders in one owner monitoring response. */
export const DEFAULT_PAGE_SIZE = 25;

/** Answers algorithms from the store and records what they asked for, in order. */
export class RecordedProof implements ProofSource {
  readonly #store: ProverStore;
  readonly #label: ProvenLabel | undefined;
  readonly #pageSize: number;
  readonly #expiredAt: number;
  readonly #entries = new Map<number, StoredEntry>();
  readonly #greatest = new Map<number, number | undefined>();
  readonly #timestamps: number[] = [];
  #ownerLadders = 0;
  readonly #lookups: { readonly position: number; readonly versions: readonly number[] }[] = [];

  /** `expiredAt`: entries with this timestamp or an older one have expired, and their prefix trees may be gone. */
  constructor(
    store: ProverStore,
    label?: ProvenLabel,
    pageSize: number = DEFAULT_PAGE_SIZE,
    expiredAt: number = Number.NEGATIVE_INFINITY,
  ) {
    this.#store = store;
    this.#expiredAt = expiredAt;
    this.#label = label;
    this.#pageSize = pageSize;
  }

  async entry(position: number): Promise<StoredEntry> {
    let entry = this.#entries.get(position);
    if (entry === undefined) {
      entry = (await this.#store.entries([position]))[0] as StoredEntry;
      this.#entries.set(position, entry);
    }
    return entry;
  }

  async timestamp(position: number): Promise<number> {
    const { timestamp } = await this.entry(position);
    this.#timestamps.push(timestamp);
    return timestamp;
  }

  /** The label's greatest version as of a log entry. */
  async greatestAt(position: number): Promise<number | undefined> {
    if (!this.#greatest.has(position)) {
      const { label } = this.#label as ProvenLabel;
      this.#greatest.set(position, (await this.#store.greatestVersions(label, [position]))[0]);
    }
    return this.#greatest.get(position);
  }

  async lookUp(
    position: number,
    lookups: Lookups,
    report: (version: number, included: boolean) => void,
  ): Promise<Uint8Array> {
    if ((await this.entry(position)).timestamp <= this.#expiredAt)
      throw new ProverError("version-expired", `entry ${position} has expired`, "Maximum Lifetime");
    const greatest = await this.greatestAt(position);
    const versions: number[] = [];
    for (let version = lookups.next(); version !== undefined; version = lookups.next()) {
      const included = greatest !== undefined && version <= greatest;
      versions.push(version);
      report(version, included);
      lookups.answer(included);
    }
    this.#lookups.push({ position, versions });
    return (await this.entry(position)).prefixRoot;
  }

  async ownerStops(position: number, expected: number | undefined): Promise<boolean> {
    if (this.#ownerLadders >= this.#pageSize || (await this.greatestAt(position)) !== expected) return true;
    this.#ownerLadders++;
    return false;
  }

  /** The proof of everything asked for so far. */
  async proof(inspection: Inspection, shape: Omit<BatchShape, "leaves">): Promise<CombinedTreeProof> {
    const inspected = inspection.inspected();
    const prefixProofs: PrefixProof[] = [];
    for (const { position, versions } of this.#lookups) prefixProofs.push(await this.#search(position, versions));
    const prefixRoots: Uint8Array[] = [];
    for (const { position, prefixRoot } of inspected)
      if (prefixRoot === undefined) prefixRoots.push((await this.entry(position)).prefixRoot);
    const leaves = inspected.map(({ position }) => position);
    const elements = await this.#store.logNodes(batchProofElements({ ...shape, leaves }));
    return { timestamps: this.#timestamps, prefixProofs, prefixRoots, inclusion: { elements } };
  }

  async #search(position: number, versions: readonly number[]): Promise<PrefixProof> {
    const { prefixNode, prefixRoot } = await this.entry(position);
    const keys = await (this.#label as ProvenLabel).vrf.outputs(versions);
    return provePrefixSearch(this.#store, { id: prefixNode, value: prefixRoot }, keys);
  }
}
