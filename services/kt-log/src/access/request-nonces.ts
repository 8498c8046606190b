import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";

const HEAD = 8 + 16;
const LENGTH = HEAD + 32;
/** Used nonces remembered at once; at more than this many within a lifetime, device-signed requests are refused. */
const MOST_USED = 200_000;

/**
 * Nonces for signed requests: `time ‖ random ‖ HMAC`, base64url, which cost nothing until they are used, and then are
 * remembered until they expire. The key is this process's own: a nonce of another process is refused, and the refusal
 * carries a good one.
 */
export class RequestNonces {
  readonly #key = randomBytes(32);
  readonly #clock: () => number;
  readonly #lifetime: number;
  /** Used nonces in the order in which they were used, with the time from which they can be forgotten. */
  readonly #used = new Map<string, number>();

  /** `clock` and `lifetime` in milliseconds. */
  constructor(clock: () => number, lifetime = 300_000) {
    this.#clock = clock;
    this.#lifetime = lifetime;
  }

  /** A nonce, and until when it is good, seconds since 1970. */
  issue(): { readonly nonce: string; readonly expiresAt: number } {
    const head = Buffer.alloc(HEAD);
    const now = Math.max(0, Math.floor(this.#clock()));
    head.writeBigUInt64BE(BigInt(now), 0);
    randomBytes(HEAD - 8).copy(head, 8);
    const nonce = Buffer.concat([head, this.#tag(head)]).toString("base64url");
    return { nonce, expiresAt: Math.floor((now + this.#lifetime) / 1000) };
  }

  /** Whether the nonce was made here, is fresh and was not used before; from now on it is used. */
  spend(nonce: string): boolean {
    const bytes = Buffer.from(nonce, "base64url");
    if (bytes.length !== LENGTH || bytes.toString("base64url") !== nonce) return false;
    if (!timingSafeEqual(bytes.subarray(HEAD), this.#tag(bytes.subarray(0, HEAD)))) return false;
    const now = this.#clock();
    const age = now - Number(bytes.readBigUInt64BE(0));
    if (age >= this.#lifetime || age < 0 || this.#used.has(nonce)) return false;
    for (const [old, until] of this.#used) {
      if (until > now) break;
      this.#used.delete(old);
    }
    if (this.#used.size >= MOST_USED) return false;
    this.#used.set(nonce, now + this.#lifetime);
    return true;
  }

  #tag(head: Uint8Array): Uint8Array {
    return createHmac("sha256", this.#key).update("kt-log request nonce").update(head).digest();
  }
}
