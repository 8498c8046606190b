export interface RateLimitSetting {
  /** How much one key may do a second over time; 0 turns the limit off. */
  readonly perSecond: number;
  /** How much one key may do at once. */
  readonly burst: number;
  /** Keys remembered at once, default 100,000; the one unused for longest is forgotten first, so that memory is bounded. */
  readonly keyLimit?: number;
}

interface Bucket {
  readonly tokens: number;
  readonly at: number;
}

/** Token buckets by key: a caller's address, a label, an account. */
export class RateLimit {
  readonly #setting: Required<RateLimitSetting>;
  readonly #clock: () => number;
  readonly #buckets = new Map<string, Bucket>();

  /** `clock` gives milliseconds; steps back do no harm. */
  constructor(setting: RateLimitSetting, clock: () => number) {
    this.#setting = { keyLimit: 100_000, ...setting };
    this.#clock = clock;
  }

  /** Takes one token of `key`. @returns 0 when there was one, else the whole seconds until there is one again */
  take(key: string): number {
    const { perSecond, keyLimit } = this.#setting;
    if (perSecond === 0) return 0;
    const { tokens, at } = this.#refilled(key);
    this.#buckets.delete(key);
    this.#buckets.set(key, { tokens: tokens < 1 ? tokens : tokens - 1, at });
    if (this.#buckets.size > keyLimit) {
      const [oldest] = this.#buckets.keys();
      if (oldest !== undefined) this.#buckets.delete(oldest);
    }
    return this.#waitFor(tokens);
  }

  /** Seconds until `key` has a token; 0 when it has one. Takes none: for counting failures only, with `take` after each. */
  wait(key: string): number {
    return this.#setting.perSecond === 0 ? 0 : this.#waitFor(this.#refilled(key).tokens);
  }

  #refilled(key: string): Bucket {
    const { perSecond, burst } = this.#setting;
    const now = this.#clock();
    const bucket = this.#buckets.get(key) ?? { tokens: burst, at: now };
    return { tokens: Math.min(burst, bucket.tokens + (Math.max(0, now - bucket.at) / 1000) * perSecond), at: now };
  }

  #waitFor(tokens: number): number {
    return tokens >= 1 ? 0 : Math.ceil((1 - tokens) / this.#setting.perSecond);
  }
}
