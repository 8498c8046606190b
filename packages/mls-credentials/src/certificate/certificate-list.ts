import { type AlgorithmIdentifier, readAlgorithmIdentifier } from "./algorithm-identifier.js";
import { CertificateError, readingField } from "./certificate-error.js";
import { context, type DerElement, DerReader, encodingOf, enter, readElement, Tag } from "./der.js";
import {
  bytesToHex,
  integerOctets,
  readCount,
  readDefaultFalse,
  readOctetAligned,
  readTime,
  readUnsigned,
} from "./der-values.js";
import {
  type DistributionPointName,
  type ReasonFlag,
  readDistributionPointName,
  readReasonFlags,
} from "./distribution-point.js";
import { type Name, readName } from "./distinguished-name.js";
import { readExplicitExtensions } from "./certificate.js";
import { type Extension, readExtensions, readExtensionValue } from "./extensions.js";
import { readGeneralNames } from "./general-name.js";
import { ExtensionOid } from "./oids.js";

/** What a CRL says of one certificate. */
export interface RevokedEntry {
  /** Seconds since 1970. */
  readonly revokedAt: number;
  /** CRLReason; 0 (unspecified) when absent, 8 for removeFromCRL. */
  readonly reason: number;
}

/** Issuing distribution point: the part of the certificates that a CRL covers. */
export interface IssuingDistributionPoint {
  readonly name: DistributionPointName | undefined;
  readonly onlyUserCertificates: boolean;
  readonly onlyCaCertificates: boolean;
  readonly onlyAttributeCertificates: boolean;
  readonly onlySomeReasons: ReadonlySet<ReasonFlag> | undefined;
  readonly indirect: boolean;
  /** The extension's DER: a delta must have the same as its base. */
  readonly der: Uint8Array;
}

/** A certificate revocation list (RFC 5280, "CRL and CRL Extensions Profile"), read once. */
export interface CertificateList {
  readonly der: Uint8Array;
  readonly tbs: Uint8Array;
  readonly issuer: Name;
  /** Seconds since 1970. */
  readonly thisUpdate: number;
  /** Equal to `thisUpdate` where it is left out, which makes the list unusable. */
  readonly nextUpdate: number;
  readonly signatureAlgorithm: AlgorithmIdentifier;
  readonly signature: Uint8Array;
  readonly extensions: readonly Extension[];
  /** Zero where it is left out, which makes the list unusable. */
  readonly number: bigint;
  /** Set in a delta CRL: the number of the CRL it starts from. */
  readonly baseNumber: bigint | undefined;
  readonly issuingDistributionPoint: IssuingDistributionPoint | undefined;
  /** Why this CRL must not be used; undefined when it may be. */
  readonly unusable: string | undefined;
  readonly size: number;
  /** The entry for a certificate, by its issuer and serial number. */
  find(issuer: Name, serialHex: string): RevokedEntry | undefined;
}

const SECTION = "RFC 5280, CRL Fields";

/**
 * Reads a DER CertificateList strictly, in time linear in its size.
 *
 * @throws CertificateError with the path of the offending field.
 */
export function parseCertificateList(der: Uint8Array): CertificateList {
  return readingField("certificateList", () => readCertificateList(der));
}

const KNOWN_EXTENSIONS = new Set<string>([
  ExtensionOid.authorityKeyIdentifier,
  ExtensionOid.issuerAltName,
  ExtensionOid.crlNumber,
  ExtensionOid.deltaCrlIndicator,
  ExtensionOid.issuingDistributionPoint,
  ExtensionOid.freshestCrl,
]);

