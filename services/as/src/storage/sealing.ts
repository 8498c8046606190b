import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomFillSync } from "node:crypto";

const NONCE = 12;
const TAG = 16;

/** Why a stored value cannot be read: another key, or bytes that were changed. Says which column, never what is in it. */
export class SealingError extends Error {
  override readonly name = "SealingError";
  readonly code = "unsealable";
  /** `table.column`. */
  readonly path: string;
  readonly section = "Storage";

  constructor(path: string, cause?: unknown) {
    super(`${path} cannot be decrypted: wrong data key, or changed`, { cause });
    this.path = path;
  }
}

/**
 * Keeps personal data unreadable in the database: values are sealed with AES-256-GCM, bound to their column and row, and
 * looked up by a keyed hash. Both keys are derived from one data key of 32 octets.
 */
export class Sealing {
  readonly #encryption: Uint8Array;
  readonly #lookup: Uint8Array;
  /** Random octets for nonces, drawn for many at once. */
  readonly #random = new Uint8Array(NONCE * 256);
  #drawn = NONCE * 256;

  constructor(dataKey: Uint8Array) {
    if (dataKey.length !== 32) throw new RangeError("the data key has 32 octets");
    const derive = (info: string): Uint8Array => new Uint8Array(hkdfSync("sha256", dataKey, "", `mls-as ${info}`, 32));
    this.#encryption = derive("personal data");
    this.#lookup = derive("lookup");
  }

  /** What an identity is looked up by: 32 hex digits of its HMAC-SHA-256. */
  reference(text: string): string {
    return createHmac("sha256", this.#lookup).update(text).digest("hex").slice(0, 32);
  }

  /** 96 random bits, never the same twice. */
  #nonce(): Uint8Array {
    if (this.#drawn === this.#random.length) {
      randomFillSync(this.#random);
      this.#drawn = 0;
    }
    this.#drawn += NONCE;
    return this.#random.slice(this.#drawn - NONCE, this.#drawn);
  }

  /** @param path `table.column`. @param row what tells the row apart */
  seal(path: string, row: string, value: Uint8Array | string): Uint8Array {
    const nonce = this.#nonce();
    const cipher = createCipheriv("aes-256-gcm", this.#encryption, nonce);
    cipher.setAAD(Buffer.from(`${path}\0${row}`));
    const body = typeof value === "string" ? cipher.update(value, "utf8") : cipher.update(value);
    cipher.final();
    return new Uint8Array(Buffer.concat([nonce, body, cipher.getAuthTag()]));
  }

  /** @throws SealingError */
  open(path: string, row: string, sealed: Uint8Array): Uint8Array {
    try {
      if (sealed.length < NONCE + TAG) throw new RangeError("too short");
      const decipher = createDecipheriv("aes-256-gcm", this.#encryption, sealed.subarray(0, NONCE));
      decipher.setAAD(Buffer.from(`${path}\0${row}`));
      decipher.setAuthTag(sealed.subarray(sealed.length - TAG));
      const body = decipher.update(sealed.subarray(NONCE, sealed.length - TAG));
      decipher.final();
      return new Uint8Array(body);
    } catch (cause) {
      throw new SealingError(path, cause);
    }
  }

  openText(path: string, row: string, sealed: Uint8Array): string {
    return Buffer.from(this.open(path, row, sealed)).toString("utf8");
  }
}
