/** Every way a key, a proof or an input can be refused by a cipher suite. */
export type SuiteErrorCode =
  /** A cipher suite value that the draft does not register, "KT Cipher Suites". */
  | "unsupported-suite"
  /** Not the canonical encoding of a point, or a point that RFC 9381, "ECVRF Validate Key", refuses. */
  | "invalid-vrf-public-key"
  /** Not 32 bytes, or a P-256 scalar outside 1..q-1. */
  | "invalid-vrf-private-key"
  /** Malformed, or it does not verify: RFC 9381, "ECVRF Decode Proof" and "ECVRF Verifying". */
  | "invalid-vrf-proof"
  /** No point was found for the input in 256 attempts: RFC 9381, "ECVRF Encode to Curve". */
  | "invalid-vrf-input"
  /** Not the encoding that the suite registers, off the curve, or (Ed25519) of small order. */
  | "invalid-signature-public-key"
  /** Not 32 bytes, or a P-256 scalar outside 1..q-1. */
  | "invalid-signature-private-key"
  /** The source of randomness returned the wrong number of bytes, or none that make a key. */
  | "invalid-randomness";

/** Refusal by a cipher suite. `path` names the argument, `section` the rule's document and section title. */
export class SuiteError extends Error {
  override readonly name = "SuiteError";
  readonly code: SuiteErrorCode;
  readonly path: string;
  readonly section: string;

  constructor(code: SuiteErrorCode, path: string, section: string, reason: string) {
    super(`${path}: ${reason} (${section})`);
    this.code = code;
    this.path = path;
    this.section = section;
  }
}

export function invalidProof(reason: string, section = "RFC 9381, ECVRF Decode Proof"): SuiteError {
  return new SuiteError("invalid-vrf-proof", "proof", section, reason);
}

export function challengeMismatch(): SuiteError {
  return invalidProof("the challenge does not match", "RFC 9381, ECVRF Verifying");
}

export function noPointForInput(): SuiteError {
  return new SuiteError("invalid-vrf-input", "input", "RFC 9381, ECVRF Encode to Curve", "no point in 256 attempts");
}

export function invalidVrfPublicKey(reason: string): SuiteError {
  return new SuiteError("invalid-vrf-public-key", "publicKey", "RFC 9381, ECVRF Validate Key", reason);
}

export function invalidVrfPrivateKey(reason: string): SuiteError {
  return new SuiteError("invalid-vrf-private-key", "privateKey", "RFC 9381, ECVRF Ciphersuites", reason);
}
