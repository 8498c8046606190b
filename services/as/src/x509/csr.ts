import { createPublicKey, type KeyObject, verify } from "node:crypto";
import { isClientUri, isUserUri, parseClientUri, userOfClient } from "@mls-as/mls-credentials";
import { Problem } from "../problem.js";
import { OID } from "./certificate-profile.js";
import { checkDer, contentOf, DerError, members, objectIdentifier } from "./der.js";
import { checkSubjectKey, SCHEME, type SubjectKey } from "./public-key.js";

const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
/** A DER OBJECT IDENTIFIER, as what elements are compared with. */
const identifier = (dotted: string): string => hexOf(objectIdentifier(dotted));

const CHALLENGE_PASSWORD = identifier("1.2.840.113549.1.9.7");
const EXTENSION_REQUEST = identifier("1.2.840.113549.1.9.14");
const SUBJECT_ALT_NAME = identifier(OID.subjectAltName);
const PROFILE = "Certificate profile";

/** Identifier octets of the structures that a request is made of. */
const TAG = {
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  utf8String: 0x0c,
  printableString: 0x13,
  boolean: 0x01,
  identifier: 0x06,
  sequence: 0x30,
  set: 0x31,
  attributes: 0xa0,
  /** GeneralName, uniformResourceIdentifier. */
  uri: 0x86,
} as const;

/** Digest by signature algorithm; Ed25519 has none. */
const SIGNATURE_DIGESTS = new Map<string, string | null>([
  [identifier(OID.ed25519), null],
  [identifier("1.2.840.10045.4.3.2"), "sha256"],
  [identifier("1.2.840.10045.4.3.3"), "sha384"],
  [identifier("1.2.840.10045.4.3.4"), "sha512"],
]);

/** What a verified certification request asks for. */
export interface CertificateRequest {
  readonly user: string;
  readonly client: string;
  /** DER SubjectPublicKeyInfo. */
  readonly subjectPublicKeyInfo: Uint8Array;
  readonly key: SubjectKey;
  /** challengePassword; absent only where the caller allows it (EST). */
  readonly nonce: string | undefined;
}

/**
 * Reads and verifies a DER PKCS#10 request: strict DER, an empty subject, exactly the two names, an accepted key, and a
 * signature by that key (RFC 2986). Nothing else may be asked for.
 *
 * @throws Problem `csr-*`, `key-*`, `identity-invalid`, `nonce-missing`
 */
export function readCertificateRequest(
  der: Uint8Array,
  path: string,
  nonce: "required" | "optional" = "required",
): CertificateRequest {
  const request = parse(der, path);
  if (request.version.length !== 1 || request.version[0] !== 0)
    throw new Problem("csr-malformed", "The version is not v1(0).", { path, section: "CertificationRequestInfo" });
  if (request.subject.length !== 2)
    throw new Problem("csr-subject", "The subject is not empty.", { path, section: PROFILE });
  const { challenge, names } = readAttributes(request.attributes, path);
  const { user, client } = readNames(names, path);
  const { subjectPublicKeyInfo } = request;
  const key = checkSubjectKey(subjectPublicKeyInfo, path);
  verifyPossession(request, key, path);
  if (challenge === undefined && nonce === "required")
    throw new Problem("nonce-missing", "The CSR has no challengePassword.", { path, section: "HTTP" });
  return { user, client, subjectPublicKeyInfo, key, nonce: challenge };
}

/** A CertificationRequest in its parts: whole elements where nothing else is said. */
interface RequestParts {
  /** What the signature covers. */
  readonly info: Uint8Array;
  /** Content of the INTEGER. */
  readonly version: Uint8Array;
  readonly subject: Uint8Array;
  readonly subjectPublicKeyInfo: Uint8Array;
  readonly attributes: readonly Uint8Array[];
  /** Hex of the one OBJECT IDENTIFIER that names the signature's algorithm. */
  readonly algorithm: string;
  /** Octets of the BIT STRING. */
  readonly signature: Uint8Array;
}

