/** Counts failed guesses of each address, and says when one has to wait. Memory is bounded. */
export class AttemptLimiter {
  readonly #limit: number;
  readonly #now: () => number;
  readonly #failures = new Map<string, { since: number; count: number }>();

  /** @param limit failures within a minute. @param now seconds since 1970 */
  constructor(limit: number, now: () => number) {
    this.#limit = limit;
    this.#now = now;
  }

  /** Seconds that an address has to wait; 0 when it need not. */
  wait(address: string): number {
    const seen = this.#failures.get(address);
    if (seen === undefined) return 0;
    const left = seen.since + 60 - this.#now();
    if (left <= 0) {
      this.#failures.delete(address);
      return 0;
    }
    return seen.count >= this.#limit ? left : 0;
  }

  failed(address: string): void {
    const seen = this.#failures.get(address);
    if (seen !== undefined) seen.count++;
    else {
      if (this.#failures.size >= 10_000) this.#failures.clear();
      this.#failures.set(address, { since: this.#now(), count: 1 });
    }
  }
}
