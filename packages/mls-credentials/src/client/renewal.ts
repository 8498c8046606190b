import { encode } from "@mls-as/tls-codec";
import { toBase64Url } from "../base64url.js";
import { Continuity, ContinuityTBS } from "../device-list.js";
import { readSubjectPublicKeyInfo, spkiHash } from "../subject-public-key-info.js";
import { signContent } from "@mls-as/mls-core";
import { AnswerFields } from "./answer-fields.js";
import { buildCertificateRequest, type DeviceKey } from "./certificate-request.js";
import { ClientError } from "./client-error.js";
import { getSigned, postSigned, type RequestSigner, type SignedRequest, signRequest } from "./device-request.js";
import { freshNonce } from "./enrolment.js";
import { type Enrolment, type IssuanceSetting, readIssuance } from "./issuance.js";

export interface RenewalInput extends IssuanceSetting {
  /** The service's name for the credential that is to be renewed: lower-case hex SHA-256 of its TBSCertificate. */
  readonly id: string;
  /** That credential's key and certificate. */
  readonly signer: RequestSigner;
  /** The next keys; the current one vouches for each. */
  readonly keys: readonly DeviceKey[];
  /** A fresh enrolment token, when renewals by key alone have gone on too long (`renewal-proof-required`). */
  readonly token?: string | undefined;
  /** Called with the request before it is sent: store it, and `resumeRenewal` can finish it after a crash. */
  readonly onRequest?: (request: SignedRequest) => void | Promise<void>;
}

/** Certifies the next keys of a device, and checks that the log holds what was issued. @throws ClientError */
export async function renew(input: RenewalInput): Promise<Enrolment> {
  const nonce = await freshNonce(input.service, input);
  const csrs: string[] = [];
  const continuity: string[] = [];
  for (const key of input.keys) {
    csrs.push(toBase64Url(await buildCertificateRequest({ key, user: input.user, client: input.client, nonce })));
    continuity.push(toBase64Url(await vouchFor(key, input)));
  }
  const { token } = input;
  const payload = new TextEncoder().encode(
    JSON.stringify({ csrs, continuity, ...(token === undefined ? {} : { token }) }),
  );
  const request = await signRequest(input.signer, { url: renewalUrl(input), nonce, payload });
  await input.onRequest?.(request);
  return await resumeRenewal(input, request);
}

/** Sends a renewal that was prepared before: the service answers the same request with the same result. @throws ClientError */
export async function resumeRenewal(
  input: Omit<RenewalInput, "onRequest" | "token" | "signer">,
  request: SignedRequest,
): Promise<Enrolment> {
  const answer = new AnswerFields(await postSigned(renewalUrl(input), request, input));
  return await readIssuance(
    answer,
    input,
    input.keys.map(({ subjectPublicKeyInfo }) => subjectPublicKeyInfo),
  );
}

const renewalUrl = ({ service, id }: { readonly service: string; readonly id: string }): string =>
  `${service}/v1/credentials/${id}/renewals`;

/** A `Continuity` by the current key for the next one. */
async function vouchFor(next: DeviceKey, { log, client, signer }: RenewalInput): Promise<Uint8Array> {
  const oldSpki = signer.key.subjectPublicKeyInfo;
  const scheme = readSubjectPublicKeyInfo(oldSpki)?.scheme;
  if (scheme === undefined) throw new ClientError("unsupported-key", "signer.key", "no supported signature key");
  const tbs = {
    logId: log.logId,
    client,
    oldSpki,
    newSpkiHash: spkiHash(next.subjectPublicKeyInfo),
    signatureScheme: scheme,
  };
  const signature = await signer.key.sign(signContent("DeviceContinuity", encode(ContinuityTBS, tbs)));
  return encode(Continuity, { tbs, signature });
}

/** When to renew. Seconds since 1970. */
export interface RenewalWindow {
  readonly start: number;
  readonly end: number;
}

/** The window that the service suggests for a credential (as RFC 9773 does). @throws ClientError */
export async function readRenewalWindow(
  input: Pick<RenewalInput, "service" | "id" | "signer" | "fetch" | "timeout" | "attempts">,
): Promise<RenewalWindow> {
  const path = `/v1/credentials/${input.id}/renewal-info`;
  const window = new AnswerFields(await getSigned(input.service, path, input.signer, input)).object("suggestedWindow");
  const [start, end] = [window.number("start"), window.number("end")];
  if (start >= end) throw new ClientError("malformed-answer", "suggestedWindow", "ends before it begins");
  return { start, end };
}

/** Without the service's word: the last third of the lifetime, but its last tenth. */
export function defaultRenewalWindow({ notBefore, notAfter }: { notBefore: number; notAfter: number }): RenewalWindow {
  const lifetime = notAfter - notBefore;
  return { start: Math.floor(notAfter - lifetime / 3), end: Math.floor(notAfter - lifetime / 10) };
}

/** A moment in the window, chosen once for each credential, so that devices do not all come at once. `random` in [0, 1). */
export function renewalMoment({ start, end }: RenewalWindow, random: () => number): number {
  return Math.floor(start + random() * (end - start));
}
