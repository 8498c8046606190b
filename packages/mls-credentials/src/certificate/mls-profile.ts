import { equalBytes } from "@mls-as/tls-codec";
import { sha256 } from "@noble/hashes/sha2.js";
import { type ClientIdentity, isDeviceOf, parseIdentity, type UserIdentity } from "../identity/identity-uri.js";
import { IdentityError } from "../identity/identity-error.js";
import { type Certificate, isCritical } from "./certificate.js";
import { certificateProblems } from "./certificate-checks.js";
import { CA_ISSUERS, ExtensionOid, IM_URI_KEY_PURPOSE, LOG_ID_EXTENSION, OCSP_ACCESS } from "./oids.js";
import { readElement, contentOf, Tag } from "./der.js";
import type { GeneralName } from "./general-name.js";

/** How a certificate departs from the MLS certificate profile. */
export type ProfileReasonCode =
  | "profile-version"
  | "profile-serial"
  | "profile-subject"
  | "profile-names"
  | "profile-name-invalid"
  | "profile-user-mismatch"
  | "profile-client-mismatch"
  | "profile-key-usage"
  | "profile-extended-key-usage"
  | "profile-basic-constraints"
  | "profile-key-identifiers"
  | "profile-distribution-point"
  | "profile-information-access"
  | "profile-log-id"
  | "profile-key-type"
  | "profile-key-mismatch"
  | "profile-scheme-mismatch"
  | "profile-lifetime"
  | "profile-time-encoding"
  | "profile-unknown-extension"
  | "profile-rfc5280";

/** One violation of the profile; `path` is a field of the certificate, `section` the rule by title. */
export interface ProfileReason {
  readonly code: ProfileReasonCode;
  readonly section: string;
  readonly path: string;
  readonly detail: string;
}

/** What the certificate must agree with; what is absent is not compared. */
export interface MlsProfileContext {
  /** `LeafNode.signature_key`. */
  readonly signatureKey?: Uint8Array;
  /** TLS SignatureScheme of the group's cipher suite. */
  readonly scheme?: number;
  /** Canonical URI of the user. */
  readonly user?: string;
  /** Canonical URI of the client. */
  readonly client?: string;
  /** When given, a log_id extension that is present must hold it. */
  readonly logId?: Uint8Array;
  /** OID of the log_id extension. */
  readonly logIdExtension?: string;
  /** Longest time from notBefore to notAfter, in seconds. */
  readonly maximumLifetime?: number;
  /** The one purpose; default id-kp-imUri. */
  readonly extendedKeyUsage?: string;
  /** Further extensions that are allowed. */
  readonly allowedExtensions?: readonly string[];
}

const PROFILE = "MLS certificate profile";

/** The user and client URI of a certificate that names exactly one of each; undefined otherwise. */
export function mlsNames(certificate: Certificate): { user: string; client: string } | undefined {
  if (certificate.subjectAltName?.length !== 2) return undefined;
  const { users, clients } = usersAndClients(certificate);
  const [user] = users;
  const [client] = clients;
  if (user === undefined || client === undefined || !isDeviceOf(client, user)) return undefined;
  return { user: user.uri, client: client.uri };
}

/** The users and clients that a certificate names by URIs, in order. */
function usersAndClients(certificate: Certificate): { users: UserIdentity[]; clients: ClientIdentity[] } {
  const users: UserIdentity[] = [];
  const clients: ClientIdentity[] = [];
  for (const identity of identitiesOf(certificate)) {
    if (identity === undefined || identity instanceof IdentityError) continue;
    if (identity.kind === "user") users.push(identity);
    else clients.push(identity);
  }
  return { users, clients };
}

/** What the alternative names identify, one by one; computed once for a certificate. */
function identitiesOf(certificate: Certificate): NonNullable<Certificate["derived"]["identities"]> {
  return (certificate.derived.identities ??= (certificate.subjectAltName ?? []).map(identityOf));
}

function identityOf(name: GeneralName): UserIdentity | ClientIdentity | IdentityError | undefined {
  if (name.type !== "uri") return undefined;
  try {
    return parseIdentity(name.value);
  } catch (error) {
    if (error instanceof IdentityError) return error;
    throw error;
  }
}

/** SHA-256 of the DER TBSCertificate, as device lists hold it; computed once for a certificate. Not to be changed in place. */
export function tbsCertificateHash(certificate: Certificate, hash: Sha256 = sha256): Uint8Array {
  return (certificate.derived.tbsHash ??= hash(certificate.tbs));
}

