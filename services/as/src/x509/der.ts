/** Why bytes are not DER, with the offset at which that was seen. */
export class DerError extends Error {
  override readonly name = "DerError";
  readonly offset: number;

  constructor(reason: string, offset: number) {
    super(`${reason} (offset ${offset})`);
    this.offset = offset;
  }
}

const MAX_DEPTH = 16;

/** Reads one identifier and length; returns where the content starts and ends. */
function header(bytes: Uint8Array, offset: number, end: number): { tag: number; start: number; end: number } {
  const tag = bytes[offset];
  if (tag === undefined || offset + 2 > end) throw new DerError("truncated element", offset);
  if ((tag & 0x1f) === 0x1f) throw new DerError("multi-byte tag", offset);
  let length = bytes[offset + 1] as number;
  let start = offset + 2;
  if (length === 0x80) throw new DerError("indefinite length", offset);
  if (length > 0x80) {
    const width = length - 0x80;
    if (width > 3 || start + width > end) throw new DerError("length out of range", offset);
    length = 0;
    for (let i = 0; i < width; i++) length = length * 256 + (bytes[start + i] as number);
    if (length < 0x80 || length < 256 ** (width - 1)) throw new DerError("non-minimal length", offset);
    start += width;
  }
  if (start + length > end) throw new DerError("element exceeds its container", offset);
  return { tag, start, end: start + length };
}

function checkPrimitive(bytes: Uint8Array, tag: number, start: number, end: number): void {
  const length = end - start;
  if (tag === 0x01 && (length !== 1 || (bytes[start] !== 0x00 && bytes[start] !== 0xff)))
    throw new DerError("BOOLEAN is neither 00 nor FF", start);
  if (tag === 0x02) {
    if (length === 0) throw new DerError("empty INTEGER", start);
    const [first = 0, second = 0] = bytes.subarray(start, end);
    if (length > 1 && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80)))
      throw new DerError("non-minimal INTEGER", start);
  }
  if (tag === 0x03 && (length === 0 || (bytes[start] as number) > 7)) throw new DerError("malformed BIT STRING", start);
  if (tag === 0x05 && length !== 0) throw new DerError("NULL with content", start);
  if (tag === 0x06) {
    if (length === 0 || (bytes[end - 1] as number) >= 0x80) throw new DerError("malformed OBJECT IDENTIFIER", start);
  }
}

function walk(bytes: Uint8Array, offset: number, limit: number, depth: number): number {
  if (depth > MAX_DEPTH) throw new DerError("nested too deeply", offset);
  const { tag, start, end } = header(bytes, offset, limit);
  const constructed = (tag & 0x20) !== 0;
  const universal = (tag & 0xc0) === 0;
  if (universal) {
    const number = tag & 0x1f;
    const mustConstruct = number === 0x10 || number === 0x11;
    if (number === 0 || mustConstruct !== constructed) throw new DerError("wrong form for its type", offset);
  }
  if (constructed) {
    let next = start;
    let previous: Uint8Array | undefined;
    while (next < end) {
      const from = next;
      next = walk(bytes, next, end, depth + 1);
      if (tag === 0x31) {
        const member = bytes.subarray(from, next);
        if (previous !== undefined && Buffer.compare(previous, member) > 0) throw new DerError("unsorted SET", from);
        previous = member;
      }
    }
  } else if (universal) checkPrimitive(bytes, tag, start, end);
  return end;
}

/**
 * Checks that `bytes` is exactly one DER element (ITU-T X.690, "Distinguished encoding rules"): definite minimal
 * lengths, no trailing bytes, canonical BOOLEAN and INTEGER, sorted SETs, at most 16 levels. Work is linear in the input.
 *
 * @throws DerError
 */
export function checkDer(bytes: Uint8Array): void {
  const end = walk(bytes, 0, bytes.length, 0);
  if (end !== bytes.length) throw new DerError("trailing bytes", end);
}

/** One element: identifier octet, minimal length, content. */
export function element(tag: number, ...content: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of content) length += part.length;
  const width = length < 0x80 ? 0 : length < 0x100 ? 1 : length < 0x10000 ? 2 : length < 0x1000000 ? 3 : 4;
  const out = new Uint8Array(2 + width + length);
  out[0] = tag;
  out[1] = width === 0 ? length : 0x80 + width;
  for (let i = 0; i < width; i++) out[2 + i] = Math.floor(length / 256 ** (width - 1 - i)) % 256;
  let offset = 2 + width;
  for (const part of content) {
    out.set(part, offset);
    offset += part.length;
  }
  return out;
}

