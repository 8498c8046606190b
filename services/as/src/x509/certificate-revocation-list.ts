import { AsnConvert } from "@peculiar/asn1-schema";
import type { RevokedEntry } from "../storage/store.js";
import type { CaKey } from "../ca/development-ca.js";
import { keyIdentifier, nameOfSubject, OID, signatureAlgorithm } from "./certificate-profile.js";
import { bitString, booleanTrue, element, extension, integer, sequenceOf, time, unsignedInteger } from "./der.js";

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
  const revoked = content.entries.length === 0 ? [] : [revokedCertificates(content.entries)];
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

/** SEQUENCE OF one Extension reasonCode, up to the value (RFC 5280, "Reason Code"). */
const REASON_EXTENSION = Buffer.from("300c300a0603551d1504030a01", "hex");
/** Most octets of an entry: two headers, serial with sign octet, GeneralizedTime, reason. */
const ENTRY_SIZE = 2 + 2 + 17 + 17 + REASON_EXTENSION.length + 1;

/** revokedCertificates, written into one buffer: every element is short, so that all lengths take one octet. */
function revokedCertificates(entries: readonly RevokedEntry[]): Uint8Array {
  const out = Buffer.allocUnsafe(entries.length * ENTRY_SIZE);
  const times = new Map<number, Uint8Array>();
  let offset = 0;
  for (const { serial, revokedAt, reason } of entries) {
    const start = offset;
    offset += 2;
    const head = Number.parseInt(serial.slice(0, 2), 16);
    const sign = head >= 0x80 ? 1 : 0;
    const octets = serial.length / 2;
    if (head === 0) {
      // A leading zero octet is not minimal: the slow, general way.
      const general = unsignedInteger(Buffer.from(serial, "hex"));
      out.set(general, offset);
      offset += general.length;
    } else {
      out[offset] = 0x02;
      out[offset + 1] = octets + sign;
      if (sign === 1) out[offset + 2] = 0;
      offset += 2 + sign + out.write(serial, offset + 2 + sign, "hex");
    }
    let when = times.get(revokedAt);
    if (when === undefined) {
      when = time(revokedAt);
      times.set(revokedAt, when);
    }
    out.set(when, offset);
    offset += when.length;
    // "unspecified" is said by leaving the extension out.
    if (reason !== 0) {
      out.set(REASON_EXTENSION, offset);
      offset += REASON_EXTENSION.length;
      out[offset++] = reason;
    }
    out[start] = 0x30;
    out[start + 1] = offset - start - 2;
  }
  return element(0x30, out.subarray(0, offset));
}