/** SHA-256 of the DER SubjectPublicKeyInfo; computed once for a certificate. Not to be changed in place. */
export function subjectKeyHash(certificate: Certificate, hash: Sha256 = sha256): Uint8Array {
  return (certificate.derived.spkiHash ??= hash(certificate.spki));
}

/** SHA-256, where a platform has a faster one. */
export type Sha256 = (octets: Uint8Array) => Uint8Array;

/** Content of the extension that names the log (a DER OCTET STRING of 32 octets); undefined when absent or malformed. */
export function logIdOf(certificate: Certificate, oid: string = LOG_ID_EXTENSION): Uint8Array | undefined {
  const extension = certificate.extensions.find((candidate) => candidate.oid === oid);
  if (extension === undefined) return undefined;
  try {
    const element = readElement(extension.value);
    const content = contentOf(element);
    return element.tag === Tag.octetString && content.length === 32 ? content : undefined;
  } catch {
    return undefined;
  }
}

/** Every violation of the MLS certificate profile; none for a certificate that conforms. */
export function checkMlsProfile(certificate: Certificate, context: MlsProfileContext = {}): ProfileReason[] {
  const reasons: ProfileReason[] = [];
  const add = (code: ProfileReasonCode, path: string, detail: string, section = PROFILE): void => {
    reasons.push({ code, section, path, detail });
  };
  checkFields(certificate, context, add);
  checkNames(certificate, context, add);
  checkKey(certificate, context, add);
  checkExtensions(certificate, context, add);
  const told = new Set(reasons.map(({ path }) => path));
  for (const { section, field, detail } of certificateProblems(certificate, "leaf"))
    if (!told.has(field)) {
      told.add(field);
      add("profile-rfc5280", field, detail, section);
    }
  return reasons;
}

type Add = (code: ProfileReasonCode, path: string, detail: string, section?: string) => void;

function checkFields(certificate: Certificate, context: MlsProfileContext, add: Add): void {
  const { serial, notBefore, notAfter } = certificate;
  if (certificate.version !== 3) add("profile-version", "version", "not version 3");
  if (certificate.issuerUniqueId || certificate.subjectUniqueId)
    add("profile-version", "tbsCertificate", "unique identifiers");
  if ((serial[0] ?? 0) >= 0x80 || serial.length > 20 || serial.every((octet) => octet === 0))
    add("profile-serial", "serialNumber", "not a positive integer of at most 20 octets");
  // A 128-bit random number is shorter than 12 octets once in 2^40.
  else if (serial.length < 12) add("profile-serial", "serialNumber", "too short for 128 random bits");
  if (!certificate.subject.isEmpty) add("profile-subject", "subject", "the subject is not empty");
  if (certificate.unusualTimeEncoding)
    add("profile-time-encoding", "validity", "UTCTime through 2049, GeneralizedTime after", "RFC 5280, Validity");
  if (notAfter < notBefore) add("profile-lifetime", "validity", "ends before it begins");
  else if (context.maximumLifetime !== undefined && notAfter - notBefore > context.maximumLifetime)
    add(
      "profile-lifetime",
      "validity",
      `lives ${notAfter - notBefore} s, at most ${context.maximumLifetime} s are allowed`,
    );
}

function checkNames(certificate: Certificate, context: MlsProfileContext, add: Add): void {
  const names = certificate.subjectAltName ?? [];
  if (names.length > 0 && !isCritical(certificate.extensions, ExtensionOid.subjectAltName))
    add("profile-names", "subjectAltName", "not critical");
  for (const [index, identity] of identitiesOf(certificate).entries())
    if (identity === undefined) add("profile-names", `subjectAltName[${index}]`, `${names[index]?.type} name`);
    else if (identity instanceof IdentityError)
      add("profile-name-invalid", `subjectAltName[${index}]`, identity.message);
  const { users, clients } = usersAndClients(certificate);
  const [user, client] = [users[0], clients[0]];
  if (users.length !== 1 || clients.length !== 1 || user === undefined || client === undefined) {
    add(
      "profile-names",
      "subjectAltName",
      `${users.length} user and ${clients.length} client URIs; exactly one of each is required`,
    );
    return;
  }
  if (!isDeviceOf(client, user)) add("profile-names", "subjectAltName", "the client is not one of the user");
  if (context.user !== undefined && context.user !== user.uri)
    add("profile-user-mismatch", "subjectAltName", `names ${user.uri}, not ${context.user}`);
  if (context.client !== undefined && context.client !== client.uri)
    add("profile-client-mismatch", "subjectAltName", `names ${client.uri}, not ${context.client}`);
}

