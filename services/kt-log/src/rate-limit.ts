import { Problem } from "./problem.js";

export interface RateLimitSetting {
  /** Requests a second that one key may make over time; 0 turns the limit off. */
  readonly perSecond: number;
  /** Requests that one key may make at once. */
  readonly burst: number;
}

/** Keys remembered at once; the one unused for longest is forgotten first, so that memory is bounded. */
const KEY_LIMIT = 100_000;

/** Token buckets by key: a caller's address, or a label. */
export class RateLimit {
  readonly #setting: RateLimitSetting;
  readonly #clock: () => number;
  readonly #buckets = new Map<string, { tokens: number; at: number }>();

  /** `clock` gives milliseconds. */
  constructor(setting: RateLimitSetting, clock: () => number) {
    this.#setting = setting;
    this.#clock = clock;
  }

  /** Takes one token of `key`. @throws Problem rate-limited, with the seconds until there is one again */
  take(key: string): void {
    const { perSecond, burst } = this.#setting;
    if (perSecond === 0) return;
    const now = this.#clock();
    const bucket = this.#buckets.get(key) ?? { tokens: burst, at: now };
    const tokens = Math.min(burst, bucket.tokens + (Math.max(0, now - bucket.at) / 1000) * perSecond);
    this.#buckets.delete(key);
    this.#buckets.set(key, { tokens: tokens < 1 ? tokens : tokens - 1, at: now });
    if (this.#buckets.size > KEY_LIMIT) {
      const [oldest] = this.#buckets.keys();
      if (oldest !== undefined) this.#buckets.delete(oldest);
    }
    if (tokens < 1) throw new Problem("rate-limited", undefined, { retryAfter: Math.ceil((1 - tokens) / perSecond) });
  }
}
