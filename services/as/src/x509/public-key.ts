import { readSubjectPublicKeyInfo } from "@mls-as/mls-credentials";
import { ed25519 } from "@noble/curves/ed25519.js";
import { p256, p384, p521 } from "@noble/curves/nist.js";
import { Problem } from "../problem.js";

/** TLS SignatureScheme numbers of the subject keys that are certified. */
export const SCHEME = {
  ed25519: 0x0807,
  ecdsaSecp256r1Sha256: 0x0403,
  ecdsaSecp384r1Sha384: 0x0503,
  ecdsaSecp521r1Sha512: 0x0603,
} as const;

const SECTION = "Certificate profile";
const CURVES = new Map([
  [SCHEME.ecdsaSecp256r1Sha256 as number, p256],
  [SCHEME.ecdsaSecp384r1Sha384 as number, p384],
  [SCHEME.ecdsaSecp521r1Sha512 as number, p521],
]);
/** DER AlgorithmIdentifier beginnings: id-Ed25519, and id-ecPublicKey with each accepted curve. */
const KNOWN_ALGORITHMS = [
  "06032b6570",
  "06072a8648ce3d020106082a8648ce3d030107",
  "06072a8648ce3d020106052b81040022",
  "06072a8648ce3d020106052b81040023",
];

export interface SubjectKey {
  /** TLS SignatureScheme. */
  readonly scheme: number;
  /** As in `LeafNode.signature_key`. */
  readonly publicKey: Uint8Array;
}

/**
 * Judges a DER SubjectPublicKeyInfo: an accepted algorithm, in its one encoding, and a point that is safe to verify with.
 *
 * @throws Problem `key-algorithm`, `key-encoding`, `key-weak`
 */
export function checkSubjectKey(spki: Uint8Array, path: string): SubjectKey {
  const key = readSubjectPublicKeyInfo(spki);
  if (key === undefined) {
    const hex = Buffer.from(spki.subarray(0, 32)).toString("hex");
    if (KNOWN_ALGORITHMS.some((start) => hex.includes(start)))
      throw new Problem("key-encoding", "The key is compressed, has parameters, or has the wrong length.", {
        path,
        section: SECTION,
      });
    throw new Problem("key-algorithm", "The key is neither Ed25519 nor on P-256, P-384 or P-521.", {
      path,
      section: SECTION,
    });
  }
  if (key.scheme === SCHEME.ed25519) {
    if (!isSafeEd25519(key.publicKey))
      throw new Problem("key-weak", "The Ed25519 key is not a canonical point of large order.", {
        path,
        section: SECTION,
      });
    return key;
  }
  const curve = CURVES.get(key.scheme);
  if (curve === undefined)
    throw new Problem("key-algorithm", "Keys of this curve are not certified here.", { path, section: SECTION });
  try {
    curve.Point.fromBytes(key.publicKey).assertValidity();
  } catch (cause) {
    throw new Problem("key-weak", "The point is not on its curve.", { path, section: SECTION, cause });
  }
  return key;
}

function isSafeEd25519(bytes: Uint8Array): boolean {
  try {
    const point = ed25519.Point.fromBytes(bytes, false);
    return point.isTorsionFree() && !point.isSmallOrder();
  } catch {
    return false;
  }
}
