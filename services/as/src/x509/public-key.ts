import { type SignatureScheme, signatureKeyFault } from "@mls-as/mls-core";
import { readSubjectPublicKeyInfo } from "@mls-as/mls-credentials";
import { Problem } from "../problem.js";

/** TLS SignatureScheme numbers of the subject keys that are certified. */
export const SCHEME = {
  ed25519: 0x0807,
  ecdsaSecp256r1Sha256: 0x0403,
  ecdsaSecp384r1Sha384: 0x0503,
  ecdsaSecp521r1Sha512: 0x0603,
} as const;

const SECTION = "Certificate profile";
const ACCEPTED = new Set<number>(Object.values(SCHEME));
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
  if (!ACCEPTED.has(key.scheme))
    throw new Problem("key-algorithm", "Keys of this curve are not certified here.", { path, section: SECTION });
  const fault = signatureKeyFault(key.scheme as SignatureScheme, key.publicKey);
  if (fault === undefined) return key;
  const code = fault === "key-length" || fault === "compressed-key" ? "key-encoding" : "key-weak";
  throw new Problem(code, `The key is refused: ${fault.replaceAll("-", " ")}.`, { path, section: "Public Keys" });
}
