import { type AlgorithmIdentifier, readAlgorithmIdentifier } from "./algorithm-identifier.js";
import { CertificateError, readingField } from "./certificate-error.js";
import { context, type DerElement, DerReader, derError, encodingOf, enter, readElement, Tag } from "./der.js";
import { bytesToHex, integerOctets, readBitString, readCount, readOctetAligned, readTime } from "./der-values.js";
import { type Name, readName } from "./distinguished-name.js";
import { type Extension, type KnownExtensions, readExtensions, readKnownExtensions } from "./extensions.js";
import type { CertificateProblem } from "./path-reason.js";
import type { IdentityError } from "../identity/identity-error.js";
import type { ClientIdentity, UserIdentity } from "../identity/identity-uri.js";
import { type MlsSignatureKey, mlsSignatureKey, type PublicKey, readSubjectPublicKey } from "./public-key.js";

/** A certificate, read once: raw parts are windows on `der`. Every field is checked for its type, not yet for its sense. */
export interface Certificate extends KnownExtensions {
  readonly der: Uint8Array;
  /** DER TBSCertificate: what is signed, and what the log binds. */
  readonly tbs: Uint8Array;
  readonly version: 1 | 2 | 3;
  /** Content octets of the serial number: two's complement, so that the first bit is its sign. */
  readonly serial: Uint8Array;
  readonly serialHex: string;
  /** Algorithm outside the TBSCertificate. */
  readonly signatureAlgorithm: AlgorithmIdentifier;
  /** Algorithm inside the TBSCertificate; must be the same bytes. */
  readonly tbsSignatureAlgorithm: AlgorithmIdentifier;
  readonly signature: Uint8Array;
  readonly issuer: Name;
  readonly subject: Name;
  /** Seconds since 1970, both inclusive. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** True when a date is a GeneralizedTime where RFC 5280 has CAs write UTCTime, or the reverse. */
  readonly unusualTimeEncoding: boolean;
  /** DER SubjectPublicKeyInfo. */
  readonly spki: Uint8Array;
  readonly publicKey: PublicKey;
  /** The key as MLS writes it; undefined for keys MLS has no scheme for. */
  readonly signatureKey: MlsSignatureKey | undefined;
  readonly extensions: readonly Extension[];
  readonly issuerUniqueId: boolean;
  readonly subjectUniqueId: boolean;
  /** What was computed from all this; no part of the certificate. */
  readonly derived: DerivedFacts;
}

/** What is asked of a certificate again and again: computed once, and kept with it for the garbage collector's sake. */
export interface DerivedFacts {
  tbsHash?: Uint8Array;
  spkiHash?: Uint8Array;
  /** What each alternative name identifies: why not where it is ill-formed, undefined where it is no URI. */
  identities?: readonly (UserIdentity | ClientIdentity | IdentityError | undefined)[];
  /** Departures from the profile of RFC 5280 as a leaf. */
  leafProblems?: readonly CertificateProblem[];
}

const SECTION = "RFC 5280, Basic Certificate Fields";

/**
 * Reads a DER Certificate strictly.
 *
 * @throws CertificateError with the path of the offending field.
 */
export function parseCertificate(der: Uint8Array): Certificate {
  return readingField("certificate", () => readCertificate(der));
}

function readCertificate(der: Uint8Array): Certificate {
  const outer = enter(readElement(der), Tag.sequence, "Certificate");
  const tbsElement = outer.expect(Tag.sequence, "tbsCertificate");
  const signatureAlgorithm = readingField("signatureAlgorithm", () => readAlgorithmIdentifier(outer.any()));
  const signature = readingField("signatureValue", () => readOctetAligned(outer.any()));
  outer.finish("Certificate");
  const outside = { der, tbs: encodingOf(tbsElement), signatureAlgorithm, signature };
  return readingField("tbsCertificate", () => readTbsCertificate(tbsElement, outside));
}

