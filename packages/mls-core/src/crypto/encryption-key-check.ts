import type { KemCurve } from "../cipher-suites.js";
import { NIST_CURVES } from "./nist-curve.js";
import { type KeyFault, nistKeyFault } from "./public-key-check.js";
import { isSmallOrderX25519, isSmallOrderX448 } from "./small-order.js";

/**
 * The strict check of HPKE public keys (`init_key`, `encryption_key`, `external_pub`): length, uncompressed form, curve
 * equation, and no point of small order, to which nothing secret can be encrypted.
 */
export function encryptionKeyFault(kem: KemCurve, key: Uint8Array): KeyFault | undefined {
  switch (kem) {
    case "X25519":
      if (key.length !== 32) return "key-length";
      return isSmallOrderX25519(key) ? "small-order-key" : undefined;
    case "X448":
      if (key.length !== 56) return "key-length";
      return isSmallOrderX448(key) ? "small-order-key" : undefined;
    default:
      return nistKeyFault(NIST_CURVES[kem], key);
  }
}
