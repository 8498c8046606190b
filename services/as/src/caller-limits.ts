import { addressShare, RateLimit } from "@mls-as/service-runtime";
import type { Config } from "./config.js";
import { Problem } from "./problem.js";

/** How much a caller may ask, and how often guess at secrets; all doors of a process share one. Memory is bounded. */
export class CallerLimits {
  readonly #requests: RateLimit;
  readonly #guesses: RateLimit;

  /** @param clock milliseconds */
  constructor({ callerRate, failuresPerMinute }: Config, clock: () => number) {
    this.#requests = new RateLimit({ perSecond: callerRate, burst: 4 * callerRate }, clock);
    this.#guesses = new RateLimit({ perSecond: failuresPerMinute / 60, burst: failuresPerMinute }, clock);
  }

  /** Counts a request of an address. @throws Problem `rate-limited` */
  admit(address: string): void {
    const retryAfter = this.#requests.take(addressShare(address));
    if (retryAfter > 0) throw new Problem("rate-limited", "Too many requests from this address.", { retryAfter });
  }

  /** To be asked before a secret is judged. @throws Problem `rate-limited` for who has guessed wrong too often */
  mayGuess(address: string): void {
    const retryAfter = this.#guesses.wait(addressShare(address));
    if (retryAfter > 0)
      throw new Problem("rate-limited", "Too many failed attempts from this address.", { retryAfter });
  }

  /** A secret was guessed wrong. */
  failed(address: string): void {
    this.#guesses.take(addressShare(address));
  }
}
