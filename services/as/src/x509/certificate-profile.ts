import { createHash } from "node:crypto";
import { AsnConvert, OctetString } from "@peculiar/asn1-schema";
import {
  AccessDescription,
  AlgorithmIdentifier,
  AuthorityInfoAccessSyntax,
  AuthorityKeyIdentifier,
  BasicConstraints,
  CRLDistributionPoints,
  DistributionPoint,
  DistributionPointName,
  ExtendedKeyUsage,
  Extension,
  Extensions,
  GeneralName,
  KeyIdentifier,
  KeyUsage,
  KeyUsageFlags,
  Name,
  SubjectAlternativeName,
  SubjectKeyIdentifier,
  SubjectPublicKeyInfo,
  TBSCertificate,
  Validity,
  Version,
} from "@peculiar/asn1-x509";
import type { KeyAlgorithm, SigningKey } from "@mls-as/signers";
import { bitString, members, sequenceOf } from "./der.js";

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

/** keyIdentifier: SHA-1 of the subjectPublicKey bits (RFC 5280, "Subject Key Identifier", method 1). */
export function keyIdentifier(subjectPublicKeyInfo: Uint8Array): Uint8Array {
  const spki = AsnConvert.parse(arrayBuffer(subjectPublicKeyInfo), SubjectPublicKeyInfo);
  return new Uint8Array(createHash("sha1").update(new Uint8Array(spki.subjectPublicKey)).digest());
}

/** An Extension whose value is a structure of the ASN.1 library, or finished DER. */
export function certificateExtension(id: string, critical: boolean, value: unknown): Extension {
  const der = value instanceof Uint8Array ? arrayBuffer(value) : AsnConvert.serialize(value);
  return new Extension({ extnID: id, critical, extnValue: new OctetString(der) });
}

const uri = (text: string): GeneralName => new GeneralName({ uniformResourceIdentifier: text });

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
 * The same arguments give the same bytes: the log binds their hash before anything is signed.
 */
export function buildTbsCertificate(leaf: LeafProfile): Uint8Array {
  const issuer = AsnConvert.parse(arrayBuffer(nameOfSubject(leaf.issuer.certificate)), Name);
  const logId = sequenceMemberOctets(leaf.logId);
  const extensions = [
    certificateExtension(
      OID.authorityKeyIdentifier,
      false,
      new AuthorityKeyIdentifier({
        keyIdentifier: new KeyIdentifier(arrayBuffer(keyIdentifier(leaf.issuer.key.publicKey))),
      }),
    ),
    certificateExtension(
      OID.subjectKeyIdentifier,
      false,
      new SubjectKeyIdentifier(arrayBuffer(keyIdentifier(leaf.subjectPublicKeyInfo))),
    ),
    certificateExtension(OID.keyUsage, true, new KeyUsage(KeyUsageFlags.digitalSignature)),
    certificateExtension(OID.basicConstraints, true, new BasicConstraints()),
    certificateExtension(OID.subjectAltName, true, new SubjectAlternativeName([uri(leaf.user), uri(leaf.client)])),
    certificateExtension(OID.extendedKeyUsage, false, new ExtendedKeyUsage([OID.imUri])),
    certificateExtension(
      OID.crlDistributionPoints,
      false,
      new CRLDistributionPoints([
        new DistributionPoint({ distributionPoint: new DistributionPointName({ fullName: [uri(leaf.crlUrl)] }) }),
      ]),
    ),
    certificateExtension(
      OID.authorityInfoAccess,
      false,
      new AuthorityInfoAccessSyntax([
        new AccessDescription({ accessMethod: OID.accessCaIssuers, accessLocation: uri(leaf.caIssuersUrl) }),
        new AccessDescription({ accessMethod: OID.accessOcsp, accessLocation: uri(leaf.ocspUrl) }),
      ]),
    ),
    certificateExtension(leaf.logIdExtension ?? OID.logId, false, logId),
  ];
  const tbs = new TBSCertificate({
    version: Version.v3,
    serialNumber: serialContent(leaf.serial),
    signature: signatureAlgorithm(leaf.issuer.key.algorithm),
    issuer,
    validity: new Validity({ notBefore: new Date(leaf.notBefore * 1000), notAfter: new Date(leaf.notAfter * 1000) }),
    subject: new Name(),
    subjectPublicKeyInfo: AsnConvert.parse(arrayBuffer(leaf.subjectPublicKeyInfo), SubjectPublicKeyInfo),
    extensions: new Extensions(extensions),
  });
  return new Uint8Array(AsnConvert.serialize(tbs));
}

function sequenceMemberOctets(logId: Uint8Array): Uint8Array {
  return new Uint8Array(AsnConvert.serialize(new OctetString(arrayBuffer(logId))));
}

/** DER Name of a certificate's subject. */
export function nameOfSubject(certificate: Uint8Array): Uint8Array {
  const tbs = members(members(certificate)[0] as Uint8Array);
  // version, serialNumber, signature, issuer, validity, subject: every certificate handled here is v3.
  return tbs[5] as Uint8Array;
}

/** Signs a TBSCertificate and returns the DER Certificate. */
export async function signCertificate(key: SigningKey, tbs: Uint8Array): Promise<Uint8Array> {
  const signature = await key.sign(tbs);
  const algorithm = new Uint8Array(AsnConvert.serialize(signatureAlgorithm(key.algorithm)));
  return sequenceOf(tbs, algorithm, bitString(signature));
}