function readTbsCertificate(
  element: DerElement,
  { der, tbs, signatureAlgorithm, signature }: Pick<Certificate, "der" | "tbs" | "signatureAlgorithm" | "signature">,
): Certificate {
  const reader = new DerReader(element);
  const version = readingField("version", () => readVersion(reader));
  const serial = readingField("serialNumber", () => integerOctets(reader.any()));
  const tbsSignatureAlgorithm = readingField("signature", () => readAlgorithmIdentifier(reader.any()));
  const issuer = readingField("issuer", () => readName(reader.any()));
  const validity = readingField("validity", () => readValidity(reader.expect(Tag.sequence, "Validity")));
  const subject = readingField("subject", () => readName(reader.any()));
  const spkiElement = reader.expect(Tag.sequence, "subjectPublicKeyInfo");
  const publicKey = readingField("subjectPublicKeyInfo", () => readSubjectPublicKey(spkiElement));
  const issuerUniqueId = readUniqueId(reader, 1, version);
  const subjectUniqueId = readUniqueId(reader, 2, version);
  const extensionsField = reader.optional(context(3, true));
  reader.finish("TBSCertificate");
  if (extensionsField !== undefined && version !== 3)
    throw new CertificateError(
      "malformed-certificate",
      SECTION,
      "extensions before version 3",
      extensionsField.start,
      "extensions",
    );
  const extensions =
    extensionsField === undefined ? [] : readingField("extensions", () => readExplicitExtensions(extensionsField));
  const known = readingField("extensions", () => readKnownExtensions(extensions));
  return {
    der,
    tbs,
    version,
    serial,
    serialHex: bytesToHex(serial),
    signatureAlgorithm,
    tbsSignatureAlgorithm,
    signature,
    issuer,
    subject,
    notBefore: validity.notBefore,
    notAfter: validity.notAfter,
    unusualTimeEncoding: validity.unusualTimeEncoding,
    spki: encodingOf(spkiElement),
    publicKey,
    signatureKey: mlsSignatureKey(publicKey),
    extensions,
    issuerUniqueId,
    subjectUniqueId,
    derived: {},
    ...known,
  };
}

function readVersion(reader: DerReader): 1 | 2 | 3 {
  const field = reader.optional(context(0, true));
  if (field === undefined) return 1;
  const inner = new DerReader(field);
  const version = readCount(inner.any());
  inner.finish("version");
  if (version === 1) return 2;
  if (version === 2) return 3;
  throw new CertificateError(
    "malformed-certificate",
    SECTION,
    `version ${version}, or the default encoded`,
    field.start,
  );
}

function readValidity(element: DerElement) {
  const reader = new DerReader(element);
  const [from, until] = [reader.any(), reader.any()];
  reader.finish("Validity");
  const notBefore = readingField("notBefore", () => readTime(from));
  const notAfter = readingField("notAfter", () => readTime(until));
  const usual = ({ tag }: DerElement, time: number): boolean =>
    (tag === Tag.utcTime) === time < Date.UTC(2050, 0) / 1000;
  return { notBefore, notAfter, unusualTimeEncoding: !usual(from, notBefore) || !usual(until, notAfter) };
}

function readUniqueId(reader: DerReader, number: 1 | 2, version: number): boolean {
  const field = reader.optional(context(number, false));
  if (field === undefined) return false;
  readBitString(field, context(number, false));
  if (version === 1) throw derError("unique identifier before version 2", field.start);
  return true;
}

/** Extensions under their explicit tag. */
export function readExplicitExtensions(field: DerElement): Extension[] {
  const reader = new DerReader(field);
  const extensions = readExtensions(reader.any(), "Extensions");
  reader.finish("Extensions");
  return extensions;
}

/** URIs of the subjectAltName, in order. */
export function uriNames(certificate: Certificate): string[] {
  return (certificate.subjectAltName ?? []).flatMap((name) => (name.type === "uri" ? [name.value] : []));
}

/** True when the extension is present and critical. */
export function isCritical(extensions: readonly Extension[], oid: string): boolean {
  return extensions.some((extension) => extension.oid === oid && extension.critical);
}

/** Names reduced to their comparison forms. */
export interface IssuerAndSubject {
  readonly issuer: Pick<Name, "key">;
  readonly subject: Pick<Name, "key">;
}

/** A certificate whose subject is its issuer (RFC 5280, "Basic Path Validation"). */
export function isSelfIssued(certificate: IssuerAndSubject): boolean {
  return certificate.issuer.key === certificate.subject.key;
}