/**
 * Takes a request apart. What the signature does not cover must have the one encoding that DER gives it: a SEQUENCE of an
 * OID without parameters (RFC 8410, RFC 5758) and a BIT STRING of whole octets, nothing else.
 */
function parse(der: Uint8Array, path: string): RequestParts {
  try {
    checkDer(der);
    const [info, algorithm, signature] = take(der, TAG.sequence, [TAG.sequence, TAG.sequence, TAG.bitString]);
    const parts = members(info as Uint8Array);
    const optional = parts.length === 4 ? [TAG.attributes] : [];
    const [version, subject, spki, attributes] = take(info as Uint8Array, TAG.sequence, [
      TAG.integer,
      TAG.sequence,
      TAG.sequence,
      ...optional,
    ]);
    const [oid] = take(algorithm as Uint8Array, TAG.sequence, [TAG.identifier]);
    take(spki as Uint8Array, TAG.sequence, [TAG.sequence, TAG.bitString]);
    return {
      info: info as Uint8Array,
      version: contentOf(version as Uint8Array),
      subject: subject as Uint8Array,
      subjectPublicKeyInfo: spki as Uint8Array,
      attributes: attributes === undefined ? [] : members(attributes),
      algorithm: hexOf(oid as Uint8Array),
      signature: wholeOctets(signature as Uint8Array),
    };
  } catch (cause) {
    const detail = cause instanceof DerError ? `Not DER: ${cause.message}.` : "Not a CertificationRequest.";
    throw new Problem("csr-malformed", detail, { path, section: "CertificationRequest", cause });
  }
}

/** The members of a constructed element, which must have these identifier octets. @throws DerError */
function take(element: Uint8Array, tag: number, tags: readonly number[]): Uint8Array[] {
  if (element[0] !== tag) throw new DerError("another type than is due", 0);
  const parts = members(element);
  if (parts.length !== tags.length) throw new DerError("wrong number of members", 0);
  if (parts.some((part, i) => part[0] !== tags[i])) throw new DerError("a member of another type than is due", 0);
  return parts;
}

function wholeOctets(bits: Uint8Array): Uint8Array {
  const content = contentOf(bits);
  if (content[0] !== 0) throw new DerError("a BIT STRING that does not end with an octet", 0);
  return content.subarray(1);
}

function readAttributes(
  attributes: readonly Uint8Array[],
  path: string,
): { challenge: string | undefined; names: readonly Uint8Array[] } {
  let challenge: string | undefined;
  let names: readonly Uint8Array[] | undefined;
  for (const attribute of attributes) {
    const { type, value } = readAttribute(attribute, path);
    if (type === CHALLENGE_PASSWORD && challenge === undefined) challenge = readChallenge(value, path);
    else if (type === EXTENSION_REQUEST && names === undefined) names = readRequestedNames(value, path);
    else
      throw refusedAttribute(
        "Only challengePassword and extensionRequest are accepted as attributes, each of them once",
        path,
      );
  }
  if (names === undefined) throw new Problem("csr-names", "The CSR has no subjectAltName.", { path, section: PROFILE });
  return { challenge, names };
}

/** The type of an attribute in hex, and its only value. */
function readAttribute(attribute: Uint8Array, path: string): { type: string; value: Uint8Array } {
  let type: Uint8Array | undefined;
  let values: readonly Uint8Array[];
  try {
    let set: Uint8Array | undefined;
    [type, set] = take(attribute, TAG.sequence, [TAG.identifier, TAG.set]);
    values = members(set as Uint8Array);
  } catch (cause) {
    const section = "CertificationRequestInfo";
    throw new Problem("csr-malformed", "An attribute is malformed.", { path, section, cause });
  }
  const [value] = values;
  if (value === undefined || values.length !== 1) throw refusedAttribute("An attribute must have one value", path);
  return { type: hexOf(type as Uint8Array), value };
}

