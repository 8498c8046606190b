/**
 * ECDSA-Sig-Value in DER, read strictly: minimal lengths, minimal non-negative integers, nothing left over. Libraries
 * differ in what they let pass, so every provider reads through this.
 *
 * @param size bytes of a scalar
 * @returns `r ‖ s`, each of `size` bytes; undefined when the encoding is not DER or a number is zero or too long
 */
export function ecdsaSignatureFromDer(der: Uint8Array, size: number): Uint8Array | undefined {
  if (der[0] !== 0x30) return undefined;
  let offset = 2;
  let length = der[1] ?? 0;
  if (length === 0x81) {
    length = der[2] ?? 0;
    if (length < 0x80) return undefined;
    offset = 3;
  } else if (length > 0x80) return undefined;
  if (offset + length !== der.length) return undefined;
  const joined = new Uint8Array(2 * size);
  for (const end of [size, 2 * size]) {
    const next = readInteger(der, offset, joined, end, size);
    if (next === undefined) return undefined;
    offset = next;
  }
  return offset === der.length ? joined : undefined;
}

function readInteger(der: Uint8Array, at: number, into: Uint8Array, end: number, size: number): number | undefined {
  const length = der[at + 1] ?? 0;
  let start = at + 2;
  const next = start + length;
  if (der[at] !== 0x02 || length === 0 || length > 0x7f || next > der.length) return undefined;
  const first = der[start] ?? 0;
  if (first >= 0x80) return undefined;
  if (first === 0) {
    // A leading zero octet is due only before a set top bit; alone it is the number zero, which no signature holds.
    if (length === 1 || (der[start + 1] ?? 0) < 0x80) return undefined;
    start++;
  }
  if (next - start > size) return undefined;
  into.set(der.subarray(start, next), end - (next - start));
  return next;
}

/** DER ECDSA-Sig-Value of `r ‖ s`. */
export function ecdsaSignatureToDer(joined: Uint8Array): Uint8Array {
  const size = joined.length / 2;
  const parts = [joined.subarray(0, size), joined.subarray(size)].map((scalar) => {
    let start = 0;
    while (start < size - 1 && scalar[start] === 0) start++;
    const digits = scalar.subarray(start);
    return (digits[0] ?? 0) >= 0x80 ? [0x02, digits.length + 1, 0, ...digits] : [0x02, digits.length, ...digits];
  });
  const body = parts.flat();
  return Uint8Array.from(body.length < 0x80 ? [0x30, body.length, ...body] : [0x30, 0x81, body.length, ...body]);
}
