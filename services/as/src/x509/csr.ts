import { createPublicKey, verify } from "node:crypto";
import { isClientUri, isUserUri, parseClientUri, userOfClient } from "@mls-as/mls-credentials";
import { CertificationRequest } from "@peculiar/asn1-csr";
import { AsnConvert } from "@peculiar/asn1-schema";
import {
  type Attribute,
  DirectoryString,
  Extensions,
  SubjectAlternativeName,
  type GeneralName,
} from "@peculiar/asn1-x509";
import { Problem } from "../problem.js";
import { arrayBuffer, OID } from "./certificate-profile.js";
import { checkDer, DerError, members } from "./der.js";
import { checkSubjectKey, type SubjectKey } from "./public-key.js";

const CHALLENGE_PASSWORD = "1.2.840.113549.1.9.7";
const EXTENSION_REQUEST = "1.2.840.113549.1.9.14";
const PROFILE = "Certificate profile";

/** Digest by signature algorithm; Ed25519 has none. */
const SIGNATURE_DIGESTS = new Map<string, string | null>([
  [OID.ed25519, null],
  ["1.2.840.10045.4.3.2", "sha256"],
  ["1.2.840.10045.4.3.3", "sha384"],
  ["1.2.840.10045.4.3.4", "sha512"],
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
  const info = request.certificationRequestInfo;
  const [infoDer, algorithm, signature] = members(der) as [Uint8Array, Uint8Array, Uint8Array];
  checkUnsignedParts(der, algorithm, signature, path);
  const [, subject, subjectPublicKeyInfo] = members(infoDer) as [Uint8Array, Uint8Array, Uint8Array];
  if (info.version !== 0)
    throw new Problem("csr-malformed", "The version is not v1(0).", { path, section: "CertificationRequestInfo" });
  if (subject.length !== 2) throw new Problem("csr-subject", "The subject is not empty.", { path, section: PROFILE });
  const { challenge, names } = readAttributes(info.attributes ?? [], path);
  const { user, client } = readNames(names, path);
  const key = checkSubjectKey(subjectPublicKeyInfo, path);
  verifyPossession(request, infoDer, subjectPublicKeyInfo, path);
  if (challenge === undefined && nonce === "required")
    throw new Problem("nonce-missing", "The CSR has no challengePassword.", { path, section: "HTTP" });
  return { user, client, subjectPublicKeyInfo, key, nonce: challenge };
}

function parse(der: Uint8Array, path: string): CertificationRequest {
  try {
    checkDer(der);
    const request = members(der);
    if (request.length !== 3 || ![3, 4].includes(members(request[0] as Uint8Array).length))
      throw new DerError("wrong number of members", 0);
    return AsnConvert.parse(arrayBuffer(der), CertificationRequest);
  } catch (cause) {
    const detail = cause instanceof DerError ? `Not DER: ${cause.message}.` : "Not a CertificationRequest.";
    throw new Problem("csr-malformed", detail, { path, section: "CertificationRequest", cause });
  }
}

function readAttributes(
  attributes: readonly Attribute[],
  path: string,
): { challenge: string | undefined; names: GeneralName[] } {
  let challenge: string | undefined;
  let names: GeneralName[] | undefined;
  for (const { type, values } of attributes) {
    const [value] = values;
    if (value === undefined || values.length !== 1) throw refusedAttribute(`${type} must have one value`, path);
    if (type === CHALLENGE_PASSWORD && challenge === undefined) challenge = readChallenge(value, path);
    else if (type === EXTENSION_REQUEST && names === undefined) names = readRequestedNames(value, path);
    else throw refusedAttribute(`${type} is not accepted, or is there twice`, path);
  }
  if (names === undefined) throw new Problem("csr-names", "The CSR has no subjectAltName.", { path, section: PROFILE });
  return { challenge, names };
}

function readChallenge(value: ArrayBuffer, path: string): string {
  try {
    const text = AsnConvert.parse(value, DirectoryString);
    const password = text.utf8String ?? text.printableString;
    if (password !== undefined && password.length <= 255) return password;
  } catch (cause) {
    throw refusedAttribute("challengePassword is malformed", path, cause);
  }
  throw refusedAttribute("challengePassword is neither UTF8String nor PrintableString of at most 255", path);
}

function readRequestedNames(value: ArrayBuffer, path: string): GeneralName[] {
  let extensions: Extensions;
  try {
    extensions = AsnConvert.parse(value, Extensions);
  } catch (cause) {
    throw refusedAttribute("extensionRequest is malformed", path, cause);
  }
  const [extension] = extensions;
  if (extension === undefined || extensions.length !== 1 || extension.extnID !== OID.subjectAltName)
    throw refusedAttribute("extensionRequest must hold subjectAltName alone", path);
  try {
    const content = new Uint8Array(extension.extnValue.buffer);
    checkDer(content);
    return [...AsnConvert.parse(arrayBuffer(content), SubjectAlternativeName)];
  } catch (cause) {
    throw new Problem("csr-names", "subjectAltName is malformed.", { path, section: PROFILE, cause });
  }
}

function refusedAttribute(detail: string, path: string, cause?: unknown): Problem {
  return new Problem("csr-attribute", `${detail}.`, { path, section: PROFILE, cause });
}

function readNames(names: readonly GeneralName[], path: string): { user: string; client: string } {
  const uris = names.map((name) => name.uniformResourceIdentifier);
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

/**
 * What the signature does not cover must have the one encoding that DER gives it: a SEQUENCE of an OID without parameters
 * (RFC 8410, RFC 5758) and a BIT STRING of whole octets, nothing else.
 */
function checkUnsignedParts(der: Uint8Array, algorithm: Uint8Array, signature: Uint8Array, path: string): void {
  const oid = algorithm[0] === 0x30 ? members(algorithm) : [];
  const lengthOctets = (signature[1] ?? 0) < 0x80 ? 0 : (signature[1] ?? 0) & 0x7f;
  const wholeOctets = signature[0] === 0x03 && signature[2 + lengthOctets] === 0;
  if (der[0] !== 0x30 || members(der).length !== 3 || oid.length !== 1 || oid[0]?.[0] !== 0x06 || !wholeOctets)
    throw new Problem("csr-malformed", "Not the DER encoding of a CertificationRequest.", {
      path,
      section: "CertificationRequest",
    });
}

function verifyPossession(request: CertificationRequest, infoDer: Uint8Array, spki: Uint8Array, path: string): void {
  const { algorithm, parameters } = request.signatureAlgorithm;
  const digest = SIGNATURE_DIGESTS.get(algorithm);
  const refuse = (detail: string, cause?: unknown): Problem =>
    new Problem("csr-signature", detail, { path, section: "CertificationRequest", cause });
  if (digest === undefined || (parameters !== undefined && parameters !== null))
    throw refuse("The signature algorithm is not accepted.");
  let verified: boolean;
  try {
    const key = createPublicKey({ key: Buffer.from(spki), type: "spki", format: "der" });
    if ((digest === null) !== (key.asymmetricKeyType === "ed25519"))
      throw refuse("The signature algorithm does not fit the key.");
    verified = verify(digest, infoDer, key, new Uint8Array(request.signature));
  } catch (cause) {
    if (cause instanceof Problem) throw cause;
    throw refuse("The signature cannot be verified.", cause);
  }
  if (!verified) throw refuse("The signature does not verify with the key in the CSR.");
}

/** The domain of a canonical client URI. */
export function domainOf(client: string): string {
  return parseClientUri(client).domain;
}
