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

/** y of every point of small order, low octet first, without the sign bit: the identity, the point of order two, order four, order eight. */
const SMALL_ORDER = {
  ed25519: new Set([
    `01${"00".repeat(31)}`,
    `ec${"ff".repeat(30)}7f`,
    "00".repeat(32),
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  ]),
  ed448: new Set([`01${"00".repeat(56)}`, `fe${"ff".repeat(27)}fe${"ff".repeat(27)}00`, "00".repeat(57)]),
};

const SUSPECT_25519: ReadonlySet<number> = new Set([0x00, 0x01, 0x26, 0xc7, 0xec]);

const FIELD = { ed25519: 2n ** 255n - 19n, ed448: 2n ** 448n - 2n ** 224n - 1n };

/**
 * An EdDSA key: canonical y (RFC 8032, "Decoding") and no point of small order, which would verify anything. That the
 * point is on the curve costs a square root; verification finds out.
 */
function edwardsKey(kind: "ed25519" | "ed448", key: Uint8Array): PublicKey {
  if (key.length !== (kind === "ed25519" ? 32 : 57)) return unsupported(`${kind} key of ${key.length} octets`);
  // No point of small order begins with another octet, and no y of 255 bits past the field has another top.
  if (kind === "ed25519" && !SUSPECT_25519.has(key[0] ?? 0) && ((key[31] ?? 0) & 0x7f) !== 0x7f) return { kind, key };
  const y = key.slice();
  y[y.length - 1] = (y[y.length - 1] ?? 0) & 0x7f;
  if (SMALL_ORDER[kind].has(bytesToHex(y))) return unsupported(`${kind} key of small order`);
  if (bytesToInteger(y.toReversed()) >= FIELD[kind]) return unsupported(`${kind} key that is not canonical`);
  return { kind, key };
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
