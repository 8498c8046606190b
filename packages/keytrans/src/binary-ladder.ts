/** Greatest version a label can have. */
export const MAX_VERSION = 2 ** 32 - 1;

/**
 * A series of lookups in one log entry's prefix tree. Each answer decides the next lookup: the prover answers from what
 * it knows, the verifier from the results it received.
 */
export interface Lookups {
  /** The version to look up next; undefined when the series has ended. */
  next(): number | undefined;
  /** Tells whether the version that `next` gave is included. */
  answer(included: boolean): void;
}

/** Versions whose outcome another log entry's proof already showed; they are not looked up again. */
export interface KnownOutcomes {
  /** True or false where the outcome is already proven for this log entry, undefined where it must be looked up. */
  outcome(version: number): boolean | undefined;
}

/** How the greatest version at a log entry compares to the target: -1 less, 0 equal, 1 greater. */
export type Comparison = -1 | 0 | 1;

/** The series 0, 1, 3, 7, … and the binary search after it, driven by answers. Draft section "Binary Ladder". */
class Ladder {
  #exponent = 0;
  #lower = -1;
  #upper: number | undefined;

  /** The next version, which may exceed {@link MAX_VERSION}; undefined when lower and upper bound meet. */
  next(): number | undefined {
    if (this.#upper === undefined) return 2 ** this.#exponent - 1;
    if (this.#lower + 1 >= this.#upper) return undefined;
    return Math.floor((this.#lower + this.#upper) / 2);
  }

  answer(version: number, included: boolean): void {
    if (!included) this.#upper = version;
    else {
      this.#lower = version;
      if (this.#upper === undefined) this.#exponent++;
    }
  }
}

/** Versions that a ladder looks up to establish that `greatest` is the greatest version, in lookup order. */
export function baseBinaryLadder(greatest: number): number[] {
  const ladder = new Ladder();
  const versions: number[] = [];
  for (let version = ladder.next(); version !== undefined; version = ladder.next()) {
    ladder.answer(version, version <= greatest);
    if (version <= MAX_VERSION) versions.push(version);
  }
  return versions;
}

/** A search binary ladder: how does the greatest version at this entry compare to `target`? Draft section "Greatest-Version Search", "Binary Ladder". */
export class SearchLadder implements Lookups {
  readonly target: number;
  readonly #known: KnownOutcomes | undefined;
  readonly #ladder = new Ladder();
  #comparison: Comparison = 0;
  #ended = false;

  constructor(target: number, known?: KnownOutcomes) {
    this.target = target;
    this.#known = known;
  }

  /** Valid once the series has ended. */
  get comparison(): Comparison {
    return this.#comparison;
  }

  next(): number | undefined {
    while (!this.#ended) {
      const version = this.#ladder.next();
      if (version === undefined) this.#ended = true;
      else {
        const outcome = version > MAX_VERSION ? false : this.#known?.outcome(version);
        if (outcome === undefined) return version;
        this.#take(version, outcome);
      }
    }
    return undefined;
  }

  answer(included: boolean): void {
    this.#take(this.#ladder.next() as number, included);
  }

  #take(version: number, included: boolean): void {
    this.#ladder.answer(version, included);
    if (included === version <= this.target) return;
    this.#comparison = included ? 1 : -1;
    this.#ended = true;
  }
}

/** Lookups of a fixed list of versions, all of which must be included. */
export class InclusionLookups implements Lookups {
  readonly #versions: readonly number[];
  #index = 0;
  #allIncluded = true;

  constructor(versions: readonly number[]) {
    this.#versions = versions;
  }

  get allIncluded(): boolean {
    return this.#allIncluded;
  }

  next(): number | undefined {
    return this.#versions[this.#index];
  }

  answer(included: boolean): void {
    if (!included) this.#allIncluded = false;
    this.#index++;
  }
}

/** Versions of a monitoring binary ladder. Draft section "Monitoring the Tree", "Binary Ladder". */
export function monitoringBinaryLadder(target: number): number[] {
  return baseBinaryLadder(target).filter((version) => version <= target);
}

/** Versions looked up by a search ladder for `target` where the greatest version is `greatest`, as in the draft's appendix. */
export function searchBinaryLadder(target: number, greatest: number, known?: KnownOutcomes): number[] {
  const lookups = new SearchLadder(target, known);
  const versions: number[] = [];
  for (let version = lookups.next(); version !== undefined; version = lookups.next()) {
    versions.push(version);
    lookups.answer(version <= greatest);
  }
  return versions;
}
