/** Hash functions of the MLS cipher suites. */
export type HashName = "SHA-256" | "SHA-384" | "SHA-512";

/** TLS SignatureScheme values of the MLS cipher suites (RFC 8446, "Signature Algorithms"). */
export const SignatureScheme = {
  ecdsa_secp256r1_sha256: 0x0403,
  ecdsa_secp384r1_sha384: 0x0503,
  ecdsa_secp521r1_sha512: 0x0603,
  ed25519: 0x0807,
  ed448: 0x0808,
} as const;
/** A TLS SignatureScheme; any 16-bit value may come from the network. */
export type SignatureScheme = number;

/** How keys of an ECDSA scheme look, and what it hashes with. */
export interface EcdsaScheme {
  readonly curve: "P-256" | "P-384" | "P-521";
  readonly hash: HashName;
  /** Bytes of a coordinate and of a scalar. */
  readonly size: number;
}

const ECDSA: ReadonlyMap<number, EcdsaScheme> = new Map([
  [SignatureScheme.ecdsa_secp256r1_sha256, { curve: "P-256", hash: "SHA-256", size: 32 }],
  [SignatureScheme.ecdsa_secp384r1_sha384, { curve: "P-384", hash: "SHA-384", size: 48 }],
  [SignatureScheme.ecdsa_secp521r1_sha512, { curve: "P-521", hash: "SHA-512", size: 66 }],
]);

/** The ECDSA parameters of a scheme; undefined when it is not ECDSA. */
export function ecdsaScheme(scheme: SignatureScheme): EcdsaScheme | undefined {
  return ECDSA.get(scheme);
}
