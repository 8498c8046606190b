import { toBase64Url } from "../base64url.js";
import { AnswerFields } from "./answer-fields.js";
import { buildCertificateRequest, type DeviceKey } from "./certificate-request.js";
import { type Enrolment, type IssuanceSetting, readIssuance } from "./issuance.js";
import { requestJson, type ServiceOptions } from "./service-request.js";

/** What lets a device enrol: a one-time token, an approval by another device, a token of the identity provider, or several. */
export interface EnrolmentProof {
  readonly token?: string;
  /** An encoded `DeviceApproval`. */
  readonly approval?: Uint8Array;
  readonly idToken?: string;
  /** An access token (RFC 9068) that is bound to this device. */
  readonly accessToken?: string;
}

export interface EnrolmentInput extends IssuanceSetting {
  /** One credential for each key, 1 to 255. */
  readonly keys: readonly DeviceKey[];
  readonly proof: EnrolmentProof;
  /** Called with the request before it is sent: store it, and `resumeEnrolment` can finish it after a crash. */
  readonly onRequest?: (request: EnrolmentRequest) => void | Promise<void>;
}

/** A request that may be sent again: the service answers the same body with the same result. JSON. */
export interface EnrolmentRequest {
  readonly csrs: readonly string[];
  readonly enrolment: {
    readonly token?: string;
    readonly approval?: string;
    readonly idToken?: string;
    readonly accessToken?: string;
  };
}

/** Enrols a device and checks, before it returns, that the log holds what was issued. @throws ClientError */
export async function enrol(input: EnrolmentInput): Promise<Enrolment> {
  const nonce = await freshNonce(input.service, input);
  const csrs: string[] = [];
  for (const key of input.keys)
    csrs.push(toBase64Url(await buildCertificateRequest({ key, user: input.user, client: input.client, nonce })));
  const { token, approval, idToken, accessToken } = input.proof;
  const request: EnrolmentRequest = {
    csrs,
    enrolment: {
      ...(token === undefined ? {} : { token }),
      ...(approval === undefined ? {} : { approval: toBase64Url(approval) }),
      ...(idToken === undefined ? {} : { idToken }),
      ...(accessToken === undefined ? {} : { accessToken }),
    },
  };
  await input.onRequest?.(request);
  return await resumeEnrolment(input, request);
}

/** Sends an enrolment that was prepared before, perhaps by a process that is gone. @throws ClientError */
export async function resumeEnrolment(
  input: Omit<EnrolmentInput, "proof" | "onRequest">,
  request: EnrolmentRequest,
): Promise<Enrolment> {
  const url = `${input.service}/v1/credentials`;
  const answer = new AnswerFields(await requestJson(url, { method: "POST", body: request }, input));
  const keys = input.keys.map(({ subjectPublicKeyInfo }) => subjectPublicKeyInfo);
  return await readIssuance(answer, input, keys);
}

/** A nonce for the next request to the service. @throws ClientError */
export async function freshNonce(service: string, options: ServiceOptions): Promise<string> {
  return new AnswerFields(await requestJson(`${service}/v1/nonces`, { method: "POST" }, options)).text("nonce");
}
