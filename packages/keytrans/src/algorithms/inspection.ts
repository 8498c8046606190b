import { equalBytes } from "@mls-as/tls-codec";
import {
  type Comparison,
  InclusionLookups,
  type Lookups,
  monitoringBinaryLadder,
  SearchLadder,
} from "../binary-ladder.js";
import { KeytransError } from "../errors.js";
import { ProvenLookups } from "./omission.js";
import type { ProofSource, RetainedEntry } from "./proof-source.js";

const SECTION = "Combined Tree (Tree Proofs)";

/** A log entry whose timestamp the proof gives, with its prefix tree root where a lookup produced one. */
export interface InspectedEntry {
  readonly position: number;
  readonly timestamp: number;
  readonly prefixRoot: Uint8Array | undefined;
}

/** Receives a violation of the log's rules that need not stop the execution: throw it, or note it as evidence. */
export type Violated = (violation: KeytransError) => void;

const refuse: Violated = (violation) => {
  throw violation;
};

/** One execution of algorithms over one proof: what is asked for twice is fetched once, and everything must agree. */
export class Inspection {
  readonly proven = new ProvenLookups();
  readonly #source: ProofSource;
  /** Reports what the log must never do; by default it is thrown. */
  readonly violated: Violated;
  readonly #retained: ReadonlyMap<number, RetainedEntry>;
  readonly #timestamps = new Map<number, number>();
  readonly #roots = new Map<number, Uint8Array>();

  constructor(source: ProofSource, retained: readonly RetainedEntry[], violated: Violated = refuse) {
    this.#source = source;
    this.violated = violated;
    this.#retained = new Map(retained.map((entry) => [entry.position, entry]));
    for (const { position, timestamp, prefixRoot } of retained) {
      this.#timestamps.set(position, timestamp);
      this.#roots.set(position, prefixRoot);
    }
  }

  async timestamp(position: number): Promise<number> {
    const known = this.#timestamps.get(position);
    if (known !== undefined) return known;
    const timestamp = await this.#source.timestamp(position);
    for (const [other, time] of this.#timestamps)
      if (other < position ? time > timestamp : time < timestamp) this.#disorder(other, position);
    this.#timestamps.set(position, timestamp);
    return timestamp;
  }

  /** A search binary ladder; with `omit`, without the lookups that this response already proves. */
  async searchLadder(position: number, target: number, omit: boolean): Promise<Comparison> {
    const ladder = new SearchLadder(target, omit ? this.proven.at(position) : undefined);
    await this.#lookUp(position, ladder, omit);
    return ladder.comparison;
  }

  /** A monitoring binary ladder: every lookup must show inclusion. */
  async monitoringLadder(position: number, target: number): Promise<void> {
    await this.inclusion(position, monitoringBinaryLadder(target));
  }

  /** Lookups of `versions` that must all show inclusion. */
  async inclusion(position: number, versions: readonly number[]): Promise<void> {
    if (!(await this.includes(position, versions)))
      this.violated(
        new KeytransError("inconsistent-ladder", `a version is missing at entry ${position}`, SECTION, "prefixProofs"),
      );
  }

  /** Lookups of `versions`; whether all show inclusion. */
  async includes(position: number, versions: readonly number[]): Promise<boolean> {
    const lookups = new InclusionLookups(versions);
    await this.#lookUp(position, lookups, false);
    return lookups.allIncluded;
  }

  async ownerStops(position: number, expected: number | undefined): Promise<boolean> {
    return this.#source.ownerStops(position, expected);
  }

  /** Entries whose timestamps the proof gave (not the retained ones), left to right. */
  inspected(): InspectedEntry[] {
    return [...this.#timestamps]
      .filter(([position]) => !this.#retained.has(position))
      .map(([position, timestamp]) => ({ position, timestamp, prefixRoot: this.#roots.get(position) }))
      .sort((a, b) => a.position - b.position);
  }

  #disorder(other: number, position: number): void {
    const message = `entries ${other} and ${position} are out of order in time`;
    const disorder = new KeytransError("non-monotonic-timestamps", message, SECTION, "timestamps");
    // The proof binds the timestamps it carries to the signed root; a retained one is only this user's word.
    if (this.#retained.has(other)) throw disorder;
    this.violated(disorder);
  }

  async #lookUp(position: number, lookups: Lookups, record: boolean): Promise<void> {
    // A ladder's log entry must be covered by `inclusion`, which covers the entries with a timestamp.
    await this.timestamp(position);
    const root = await this.#source.lookUp(position, lookups, (version, included) => {
      if (record) this.proven.record(position, version, included);
    });
    const known = this.#roots.get(position);
    if (known !== undefined && !equalBytes(known, root))
      throw new KeytransError(
        "prefix-root-mismatch",
        `proofs from entry ${position} disagree about its prefix tree`,
        SECTION,
        "prefixProofs",
      );
    this.#roots.set(position, root);
  }
}
