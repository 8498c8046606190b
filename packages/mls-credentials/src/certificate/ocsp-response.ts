import { type AlgorithmIdentifier, readAlgorithmIdentifier } from "./algorithm-identifier.js";
import { type Certificate, parseCertificate, readExplicitExtensions } from "./certificate.js";
import { CertificateError, readingField } from "./certificate-error.js";
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
import { bytesToHex, integerOctets, readCount, readOctetAligned, readOid, readTime } from "./der-values.js";
import { type Name, readName } from "./distinguished-name.js";

const BASIC_RESPONSE = "1.3.6.1.5.5.7.48.1.1";
const SECTION = "RFC 6960, Response Syntax";

/** What an OCSP responder says of one certificate. */
export interface SingleResponse {
  readonly hashAlgorithm: string;
  readonly issuerNameHash: Uint8Array;
  readonly issuerKeyHash: Uint8Array;
  readonly serialHex: string;
  readonly status: "good" | "revoked" | "unknown";
  /** Seconds since 1970, for a revoked certificate. */
  readonly revokedAt: number | undefined;
  /** CRLReason, when given. */
  readonly reason: number | undefined;
  readonly thisUpdate: number;
  readonly nextUpdate: number | undefined;
  readonly unknownCritical: boolean;
}

/** A successful basic OCSP response (RFC 6960), read once. */
export interface OcspResponse {
  readonly tbs: Uint8Array;
  readonly responder: { readonly name: Name } | { readonly keyHash: Uint8Array };
  /** Seconds since 1970. */
  readonly producedAt: number;
  readonly responses: readonly SingleResponse[];
  readonly signatureAlgorithm: AlgorithmIdentifier;
  readonly signature: Uint8Array;
  readonly certificates: readonly Certificate[];
  readonly unknownCritical: boolean;
}

/**
 * Reads a DER OCSPResponse; anything but a successful basic response is an error.
 *
 * @throws CertificateError with the path of the offending field.
 */
export function parseOcspResponse(der: Uint8Array): OcspResponse {
  return readingField("ocspResponse", () => {
    const outer = enter(readElement(der), Tag.sequence, "OCSPResponse");
    const status = readCount(outer.any(), Tag.enumerated);
    if (status !== 0) throw malformed(`response status ${status}`, 0);
    const bytes = new DerReader(outer.expect(context(0, true), "responseBytes"));
    outer.finish("OCSPResponse");
    const fields = enter(bytes.any(), Tag.sequence, "ResponseBytes");
    bytes.finish("responseBytes");
    const type = readOid(fields.any());
    if (type !== BASIC_RESPONSE) throw malformed(`response type ${type}`, 0);
    const response = contentOf(fields.expect(Tag.octetString, "response"));
    fields.finish("ResponseBytes");
    return readBasicResponse(readElement(response));
  });
}

const malformed = (detail: string, offset: number): CertificateError =>
  new CertificateError("malformed-ocsp", SECTION, detail, offset);

function readBasicResponse(element: DerElement): OcspResponse {
  const outer = enter(element, Tag.sequence, "BasicOCSPResponse");
  const tbsElement = outer.expect(Tag.sequence, "tbsResponseData");
  const signatureAlgorithm = readAlgorithmIdentifier(outer.any());
  const signature = readOctetAligned(outer.any());
  const certificatesField = outer.optional(context(0, true));
  outer.finish("BasicOCSPResponse");

  const reader = new DerReader(tbsElement);
  if (reader.peek() === context(0, true))
    throw malformed("version other than 1, or the default encoded", reader.offset);
  const responderField = reader.any();
  const responder = readResponder(responderField);
  const producedAt = readTime(reader.expect(Tag.generalizedTime, "producedAt"));
  const responses = childrenOf(reader.expect(Tag.sequence, "responses")).map((child, index) =>
    readingField(`responses[${index}]`, () => readSingleResponse(child)),
  );
  const extensions = reader.optional(context(1, true));
  reader.finish("ResponseData");
  return {
    tbs: encodingOf(tbsElement),
    responder,
    producedAt,
    responses,
    signatureAlgorithm,
    signature,
    certificates: certificatesField === undefined ? [] : readCertificates(certificatesField),
    unknownCritical: extensions !== undefined && readExplicitExtensions(extensions).some(({ critical }) => critical),
  };
}

function readCertificates(field: DerElement): Certificate[] {
  const reader = new DerReader(field);
  const list = reader.expect(Tag.sequence, "certs");
  reader.finish("certs");
  return childrenOf(list).map((child, index) =>
    readingField(`certs[${index}]`, () => parseCertificate(encodingOf(child))),
  );
}

function readResponder(field: DerElement): OcspResponse["responder"] {
  const reader = new DerReader(field);
  const inner = reader.any();
  reader.finish("responderID");
  if (field.tag === context(1, true)) return { name: readName(inner) };
  if (field.tag === context(2, true) && inner.tag === Tag.octetString) return { keyHash: contentOf(inner) };
  throw malformed("unknown responderID", field.start);
}

function readSingleResponse(element: DerElement): SingleResponse {
  const reader = enter(element, Tag.sequence, "SingleResponse");
  const id = enter(reader.any(), Tag.sequence, "CertID");
  const hashAlgorithm = readAlgorithmIdentifier(id.any()).oid;
  const issuerNameHash = contentOf(id.expect(Tag.octetString, "issuerNameHash"));
  const issuerKeyHash = contentOf(id.expect(Tag.octetString, "issuerKeyHash"));
  const serialHex = bytesToHex(integerOctets(id.any()));
  id.finish("CertID");
  const statusField = reader.any();
  const thisUpdate = readTime(reader.expect(Tag.generalizedTime, "thisUpdate"));
  const nextField = reader.optional(context(0, true));
  const extensions = reader.optional(context(1, true));
  reader.finish("SingleResponse");
  return {
    hashAlgorithm,
    issuerNameHash,
    issuerKeyHash,
    serialHex,
    ...readStatus(statusField),
    thisUpdate,
    nextUpdate: nextField === undefined ? undefined : readTime(readElement(contentOf(nextField))),
    unknownCritical: extensions !== undefined && readExplicitExtensions(extensions).some(({ critical }) => critical),
  };
}

function readStatus(field: DerElement): Pick<SingleResponse, "status" | "revokedAt" | "reason"> {
  if (field.tag === context(0, false) && contentOf(field).length === 0)
    return { status: "good", revokedAt: undefined, reason: undefined };
  if (field.tag === context(2, false) && contentOf(field).length === 0)
    return { status: "unknown", revokedAt: undefined, reason: undefined };
  if (field.tag !== context(1, true)) throw malformed("unknown CertStatus", field.start);
  const reader = new DerReader(field);
  const revokedAt = readTime(reader.expect(Tag.generalizedTime, "revocationTime"));
  const reasonField = reader.optional(context(0, true));
  reader.finish("RevokedInfo");
  const reason = reasonField === undefined ? undefined : readCount(readElement(contentOf(reasonField)), Tag.enumerated);
  return { status: "revoked", revokedAt, reason };
}
