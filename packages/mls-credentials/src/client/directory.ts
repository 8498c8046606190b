import { toBase64Url } from "../base64url.js";
import { defaultPolicy, encodePolicy, type ValidationPolicy } from "../policy.js";
import { type PreparedPolicy, preparePolicy } from "../prepared-policy.js";
import { AnswerFields } from "./answer-fields.js";
import { requestJson, type ServiceOptions } from "./service-request.js";

/** What an Authentication Service says about itself. Trust on first use at most: pin anchors and log out of band where you can. */
export interface ServiceDirectory {
  readonly domain: string;
  /** Root certificates, DER. */
  readonly roots: readonly Uint8Array[];
  readonly issuers: readonly Uint8Array[];
  readonly log: { readonly url: string; readonly logId: Uint8Array };
}

/** Reads `GET /v1/directory`. @throws ClientError */
export async function readDirectory(asUrl: string, options: ServiceOptions = {}): Promise<ServiceDirectory> {
  const answer = new AnswerFields(await requestJson(`${asUrl}/v1/directory`, { method: "GET" }, options));
  const log = answer.object("log");
  return {
    domain: answer.text("domain"),
    roots: answer.list("roots").map((root) => root.bytes("certificate")),
    issuers: answer.list("issuers").map((issuer) => issuer.bytes("certificate")),
    log: { url: log.text("url"), logId: log.bytes("logId") },
  };
}

/** The default policy over a directory's trust, for groups whose operator signed none. */
export function policyOf(
  directory: ServiceDirectory,
  changes: Partial<Omit<ValidationPolicy, "format" | "domains">> = {},
): PreparedPolicy {
  const domains = {
    [directory.domain]: { anchors: directory.roots.map(toBase64Url), logId: toBase64Url(directory.log.logId) },
  };
  return preparePolicy(encodePolicy({ ...defaultPolicy(domains), ...changes }));
}
