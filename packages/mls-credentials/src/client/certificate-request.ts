import { concatBytes } from "@mls-as/tls-codec";
import { readSubjectPublicKeyInfo } from "../subject-public-key-info.js";
import { ClientError } from "./client-error.js";
import { derAscii, derElement, derObjectIdentifier, derSequence, derSet } from "./der-writer.js";

/** A device's signature key: the private part may be in memory, in WebCrypto, or in a platform keystore. */
export interface DeviceKey {
  /** DER SubjectPublicKeyInfo: Ed25519, or an uncompressed P-256, P-384 or P-521 point. */
  readonly subjectPublicKeyInfo: Uint8Array;
  /** Signs a message as MLS and X.509 do: raw Ed25519, or DER ECDSA over the curve's hash. */
  sign(message: Uint8Array): Uint8Array | Promise<Uint8Array>;
}

/** What a certificate request says and proves. */
export interface CertificateRequestInput {
  readonly key: DeviceKey;
  /** User URI and client URI, the names asked for. */
  readonly user: string;
  readonly client: string;
  /** A fresh nonce of the Authentication Service; proves possession now. */
  readonly nonce: string;
}

const CHALLENGE_PASSWORD = "1.2.840.113549.1.9.7";
const EXTENSION_REQUEST = "1.2.840.113549.1.9.14";
const SUBJECT_ALT_NAME = "2.5.29.17";

/** Signature AlgorithmIdentifiers by TLS SignatureScheme; none of them has parameters (RFC 8410, RFC 5758). */
const SIGNATURE_ALGORITHMS: ReadonlyMap<number, string> = new Map([
  [0x0807, "1.3.101.112"],
  [0x0403, "1.2.840.10045.4.3.2"],
  [0x0503, "1.2.840.10045.4.3.3"],
  [0x0603, "1.2.840.10045.4.3.4"],
]);

/** A PKCS#10 request (RFC 2986): empty subject, the nonce as challengePassword, both URIs as subjectAltName. DER. */
export async function buildCertificateRequest(input: CertificateRequestInput): Promise<Uint8Array> {
  const key = readSubjectPublicKeyInfo(input.key.subjectPublicKeyInfo);
  const algorithm = key === undefined ? undefined : SIGNATURE_ALGORITHMS.get(key.scheme);
  if (algorithm === undefined)
    throw new ClientError("unsupported-key", "key.subjectPublicKeyInfo", "no supported signature key");
  const names = derSequence(derAscii(0x86, input.user), derAscii(0x86, input.client));
  const altName = derSequence(
    derObjectIdentifier(SUBJECT_ALT_NAME),
    derElement(0x01, Uint8Array.of(0xff)),
    derElement(0x04, names),
  );
  const attributes = [
    derSequence(derObjectIdentifier(CHALLENGE_PASSWORD), derSet(derAscii(0x0c, input.nonce))),
    derSequence(derObjectIdentifier(EXTENSION_REQUEST), derSet(derSequence(altName))),
  ];
  const info = derSequence(
    derElement(0x02, Uint8Array.of(0)),
    derSequence(),
    input.key.subjectPublicKeyInfo,
    // [0] IMPLICIT SET OF: the set's own encoding under another tag.
    concatBytes(Uint8Array.of(0xa0), derSet(...attributes).subarray(1)),
  );
  const signature = await input.key.sign(info);
  return derSequence(
    info,
    derSequence(derObjectIdentifier(algorithm)),
    derElement(0x03, concatBytes(Uint8Array.of(0), signature)),
  );
}
