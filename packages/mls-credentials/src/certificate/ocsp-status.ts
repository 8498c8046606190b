import { equalBytes } from "@mls-as/tls-codec";
import { sha1 } from "@noble/hashes/legacy.js";
import { sha256, sha384, sha512 } from "@noble/hashes/sha2.js";
import type { Certificate } from "./certificate.js";
import { DerReader, readElement } from "./der.js";
import { readOctetAligned } from "./der-values.js";
import type { OcspResponse, SingleResponse } from "./ocsp-response.js";
import { ExtensionOid, OCSP_SIGNING } from "./oids.js";
import { judgePath } from "./path-rules.js";
import type { RevocationInputs, RevocationStatus } from "./revocation-status.js";
import { verifySignature } from "./signature.js";

/** Hashes of a CertID. SHA-1 only names the issuer here; the response's signature is what binds. */
const HASHES = new Map<string, (bytes: Uint8Array) => Uint8Array>([
  ["1.3.14.3.2.26", sha1],
  ["2.16.840.1.101.3.4.2.1", sha256],
  ["2.16.840.1.101.3.4.2.2", sha384],
  ["2.16.840.1.101.3.4.2.3", sha512],
]);

/** Status by the OCSP responses at hand (RFC 6960, "Signed Response Acceptance Requirements"). */
export async function ocspStatus(
  inputs: RevocationInputs,
  certificate: Certificate,
  issuer: Certificate,
): Promise<RevocationStatus> {
  const details: string[] = [];
  let good = false;
  for (const response of inputs.ocsp ?? []) {
    const answers = response.responses.filter((candidate) => concerns(candidate, certificate, issuer));
    let signer: { readonly problem: string | undefined } | undefined;
    // One response may say something of a certificate more than once; all of it counts.
    for (const single of answers) {
      let detail = unusable(single, response, inputs.time);
      if (detail === undefined) {
        signer ??= { problem: await signerProblem(inputs, response, issuer) };
        detail = signer.problem;
      }
      if (detail !== undefined) details.push(detail);
      else if (single.status === "revoked")
        return { kind: "revoked", revokedAt: single.revokedAt ?? 0, reason: single.reason ?? 0 };
      else if (single.status === "good") good = true;
      else details.push("the responder does not know the certificate");
    }
  }
  if (good) return { kind: "good" };
  return { kind: "undetermined", detail: details[0] ?? "no OCSP response for the certificate" };
}

function concerns(single: SingleResponse, certificate: Certificate, issuer: Certificate): boolean {
  const hash = HASHES.get(single.hashAlgorithm);
  return (
    hash !== undefined &&
    single.serialHex === certificate.serialHex &&
    equalBytes(single.issuerNameHash, hash(certificate.issuer.der)) &&
    equalBytes(single.issuerKeyHash, hash(subjectPublicKeyBits(issuer)))
  );
}

function unusable(single: SingleResponse, response: OcspResponse, time: number): string | undefined {
  if (response.unknownCritical || single.unknownCritical) return "OCSP response with an unknown critical extension";
  if (single.thisUpdate > time || response.producedAt > time) return "OCSP response from the future";
  if (single.nextUpdate === undefined || single.nextUpdate < time) return "OCSP response is out of date";
  return undefined;
}

/** The signer is the issuer itself or one the issuer has delegated to (RFC 6960, "Authorized Responders"). */
async function signerProblem(
  inputs: RevocationInputs,
  response: OcspResponse,
  issuer: Certificate,
): Promise<string | undefined> {
  const { provider } = inputs;
  const signedBy = async (signer: Certificate): Promise<boolean> =>
    inputs.budget.takeSignature() &&
    (await verifySignature(
      provider,
      response.signatureAlgorithm,
      signer.publicKey,
      response.tbs,
      response.signature,
    )) === undefined;
  // A responder may have the issuer's name and another key.
  const isIssuers = isResponder(response, issuer);
  if (isIssuers && (await signedBy(issuer))) return undefined;
  for (const delegate of response.certificates) {
    if (!isResponder(response, delegate) || delegate.issuer.key !== issuer.subject.key) continue;
    if (!delegate.extendedKeyUsage?.includes(OCSP_SIGNING)) continue;
    // Without ocsp-nocheck the delegate's own status would be in question.
    if (!delegate.extensions.some(({ oid }) => oid === ExtensionOid.ocspNoCheck)) continue;
    const usage = delegate.keyUsage;
    if (usage !== undefined && !usage.has("digitalSignature")) continue;
    const understood = [...(inputs.understoodCriticalExtensions ?? []), ExtensionOid.ocspNoCheck];
    const { time, budget } = inputs;
    const state = { time, budget, anchorIsSelfSigned: true };
    const { reasons } = judgePath([delegate, issuer], { understoodCriticalExtensions: understood }, state);
    if (reasons.some(({ path }) => path.startsWith("path[0]"))) continue;
    if (!inputs.budget.takeSignature() || (await inputs.memo.check(provider, delegate, issuer)) !== undefined) continue;
    if (await signedBy(delegate)) return undefined;
  }
  return isIssuers
    ? "OCSP response whose signature does not verify"
    : "OCSP response of a signer that the issuer has not authorised";
}

function isResponder({ responder }: OcspResponse, signer: Certificate): boolean {
  if ("name" in responder) return responder.name.key === signer.subject.key;
  return equalBytes(responder.keyHash, sha1(subjectPublicKeyBits(signer)));
}

/** Content of the BIT STRING subjectPublicKey. */
function subjectPublicKeyBits({ spki }: Certificate): Uint8Array {
  const reader = new DerReader(readElement(spki));
  reader.any();
  return readOctetAligned(reader.any());
}
