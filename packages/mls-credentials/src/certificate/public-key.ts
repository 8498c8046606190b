import { quickSignatureKeyFault } from "@mls-as/mls-core";
import { p256, p384, p521 } from "@noble/curves/nist.js";
import {
  pssParameters,
  readAlgorithmIdentifier,
  RSA_PSS_OID,
  type SignatureAlgorithm,
} from "./algorithm-identifier.js";
import { type DerElement, encodingOf, enter, readElement, Tag } from "./der.js";
import { bytesToHex, bytesToInteger, readOctetAligned, readOid, readUnsigned } from "./der-values.js";

/** A curve for ECDSA: its TLS SignatureScheme and the length of a coordinate in octets. */
export interface NamedCurve {
  readonly name: "P-256" | "P-384" | "P-521";
  readonly scheme: number;
  readonly size: number;
}

/** A subject's public key, by what can be done with it. */
export type PublicKey =
  | { readonly kind: "ed25519" | "ed448"; readonly key: Uint8Array }
  | { readonly kind: "ecdsa"; readonly curve: NamedCurve; readonly point: Uint8Array }
  | {
      readonly kind: "rsa";
      readonly modulus: bigint;
      readonly exponent: bigint;
      /** Set for an id-RSASSA-PSS key: PKCS#1 signatures are refused. */
      readonly pssOnly: boolean;
      /** What an id-RSASSA-PSS key restricts its signatures to. */
      readonly pss: Extract<SignatureAlgorithm, { kind: "rsa-pss" }> | undefined;
    }
  | { readonly kind: "unsupported"; readonly reason: string };

/** A key as MLS writes it. */
export interface MlsSignatureKey {
  /** TLS SignatureScheme. */
  readonly scheme: number;
  /** Raw EdDSA key, or uncompressed point. */
  readonly publicKey: Uint8Array;
}

const CURVES = new Map<string, NamedCurve>([
  ["1.2.840.10045.3.1.7", { name: "P-256", scheme: 0x0403, size: 32 }],
  ["1.3.132.0.34", { name: "P-384", scheme: 0x0503, size: 48 }],
  ["1.3.132.0.35", { name: "P-521", scheme: 0x0603, size: 66 }],
]);

const EC = { "P-256": p256, "P-384": p384, "P-521": p521 } as const;

const unsupported = (reason: string): PublicKey => ({ kind: "unsupported", reason });

/**
 * Reads a SubjectPublicKeyInfo. Broken DER throws; a key that must not be used (unknown algorithm, wrong parameters,
 * point off the curve, small-order EdDSA key, RSA below 2048 bits) is returned as `unsupported` with the reason.
 */
export function readSubjectPublicKey(element: DerElement): PublicKey {
  const reader = enter(element, Tag.sequence, "SubjectPublicKeyInfo");
  const algorithm = readAlgorithmIdentifier(reader.expect(Tag.sequence, "algorithm"));
  const key = readOctetAligned(reader.expect(Tag.bitString, "subjectPublicKey"));
  reader.finish("SubjectPublicKeyInfo");
  switch (algorithm.oid) {
    case "1.3.101.112":
    case "1.3.101.113": {
      const kind = algorithm.oid === "1.3.101.112" ? "ed25519" : "ed448";
      if (algorithm.parameters !== undefined) return unsupported(`${kind} key with parameters`);
      return edwardsKey(kind, key);
    }
    case "1.2.840.10045.2.1":
      if (algorithm.parameters?.tag !== Tag.oid) return unsupported("EC key without a named curve");
      return curveKey(readOid(algorithm.parameters), key);
    case "1.2.840.113549.1.1.1":
      if (algorithm.parameters === undefined || bytesToHex(encodingOf(algorithm.parameters)) !== "0500")
        return unsupported("RSA key whose parameters are not NULL");
      return rsaKey(key, false, undefined);
    case RSA_PSS_OID: {
      if (algorithm.parameters === undefined) return rsaKey(key, true, undefined);
      const pss = pssParameters(algorithm.parameters);
      if (typeof pss === "string") return unsupported(pss);
      return rsaKey(key, true, pss.kind === "rsa-pss" ? pss : undefined);
    }
    default:
      return unsupported(`public key algorithm ${algorithm.oid}`);
  }
}

/** The key in MLS encoding, where MLS has one. */
export function mlsSignatureKey(key: PublicKey): MlsSignatureKey | undefined {
  switch (key.kind) {
    case "ed25519":
      return { scheme: 0x0807, publicKey: key.key };
    case "ed448":
      return { scheme: 0x0808, publicKey: key.key };
    case "ecdsa":
      return { scheme: key.curve.scheme, publicKey: key.point };
    default:
      return undefined;
  }
}

/**
 * An EdDSA key: canonical y (RFC 8032, "Decoding") and no point of small order, which would verify anything. That an
 * Ed25519 point is on its curve costs a square root; verification finds out.
 */
function edwardsKey(kind: "ed25519" | "ed448", key: Uint8Array): PublicKey {
  const fault = quickSignatureKeyFault(kind === "ed25519" ? 0x0807 : 0x0808, key);
  return fault === undefined ? { kind, key } : unsupported(`${kind} key: ${fault}`);
}

/** An EC key: an uncompressed point on a named curve (RFC 5480, "Subject Public Key"). */
function curveKey(oid: string, point: Uint8Array): PublicKey {
  const curve = CURVES.get(oid);
  if (curve === undefined) return unsupported(`curve ${oid}`);
  if (point.length !== 1 + 2 * curve.size || point[0] !== 4) return unsupported("EC point that is not uncompressed");
  const { p, a, b } = EC[curve.name].Point.CURVE();
  const x = bytesToInteger(point.subarray(1, 1 + curve.size));
  const y = bytesToInteger(point.subarray(1 + curve.size));
  if (x >= p || y >= p || (y * y - (x * x * x + a * x + b)) % p !== 0n)
    return unsupported(`point that is not on ${curve.name}`);
  return { kind: "ecdsa", curve, point };
}

function rsaKey(
  der: Uint8Array,
  pssOnly: boolean,
  pss: Extract<SignatureAlgorithm, { kind: "rsa-pss" }> | undefined,
): PublicKey {
  const reader = enter(readElement(der), Tag.sequence, "RSAPublicKey");
  const modulus = readUnsigned(reader.expect(Tag.integer, "modulus"));
  const exponent = readUnsigned(reader.expect(Tag.integer, "publicExponent"));
  reader.finish("RSAPublicKey");
  const bits = modulus.toString(2).length;
  if (bits < 2048 || bits > 8192) return unsupported(`RSA modulus of ${bits} bits`);
  // A large exponent makes verification slow; FIPS 186-5 allows up to 2^256, practice stays below 2^33.
  if (modulus % 2n === 0n || exponent % 2n === 0n || exponent < 3n || exponent >= 2n ** 33n)
    return unsupported("RSA key out of range");
  return { kind: "rsa", modulus, exponent, pssOnly, pss };
}
