import { fromBase64Url, toBase64Url } from "./base64url.js";
import { type Certificate, CertificateError, parseCertificate } from "./certificate/index.js";
import { parseIdentity } from "./identity/identity-uri.js";
import { policyDigest, readPolicy, type ValidationPolicy } from "./policy.js";
import { PolicyError } from "./policy-error.js";

/** A domain's trust with its anchors parsed. */
export interface PreparedDomain {
  readonly anchors: readonly Certificate[];
  readonly logId: Uint8Array;
}

/** A policy made ready to judge by; prepare it once and use it for every verdict. */
export interface PreparedPolicy {
  readonly policy: ValidationPolicy;
  /** base64url SHA-256 of the payload. */
  readonly digest: string;
  readonly domains: ReadonlyMap<string, PreparedDomain>;
  /** The trust of the domain that a user or client URI lives in. */
  domainOf(identity: string): PreparedDomain | undefined;
}

/** Reads a policy's payload and parses its anchors. @throws PolicyError */
export function preparePolicy(payload: Uint8Array): PreparedPolicy {
  const policy = readPolicy(payload);
  const domains = new Map<string, PreparedDomain>();
  for (const [domain, trust] of Object.entries(policy.domains)) {
    const anchors = trust.anchors.map((anchor, i) => parseAnchor(anchor, `domains.${domain}.anchors[${i}]`));
    domains.set(domain, { anchors, logId: fromBase64Url(trust.logId) as Uint8Array });
  }
  return {
    policy,
    digest: toBase64Url(policyDigest(payload)),
    domains,
    domainOf: (identity) => domains.get(parseIdentity(identity).domain),
  };
}

function parseAnchor(anchor: string, path: string): Certificate {
  try {
    return parseCertificate(fromBase64Url(anchor) as Uint8Array);
  } catch (error) {
    if (error instanceof CertificateError) throw new PolicyError("invalid-anchor", path, error.message);
    throw error;
  }
}
