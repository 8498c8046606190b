import { CertificateError } from "./certificate-error.js";
import {
  childrenOf,
  context,
  contentOf,
  type DerElement,
  DerReader,
  encodingOf,
  enter,
  readElement,
  Tag,
} from "./der.js";
import { integerOctets, readCount, readDefaultFalse, readNamedBits, readOid } from "./der-values.js";
import { type DistributionPoint, readDistributionPoints } from "./distribution-point.js";
import { type GeneralName, readGeneralName, readGeneralNames } from "./general-name.js";
import { ExtensionOid } from "./oids.js";
import { RepeatedReading } from "./repeated-reading.js";

/** One extension as encoded. */
export interface Extension {
  readonly oid: string;
  readonly critical: boolean;
  /** Content of extnValue: the DER of the extension's own type. */
  readonly value: Uint8Array;
}

export type KeyUsage =
  | "digitalSignature"
  | "contentCommitment"
  | "keyEncipherment"
  | "dataEncipherment"
  | "keyAgreement"
  | "keyCertSign"
  | "cRLSign"
  | "encipherOnly"
  | "decipherOnly";

const KEY_USAGES: readonly KeyUsage[] = [
  "digitalSignature",
  "contentCommitment",
  "keyEncipherment",
  "dataEncipherment",
  "keyAgreement",
  "keyCertSign",
  "cRLSign",
  "encipherOnly",
  "decipherOnly",
];

export interface BasicConstraints {
  readonly ca: boolean;
  readonly pathLength: number | undefined;
}

export interface AuthorityKeyIdentifier {
  readonly keyIdentifier: Uint8Array | undefined;
  readonly issuer: readonly GeneralName[] | undefined;
  /** Content octets of the serial number. */
  readonly serial: Uint8Array | undefined;
}

export interface NameConstraints {
  readonly permitted: readonly GeneralName[];
  readonly excluded: readonly GeneralName[];
}

export interface PolicyMapping {
  readonly issuerDomain: string;
  readonly subjectDomain: string;
}

export interface PolicyConstraints {
  readonly requireExplicitPolicy: number | undefined;
  readonly inhibitPolicyMapping: number | undefined;
}

export interface AccessDescription {
  readonly method: string;
  readonly location: GeneralName;
}

/** The extensions of a certificate that path validation and the profiles read, decoded. */
export interface KnownExtensions {
  readonly subjectKeyIdentifier?: Uint8Array;
  readonly authorityKeyIdentifier?: AuthorityKeyIdentifier;
  readonly keyUsage?: ReadonlySet<KeyUsage>;
  readonly extendedKeyUsage?: readonly string[];
  readonly basicConstraints?: BasicConstraints;
  readonly subjectAltName?: readonly GeneralName[];
  readonly issuerAltName?: readonly GeneralName[];
  readonly nameConstraints?: NameConstraints;
  readonly certificatePolicies?: readonly string[];
  /** Policies with a qualifier that RFC 5280 does not define. */
  readonly unknownPolicyQualifiers?: readonly string[];
  readonly policyMappings?: readonly PolicyMapping[];
  readonly policyConstraints?: PolicyConstraints;
  readonly inhibitAnyPolicy?: number;
  readonly crlDistributionPoints?: readonly DistributionPoint[];
  readonly freshestCrl?: readonly DistributionPoint[];
  readonly authorityInfoAccess?: readonly AccessDescription[];
  readonly subjectInfoAccess?: readonly AccessDescription[];
}

/** Reads Extensions: at least one, no OID twice. */
export function readExtensions(element: DerElement, what: string): Extension[] {
  enter(element, Tag.sequence, what);
  const seen = new Set<string>();
  const extensions = childrenOf(element).map((child, index) => {
    const extension = repeated.read(child, (found) => readExtension(found, `${what}[${index}]`), isRepeated);
    const { oid } = extension;
    if (seen.has(oid))
      throw new CertificateError(
        "duplicate-extension",
        "RFC 5280, Certificate Extensions",
        `extension ${oid} twice`,
        child.start,
        `[${index}]`,
      );
    seen.add(oid);
    return extension;
  });
  if (extensions.length === 0)
    throw new CertificateError("malformed-certificate", "RFC 5280, Extensions", "empty Extensions", element.start);
  return extensions;
}

const repeated = new RepeatedReading<Extension>();
/** What the extensions in `repeated` say, by their objects. */
const decoded = new WeakMap<Extension, KnownExtensions>();

/** A CA writes the same extensions into every certificate, except for what names and identifies the subject. */
const isRepeated = ({ oid }: Extension): boolean =>
  oid !== ExtensionOid.subjectKeyIdentifier && oid !== ExtensionOid.subjectAltName;

