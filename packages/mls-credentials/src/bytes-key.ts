const DIGITS = new TextEncoder().encode("0123456789abcdef");
const decoder = new TextDecoder();

/** A string that is equal for equal byte strings only, for use as a map key; lower-case hex. */
export function bytesKey(octets: Uint8Array): string {
  // A text built digit by digit is a tree of pieces, slow to hash and to keep: 24 times as slow for a device list.
  const digits = new Uint8Array(2 * octets.length);
  for (let i = 0; i < octets.length; i++) {
    const octet = octets[i] as number;
    digits[2 * i] = DIGITS[octet >> 4] as number;
    digits[2 * i + 1] = DIGITS[octet & 15] as number;
  }
  return decoder.decode(digits);
}