function readChallenge(value: Uint8Array, path: string): string {
  if (value[0] === TAG.utf8String || value[0] === TAG.printableString) {
    let password: string;
    try {
      // A PrintableString is ASCII, which is UTF-8 as well.
      password = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(contentOf(value));
    } catch (cause) {
      throw refusedAttribute("challengePassword is malformed", path, cause);
    }
    if (password.length <= 255) return password;
  }
  throw refusedAttribute("challengePassword is neither UTF8String nor PrintableString of at most 255", path);
}

/** The GeneralNames of the requested subjectAltName. */
function readRequestedNames(value: Uint8Array, path: string): readonly Uint8Array[] {
  const [extension, another] = value[0] === TAG.sequence ? members(value) : [];
  const parts = extension?.[0] === TAG.sequence ? members(extension) : [];
  const [type, ...rest] = parts;
  const [critical, content] = rest.length === 1 ? [undefined, rest[0]] : rest;
  const formed =
    (rest.length === 1 || (rest.length === 2 && critical?.[0] === TAG.boolean)) && content?.[0] === TAG.octetString;
  if (!formed) throw refusedAttribute("extensionRequest is malformed", path);
  if (another !== undefined || type === undefined || hexOf(type) !== SUBJECT_ALT_NAME)
    throw refusedAttribute("extensionRequest must hold subjectAltName alone", path);
  try {
    const names = contentOf(content);
    checkDer(names);
    if (names[0] !== TAG.sequence) throw new DerError("not a SEQUENCE", 0);
    return members(names);
  } catch (cause) {
    throw new Problem("csr-names", "subjectAltName is malformed.", { path, section: PROFILE, cause });
  }
}

function refusedAttribute(detail: string, path: string, cause?: unknown): Problem {
  return new Problem("csr-attribute", `${detail}.`, { path, section: PROFILE, cause });
}

function readNames(names: readonly Uint8Array[], path: string): { user: string; client: string } {
  const uris = names.map((name) => (name[0] === TAG.uri ? Buffer.from(contentOf(name)).toString("latin1") : undefined));
  const [first, second] = uris;
  if (uris.length !== 2 || first === undefined || second === undefined)
    throw new Problem("csr-names", "subjectAltName must hold two URIs and nothing else.", { path, section: PROFILE });
  const user = isUserUri(first) ? first : second;
  const client = user === first ? second : first;
  if (!isUserUri(user) || !isClientUri(client))
    throw new Problem("identity-invalid", "The names are not one user URI and one client URI.", {
      path,
      section: "Identities",
    });
  if (userOfClient(client) !== user)
    throw new Problem("csr-names", "The client is not a device of the user.", { path, section: "Identities" });
  return { user, client };
}

function verifyPossession(request: RequestParts, key: SubjectKey, path: string): void {
  const { algorithm, info, signature, subjectPublicKeyInfo } = request;
  const digest = SIGNATURE_DIGESTS.get(algorithm);
  const refuse = (detail: string, cause?: unknown): Problem =>
    new Problem("csr-signature", detail, { path, section: "CertificationRequest", cause });
  if (digest === undefined) throw refuse("The signature algorithm is not accepted.");
  if ((digest === null) !== (key.scheme === SCHEME.ed25519))
    throw refuse("The signature algorithm does not fit the key.");
  let verified: boolean;
  try {
    verified = verify(digest, info, verificationKey(subjectPublicKeyInfo, key), signature);
  } catch (cause) {
    throw refuse("The signature cannot be verified.", cause);
  }
  if (!verified) throw refuse("The signature does not verify with the key in the CSR.");
}

/** Ed25519 keys go in without their SubjectPublicKeyInfo, which OpenSSL takes ten times as long to read. */
function verificationKey(spki: Uint8Array, { scheme, publicKey }: SubjectKey): KeyObject {
  if (scheme !== SCHEME.ed25519) return createPublicKey({ key: Buffer.from(spki), type: "spki", format: "der" });
  const x = Buffer.from(publicKey).toString("base64url");
  return createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
}

/** The domain of a canonical client URI. */
export function domainOf(client: string): string {
  return parseClientUri(client).domain;
}
