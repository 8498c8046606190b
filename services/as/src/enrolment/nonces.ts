import { createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { fromBase64Url, toBase64Url, toHex } from "../binary-text.js";
import { Problem } from "../problem.js";

const HEAD = 8 + 16;
const LENGTH = HEAD + 32;

/** How a used nonce is remembered. */
export function nonceHash(nonce: string): string {
  return toHex(createHash("sha256").update(nonce).digest());
}

/**
 * Nonces that cost nothing until they are used: `time ‖ random ‖ HMAC-SHA-256(key, time ‖ random)`, base64url.
 * That one is used only once is for the store, which remembers used ones until they expire.
 */
export class Nonces {
  readonly #key: Uint8Array;
  /** Seconds that a nonce is good for. */
  readonly lifetime: number;

  constructor(key: Uint8Array, lifetime: number) {
    this.#key = key;
    this.lifetime = lifetime;
  }

  #tag(head: Uint8Array): Uint8Array {
    return createHmac("sha256", this.#key).update("mls-as nonce").update(head).digest();
  }

  /** @param now seconds since 1970 */
  issue(now: number): { nonce: string; expiresAt: number } {
    const head = Buffer.alloc(HEAD);
    head.writeBigUInt64BE(BigInt(now), 0);
    randomBytes(16).copy(head, 8);
    return { nonce: toBase64Url(Buffer.concat([head, this.#tag(head)])), expiresAt: now + this.lifetime };
  }

  /**
   * Checks that a nonce was made here and is fresh.
   *
   * @returns when it expires, seconds since 1970
   * @throws Problem `nonce-invalid`, `nonce-expired`
   */
  check(nonce: string, now: number, path: string): number {
    const bytes = fromBase64Url(nonce);
    if (bytes?.length !== LENGTH || !timingSafeEqual(bytes.subarray(HEAD), this.#tag(bytes.subarray(0, HEAD))))
      throw new Problem("nonce-invalid", "The nonce was not made by this service.", { path, section: "HTTP" });
    const expiresAt = Number(Buffer.from(bytes).readBigUInt64BE(0)) + this.lifetime;
    if (now >= expiresAt) throw new Problem("nonce-expired", "The nonce is stale.", { path, section: "HTTP" });
    return expiresAt;
  }
}
