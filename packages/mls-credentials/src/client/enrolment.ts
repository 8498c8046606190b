import { nobleSuite, type Suite } from "@mls-as/keytrans";
import { createClient } from "@mls-as/keytrans/client";
import { equalBytes } from "@mls-as/tls-codec";
import type { DeviceEvidence } from "../acceptance-basis.js";
import { toBase64Url } from "../base64url.js";
import { CertificateError, mlsNames, parseCertificate, tbsCertificateHash } from "../certificate/index.js";
import type { DeviceList } from "../device-list.js";
import { checkDeviceList } from "../device-list-check.js";
import { DeviceListError } from "../device-list-error.js";
import { identityBytes } from "../identity/identity-uri.js";
import { recordOf } from "../transparency.js";
import { AnswerFields } from "./answer-fields.js";
import { buildCertificateRequest, type DeviceKey } from "./certificate-request.js";
import { ClientError } from "./client-error.js";
import { readConfiguration, verified } from "./log-client.js";
import { type Fetch, platformFetch, requestBytes, requestJson } from "./service-request.js";

/** What lets a device enrol: a one-time token, an approval by another device, or both. */
export interface EnrolmentProof {
  readonly token?: string;
  /** An encoded `DeviceApproval`. */
  readonly approval?: Uint8Array;
  readonly idToken?: string;
}

export interface EnrolmentInput {
  /** Base URL of the Authentication Service. */
  readonly service: string;
  /** The log that is trusted, and where it listens. */
  readonly log: { readonly url: string; readonly logId: Uint8Array };
  readonly user: string;
  readonly client: string;
  /** One credential for each key, 1 to 255. */
  readonly keys: readonly DeviceKey[];
  readonly proof: EnrolmentProof;
  readonly fetch?: Fetch;
  readonly suite?: (id: number) => Suite | Promise<Suite>;
  /** Milliseconds since 1970; the platform's clock by default. */
  readonly now?: () => number;
  /** Called with the request before it is sent: store it, and `resumeEnrolment` can finish it after a crash. */
  readonly onRequest?: (request: EnrolmentRequest) => void | Promise<void>;
}

/** A request that may be sent again: the service answers the same body with the same result. JSON. */
export interface EnrolmentRequest {
  readonly csrs: readonly string[];
  readonly enrolment: { readonly token?: string; readonly approval?: string; readonly idToken?: string };
}

/** One issued credential. */
export interface EnrolledCredential {
  /** Lower-case hex SHA-256 of the TBSCertificate; the service's name for it. */
  readonly id: string;
  /** `cert_data` for an MLS x509 credential: leaf, issuer; DER. */
  readonly certificates: readonly Uint8Array[];
  /** The TLS-encoded MLS `Credential`. */
  readonly credential: Uint8Array;
  readonly subjectPublicKeyInfo: Uint8Array;
  /** Seconds since 1970. */
  readonly notBefore: number;
  readonly notAfter: number;
}

export interface Enrolment {
  readonly user: string;
  readonly client: string;
  readonly credentials: readonly EnrolledCredential[];
  /** The user's device list with the credentials in it, proven by the log. */
  readonly devices: DeviceEvidence & { readonly value: Uint8Array };
}