function readCertificateList(der: Uint8Array): CertificateList {
  const outer = enter(readElement(der), Tag.sequence, "CertificateList");
  const tbsElement = outer.expect(Tag.sequence, "tbsCertList");
  const signatureAlgorithm = readAlgorithmIdentifier(outer.any());
  const signature = readOctetAligned(outer.any());
  outer.finish("CertificateList");

  const reader = new DerReader(tbsElement);
  const versionField = reader.optional(Tag.integer);
  if (versionField !== undefined && readCount(versionField) !== 1)
    throw new CertificateError("malformed-crl", SECTION, "version other than 2", versionField.start, "version");
  const inner = readAlgorithmIdentifier(reader.any());
  const issuer = readingField("issuer", () => readName(reader.any()));
  const thisUpdate = readingField("thisUpdate", () => readTime(reader.any()));
  const hasNext = reader.peek() === Tag.utcTime || reader.peek() === Tag.generalizedTime;
  const nextUpdate = hasNext ? readingField("nextUpdate", () => readTime(reader.any())) : undefined;
  const revoked = reader.optional(Tag.sequence);
  const extensionsField = reader.optional(context(0, true));
  reader.finish("TBSCertList");
  if (extensionsField !== undefined && versionField === undefined)
    throw new CertificateError("malformed-crl", SECTION, "extensions in version 1", extensionsField.start);
  const extensions =
    extensionsField === undefined ? [] : readingField("crlExtensions", () => readExplicitExtensions(extensionsField));

  const entries = readingField("revokedCertificates", () => readEntries(revoked, issuer, versionField !== undefined));
  const read = <T>(oid: string, reading: (element: DerElement) => T): T | undefined => {
    const index = extensions.findIndex((extension) => extension.oid === oid);
    const extension = extensions[index];
    return extension === undefined ? undefined : readExtensionValue(index, () => reading(readElement(extension.value)));
  };
  const number = read(ExtensionOid.crlNumber, readUnsigned);
  const baseNumber = read(ExtensionOid.deltaCrlIndicator, readUnsigned);
  const point = read(ExtensionOid.issuingDistributionPoint, readIssuingDistributionPoint);
  const critical = (oid: string): boolean | undefined =>
    extensions.find((extension) => extension.oid === oid)?.critical;
  const unknown = extensions.find((extension) => extension.critical && !KNOWN_EXTENSIONS.has(extension.oid));
  const unusable = firstOf([
    [bytesToHex(inner.der) !== bytesToHex(signatureAlgorithm.der), "signature algorithms inside and outside differ"],
    [issuer.isEmpty, "empty issuer"],
    [versionField === undefined, "version 1"],
    [nextUpdate === undefined, "no nextUpdate"],
    [number === undefined, "no CRL number"],
    [critical(ExtensionOid.crlNumber) === true, "critical CRL number"],
    [critical(ExtensionOid.authorityKeyIdentifier) === true, "critical authority key identifier"],
    [critical(ExtensionOid.freshestCrl) === true, "critical freshest CRL"],
    [critical(ExtensionOid.deltaCrlIndicator) === false, "delta CRL indicator that is not critical"],
    [critical(ExtensionOid.issuingDistributionPoint) === false, "issuing distribution point that is not critical"],
    [unknown !== undefined, `unknown critical extension ${unknown?.oid ?? ""}`],
    [entries.unknownCritical !== undefined, `unknown critical entry extension ${entries.unknownCritical ?? ""}`],
    [entries.named && point?.indirect !== true, "entries of other issuers in a CRL that is not indirect"],
    [entries.removes && baseNumber === undefined, "removeFromCRL in a complete CRL"],
    [pointScopes(point) > 1, "issuing distribution point with contradicting scopes"],
    [number !== undefined && baseNumber !== undefined && baseNumber > number, "delta CRL older than its base"],
  ]);
  return {
    der,
    tbs: encodingOf(tbsElement),
    issuer,
    thisUpdate,
    nextUpdate: nextUpdate ?? thisUpdate,
    signatureAlgorithm,
    signature,
    extensions,
    number: number ?? 0n,
    baseNumber,
    issuingDistributionPoint: point,
    unusable,
    size: [...entries.byIssuer.values()].reduce((sum, { size }) => sum + size, 0),
    find: (certificateIssuer, serialHex) => entries.byIssuer.get(certificateIssuer.key)?.get(serialHex),
  };
}

function firstOf(conditions: readonly (readonly [boolean, string])[]): string | undefined {
  return conditions.find(([holds]) => holds)?.[1];
}

