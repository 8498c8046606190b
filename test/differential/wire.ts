// The model's own encoder: nothing of it is shared with the codecs under test.

export function join(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts));
}

export function uint(value: number | bigint, width: number): Uint8Array {
  let rest = BigInt(value);
  const bytes = new Uint8Array(width);
  for (let i = width - 1; i >= 0; i--) {
    bytes[i] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return bytes;
}

/** `opaque name<0..max>`, where the count takes `width` bytes. */
export function opaque(value: Uint8Array, width: number): Uint8Array {
  return join(uint(value.length, width), value);
}

/** `T name<0..max>` of encoded elements: the count is of elements. */
export function vector(elements: readonly Uint8Array[], width: number): Uint8Array {
  return join(uint(elements.length, width), ...elements);
}

export function optional(value: Uint8Array | undefined): Uint8Array {
  return value === undefined ? uint(0, 1) : join(uint(1, 1), value);
}

export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