/** SEQUENCE. */
export const sequenceOf = (...parts: readonly Uint8Array[]): Uint8Array => element(0x30, ...parts);
/** OCTET STRING. */
export const octetString = (content: Uint8Array): Uint8Array => element(0x04, content);
/** BIT STRING without unused bits. */
export const bitString = (content: Uint8Array): Uint8Array => element(0x03, Uint8Array.of(0), content);
/** ENUMERATED of one octet. */
export const enumerated = (value: number): Uint8Array => element(0x0a, Uint8Array.of(value));
/** BOOLEAN TRUE; FALSE is always a DEFAULT here and left out. */
export const booleanTrue: Uint8Array = Uint8Array.of(0x01, 0x01, 0xff);
/** NULL. */
export const nullValue: Uint8Array = Uint8Array.of(0x05, 0x00);

/** Non-negative INTEGER from its big-endian magnitude. */
export function unsignedInteger(magnitude: Uint8Array): Uint8Array {
  let start = 0;
  while (start < magnitude.length - 1 && magnitude[start] === 0) start++;
  const body = magnitude.subarray(start);
  if (body.length === 0) return element(0x02, Uint8Array.of(0));
  return (body[0] as number) >= 0x80 ? element(0x02, Uint8Array.of(0), body) : element(0x02, body);
}

/** Non-negative INTEGER. */
export function integer(value: bigint): Uint8Array {
  const hex = value.toString(16);
  return unsignedInteger(new Uint8Array(Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, "hex")));
}

const identifiers = new Map<string, Uint8Array>();

/** OBJECT IDENTIFIER from dotted decimal. For identifiers of programs and configurations, which are few: kept. */
export function objectIdentifier(dotted: string): Uint8Array {
  const known = identifiers.get(dotted) ?? encodeIdentifier(dotted);
  identifiers.set(dotted, known);
  return known;
}

function encodeIdentifier(dotted: string): Uint8Array {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  const body: number[] = [];
  for (const arc of [first * 40 + second, ...rest]) {
    const septets = [arc % 128];
    for (let value = Math.floor(arc / 128); value > 0; value = Math.floor(value / 128))
      septets.unshift((value % 128) + 128);
    body.push(...septets);
  }
  return element(0x06, Uint8Array.from(body));
}

/** UTCTime through 2049, GeneralizedTime after (RFC 5280, "Validity"). @param seconds since 1970 */
export function time(seconds: number): Uint8Array {
  const text = generalizedText(seconds);
  const year = Number(text.slice(0, 4));
  return year < 2050 ? element(0x17, Buffer.from(text.slice(2))) : element(0x18, Buffer.from(text));
}

/** GeneralizedTime, always. @param seconds since 1970 */
export function generalizedTime(seconds: number): Uint8Array {
  return element(0x18, Buffer.from(generalizedText(seconds)));
}

function generalizedText(seconds: number): string {
  return `${new Date(seconds * 1000).toISOString().replace(/[-:T]/g, "").slice(0, 14)}Z`;
}

/** An Extension (RFC 5280, "Certificate Extensions"). */
export function extension(id: string, critical: boolean, value: Uint8Array): Uint8Array {
  return critical
    ? sequenceOf(objectIdentifier(id), booleanTrue, octetString(value))
    : sequenceOf(objectIdentifier(id), octetString(value));
}

/** The content octets of the first element, not copied. @throws DerError */
export function contentOf(bytes: Uint8Array): Uint8Array {
  const { start, end } = header(bytes, 0, bytes.length);
  return bytes.subarray(start, end);
}

/** The content of the outermost element, and of what follows it, split into its direct members. */
export function members(bytes: Uint8Array): Uint8Array[] {
  const outer = header(bytes, 0, bytes.length);
  const parts: Uint8Array[] = [];
  for (let offset = outer.start; offset < outer.end; ) {
    const next = header(bytes, offset, outer.end).end;
    parts.push(bytes.slice(offset, next));
    offset = next;
  }
  return parts;
}

/** PEM armour, 64 columns. */
export function pem(label: string, der: Uint8Array): string {
  const body = Buffer.from(der)
    .toString("base64")
    .replace(/.{1,64}/g, "$&\n");
  return `-----BEGIN ${label}-----\n${body}-----END ${label}-----\n`;
}
