import { ed448 } from "@noble/curves/ed448.js";
import { p256, p384, p521 } from "@noble/curves/nist.js";
import { type AlgorithmIdentifier, type SignatureAlgorithm, signatureAlgorithm } from "./algorithm-identifier.js";
import { CertificateError } from "./certificate-error.js";
import { enter, readElement, Tag } from "./der.js";
import { readUnsigned } from "./der-values.js";
import type { CertificateProblem, PathReasonCode } from "./path-reason.js";
import type { NamedCurve, PublicKey } from "./public-key.js";
import { digest, verifyPkcs1, verifyPss } from "./rsa.js";

/** What path validation needs of a CryptoProvider: verification by TLS SignatureScheme, keys as MLS encodes them. */
export interface SignatureVerifier {
  verify(scheme: number, publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean | Promise<boolean>;
}

const EC = { "P-256": p256, "P-384": p384, "P-521": p521 } as const;
/** The hash with which TLS names a scheme for each curve; others are verified here. */
const SCHEME_HASH = { "P-256": "SHA-256", "P-384": "SHA-384", "P-521": "SHA-512" } as const;

const SECTION = "Basic Certificate Processing";

function failure(code: PathReasonCode, detail: string): CertificateProblem {
  return { code, section: `RFC 5280, ${SECTION}`, field: "signatureValue", detail };
}

/** Verifies a signature over raw DER; undefined when it holds, otherwise why it does not. */
export async function verifySignature(
  provider: SignatureVerifier,
  identifier: AlgorithmIdentifier,
  key: PublicKey,
  message: Uint8Array,
  signature: Uint8Array,
): Promise<CertificateProblem | undefined> {
  const algorithm = signatureAlgorithm(identifier);
  if (typeof algorithm === "string") return failure("unsupported-algorithm", algorithm);
  if (key.kind === "unsupported") return failure("weak-key", key.reason);
  try {
    const outcome = await verifyWith(provider, algorithm, key, message, signature);
    if (outcome === "mismatch")
      return failure("algorithm-mismatch", `${algorithm.kind} signature by a ${key.kind} key`);
    return outcome ? undefined : failure("bad-signature", "the signature does not verify with the issuer's key");
  } catch (error) {
    // Providers refuse unusable keys and signatures by throwing: the signature did not verify.
    return failure("bad-signature", error instanceof Error ? error.message : "the signature cannot be verified");
  }
}

async function verifyWith(
  provider: SignatureVerifier,
  algorithm: SignatureAlgorithm,
  key: PublicKey,
  message: Uint8Array,
  signature: Uint8Array,
): Promise<boolean | "mismatch"> {
  switch (algorithm.kind) {
    case "ed25519":
      if (key.kind !== "ed25519") return "mismatch";
      return signature.length === 64 && (await provider.verify(0x0807, key.key, message, signature));
    case "ed448":
      if (key.kind !== "ed448") return "mismatch";
      return signature.length === 114 && ed448.verify(signature, message, key.key, { zip215: false });
    case "ecdsa":
      if (key.kind !== "ecdsa") return "mismatch";
      if (!isEcdsaSignature(signature, key.curve)) return false;
      if (algorithm.hash === SCHEME_HASH[key.curve.name])
        return await provider.verify(key.curve.scheme, key.point, message, signature);
      return EC[key.curve.name].verify(signature, digest(algorithm.hash, message), key.point, {
        prehash: false,
        lowS: false,
        format: "der",
      });
    case "rsa-pkcs1":
      if (key.kind !== "rsa" || key.pssOnly) return "mismatch";
      return verifyPkcs1(key, algorithm.hash, message, signature);
    default:
      if (key.kind !== "rsa") return "mismatch";
      if (key.pss !== undefined && (key.pss.hash !== algorithm.hash || algorithm.saltLength < key.pss.saltLength))
        return "mismatch";
      return verifyPss(key, algorithm, message, signature);
  }
}

/** ECDSA-Sig-Value in DER with both integers in range (RFC 5758; SEC 1, "Verifying Operation"). */
function isEcdsaSignature(signature: Uint8Array, curve: NamedCurve): boolean {
  try {
    const reader = enter(readElement(signature), Tag.sequence, "ECDSA-Sig-Value");
    const values = [readUnsigned(reader.expect(Tag.integer, "r")), readUnsigned(reader.expect(Tag.integer, "s"))];
    reader.finish("ECDSA-Sig-Value");
    const order = EC[curve.name].Point.Fn.ORDER;
    return values.every((value) => value > 0n && value < order);
  } catch (error) {
    if (error instanceof CertificateError) return false;
    throw error;
  }
}
