import { createHash } from "node:crypto";
import { AsnConvert, OctetString } from "@peculiar/asn1-schema";
import { AlgorithmIdentifier, Extension } from "@peculiar/asn1-x509";
import type { KeyAlgorithm, SigningKey } from "@mls-as/signers";
import {
  bitString,
  contentOf,
  DerError,
  element,
  extension,
  integer,
  members,
  objectIdentifier,
  octetString,
  sequenceOf,
  time,
  unsignedInteger,
} from "./der.js";

/** Object identifiers of the profile. */
export const OID = {
  ed25519: "1.3.101.112",
  ecdsaWithSha256: "1.2.840.10045.4.3.2",
  subjectKeyIdentifier: "2.5.29.14",
  keyUsage: "2.5.29.15",
  subjectAltName: "2.5.29.17",
  basicConstraints: "2.5.29.19",
  nameConstraints: "2.5.29.30",
  crlDistributionPoints: "2.5.29.31",
  authorityKeyIdentifier: "2.5.29.35",
  extendedKeyUsage: "2.5.29.37",
  authorityInfoAccess: "1.3.6.1.5.5.7.1.1",
  accessOcsp: "1.3.6.1.5.5.7.48.1",
  accessCaIssuers: "1.3.6.1.5.5.7.48.2",
  /** id-kp-imUri (RFC 9734). */
  imUri: "1.3.6.1.5.5.7.3.40",
  /** Default of the extension that names the log. */
  logId: "1.3.6.1.4.1.32473.9750.1",
} as const;

/** A copy in its own ArrayBuffer, which is what the ASN.1 library takes. */
export function arrayBuffer(bytes: Uint8Array): ArrayBuffer {
  const copy = new ArrayBuffer(bytes.length);
  new Uint8Array(copy).set(bytes);
  return copy;
}

/** AlgorithmIdentifier of signatures by a key of this algorithm; parameters are absent in both (RFC 8410, RFC 5758). */
export function signatureAlgorithm(algorithm: KeyAlgorithm): AlgorithmIdentifier {
  return new AlgorithmIdentifier({ algorithm: algorithm === "Ed25519" ? OID.ed25519 : OID.ecdsaWithSha256 });
}

/**
 * keyIdentifier: SHA-1 of the subjectPublicKey bits (RFC 5280, "Subject Key Identifier", method 1).
 *
 * @throws DerError
 */
export function keyIdentifier(subjectPublicKeyInfo: Uint8Array): Uint8Array {
  const key = members(subjectPublicKeyInfo)[1];
  if (key?.[0] !== 0x03) throw new DerError("not a SubjectPublicKeyInfo", 0);
  // The first octet of a BIT STRING counts unused bits.
  return new Uint8Array(createHash("sha1").update(contentOf(key).subarray(1)).digest());
}

/** An Extension whose value is a structure of the ASN.1 library, or finished DER. */
export function certificateExtension(id: string, critical: boolean, value: unknown): Extension {
  const der = value instanceof Uint8Array ? arrayBuffer(value) : AsnConvert.serialize(value);
  return new Extension({ extnID: id, critical, extnValue: new OctetString(der) });
}

/** The serial number as the content of a positive INTEGER. */
export function serialContent(serial: Uint8Array): ArrayBuffer {
  let start = 0;
  while (start < serial.length - 1 && serial[start] === 0) start++;
  const body = serial.subarray(start);
  return arrayBuffer((body[0] as number) >= 0x80 ? Uint8Array.of(0, ...body) : body);
}

export interface IssuerOfCertificates {
  /** DER certificate of the issuing CA. */
  readonly certificate: Uint8Array;
  readonly key: Pick<SigningKey, "algorithm" | "publicKey">;
}

/** What goes into a credential's certificate; everything else is fixed by the profile. */
export interface LeafProfile {
  readonly issuer: IssuerOfCertificates;
  /** 16 octets, big-endian, random. */
  readonly serial: Uint8Array;
  /** DER; Ed25519, P-256, P-384 or P-521, already checked. */
  readonly subjectPublicKeyInfo: Uint8Array;
  /** Canonical user URI. */
  readonly user: string;
  /** Canonical client URI. */
  readonly client: string;
  /** Seconds since 1970. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** 32 octets. */
  readonly logId: Uint8Array;
  readonly logIdExtension?: string;
  readonly crlUrl: string;
  readonly caIssuersUrl: string;
  readonly ocspUrl: string;
}

