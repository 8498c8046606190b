import { randomBytes } from "node:crypto";
import type { KeyAlgorithm, SigningKey } from "@mls-as/signers";
import { AsnConvert } from "@peculiar/asn1-schema";
import {
  AttributeTypeAndValue,
  AttributeValue,
  AuthorityKeyIdentifier,
  BasicConstraints,
  type Extension,
  Extensions,
  KeyIdentifier,
  KeyUsage,
  KeyUsageFlags,
  Name,
  RelativeDistinguishedName,
  SubjectKeyIdentifier,
  SubjectPublicKeyInfo,
  TBSCertificate,
  Validity,
  Version,
} from "@peculiar/asn1-x509";
import {
  arrayBuffer,
  certificateExtension,
  keyIdentifier,
  nameOfSubject,
  OID,
  serialContent,
  signatureAlgorithm,
  signCertificate,
} from "../x509/certificate-profile.js";
import { element, sequenceOf } from "../x509/der.js";

const YEAR = 365 * 86_400;
export const ROOT_LIFETIME = 20 * YEAR;
export const ISSUING_LIFETIME = 5 * YEAR;

/** The subject of an authority: its domain, what it is, and the first digits of its key's id. */
export function authorityName(
  domain: string,
  kind: "root" | "issuing",
  key: Pick<SigningKey, "algorithm" | "id">,
): Name {
  const text = `${domain} MLS ${kind} ${key.algorithm} ${key.id.slice(0, 8)}`;
  const value = new AttributeTypeAndValue({ type: "2.5.4.3", value: new AttributeValue({ utf8String: text }) });
  return new Name([new RelativeDistinguishedName([value])]);
}

/**
 * Name constraints of an issuing CA, DER: URIs on this host alone; no DNS name, no mail address, no IP address and no
 * directory name (RFC 5280, "Name Constraints").
 */
export function issuingNameConstraints(domain: string): Uint8Array {
  const subtree = (base: Uint8Array): Uint8Array => sequenceOf(base);
  const permitted = subtree(element(0x86, new TextEncoder().encode(domain)));
  const excluded = [
    subtree(element(0x81)), // rfc822Name: the empty constraint matches every mailbox
    subtree(element(0x82)), // dNSName: the empty constraint matches every name
    subtree(element(0xa4, sequenceOf())), // directoryName: the empty name is above every name
    subtree(element(0x87, new Uint8Array(8))), // iPAddress 0.0.0.0/0
    subtree(element(0x87, new Uint8Array(32))), // iPAddress ::/0
  ];
  return sequenceOf(element(0xa0, permitted), element(0xa1, ...excluded));
}

/** Extensions that make a certificate an authority's; an issuing CA's when a domain is given. */
export function authorityExtensions(pathLength: number, domain: string | undefined): Extension[] {
  const extensions = [
    certificateExtension(OID.basicConstraints, true, new BasicConstraints({ cA: true, pathLenConstraint: pathLength })),
    certificateExtension(OID.keyUsage, true, new KeyUsage(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign)),
  ];
  if (domain !== undefined)
    extensions.push(certificateExtension(OID.nameConstraints, true, issuingNameConstraints(domain)));
  return extensions;
}

interface AuthorityTemplate {
  readonly subject: Name;
  readonly publicKey: Uint8Array;
  readonly issuer: { readonly name: Name; readonly key: SigningKey };
  readonly lifetime: number;
  readonly extensions: readonly Extension[];
}

async function certify(template: AuthorityTemplate, now: number): Promise<Uint8Array> {
  const { subject, publicKey, issuer, lifetime } = template;
  const identifier = (spki: Uint8Array): ArrayBuffer => arrayBuffer(keyIdentifier(spki));
  const extensions = [
    ...template.extensions,
    certificateExtension(OID.subjectKeyIdentifier, false, new SubjectKeyIdentifier(identifier(publicKey))),
  ];
  if (Buffer.compare(issuer.key.publicKey, publicKey) !== 0) {
    const authority = new AuthorityKeyIdentifier({
      keyIdentifier: new KeyIdentifier(identifier(issuer.key.publicKey)),
    });
    extensions.push(certificateExtension(OID.authorityKeyIdentifier, false, authority));
  }
  const tbs = new TBSCertificate({
    version: Version.v3,
    serialNumber: serialContent(randomBytes(16)),
    signature: signatureAlgorithm(issuer.key.algorithm),
    issuer: issuer.name,
    validity: new Validity({ notBefore: new Date((now - 300) * 1000), notAfter: new Date((now + lifetime) * 1000) }),
    subject,
    subjectPublicKeyInfo: AsnConvert.parse(arrayBuffer(publicKey), SubjectPublicKeyInfo),
    extensions: new Extensions(extensions),
  });
  return await signCertificate(issuer.key, new Uint8Array(AsnConvert.serialize(tbs)));
}

/** A self-signed root, DER, good for 20 years. */
export async function certifyRoot(key: SigningKey, domain: string, now: number): Promise<Uint8Array> {
  const name = authorityName(domain, "root", key);
  const { publicKey } = key;
  const extensions = authorityExtensions(1, undefined);
  return await certify({ subject: name, publicKey, issuer: { name, key }, lifetime: ROOT_LIFETIME, extensions }, now);
}

/** The certificate of an issuing CA, DER, good for 5 years: constrained to `domain`, with no CA under it. */
export async function certifyIssuing(
  root: { readonly certificate: Uint8Array; readonly key: SigningKey },
  subject: { readonly id: string; readonly algorithm: KeyAlgorithm; readonly publicKey: Uint8Array },
  domain: string,
  now: number,
): Promise<Uint8Array> {
  const issuer = { name: AsnConvert.parse(arrayBuffer(nameOfSubject(root.certificate)), Name), key: root.key };
  return await certify(
    {
      subject: authorityName(domain, "issuing", subject),
      publicKey: subject.publicKey,
      issuer,
      lifetime: ISSUING_LIFETIME,
      extensions: authorityExtensions(0, domain),
    },
    now,
  );
}