/** Enrols a device and checks, before it returns, that the log holds what was issued. @throws ClientError */
export async function enrol(input: EnrolmentInput): Promise<Enrolment> {
  const fetch = input.fetch ?? platformFetch();
  const answer = new AnswerFields(await requestJson(fetch, `${input.service}/v1/nonces`, "POST"));
  const nonce = answer.text("nonce");
  const csrs: string[] = [];
  for (const key of input.keys)
    csrs.push(toBase64Url(await buildCertificateRequest({ key, user: input.user, client: input.client, nonce })));
  const { token, approval, idToken } = input.proof;
  const request: EnrolmentRequest = {
    csrs,
    enrolment: {
      ...(token === undefined ? {} : { token }),
      ...(approval === undefined ? {} : { approval: toBase64Url(approval) }),
      ...(idToken === undefined ? {} : { idToken }),
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
  const fetch = input.fetch ?? platformFetch();
  const answer = new AnswerFields(await requestJson(fetch, `${input.service}/v1/credentials`, "POST", request));
  const devices = await proveDevices(input, answer.object("log"), fetch);
  const issued = answer.list("credentials").map((fields) => readCredential(fields));
  const credentials = input.keys.map((key, i) => {
    const credential = issued.find((each) => equalBytes(each.subjectPublicKeyInfo, key.subjectPublicKeyInfo));
    if (credential === undefined)
      throw new ClientError("wrong-certificate", `credentials[${i}]`, "no credential for this key was issued");
    checkCredential(credential, input, devices.list, `credentials[${i}]`);
    return credential;
  });
  return { user: input.user, client: input.client, credentials, devices };
}

/** Verifies the proof that came with the answer as a client that knows nothing yet. */
async function proveDevices(
  input: Omit<EnrolmentInput, "proof" | "onRequest">,
  log: AnswerFields,
  fetch: Fetch,
): Promise<Enrolment["devices"]> {
  const bytes = await requestBytes(fetch, `${input.log.url}/v1/configuration`, { method: "GET" });
  const configuration = readConfiguration(bytes, input.log.logId);
  const suite =
    input.suite === undefined
      ? nobleSuite(configuration.ciphersuite as 1 | 2)
      : await input.suite(configuration.ciphersuite);
  const kt = createClient({ suite, configuration });
  const prepared = kt.prepareSearch(kt.initialState(), { label: identityBytes(input.user) });
  if (!equalBytes(prepared.request, log.bytes("request")))
    throw new ClientError("answer-not-logged", "log.request", "the proof answers another question");
  const { result } = await verified(prepared, log.bytes("response"), (input.now ?? Date.now)());
  if (result.version !== log.number("version") || !equalBytes(result.value, log.bytes("deviceList")))
    throw new ClientError("answer-not-logged", "log.deviceList", "not the list that the log proves");
  return {
    list: readList(result.value, input.user, result.version, input.log.logId),
    value: result.value,
    logId: input.log.logId,
    position: result.treeSize - 1,
    provenAt: Math.floor(result.timestamp / 1000),
    source: "search",
  };
}

function readList(value: Uint8Array, label: string, version: number, logId: Uint8Array): DeviceList {
  try {
    return checkDeviceList(value, { label, version, logId });
  } catch (cause) {
    if (!(cause instanceof DeviceListError)) throw cause;
    throw new ClientError("answer-not-logged", `log.deviceList.${cause.path}`, cause.message, { cause });
  }
}

function readCredential(fields: AnswerFields): EnrolledCredential {
  const leaf = fields.bytes("leaf");
  return {
    id: fields.text("id"),
    certificates: [leaf, fields.bytes("issuer")],
    credential: fields.bytes("credential"),
    subjectPublicKeyInfo: parseLeaf(leaf).spki,
    notBefore: fields.number("notBefore"),
    notAfter: fields.number("notAfter"),
  };
}

function parseLeaf(der: Uint8Array): ReturnType<typeof parseCertificate> {
  try {
    return parseCertificate(der);
  } catch (cause) {
    if (!(cause instanceof CertificateError)) throw cause;
    throw new ClientError("wrong-certificate", "leaf", cause.message, { cause });
  }
}

function checkCredential(
  credential: EnrolledCredential,
  { user, client }: { readonly user: string; readonly client: string },
  list: DeviceList,
  path: string,
): void {
  const leaf = parseLeaf(credential.certificates[0] as Uint8Array);
  const names = mlsNames(leaf);
  if (names?.user !== user || names.client !== client)
    throw new ClientError("wrong-certificate", path, "issued for other names");
  const logged = recordOf(list, tbsCertificateHash(leaf));
  if (logged?.client !== client)
    throw new ClientError("answer-not-logged", path, "the log does not hold this certificate");
}