/**
 * The DER TBSCertificate of the certificate profile (design, "Wire formats that are ours", "Certificate profile").
 * The same arguments give the same bytes: the log binds their hash before anything is signed. It is written directly: by
 * way of the objects of an ASN.1 library it would take twenty times as long.
 */
export function buildTbsCertificate(leaf: LeafProfile): Uint8Array {
  const { name, algorithm, authorityKeyIdentifier } = issuerParts(leaf.issuer);
  const crl = sequenceOf(sequenceOf(element(0xa0, element(0xa0, uriName(leaf.crlUrl)))));
  const access = sequenceOf(
    sequenceOf(objectIdentifier(OID.accessCaIssuers), uriName(leaf.caIssuersUrl)),
    sequenceOf(objectIdentifier(OID.accessOcsp), uriName(leaf.ocspUrl)),
  );
  return sequenceOf(
    VERSION_3,
    unsignedInteger(leaf.serial),
    algorithm,
    name,
    sequenceOf(time(leaf.notBefore), time(leaf.notAfter)),
    EMPTY_SEQUENCE,
    leaf.subjectPublicKeyInfo,
    element(
      0xa3,
      sequenceOf(
        authorityKeyIdentifier,
        extension(OID.subjectKeyIdentifier, false, octetString(keyIdentifier(leaf.subjectPublicKeyInfo))),
        KEY_USAGE,
        BASIC_CONSTRAINTS,
        extension(OID.subjectAltName, true, sequenceOf(uriName(leaf.user), uriName(leaf.client))),
        EXTENDED_KEY_USAGE,
        extension(OID.crlDistributionPoints, false, crl),
        extension(OID.authorityInfoAccess, false, access),
        extension(leaf.logIdExtension ?? OID.logId, false, octetString(leaf.logId)),
      ),
    ),
  );
}

const EMPTY_SEQUENCE = sequenceOf();
const VERSION_3 = element(0xa0, integer(2n));
/** digitalSignature, and seven unused bits. */
const KEY_USAGE = extension(OID.keyUsage, true, element(0x03, Uint8Array.of(7, 0x80)));
const BASIC_CONSTRAINTS = extension(OID.basicConstraints, true, EMPTY_SEQUENCE);
const EXTENDED_KEY_USAGE = extension(OID.extendedKeyUsage, false, sequenceOf(objectIdentifier(OID.imUri)));

/** GeneralName, uniformResourceIdentifier. */
const uriName = (text: string): Uint8Array => element(0x86, Buffer.from(text, "latin1"));

interface IssuerParts {
  readonly name: Uint8Array;
  readonly algorithm: Uint8Array;
  readonly authorityKeyIdentifier: Uint8Array;
}

const knownIssuers = new WeakMap<IssuerOfCertificates, IssuerParts>();

/** What all certificates of an issuer have in common. */
function issuerParts(issuer: IssuerOfCertificates): IssuerParts {
  const known = knownIssuers.get(issuer);
  if (known !== undefined) return known;
  const identifier = element(0x80, keyIdentifier(issuer.key.publicKey));
  const parts = {
    name: nameOfSubject(issuer.certificate),
    algorithm: signatureAlgorithmDer(issuer.key.algorithm),
    authorityKeyIdentifier: extension(OID.authorityKeyIdentifier, false, sequenceOf(identifier)),
  };
  knownIssuers.set(issuer, parts);
  return parts;
}

const signatureAlgorithmDer = (algorithm: KeyAlgorithm): Uint8Array =>
  sequenceOf(objectIdentifier(algorithm === "Ed25519" ? OID.ed25519 : OID.ecdsaWithSha256));

/** DER Name of a certificate's subject. */
export function nameOfSubject(certificate: Uint8Array): Uint8Array {
  const tbs = members(members(certificate)[0] as Uint8Array);
  // version, serialNumber, signature, issuer, validity, subject: every certificate handled here is v3.
  return tbs[5] as Uint8Array;
}

/** Signs a TBSCertificate and returns the DER Certificate. */
export async function signCertificate(key: SigningKey, tbs: Uint8Array): Promise<Uint8Array> {
  const signature = await key.sign(tbs);
  return sequenceOf(tbs, signatureAlgorithmDer(key.algorithm), bitString(signature));
}
