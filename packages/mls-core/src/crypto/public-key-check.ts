import { ed25519 } from "@noble/curves/ed25519.js";
import { ed448 } from "@noble/curves/ed448.js";
import { MlsCoreError, type MlsCoreErrorCode } from "../errors.js";
import { bigEndian, isOnCurve, NIST_CURVES, type NistCurve } from "./nist-curve.js";
import { ecdsaScheme, SignatureScheme } from "./signature-scheme.js";
import { isReduced25519, isReduced448, isSmallOrderEd25519 } from "./small-order.js";

/** What can be wrong with a public key. */
export type KeyFault = Extract<
  MlsCoreErrorCode,
  | "unsupported-signature-scheme"
  | "key-length"
  | "compressed-key"
  | "off-curve-key"
  | "non-canonical-key"
  | "small-order-key"
>;

/** Title of the section that says how public keys are encoded. */
export const PUBLIC_KEYS_SECTION = "RFC 9420, Public Keys";

/** The fault of a NIST public key as RFC 9420, "Public Keys", encodes it; undefined when there is none. */
export function nistKeyFault(curve: NistCurve, key: Uint8Array): KeyFault | undefined {
  const { size, p } = curve;
  if (key.length === size + 1 && (key[0] === 2 || key[0] === 3)) return "compressed-key";
  if (key.length !== 2 * size + 1) return "key-length";
  if (key[0] !== 4) return "compressed-key";
  const x = bigEndian(key.subarray(1, size + 1));
  const y = bigEndian(key.subarray(size + 1));
  if (x >= p || y >= p) return "non-canonical-key";
  return isOnCurve(curve, x, y) ? undefined : "off-curve-key";
}

/**
 * The part of the check that needs no square root: length, form, canonical coordinates, small order, and for NIST keys the
 * curve equation. A key that passes here and fails {@link signatureKeyFault} is an Edwards key off its curve, under which
 * no signature verifies: so a successful verification after this check is a complete check.
 */
export function quickSignatureKeyFault(scheme: SignatureScheme, key: Uint8Array): KeyFault | undefined {
  const ecdsa = ecdsaScheme(scheme);
  if (ecdsa !== undefined) return nistKeyFault(NIST_CURVES[ecdsa.curve], key);
  if (scheme === SignatureScheme.ed25519) {
    if (key.length !== 32) return "key-length";
    if (isSmallOrderEd25519(key)) return "small-order-key";
    return isReduced25519(key) ? undefined : "non-canonical-key";
  }
  if (scheme !== SignatureScheme.ed448) return "unsupported-signature-scheme";
  if (key.length !== 57) return "key-length";
  if (!isReduced448(key)) return "non-canonical-key";
  return edwardsFault(key, ed448.Point);
}

/** The one strict check of signature public keys: the first fault, or undefined. */
export function signatureKeyFault(scheme: SignatureScheme, key: Uint8Array): KeyFault | undefined {
  const fault = quickSignatureKeyFault(scheme, key);
  if (fault !== undefined || scheme !== SignatureScheme.ed25519) return fault;
  return edwardsFault(key, ed25519.Point);
}

function edwardsFault(key: Uint8Array, curve: typeof ed25519.Point): KeyFault | undefined {
  try {
    return curve.fromBytes(key, false).isSmallOrder() ? "small-order-key" : undefined;
  } catch {
    return "off-curve-key";
  }
}

/** @throws MlsCoreError with the code of the first fault of the key. */
export function checkSignaturePublicKey(scheme: SignatureScheme, key: Uint8Array, path = "signature_key"): void {
  const fault = signatureKeyFault(scheme, key);
  if (fault !== undefined)
    throw new MlsCoreError(fault, path, PUBLIC_KEYS_SECTION, `${fault.replaceAll("-", " ")} (scheme ${scheme})`);
}
