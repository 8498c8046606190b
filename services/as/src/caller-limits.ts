import { isIPv6 } from "node:net";
import { RateLimit } from "@mls-as/service-runtime";
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
    const retryAfter = this.#requests.take(networkOf(address));
    if (retryAfter > 0) throw new Problem("rate-limited", "Too many requests from this address.", { retryAfter });
  }

  /** To be asked before a secret is judged. @throws Problem `rate-limited` for who has guessed wrong too often */
  mayGuess(address: string): void {
    const retryAfter = this.#guesses.wait(networkOf(address));
    if (retryAfter > 0)
      throw new Problem("rate-limited", "Too many failed attempts from this address.", { retryAfter });
  }

  /** A secret was guessed wrong. */
  failed(address: string): void {
    this.#guesses.take(networkOf(address));
  }
}

/** What one subscriber is given: an IPv4 address, the first 64 bits of an IPv6 address. */
export function networkOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined || !isIPv6(address)) return mapped ?? address;
  const [head = "", tail] = (address.split("%")[0] ?? "").toLowerCase().split("::");
  const groups = (text: string): string[] => (text === "" ? [] : text.split(":"));
  const [first, last] = [groups(head), groups(tail ?? "")];
  // Dotted digits at the end stand for two groups.
  const given = first.length + last.length + (address.includes(".") ? 1 : 0);
  const all = [...first, ...Array.from({ length: Math.max(0, 8 - given) }, () => "0"), ...last];
  return `${all
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(":")}::/64`;
}
