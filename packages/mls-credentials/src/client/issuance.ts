import { connectLog, type SuiteSource } from "@mls-as/kt-client";
import { KeytransError } from "@mls-as/keytrans";
import { equalBytes } from "@mls-as/tls-codec";
import type { DeviceEvidence } from "../acceptance-basis.js";
import { CertificateError, mlsNames, parseCertificate, tbsCertificateHash } from "../certificate/index.js";
import type { DeviceList } from "../device-list.js";
import { checkDeviceList } from "../device-list-check.js";
import { DeviceListError } from "../device-list-error.js";
import { identityBytes } from "../identity/identity-uri.js";
import { recordOf } from "../transparency.js";
import type { AnswerFields } from "./answer-fields.js";
import { ClientError } from "./client-error.js";
import type { ServiceOptions } from "./service-request.js";

/** Who asks whom. */
export interface IssuanceSetting extends ServiceOptions {
  /** Base URL of the Authentication Service. */
  readonly service: string;
  /** The log that is trusted, and where it listens. */
  readonly log: { readonly url: string; readonly logId: Uint8Array };
  readonly user: string;
  readonly client: string;
  readonly suite?: SuiteSource | undefined;
  /** Milliseconds since 1970; the platform's clock by default. */
  readonly now?: (() => number) | undefined;
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

/** Reads the service's answer, and believes it only as far as the log proves it. @throws ClientError, LogClientError */
export async function readIssuance(
  answer: AnswerFields,
  setting: IssuanceSetting,
  subjectPublicKeyInfos: readonly Uint8Array[],
): Promise<Enrolment> {
  const devices = await proveDevices(setting, answer.object("log"));
  const issued = answer.list("credentials").map((fields) => readCredential(fields));
  const credentials = subjectPublicKeyInfos.map((key, i) => {
    const credential = issued.find((each) => equalBytes(each.subjectPublicKeyInfo, key));
    if (credential === undefined)
      throw new ClientError("wrong-certificate", `credentials[${i}]`, "no credential for this key was issued");
    checkCredential(credential, setting, devices.list, `credentials[${i}]`);
    return credential;
  });
  return { user: setting.user, client: setting.client, credentials, devices };
}

/** Verifies the proof that came with the answer as a client that knows nothing yet. */
async function proveDevices(setting: IssuanceSetting, log: AnswerFields): Promise<Enrolment["devices"]> {
  const { url, logId } = setting.log;
  const { fetch, timeout, suite } = setting;
  const { kt } = await connectLog({ url, logId, fetch, timeout, suite });
  const prepared = kt.prepareSearch(kt.initialState(), { label: identityBytes(setting.user) });
  if (!equalBytes(prepared.request, log.bytes("request")))
    throw new ClientError("answer-not-logged", "log.request", "the proof answers another question");
  const { result } = await verified(() => prepared.verify(log.bytes("response"), (setting.now ?? Date.now)()));
  if (result.version !== log.number("version") || !equalBytes(result.value, log.bytes("deviceList")))
    throw new ClientError("answer-not-logged", "log.deviceList", "not the list that the log proves");
  return {
    list: readList(result.value, setting.user, result.version, logId),
    value: result.value,
    logId,
    position: result.treeSize - 1,
    provenAt: Math.floor(result.timestamp / 1000),
    source: "search",
  };
}

async function verified<T>(verify: () => Promise<T>): Promise<T> {
  try {
    return await verify();
  } catch (cause) {
    if (!(cause instanceof KeytransError)) throw cause;
    throw new ClientError("invalid-proof", cause.path, `${cause.code}: ${cause.message}`, { cause });
  }
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
