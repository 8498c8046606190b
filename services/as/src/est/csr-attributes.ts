import { element, objectIdentifier, sequenceOf } from "../x509/der.js";

const EC_PUBLIC_KEY = "1.2.840.10045.2.1";
const CURVES = ["1.2.840.10045.3.1.7", "1.3.132.0.34", "1.3.132.0.35"];
const ED25519 = "1.3.101.112";
const ECDSA_WITH_SHA256 = "1.2.840.10045.4.3.2";
const EXTENSION_REQUEST = "1.2.840.113549.1.9.14";
const SUBJECT_ALT_NAME = "2.5.29.17";

const attribute = (type: string, ...values: readonly string[]): Uint8Array =>
  sequenceOf(objectIdentifier(type), element(0x31, ...values.map(objectIdentifier).sort(Buffer.compare)));

/**
 * CsrAttrs (RFC 7030, "CSR Attributes Response"): a key on P-256, P-384 or P-521, or an Ed25519 key, and a
 * subjectAltName that is asked for as an extension.
 */
export function csrAttributes(): Uint8Array {
  return sequenceOf(
    attribute(EC_PUBLIC_KEY, ...CURVES),
    objectIdentifier(ECDSA_WITH_SHA256),
    objectIdentifier(ED25519),
    attribute(EXTENSION_REQUEST, SUBJECT_ALT_NAME),
  );
}
