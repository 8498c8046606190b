import { createHash } from "node:crypto";
import { AsnConvert } from "@peculiar/asn1-schema";
import type { SigningKey } from "@mls-as/signers";
import { keyIdentifier, nameOfSubject, signatureAlgorithm } from "../x509/certificate-profile.js";
import {
  bitString,
  checkDer,
  element,
  enumerated,
  extension,
  generalizedTime,
  members,
  objectIdentifier,
  octetString,
  sequenceOf,
} from "../x509/der.js";

const OCSP_BASIC = objectIdentifier("1.3.6.1.5.5.7.48.1.1");
const NONCE = "1.3.6.1.5.5.7.48.1.2";
const MAX_CERTIFICATES = 16;
const VERSION_1 = Uint8Array.of(0x02, 0x01, 0x00);
const HASHES = new Map([
  ["06052b0e03021a", "sha1"],
  ["0609608648016503040201", "sha256"],
]);

/** responseStatus of answers that say nothing (RFC 6960, "ASN.1 Specification of the OCSP Response"). */
export const OCSP_FAILURE = { malformedRequest: 1, internalError: 2, tryLater: 3, unauthorized: 6 } as const;

export interface CertificateId {
  /** DER CertID, echoed as it came. */
  readonly der: Uint8Array;
  readonly hash: string;
  readonly issuerNameHash: Uint8Array;
  readonly issuerKeyHash: Uint8Array;
  /** Lower-case hex without sign octet, at least 32 digits; empty for what no serial number can be (RFC 5280, "Serial Number"). */
  readonly serial: string;
}

export interface OcspRequest {
  readonly certificates: readonly CertificateId[];
  /** 1 to 128 octets (RFC 9654). */
  readonly nonce: Uint8Array | undefined;
}

const tagOf = (der: Uint8Array): number => der[0] ?? 0;
/** The content of an element whose header this module knows to be well formed. */
function content(der: Uint8Array): Uint8Array {
  const long = (der[1] as number) & 0x80;
  return der.slice(long === 0 ? 2 : 2 + ((der[1] as number) & 0x7f));
}

/** Reads an OCSPRequest; undefined when it is not one that can be answered. Signatures on requests are not looked at. */
export function readOcspRequest(der: Uint8Array): OcspRequest | undefined {
  try {
    checkDer(der);
    const [tbs] = members(der);
    const parts = members(tbs ?? new Uint8Array());
    const list = parts.find((part) => tagOf(part) === 0x30);
    const extensions = parts.find((part) => tagOf(part) === 0xa2);
    const requests = members(list ?? new Uint8Array());
    if (requests.length === 0 || requests.length > MAX_CERTIFICATES) return undefined;
    if (parts.some((part) => tagOf(part) === 0xa0 && Buffer.compare(content(part), VERSION_1) !== 0)) return undefined;
    const certificates = requests.map((request) => {
      const [id = new Uint8Array(), more] = members(request);
      if (more !== undefined) readNonce(more);
      return readCertificateId(id);
    });
    if (certificates.some((one) => one === undefined)) return undefined;
    const nonce = extensions === undefined ? undefined : readNonce(extensions);
    if (nonce !== undefined && (nonce.length < 1 || nonce.length > 128)) return undefined;
    return { certificates: certificates as CertificateId[], nonce };
  } catch {
    return undefined;
  }
}

function readCertificateId(der: Uint8Array): CertificateId | undefined {
  const [algorithm, nameHash, keyHash, serial] = members(der);
  if (algorithm === undefined || nameHash === undefined || keyHash === undefined || serial === undefined)
    return undefined;
  const hash = HASHES.get(Buffer.from(members(algorithm)[0] ?? []).toString("hex"));
  if (hash === undefined || tagOf(nameHash) !== 0x04 || tagOf(keyHash) !== 0x04 || tagOf(serial) !== 0x02)
    return undefined;
  const octets = content(serial);
  const possible = octets.length > 0 && octets.length <= 20 && (octets[0] as number) < 0x80;
  const number = possible ? Buffer.from(octets).toString("hex").replace(/^00/, "").padStart(32, "0") : "";
  return { der, hash, issuerNameHash: content(nameHash), issuerKeyHash: content(keyHash), serial: number };
}