function readExtension(element: DerElement, what: string): Extension {
  const reader = enter(element, Tag.sequence, what);
  const oid = readOid(reader.expect(Tag.oid, "extnID"));
  const critical = readDefaultFalse(reader);
  const value = contentOf(reader.expect(Tag.octetString, "extnValue"));
  reader.finish("Extension");
  return { oid, critical, value };
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

const READERS = new Map<string, (element: DerElement, known: Mutable<KnownExtensions>) => void>([
  [ExtensionOid.subjectKeyIdentifier, (element, known) => void (known.subjectKeyIdentifier = octets(element))],
  [
    ExtensionOid.authorityKeyIdentifier,
    (element, known) => void (known.authorityKeyIdentifier = authorityKeyIdentifier(element)),
  ],
  [ExtensionOid.keyUsage, (element, known) => void (known.keyUsage = keyUsage(element))],
  [
    ExtensionOid.extendedKeyUsage,
    (element, known) => void (known.extendedKeyUsage = atLeastOne(element, (child) => readOid(child))),
  ],
  [ExtensionOid.basicConstraints, (element, known) => void (known.basicConstraints = basicConstraints(element))],
  [ExtensionOid.subjectAltName, (element, known) => void (known.subjectAltName = readGeneralNames(element))],
  [ExtensionOid.issuerAltName, (element, known) => void (known.issuerAltName = readGeneralNames(element))],
  [ExtensionOid.nameConstraints, (element, known) => void (known.nameConstraints = nameConstraints(element))],
  [ExtensionOid.certificatePolicies, (element, known) => certificatePolicies(element, known)],
  [ExtensionOid.policyMappings, (element, known) => void (known.policyMappings = atLeastOne(element, policyMapping))],
  [ExtensionOid.policyConstraints, (element, known) => void (known.policyConstraints = policyConstraints(element))],
  [ExtensionOid.inhibitAnyPolicy, (element, known) => void (known.inhibitAnyPolicy = readCount(element))],
  [
    ExtensionOid.crlDistributionPoints,
    (element, known) => void (known.crlDistributionPoints = readDistributionPoints(element)),
  ],
  [ExtensionOid.freshestCrl, (element, known) => void (known.freshestCrl = readDistributionPoints(element))],
  [
    ExtensionOid.authorityInfoAccess,
    (element, known) => void (known.authorityInfoAccess = atLeastOne(element, accessDescription)),
  ],
  [
    ExtensionOid.subjectInfoAccess,
    (element, known) => void (known.subjectInfoAccess = atLeastOne(element, accessDescription)),
  ],
]);

/** True when path validation processes this extension, so that it may be critical. */
export function isUnderstoodExtension(oid: string): boolean {
  return READERS.has(oid);
}

/** Decodes every extension this implementation knows; a value of the wrong type is `malformed-extension`. */
export function readKnownExtensions(extensions: readonly Extension[]): KnownExtensions {
  const known: Mutable<KnownExtensions> = {};
  for (let index = 0; index < extensions.length; index++) {
    const extension = extensions[index] as Extension;
    const read = READERS.get(extension.oid);
    if (read === undefined) continue;
    if (!isRepeated(extension)) readExtensionValue(index, () => read(readElement(extension.value), known));
    else {
      let said: Mutable<KnownExtensions> | undefined = decoded.get(extension);
      if (said === undefined) {
        const fresh: Mutable<KnownExtensions> = {};
        readExtensionValue(index, () => read(readElement(extension.value), fresh));
        decoded.set(extension, fresh);
        said = fresh;
      }
      Object.assign(known, said);
    }
  }
  return known;
}

/** Runs a reader of extension `index`: whatever it finds wrong is a malformed extension. */
export function readExtensionValue<T>(index: number, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof CertificateError)) throw error;
    const path = error.path === "" ? `[${index}]` : `[${index}].${error.path}`;
    throw new CertificateError("malformed-extension", error.section, error.message, error.offset, path);
  }
}

const invalid = (section: string, detail: string, element: DerElement): CertificateError =>
  new CertificateError("malformed-extension", `RFC 5280, ${section}`, detail, element.start);

function atLeastOne<T>(element: DerElement, read: (child: DerElement) => T): T[] {
  enter(element, Tag.sequence, "SEQUENCE OF");
  const children = childrenOf(element);
  if (children.length === 0) throw invalid("Certificate Extensions", "empty SEQUENCE OF", element);
  return children.map(read);
}

function octets(element: DerElement): Uint8Array {
  if (element.tag !== Tag.octetString) throw invalid("Subject Key Identifier", "not an OCTET STRING", element);
  return contentOf(element);
}

function authorityKeyIdentifier(element: DerElement): AuthorityKeyIdentifier {
  const reader = enter(element, Tag.sequence, "AuthorityKeyIdentifier");
  const keyIdentifier = reader.optional(context(0, false));
  const issuer = reader.optional(context(1, true));
  const serial = reader.optional(context(2, false));
  reader.finish("AuthorityKeyIdentifier");
  if ((issuer === undefined) !== (serial === undefined))
    throw invalid(
      "Authority Key Identifier",
      "authorityCertIssuer without authorityCertSerialNumber, or the reverse",
      element,
    );
  return {
    keyIdentifier: keyIdentifier === undefined ? undefined : contentOf(keyIdentifier),
    issuer: issuer === undefined ? undefined : readGeneralNames(issuer, context(1, true)),
    serial: serial === undefined ? undefined : integerOctets(serial, context(2, false)),
  };
}

