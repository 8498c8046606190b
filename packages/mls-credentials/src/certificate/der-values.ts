import { contentOf, type DerElement, type DerReader, derError, Tag } from "./der.js";

/** BOOLEAN: DER knows 00 and FF only. */
export function readBoolean(element: DerElement): boolean {
  const content = contentOf(element);
  if (element.tag !== Tag.boolean || content.length !== 1 || (content[0] !== 0 && content[0] !== 0xff))
    throw derError("not a BOOLEAN", element.start);
  return content[0] === 0xff;
}

/** `BOOLEAN DEFAULT FALSE`: DER leaves the default out, so that an encoded FALSE is refused. */
export function readDefaultFalse(reader: DerReader, tag: number = Tag.boolean): boolean {
  const element = reader.optional(tag);
  if (element === undefined) return false;
  const content = contentOf(element);
  if (content.length !== 1 || content[0] !== 0xff)
    throw derError("default value FALSE encoded, or not a BOOLEAN", element.start);
  return true;
}

/** Content octets of an INTEGER (two's complement, shortest form). */
export function integerOctets(element: DerElement, tag: number = Tag.integer): Uint8Array {
  const content = contentOf(element);
  const [first, second] = content;
  if (element.tag !== tag || first === undefined) throw derError("not an INTEGER", element.start);
  if (second !== undefined && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80)))
    throw derError("INTEGER not in its shortest form", element.start);
  return content;
}

/** A non-negative INTEGER as a number; what does not fit in 31 bits becomes `2^31`, which no counter in use reaches. */
export function readCount(element: DerElement, tag: number = Tag.integer): number {
  const content = integerOctets(element, tag);
  if ((content[0] ?? 0) >= 0x80) throw derError("negative INTEGER", element.start);
  if (content.length > 5 || (content.length === 5 && content[0] !== 0)) return 2 ** 31;
  const value = content.reduce((sum, octet) => sum * 256 + octet, 0);
  return Math.min(value, 2 ** 31);
}

/** Octets of an INTEGER at most: four times an RSA modulus of 8,192 bits. */
const MAX_INTEGER_OCTETS = 4096;

/** A non-negative INTEGER of at most 4,096 octets. */
export function readUnsigned(element: DerElement): bigint {
  const content = integerOctets(element);
  if (content.length > MAX_INTEGER_OCTETS) throw derError("INTEGER longer than any in use", element.start);
  if ((content[0] ?? 0) >= 0x80) throw derError("negative INTEGER", element.start);
  return bytesToInteger(content);
}

/** Big-endian octets as an unsigned integer. */
export function bytesToInteger(bytes: Uint8Array): bigint {
  return bytes.length === 0 ? 0n : BigInt(`0x${bytesToHex(bytes)}`);
}

const HEX = Array.from({ length: 256 }, (_, octet) => octet.toString(16).padStart(2, "0"));

/** Lower-case hexadecimal. */
export function bytesToHex(bytes: Uint8Array): string {
  let text = "";
  for (const octet of bytes) text += HEX[octet] ?? "";
  return text;
}

/** OBJECT IDENTIFIER in dotted form; arcs of any size are kept exactly. */
export function readOid(element: DerElement, tag: number = Tag.oid): string {
  const content = contentOf(element);
  const last = content[content.length - 1];
  if (element.tag !== tag || last === undefined) throw derError("not an OBJECT IDENTIFIER", element.start);
  if (last >= 0x80) throw derError("OBJECT IDENTIFIER ends inside an arc", element.start);
  if (content.length > 128) throw derError("OBJECT IDENTIFIER longer than 128 octets", element.start);
  let dotted = "";
  let arc = 0;
  let large: bigint | undefined;
  let fresh = true;
  for (const octet of content) {
    if (fresh && octet === 0x80) throw derError("arc not in its shortest form", element.start);
    // Arcs past 2^45 go on as bigint: UUID-based OIDs have arcs of 128 bits.
    if (large === undefined && arc >= 2 ** 38) large = BigInt(arc);
    if (large === undefined) arc = arc * 128 + (octet & 0x7f);
    else large = (large << 7n) | BigInt(octet & 0x7f);
    fresh = octet < 0x80;
    if (!fresh) continue;
    if (dotted !== "") dotted += `.${large ?? arc}`;
    else {
      const root = large === undefined && arc < 80 ? Math.floor(arc / 40) : 2;
      dotted = `${root}.${large === undefined ? arc - root * 40 : large - 80n}`;
    }
    arc = 0;
    large = undefined;
  }
  return dotted;
}

