/** Why a certification path is not valid. */
export type PathReasonCode =
  | "untrusted"
  | "not-yet-valid"
  | "expired"
  | "bad-signature"
  | "unsupported-algorithm"
  | "algorithm-mismatch"
  | "weak-key"
  | "not-a-ca"
  | "path-length"
  | "key-usage"
  | "extended-key-usage"
  | "name-constraint"
  | "malformed-name"
  | "policy"
  | "policy-mapping"
  | "unknown-critical-extension"
  | "extension-criticality"
  | "missing-extension"
  | "serial-number"
  | "version"
  | "empty-name"
  | "profile"
  | "revoked"
  | "revocation-undetermined"
  | "limit-exceeded";

/** One violation: `path` is `path[i].field` with the leaf at index 0; `section` names the rule by title. */
export interface Reason {
  readonly code: PathReasonCode;
  readonly section: string;
  readonly path: string;
  readonly detail: string;
}

/** A violation of one certificate, before its place in the path is known. */
export interface CertificateProblem {
  readonly code: PathReasonCode;
  readonly section: string;
  /** Field within the certificate. */
  readonly field: string;
  readonly detail: string;
}

export function problem(code: PathReasonCode, title: string, field: string, detail: string): CertificateProblem {
  return { code, section: `RFC 5280, ${title}`, field, detail };
}

/** The problem as a reason for the certificate at `index` of the path. */
export function reasonAt(index: number, { code, section, field, detail }: CertificateProblem): Reason {
  return { code, section, path: field === "" ? `path[${index}]` : `path[${index}].${field}`, detail };
}