function pointScopes(point: IssuingDistributionPoint | undefined): number {
  if (point === undefined) return 0;
  return [point.onlyUserCertificates, point.onlyCaCertificates, point.onlyAttributeCertificates].filter(Boolean).length;
}

interface Entries {
  /** By the key of the issuer's name, then by serial number. */
  readonly byIssuer: ReadonlyMap<string, ReadonlyMap<string, RevokedEntry>>;
  readonly unknownCritical: string | undefined;
  /** True when an entry is to be removed from the list. */
  readonly removes: boolean;
  /** True when an entry names its certificate's issuer. */
  readonly named: boolean;
}

function readEntries(element: DerElement | undefined, crlIssuer: Name, extended: boolean): Entries {
  const byIssuer = new Map<string, Map<string, RevokedEntry>>();
  let unknownCritical: string | undefined;
  let named = false;
  let removes = false;
  let issuer = crlIssuer;
  if (element === undefined) return { byIssuer, unknownCritical, named, removes };
  const list = new DerReader(element);
  // An empty list is left out; one that is encoded all the same says nothing wrong.
  while (!list.done) {
    const reader = enter(list.any(), Tag.sequence, "revoked certificate");
    const serial = integerOctets(reader.any());
    const revokedAt = readTime(reader.any());
    const extensionsField = reader.optional(Tag.sequence);
    reader.finish("revoked certificate");
    let reason = 0;
    if (extensionsField !== undefined) {
      if (!extended)
        throw new CertificateError("malformed-crl", SECTION, "entry extensions in version 1", extensionsField.start);
      for (const [index, { oid, critical, value }] of readExtensions(extensionsField, "crlEntryExtensions").entries()) {
        if (oid === ExtensionOid.reasonCode)
          reason = readExtensionValue(index, () => readCount(readElement(value), Tag.enumerated));
        else if (oid === ExtensionOid.certificateIssuer) {
          const names = readExtensionValue(index, () => readGeneralNames(readElement(value)));
          const directory = names.find((name) => name.type === "directory");
          if (directory === undefined || !critical) unknownCritical ??= oid;
          else issuer = directory.value;
          named = true;
        } else if (critical && oid !== ExtensionOid.invalidityDate) unknownCritical ??= oid;
      }
    }
    if (reason === 7 || reason > 10)
      throw new CertificateError("malformed-crl", "RFC 5280, Reason Code", `reason ${reason}`, element.start);
    removes ||= reason === 8;
    const ofIssuer = byIssuer.get(issuer.key) ?? new Map<string, RevokedEntry>();
    byIssuer.set(issuer.key, ofIssuer);
    const serialHex = bytesToHex(serial);
    // Named twice, a certificate is revoked if either entry says so.
    if (reason !== 8 || !ofIssuer.has(serialHex)) ofIssuer.set(serialHex, { revokedAt, reason });
  }
  return { byIssuer, unknownCritical, named, removes };
}

function readIssuingDistributionPoint(element: DerElement): IssuingDistributionPoint {
  const reader = enter(element, Tag.sequence, "IssuingDistributionPoint");
  if (reader.done)
    throw new CertificateError("malformed-crl", "RFC 5280, Issuing Distribution Point", "empty", element.start);
  const name = reader.optional(context(0, true));
  const onlyUserCertificates = readDefaultFalse(reader, context(1, false));
  const onlyCaCertificates = readDefaultFalse(reader, context(2, false));
  const reasons = reader.optional(context(3, false));
  const indirect = readDefaultFalse(reader, context(4, false));
  const onlyAttributeCertificates = readDefaultFalse(reader, context(5, false));
  reader.finish("IssuingDistributionPoint");
  return {
    name: name === undefined ? undefined : readDistributionPointName(name),
    onlyUserCertificates,
    onlyCaCertificates,
    onlyAttributeCertificates,
    onlySomeReasons: reasons === undefined ? undefined : readReasonFlags(reasons, context(3, false)),
    indirect,
    der: encodingOf(element),
  };
}
