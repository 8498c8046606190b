import { CodecError } from "./errors.js";

/** A cursor over input bytes. Never reads past the end; `take` copies, so decoded values never alias the input. */
export class Reader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  offset: number;

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    // A node Buffer would make slice() a view; a plain Uint8Array over the same memory copies.
    this.#bytes =
      bytes.constructor === Uint8Array ? bytes : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.offset = start;
    this.#end = end;
  }

  get remaining(): number {
    return this.#end - this.offset;
  }

  /** Integer of `width` bytes (1 to 6), big-endian. */
  uint(width: number): number {
    const start = this.offset;
    const next = start + width;
    if (next > this.#end) throw this.truncated(width);
    let value = 0;
    for (let i = start; i < next; i++) value = value * 256 + (this.#bytes[i] as number);
    this.offset = next;
    return value;
  }

  /** The next byte without consuming it. */
  peek(): number {
    if (this.offset >= this.#end) throw this.truncated(1);
    return this.#bytes[this.offset] as number;
  }

  /** A copy of the next `length` bytes. */
  take(length: number): Uint8Array {
    const next = this.offset + length;
    if (next > this.#end) throw this.truncated(length);
    const value = this.#bytes.slice(this.offset, next);
    this.offset = next;
    return value;
  }

  /** A reader confined to the next `length` bytes, which this reader skips. */
  sub(length: number): Reader {
    const next = this.offset + length;
    if (next > this.#end) throw this.truncated(length);
    const reader = new Reader(this.#bytes, this.offset, next);
    this.offset = next;
    return reader;
  }

  /** Refuses leftovers. */
  finish(): void {
    if (this.offset !== this.#end)
      throw new CodecError("trailing-bytes", `${this.remaining} bytes left over`, this.offset);
  }

  truncated(wanted: number): CodecError {
    return new CodecError("truncated", `needs ${wanted} bytes, ${this.remaining} left`, this.offset);
  }
}

/** A growing output buffer. */
export class Writer {
  #bytes: Uint8Array;
  length = 0;

  constructor(capacity = 256) {
    this.#bytes = new Uint8Array(capacity);
  }

  get capacity(): number {
    return this.#bytes.length;
  }

  #reserve(count: number): void {
    const needed = this.length + count;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.length));
    this.#bytes = grown;
  }

  /** Integer of `width` bytes (1 to 6), big-endian; the caller has checked its range. */
  uint(value: number, width: number): void {
    this.#reserve(width);
    if (width < 5) {
      // 32-bit arithmetic is several times faster.
      for (let i = this.length + width - 1, bits = value; i >= this.length; i--, bits >>>= 8) this.#bytes[i] = bits;
      this.length += width;
      return;
    }
    let rest = value;
    for (let i = this.length + width - 1; i >= this.length; i--) {
      this.#bytes[i] = rest % 256;
      rest = Math.floor(rest / 256);
    }
    this.length += width;
  }

  write(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** Makes room for a header of `width` bytes before the bytes written since `start`. */
  insert(start: number, width: number): void {
    this.#reserve(width);
    this.#bytes.copyWithin(start + width, start, this.length);
    this.length += width;
  }

  /** Overwrites `width` bytes at `offset` with an integer. */
  patch(offset: number, value: number, width: number): void {
    const end = this.length;
    this.length = offset;
    this.uint(value, width);
    this.length = end;
  }

  /** What was written, without a copy: it holds until the next write. */
  view(): Uint8Array {
    return this.#bytes.subarray(0, this.length);
  }

  /** A copy of what was written. */
  finish(): Uint8Array {
    return this.#bytes.slice(0, this.length);
  }
}
