/** Why a validation policy is refused. */
export type PolicyErrorCode =
  /** Not UTF-8 JSON, or a member is missing or of the wrong type. */
  | "malformed-policy"
  | "unknown-field"
  /** Sequence number or digest do not continue the policy before. */
  | "broken-chain"
  /** The signature does not verify by the key that is trusted for it. */
  | "invalid-signature"
  /** A trust anchor is no certificate. */
  | "invalid-anchor";

/** Refusal of a validation policy; `path` names the member. */
export class PolicyError extends Error {
  override readonly name = "PolicyError";
  readonly section = "Validation policy";
  readonly code: PolicyErrorCode;
  readonly path: string;

  constructor(code: PolicyErrorCode, path: string, reason: string) {
    super(path === "" ? reason : `${path}: ${reason}`);
    this.code = code;
    this.path = path;
  }
}
