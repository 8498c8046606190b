/** Writes DER, and on request what DER forbids. */

export const bytes = (...octets: number[]): Uint8Array => Uint8Array.from(octets);
export const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replace(/\s+/g, ""), "hex"));
export const ascii = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "latin1"));
export const utf8 = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "utf8"));

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts));
}

export function element(tag: number, ...content: readonly Uint8Array[]): Uint8Array {
  const body = concat(...content);
  const length: number[] = [];
  for (let rest = body.length; rest > 0; rest = Math.floor(rest / 256)) length.unshift(rest % 256);
  const header = body.length < 128 ? [tag, body.length] : [tag, 0x80 | length.length, ...length];
  return concat(Uint8Array.from(header), body);
}

/** An element whose length takes one octet more than needed. */
export function longLength(tag: number, ...content: readonly Uint8Array[]): Uint8Array {
  const body = concat(...content);
  return concat(bytes(tag, 0x83, 0, body.length >> 8, body.length & 0xff), body);
}

export const sequence = (...parts: readonly Uint8Array[]): Uint8Array => element(0x30, ...parts);
export const setOf = (...parts: readonly Uint8Array[]): Uint8Array => element(0x31, ...[...parts].sort(Buffer.compare));
export const octetString = (...parts: readonly Uint8Array[]): Uint8Array => element(4, ...parts);
export const bitString = (content: Uint8Array, unused = 0): Uint8Array => element(3, bytes(unused), content);
export const boolean = (value: boolean): Uint8Array => element(1, bytes(value ? 0xff : 0));
export const nullValue = element(5);
/** Explicit context tag. */
export const explicit = (number: number, ...parts: readonly Uint8Array[]): Uint8Array =>
  element(0xa0 | number, ...parts);

export function integer(value: bigint | number): Uint8Array {
  return element(2, integerContent(BigInt(value)));
}

export function integerContent(value: bigint): Uint8Array {
  let size = 1;
  while (BigInt.asIntN(8 * size, value) !== value) size += 1;
  return hex(
    BigInt.asUintN(8 * size, value)
      .toString(16)
      .padStart(2 * size, "0"),
  );
}

export function oid(dotted: string): Uint8Array {
  return element(6, oidContent(dotted));
}

export function oidContent(dotted: string): Uint8Array {
  const [first = 0n, second = 0n, ...rest] = dotted.split(".").map(BigInt);
  const octets = [first * 40n + second, ...rest].flatMap((arc) => {
    const groups = [Number(arc & 0x7fn)];
    for (let left = arc >> 7n; left > 0n; left >>= 7n) groups.unshift(Number(left & 0x7fn) | 0x80);
    return groups;
  });
  return Uint8Array.from(octets);
}

/** Time as RFC 5280 has CAs write it: UTCTime through 2049. `text` is ISO 8601. */
export function time(text: string): Uint8Array {
  const digits = new Date(text).toISOString().replace(/[-:T]|\.\d+/g, "");
  const year = Number(digits.slice(0, 4));
  return year >= 1950 && year < 2050 ? element(0x17, ascii(digits.slice(2))) : element(0x18, ascii(digits));
}

export const generalizedTime = (text: string): Uint8Array =>
  element(0x18, ascii(new Date(text).toISOString().replace(/[-:T]|\.\d+/g, "")));

/** Named bits in their shortest form. */
export function namedBits(...numbers: readonly number[]): Uint8Array {
  return element(3, namedBitsContent(...numbers));
}

export function namedBitsContent(...numbers: readonly number[]): Uint8Array {
  if (numbers.length === 0) return bytes(0);
  const last = Math.max(...numbers);
  const octets = new Uint8Array((last >> 3) + 1);
  for (const number of numbers) octets[number >> 3] = (octets[number >> 3] ?? 0) | (0x80 >> (number & 7));
  return concat(bytes(7 - (last & 7)), octets);
}