function checkKey({ signatureKey, publicKey }: Certificate, context: MlsProfileContext, add: Add): void {
  const path = "subjectPublicKeyInfo";
  if (signatureKey === undefined || signatureKey.scheme === 0x0808) {
    add("profile-key-type", path, publicKey.kind === "unsupported" ? publicKey.reason : `${publicKey.kind} key`);
    if (signatureKey === undefined) return;
  }
  if (context.scheme !== undefined && signatureKey.scheme !== context.scheme)
    add(
      "profile-scheme-mismatch",
      path,
      `key for signature scheme ${signatureKey.scheme}, the cipher suite has ${context.scheme}`,
      "RFC 9420, Credential Validation",
    );
  if (context.signatureKey !== undefined && !equalBytes(context.signatureKey, signatureKey.publicKey))
    add("profile-key-mismatch", path, "not the signature_key of the LeafNode", "RFC 9420, Credentials");
}

function checkExtensions(certificate: Certificate, context: MlsProfileContext, add: Add): void {
  const { keyUsage, extendedKeyUsage, basicConstraints, authorityInfoAccess } = certificate;
  const purpose = context.extendedKeyUsage ?? IM_URI_KEY_PURPOSE;
  const logOid = context.logIdExtension ?? LOG_ID_EXTENSION;
  if (
    keyUsage?.size !== 1 ||
    !keyUsage.has("digitalSignature") ||
    !isCritical(certificate.extensions, ExtensionOid.keyUsage)
  )
    add("profile-key-usage", "keyUsage", "must be critical and digitalSignature alone");
  if (extendedKeyUsage?.length !== 1 || extendedKeyUsage[0] !== purpose)
    add(
      "profile-extended-key-usage",
      "extendedKeyUsage",
      `must be ${purpose} alone`,
      "RFC 9734, The IM URI Extended Key Usage",
    );
  if (basicConstraints === undefined || basicConstraints.ca || basicConstraints.pathLength !== undefined)
    add("profile-basic-constraints", "basicConstraints", "must be present with cA FALSE");
  if (certificate.subjectKeyIdentifier === undefined) add("profile-key-identifiers", "subjectKeyIdentifier", "missing");
  if (certificate.authorityKeyIdentifier?.keyIdentifier === undefined)
    add("profile-key-identifiers", "authorityKeyIdentifier", "missing");
  if (
    !certificate.crlDistributionPoints?.some(
      ({ name }) => name?.type === "full" && name.names.some(({ type }) => type === "uri"),
    )
  )
    add("profile-distribution-point", "crlDistributionPoints", "no distribution point with a URI");
  for (const method of [CA_ISSUERS, OCSP_ACCESS])
    if (!authorityInfoAccess?.some((access) => access.method === method && access.location.type === "uri"))
      add("profile-information-access", "authorityInfoAccess", `no URI for access method ${method}`);
  checkLogId(certificate, logOid, context.logId, add);
  for (const [index, { oid }] of certificate.extensions.entries())
    if (!ALLOWED_EXTENSIONS.has(oid) && oid !== logOid && !context.allowedExtensions?.includes(oid))
      add("profile-unknown-extension", `extensions[${index}]`, `extension ${oid} is not in the profile`);
}

function checkLogId(certificate: Certificate, oid: string, wanted: Uint8Array | undefined, add: Add): void {
  const extension = certificate.extensions.find((candidate) => candidate.oid === oid);
  const logId = logIdOf(certificate, oid);
  if (extension === undefined) add("profile-log-id", "extensions", `no extension ${oid}`);
  else if (logId === undefined)
    add("profile-log-id", "extensions", "log_id of another form than an OCTET STRING of 32 octets");
  else if (extension.critical) add("profile-log-id", "extensions", "critical");
  else if (wanted !== undefined && !equalBytes(logId, wanted))
    add("profile-log-id", "extensions", "log_id of another log");
}

const ALLOWED_EXTENSIONS: ReadonlySet<string> = new Set<string>([
  ExtensionOid.authorityKeyIdentifier,
  ExtensionOid.subjectKeyIdentifier,
  ExtensionOid.keyUsage,
  ExtensionOid.extendedKeyUsage,
  ExtensionOid.basicConstraints,
  ExtensionOid.subjectAltName,
  ExtensionOid.crlDistributionPoints,
  ExtensionOid.authorityInfoAccess,
]);
