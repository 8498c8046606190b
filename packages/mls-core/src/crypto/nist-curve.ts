/** A short Weierstrass curve of FIPS 186 with a = -3. */
export interface NistCurve {
  /** Bytes of a coordinate. */
  readonly size: number;
  readonly p: bigint;
  readonly b: bigint;
}

/** Parameters of SP 800-186, "Recommended Curves for U.S. Federal Government Use". */
export const NIST_CURVES: Readonly<Record<"P-256" | "P-384" | "P-521", NistCurve>> = {
  "P-256": {
    size: 32,
    p: 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n,
    b: 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn,
  },
  "P-384": {
    size: 48,
    p: 2n ** 384n - 2n ** 128n - 2n ** 96n + 2n ** 32n - 1n,
    b: 0xb3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013875ac656398d8a2ed19d2a85c8edd3ec2aefn,
  },
  "P-521": {
    size: 66,
    p: 2n ** 521n - 1n,
    b: 0x0051953eb9618e1c9a1f929a21a0b68540eea2da725b99b315f3b8b489918ef109e156193951ec7e937b1652c0bd3bb1bf073573df883d2c34f1ef451fd46b503f00n,
  },
};

/** Big-endian bytes as a number. */
export function bigEndian(bytes: Uint8Array): bigint {
  let digits = "0x0";
  for (const byte of bytes) digits += byte < 16 ? `0${byte.toString(16)}` : byte.toString(16);
  return BigInt(digits);
}

/** The curve equation, for reduced coordinates. */
export function isOnCurve({ p, b }: NistCurve, x: bigint, y: bigint): boolean {
  return (y * y - (x * x - 3n) * x - b) % p === 0n;
}
