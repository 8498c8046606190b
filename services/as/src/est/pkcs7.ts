import { element, integer, objectIdentifier, sequenceOf } from "../x509/der.js";

const SIGNED_DATA = "1.2.840.113549.1.7.2";
const DATA = "1.2.840.113549.1.7.1";

/**
 * A certs-only CMS message: SignedData without content and without signers (RFC 5652, "SignedData Type"; RFC 7030,
 * "CA Certificates Response").
 *
 * @param certificates DER
 */
export function certsOnly(certificates: readonly Uint8Array[]): Uint8Array {
  // A SET OF in DER is sorted by its members' encodings.
  const sorted = [...certificates].sort(Buffer.compare);
  const emptySet = element(0x31);
  const signedData = sequenceOf(
    integer(1n),
    emptySet,
    sequenceOf(objectIdentifier(DATA)),
    element(0xa0, ...sorted),
    emptySet,
  );
  return sequenceOf(objectIdentifier(SIGNED_DATA), element(0xa0, signedData));
}
