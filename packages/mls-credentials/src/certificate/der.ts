import { CertificateError } from "./certificate-error.js";

const SECTION = "X.690, Distinguished Encoding Rules";
const CONSTRUCTED = 0x20;

/** Universal tags, with the constructed bit where DER requires it. */
export const Tag = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  enumerated: 0x0a,
  utf8String: 0x0c,
  numericString: 0x12,
  printableString: 0x13,
  teletexString: 0x14,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  visibleString: 0x1a,
  universalString: 0x1c,
  bmpString: 0x1e,
  sequence: 0x30,
  set: 0x31,
} as const;

/** Context-specific tag `[number]`, constructed or primitive. */
export const context = (number: number, constructed: boolean): number =>
  0x80 | (constructed ? CONSTRUCTED : 0) | number;

/** One element of a DER encoding: a window on the input, nothing copied. */
export interface DerElement {
  /** Identifier octet; high tag numbers do not occur in PKIX and are refused. */
  readonly tag: number;
  /** Offset of the identifier octet in `input`. */
  readonly start: number;
  /** Offset of the first content octet. */
  readonly contentStart: number;
  /** Offset after the last content octet. */
  readonly end: number;
  readonly input: Uint8Array;
}

export const contentOf = (element: DerElement): Uint8Array => element.input.subarray(element.contentStart, element.end);
export const encodingOf = (element: DerElement): Uint8Array => element.input.subarray(element.start, element.end);

/** A {@link CertificateError} for bytes that are not DER. */
export function derError(detail: string, offset: number): CertificateError {
  return new CertificateError("malformed-der", SECTION, detail, offset);
}

/** Reads the element at `offset`, which must end at or before `limit`. */
function elementAt(input: Uint8Array, offset: number, limit: number): DerElement {
  const tag = input[offset];
  let first = input[offset + 1];
  if (offset + 2 > limit || tag === undefined || first === undefined)
    throw derError("ends inside an element's header", offset);
  if ((tag & 0x1f) === 0x1f) throw derError("tag number above 30", offset);
  if (tag === 0) throw derError("end-of-contents octets", offset);
  let position = offset + 2;
  if (first >= 0x80) {
    const count = first & 0x7f;
    if (count === 0) throw derError("indefinite length", offset + 1);
    if (count > 4) throw derError("length of more than four octets", offset + 1);
    if (position + count > limit) throw derError("ends inside a length", offset + 1);
    let length = 0;
    for (let index = 0; index < count; index += 1) length = length * 256 + (input[position + index] ?? 0);
    if (input[position] === 0 || length < 0x80) throw derError("length not in its shortest form", offset + 1);
    position += count;
    first = length;
  }
  if (position + first > limit) throw derError("content runs past its container", offset);
  return { tag, start: offset, contentStart: position, end: position + first, input };
}

/** Reads bytes that are exactly one element. */
export function readElement(input: Uint8Array): DerElement {
  const element = elementAt(input, 0, input.length);
  if (element.end !== input.length) throw derError("bytes after the element", element.end);
  return element;
}

/** Reads the children of a constructed element in order; `finish` refuses what was not asked for. */
export class DerReader {
  readonly #input: Uint8Array;
  readonly #end: number;
  #position: number;

  constructor(parent: DerElement) {
    this.#input = parent.input;
    this.#position = parent.contentStart;
    this.#end = parent.end;
  }

  get done(): boolean {
    return this.#position >= this.#end;
  }

  get offset(): number {
    return this.#position;
  }

  /** Tag of the next child; undefined at the end. */
  peek(): number | undefined {
    return this.done ? undefined : this.#input[this.#position];
  }

  any(): DerElement {
    const element = elementAt(this.#input, this.#position, this.#end);
    this.#position = element.end;
    return element;
  }

  /** The next child, which must have this tag. */
  expect(tag: number, what: string): DerElement {
    if (this.peek() !== tag) {
      const found = this.peek();
      throw derError(
        `${what}: expected tag ${tag}, found ${found === undefined ? "the end" : String(found)}`,
        this.#position,
      );
    }
    return this.any();
  }

  /** The next child when it has this tag. */
  optional(tag: number): DerElement | undefined {
    return this.peek() === tag ? this.any() : undefined;
  }

  finish(what: string): void {
    if (!this.done) throw derError(`${what}: bytes left over`, this.#position);
  }
}

/** Reader over the children of an element that must have `tag`. */
export function enter(element: DerElement, tag: number, what: string): DerReader {
  if (element.tag !== tag) throw derError(`${what}: expected tag ${tag}, found ${element.tag}`, element.start);
  return new DerReader(element);
}

/** All children of a SEQUENCE OF or SET OF. */
export function childrenOf(element: DerElement): DerElement[] {
  const reader = new DerReader(element);
  const children: DerElement[] = [];
  while (!reader.done) children.push(reader.any());
  return children;
}
