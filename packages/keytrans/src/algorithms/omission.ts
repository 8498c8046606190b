import type { KnownOutcomes } from "../binary-ladder.js";

/** Lookups already proven in the same response, by version. Draft section "Greatest-Version Search", "Binary Ladder". */
export class ProvenLookups {
  readonly #leftmostInclusion = new Map<number, number>();
  readonly #rightmostNonInclusion = new Map<number, number>();

  record(position: number, version: number, included: boolean): void {
    if (included) {
      const known = this.#leftmostInclusion.get(version);
      if (known === undefined || position < known) this.#leftmostInclusion.set(version, position);
    } else {
      const known = this.#rightmostNonInclusion.get(version);
      if (known === undefined || position > known) this.#rightmostNonInclusion.set(version, position);
    }
  }

  /** What need not be looked up at `position`: included further left, or not included further right. */
  at(position: number): KnownOutcomes {
    return {
      outcome: (version) => {
        const inclusion = this.#leftmostInclusion.get(version);
        if (inclusion !== undefined && inclusion < position) return true;
        const nonInclusion = this.#rightmostNonInclusion.get(version);
        return nonInclusion !== undefined && nonInclusion > position ? false : undefined;
      },
    };
  }
}