/** BIT STRING: its octets and how many bits of the last are unused (and zero, as DER requires). */
export function readBitString(element: DerElement, tag: number = Tag.bitString): { bytes: Uint8Array; unused: number } {
  const content = contentOf(element);
  const unused = content[0];
  if (element.tag !== tag || unused === undefined) throw derError("not a BIT STRING", element.start);
  const bytes = content.subarray(1);
  const last = bytes[bytes.length - 1] ?? 0;
  if (unused > 7 || (bytes.length === 0 && unused > 0) || (last & ((1 << unused) - 1)) !== 0)
    throw derError("unused bits of a BIT STRING are not zero", element.start);
  return { bytes, unused };
}

/** BIT STRING that must have whole octets, as keys and signatures do. */
export function readOctetAligned(element: DerElement, tag: number = Tag.bitString): Uint8Array {
  const { bytes, unused } = readBitString(element, tag);
  if (unused !== 0) throw derError("BIT STRING of partial octets", element.start);
  return bytes;
}

/** Octets of a named-bit BIT STRING at most: the longest list in use names nine bits. */
const MAX_NAMED_OCTETS = 4;

/** Named-bit BIT STRING: the numbers of its set bits. DER drops trailing zero bits. */
export function readNamedBits(element: DerElement, tag: number = Tag.bitString): Set<number> {
  const { bytes, unused } = readBitString(element, tag);
  if (bytes.length > MAX_NAMED_OCTETS) throw derError("named bits that nobody has defined", element.start);
  const last = bytes[bytes.length - 1];
  if (last !== undefined && (last & (1 << unused)) === 0) throw derError("named bits end in zero bits", element.start);
  const bits = new Set<number>();
  for (const [index, octet] of bytes.entries())
    for (let bit = 0; bit < 8; bit += 1) if ((octet & (0x80 >> bit)) !== 0) bits.add(index * 8 + bit);
  return bits;
}

/** UTCTime or GeneralizedTime in the forms of RFC 5280 (Zulu, with seconds, without fractions), in seconds since 1970. */
export function readTime(element: DerElement): number {
  const content = contentOf(element);
  const yearLength = element.tag === Tag.utcTime ? 2 : element.tag === Tag.generalizedTime ? 4 : 0;
  const isTime =
    yearLength > 0 &&
    content.length === yearLength + 11 &&
    content[yearLength + 10] === 0x5a &&
    content.every((octet, index) => index === yearLength + 10 || (octet >= 0x30 && octet <= 0x39));
  if (!isTime) throw derError("not a Time in Zulu with seconds", element.start);
  const pair = (at: number): number => ((content[at] ?? 0) - 0x30) * 10 + (content[at + 1] ?? 0) - 0x30;
  const year = yearLength === 4 ? pair(0) * 100 + pair(2) : pair(0) + (pair(0) >= 50 ? 1900 : 2000);
  const [month, day] = [pair(yearLength), pair(yearLength + 2)];
  const [hour, minute, second] = [pair(yearLength + 4), pair(yearLength + 6), pair(yearLength + 8)];
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute, second);
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day || hour > 23 || minute > 59 || second > 59)
    throw derError("Time that does not exist", element.start);
  return date.getTime() / 1000;
}

/** IA5String content (also under an implicit tag); octets above 7F are refused. */
export function readIa5(element: DerElement): string {
  const content = contentOf(element);
  for (const octet of content) if (octet > 0x7f) throw derError("not an IA5String", element.start);
  return octetsToText(content);
}

/** Octets as the characters of the same code (ISO 8859-1). */
export function octetsToText(octets: Uint8Array): string {
  let text = "";
  // In pieces: a call has room for a limited number of arguments.
  for (let offset = 0; offset < octets.length; offset += 4096)
    text += Reflect.apply(String.fromCharCode, undefined, octets.subarray(offset, offset + 4096));
  return text;
}