function keyUsage(element: DerElement): ReadonlySet<KeyUsage> {
  const bits = readNamedBits(element);
  const usages = new Set<KeyUsage>();
  for (const bit of bits) {
    const usage = KEY_USAGES[bit];
    if (usage === undefined) throw invalid("Key Usage", `bit ${bit} is not defined`, element);
    usages.add(usage);
  }
  if (usages.size === 0) throw invalid("Key Usage", "no bit is set", element);
  return usages;
}

function basicConstraints(element: DerElement): BasicConstraints {
  const reader = enter(element, Tag.sequence, "BasicConstraints");
  const ca = readDefaultFalse(reader);
  const pathLength = reader.optional(Tag.integer);
  reader.finish("BasicConstraints");
  return { ca, pathLength: pathLength === undefined ? undefined : readCount(pathLength) };
}

function nameConstraints(element: DerElement): NameConstraints {
  const reader = enter(element, Tag.sequence, "NameConstraints");
  const permitted = reader.optional(context(0, true));
  const excluded = reader.optional(context(1, true));
  reader.finish("NameConstraints");
  if (permitted === undefined && excluded === undefined)
    throw invalid("Name Constraints", "empty NameConstraints", element);
  return { permitted: subtrees(permitted), excluded: subtrees(excluded) };
}

function subtrees(element: DerElement | undefined): GeneralName[] {
  if (element === undefined) return [];
  const children = childrenOf(element);
  if (children.length === 0) throw invalid("Name Constraints", "empty GeneralSubtrees", element);
  return children.map((child) => {
    const reader = enter(child, Tag.sequence, "GeneralSubtree");
    const base = readGeneralName(reader.any());
    // minimum is always 0, which DER leaves out, and maximum is always absent.
    if (!reader.done) throw invalid("Name Constraints", "minimum or maximum present", child);
    return base;
  });
}

/** id-qt-cps and id-qt-unotice. */
const QUALIFIERS: ReadonlySet<string> = new Set(["1.3.6.1.5.5.7.2.1", "1.3.6.1.5.5.7.2.2"]);

function certificatePolicies(element: DerElement, known: Mutable<KnownExtensions>): void {
  const unknown: string[] = [];
  const policies = atLeastOne(element, (child) => {
    const reader = enter(child, Tag.sequence, "PolicyInformation");
    const policy = readOid(reader.expect(Tag.oid, "policyIdentifier"));
    const qualifiers = reader.optional(Tag.sequence);
    reader.finish("PolicyInformation");
    if (qualifiers !== undefined)
      atLeastOne(qualifiers, (qualifier) => {
        const fields = enter(qualifier, Tag.sequence, "PolicyQualifierInfo");
        if (!QUALIFIERS.has(readOid(fields.expect(Tag.oid, "policyQualifierId")))) unknown.push(policy);
        encodingOf(fields.any());
        fields.finish("PolicyQualifierInfo");
      });
    return policy;
  });
  if (new Set(policies).size !== policies.length) throw invalid("Certificate Policies", "a policy twice", element);
  known.certificatePolicies = policies;
  if (unknown.length > 0) known.unknownPolicyQualifiers = unknown;
}

function policyMapping(element: DerElement): PolicyMapping {
  const reader = enter(element, Tag.sequence, "PolicyMapping");
  const issuerDomain = readOid(reader.expect(Tag.oid, "issuerDomainPolicy"));
  const subjectDomain = readOid(reader.expect(Tag.oid, "subjectDomainPolicy"));
  reader.finish("PolicyMapping");
  return { issuerDomain, subjectDomain };
}

function policyConstraints(element: DerElement): PolicyConstraints {
  const reader = enter(element, Tag.sequence, "PolicyConstraints");
  const explicit = reader.optional(context(0, false));
  const mapping = reader.optional(context(1, false));
  reader.finish("PolicyConstraints");
  if (explicit === undefined && mapping === undefined)
    throw invalid("Policy Constraints", "empty PolicyConstraints", element);
  return {
    requireExplicitPolicy: explicit === undefined ? undefined : readCount(explicit, context(0, false)),
    inhibitPolicyMapping: mapping === undefined ? undefined : readCount(mapping, context(1, false)),
  };
}

function accessDescription(element: DerElement): AccessDescription {
  const reader: DerReader = enter(element, Tag.sequence, "AccessDescription");
  const method = readOid(reader.expect(Tag.oid, "accessMethod"));
  const location = readGeneralName(reader.any());
  reader.finish("AccessDescription");
  return { method, location };
}
