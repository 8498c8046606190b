/** Little-endian hex of a 32-byte value. */
function littleEndian(hex: string): Uint8Array {
  return Uint8Array.from({ length: hex.length / 2 }, (_, i) => Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16));
}

function equalMasked(a: Uint8Array, b: Uint8Array, last: number): boolean {
  const top = b.length - 1;
  if (((a[top] ?? 0) & last) !== ((b[top] ?? 0) & last)) return false;
  for (let i = 0; i < top; i++) if (a[i] !== b[i]) return false;
  return true;
}

const P25519_MINUS_1 = "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f";
const P25519 = "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f";
const P25519_PLUS_1 = "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f";
const ZERO = "00".repeat(32);
const ONE = `01${"00".repeat(31)}`;

/** y coordinates of the points of order 1, 2, 4 and 8 of edwards25519, unreduced encodings included; the sign bit is free. */
const SMALL_ORDER_ED25519 = [
  ZERO,
  ONE,
  P25519_MINUS_1,
  P25519,
  P25519_PLUS_1,
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
].map(littleEndian);

/** u coordinates of the points of small order of curve25519 and of its twist (RFC 7748, "Security Considerations"). */
const SMALL_ORDER_X25519 = [
  ZERO,
  ONE,
  P25519_MINUS_1,
  P25519,
  P25519_PLUS_1,
  "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
  "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
].map(littleEndian);

const P448_MINUS_1 = `fe${"ff".repeat(27)}fe${"ff".repeat(27)}`;
const P448 = `ff${"ff".repeat(27)}fe${"ff".repeat(27)}`;
const P448_PLUS_1 = `${"00".repeat(28)}ff${"ff".repeat(27)}`;
const SMALL_ORDER_X448 = ["00".repeat(56), `01${"00".repeat(55)}`, P448_MINUS_1, P448, P448_PLUS_1].map(littleEndian);

/** Whether a 32-byte encoding is of a point of small order on edwards25519. */
export function isSmallOrderEd25519(key: Uint8Array): boolean {
  return SMALL_ORDER_ED25519.some((point) => equalMasked(key, point, 0x7f));
}

/** Whether a 32-byte u coordinate is of small order on curve25519 or its twist. X25519 ignores the top bit. */
export function isSmallOrderX25519(key: Uint8Array): boolean {
  return SMALL_ORDER_X25519.some((point) => equalMasked(key, point, 0x7f));
}

/** Whether a 56-byte u coordinate is of small order on curve448 or its twist. */
export function isSmallOrderX448(key: Uint8Array): boolean {
  return SMALL_ORDER_X448.some((point) => equalMasked(key, point, 0xff));
}

function isBelow(key: Uint8Array, limit: Uint8Array, last: number): boolean {
  for (let i = limit.length - 1; i >= 0; i--) {
    const digit = (key[i] ?? 0) & (i === limit.length - 1 ? last : 0xff);
    const bound = limit[i] ?? 0;
    if (digit !== bound) return digit < bound;
  }
  return false;
}

const P25519_BYTES = littleEndian(P25519);
const P448_BYTES = littleEndian(P448);

/** Whether the y coordinate is below 2^255-19 (RFC 8032, "Decoding"). */
export function isReduced25519(key: Uint8Array): boolean {
  return isBelow(key, P25519_BYTES, 0x7f);
}

/** Whether the y coordinate is below 2^448-2^224-1 and the last octet holds nothing but the sign. */
export function isReduced448(key: Uint8Array): boolean {
  return ((key[56] ?? 0) & 0x7f) === 0 && isBelow(key, P448_BYTES, 0xff);
}
