import { AsnConvert } from "@peculiar/asn1-schema";
import type { RevokedEntry } from "../storage/store.js";
import type { CaKey } from "../ca/development-ca.js";
import { keyIdentifier, nameOfSubject, OID, signatureAlgorithm } from "./certificate-profile.js";
import {
  bitString,
  booleanTrue,
  element,
  enumerated,
  extension,
  integer,
  objectIdentifier,
  octetString,
  sequenceOf,
  sequenceOfAll,
  time,
  unsignedInteger,
} from "./der.js";

const REASON_CODE = objectIdentifier("2.5.29.21");
const CRL_NUMBER = "2.5.29.20";
const ISSUING_DISTRIBUTION_POINT = "2.5.29.28";

export interface RevocationListContent {
  readonly entries: readonly RevokedEntry[];
  /** Greater than that of any list of this issuer and shard before. */
  readonly number: bigint;
  /** Seconds since 1970. */
  readonly thisUpdate: number;
  readonly nextUpdate: number;
  /** As in the certificates' CRL distribution point. */
  readonly url: string;
}

/**
 * A DER CertificateList (RFC 5280, "CRL and CRL Extensions Profile"), version 2, for the part of an issuer's end-entity
 * certificates that name `url`. Written piece by piece: a list of 100,000 entries takes well under a second.
 */
export async function buildRevocationList(issuer: CaKey, content: RevocationListContent): Promise<Uint8Array> {
  const algorithm = new Uint8Array(AsnConvert.serialize(signatureAlgorithm(issuer.algorithm)));
  const distributionPoint = element(0xa0, element(0xa0, element(0x86, new TextEncoder().encode(content.url))));
  const extensions = sequenceOf(
    extension(OID.authorityKeyIdentifier, false, sequenceOf(element(0x80, keyIdentifier(issuer.key.publicKey)))),
    extension(CRL_NUMBER, false, integer(content.number)),
    // [0] distributionPoint, [1] onlyContainsUserCerts TRUE
    extension(ISSUING_DISTRIBUTION_POINT, true, sequenceOf(distributionPoint, element(0x81, booleanTrue.subarray(2)))),
  );
  const revoked = content.entries.length === 0 ? [] : [sequenceOfAll(content.entries.map(listEntry))];
  const tbs = sequenceOf(
    integer(1n),
    algorithm,
    nameOfSubject(issuer.certificate),
    time(content.thisUpdate),
    time(content.nextUpdate),
    ...revoked,
    element(0xa0, extensions),
  );
  return sequenceOf(tbs, algorithm, bitString(await issuer.key.sign(tbs)));
}

function listEntry({ serial, revokedAt, reason }: RevokedEntry): Uint8Array {
  const identity = unsignedInteger(Buffer.from(serial, "hex"));
  // "unspecified" is said by leaving the extension out (RFC 5280, "Reason Code").
  if (reason === 0) return sequenceOf(identity, time(revokedAt));
  const extensions = sequenceOf(sequenceOf(REASON_CODE, octetString(enumerated(reason))));
  return sequenceOf(identity, time(revokedAt), extensions);
}
