import { frontier, inclusionProof, pathTo, prefixProof } from "./naive-trees.js";
import type { ModelEntry, ModelLog } from "./model.js";
import { Refusal } from "./refusal.js";
import { join, uint, vector } from "./wire.js";

/** One `CombinedTreeProof` being recorded ("Combined Tree"): what an algorithm asks for the first time is written down. */
export class Recording {
  readonly #timestamps = new Map<number, number>();
  readonly #order: number[] = [];
  readonly #retained: ReadonlySet<number>;
  readonly #proofs: Uint8Array[] = [];
  readonly #proven = new Set<number>();
  /** Lookups provided (or taken as provided) so far: version to the positions that proved it in or out. */
  readonly #included = new Map<number, number[]>();
  readonly #excluded = new Map<number, number[]>();

  constructor(
    readonly log: ModelLog,
    readonly size: number,
    readonly last: number | undefined,
  ) {
    this.#retained = new Set(last === undefined ? [] : frontier(last));
    this.#updateView();
  }

  entry(position: number): ModelEntry {
    return this.log.entries[position] as ModelEntry;
  }

  timestamp(position: number): number {
    if (!this.#retained.has(position) && !this.#timestamps.has(position)) {
      this.#timestamps.set(position, this.entry(position).timestamp);
      this.#order.push(position);
    }
    return this.entry(position).timestamp;
  }

  get proofCount(): number {
    return this.#proofs.length;
  }

  #updateView(): void {
    const { size, last } = this;
    if (last === undefined) {
      for (const position of frontier(size)) this.timestamp(position);
      return;
    }
    const upwards = pathTo(last - 1, size).toReversed();
    const right = upwards.filter((position) => position >= last);
    for (const position of right) this.timestamp(position);
    const from = right.at(-1) ?? last - 1;
    for (const position of frontier(size)) if (position > from) this.timestamp(position);
  }

  expired(position: number): boolean {
    const lifetime = this.log.maximumLifetime;
    return lifetime !== undefined && this.entry(this.size - 1).timestamp - this.timestamp(position) >= lifetime;
  }

  /** "Reasonable Monitoring Window": the bounds of a log entry are those of its nearest ancestors either side. */
  distinguished(position: number): boolean {
    let [left, right] = [0, this.timestamp(this.size - 1)];
    for (const step of pathTo(position, this.size)) {
      if (right - left < this.log.window) return false;
      if (step === position) return true;
      if (position < step) right = this.timestamp(step);
      else left = this.timestamp(step);
    }
    throw new Error("unreachable");
  }

  /** Takes lookups as provided from a log entry. */
  remember(label: Uint8Array, position: number, versions: readonly number[]): void {
    const greatest = this.log.greatestAt(label, position);
    for (const version of versions) {
      const map = greatest !== undefined && version <= greatest ? this.#included : this.#excluded;
      map.set(version, [...(map.get(version) ?? []), position]);
    }
  }

  /** Lookups left after those are omitted that another log entry of this response already settles. */
  notRedundant(position: number, versions: readonly number[]): number[] {
    return versions.filter(
      (version) =>
        !(this.#included.get(version) ?? []).some((other) => other < position) &&
        !(this.#excluded.get(version) ?? []).some((other) => other > position),
    );
  }

  /** A `PrefixProof` from a log entry. Its timestamp is asked for too: without it the proof could not be tied to the log. */
  lookUp(label: Uint8Array, position: number, versions: readonly number[]): void {
    this.timestamp(position);
    // The prefix tree versions of expired log entries need not be kept: the prover gives no proof from them. Also where the
    // proof is about a smaller tree, in which the entry had not expired.
    const lifetime = this.log.maximumLifetime;
    const newest = this.entry(this.log.size - 1).timestamp;
    if (lifetime !== undefined && newest - this.entry(position).timestamp >= lifetime) throw new Refusal("expired");
    const keys = versions.map((version) => this.log.searchKey(label, version));
    this.#proofs.push(prefixProof(this.log.suite.hash, this.entry(position).leaves, keys));
    this.#proven.add(position);
    this.remember(label, position, versions);
  }

  /** `audited`: the auditor's root has to come out of the proof as well. */
  finish(audited = true): Uint8Array {
    const { log, size, last } = this;
    const roots = this.#order.filter((position) => !this.#proven.has(position)).sort((a, b) => a - b);
    const elements = inclusionProof(
      log.suite.hash,
      log.entries.map(({ leafHash }) => leafHash),
      size,
      new Set(this.#order),
      last ?? 0,
      last === size || !audited ? undefined : log.auditorSize,
    );
    return join(
      vector(
        this.#order.map((position) => uint(this.entry(position).timestamp, 8)),
        1,
      ),
      vector(this.#proofs, 1),
      vector(
        roots.map((position) => this.entry(position).prefixRoot),
        1,
      ),
      vector(elements, 2),
    );
  }
}