function readNonce(tagged: Uint8Array): Uint8Array | undefined {
  const wanted = Buffer.from(objectIdentifier(NONCE));
  for (const one of members(members(tagged)[0] ?? new Uint8Array())) {
    const fields = members(one);
    if (!wanted.equals(fields[0] ?? new Uint8Array())) {
      if (fields.length === 3) throw new Error("a critical extension that is not known");
      continue;
    }
    const value = content(fields.at(-1) ?? new Uint8Array());
    checkDer(value);
    return content(value);
  }
  return undefined;
}

/** Whether a CertID names an issuer. */
export function namesIssuer(id: CertificateId, issuerCertificate: Uint8Array): boolean {
  const digest = (data: Uint8Array): Buffer => createHash(id.hash).update(data).digest();
  const key = subjectPublicKeyBits(issuerCertificate);
  return digest(nameOfSubject(issuerCertificate)).equals(id.issuerNameHash) && digest(key).equals(id.issuerKeyHash);
}

function subjectPublicKeyBits(certificate: Uint8Array): Uint8Array {
  const spki = members(members(certificate)[0] as Uint8Array)[6] as Uint8Array;
  return content(members(spki)[1] as Uint8Array).slice(1);
}

export type OcspStatus =
  | { readonly status: "good" | "unknown" }
  | { readonly status: "revoked"; readonly revokedAt: number; readonly reason: number };

export interface OcspAnswer {
  readonly id: CertificateId;
  readonly status: OcspStatus;
}

/** A delegated responder: its key and its certificate. */
export interface OcspResponder {
  readonly key: SigningKey;
  readonly certificate: Uint8Array;
}

/** An OCSPResponse without content. */
export function ocspFailure(status: (typeof OCSP_FAILURE)[keyof typeof OCSP_FAILURE]): Uint8Array {
  return sequenceOf(enumerated(status));
}

/** A signed OCSPResponse (RFC 6960, "Basic Response"), with the responder named by key. Times in seconds since 1970. */
export async function buildOcspResponse(
  responder: OcspResponder,
  answers: readonly OcspAnswer[],
  nonce: Uint8Array | undefined,
  thisUpdate: number,
  nextUpdate: number,
): Promise<Uint8Array> {
  const responses = answers.map(({ id, status }) =>
    sequenceOf(
      id.der,
      certificateStatus(status),
      generalizedTime(thisUpdate),
      element(0xa0, generalizedTime(nextUpdate)),
    ),
  );
  const extensions =
    nonce === undefined ? [] : [element(0xa1, sequenceOf(extension(NONCE, false, octetString(nonce))))];
  const tbs = sequenceOf(
    element(0xa2, octetString(keyIdentifier(responder.key.publicKey))),
    generalizedTime(thisUpdate),
    sequenceOf(...responses),
    ...extensions,
  );
  const algorithm = new Uint8Array(AsnConvert.serialize(signatureAlgorithm(responder.key.algorithm)));
  const signature = bitString(await responder.key.sign(tbs));
  const basic = sequenceOf(tbs, algorithm, signature, element(0xa0, sequenceOf(responder.certificate)));
  return sequenceOf(enumerated(0), element(0xa0, sequenceOf(OCSP_BASIC, octetString(basic))));
}

function certificateStatus(status: OcspStatus): Uint8Array {
  if (status.status !== "revoked") return element(status.status === "good" ? 0x80 : 0x82);
  const reason = status.reason === 0 ? [] : [element(0xa0, enumerated(status.reason))];
  return element(0xa1, generalizedTime(status.revokedAt), ...reason);
}
