import { CodecError } from "@mls-as/tls-codec";
import type { Evidence } from "./evidence.js";

/** Every way a KEYTRANS message, proof or request can be refused. */
export type KeytransErrorCode =
  /** Bytes that do not decode; `path` names the field. */
  | "malformed"
  /** A configuration that breaks the draft's rules, or does not belong to the suite in use. */
  | "invalid-configuration"
  /** A list holds more or fewer elements than the algorithm consumes. */
  | "unexpected-count"
  /** An optional field is present where it must be absent, or the reverse. */
  | "unexpected-field"
  /** Timestamps decrease from left to right. */
  | "non-monotonic-timestamps"
  /** The rightmost timestamp lies outside max_ahead or max_behind of the clock. */
  | "timestamp-out-of-bounds"
  /** A prefix tree proof contradicts itself. */
  | "invalid-prefix-proof"
  /** Two proofs from one log entry give different prefix tree roots, or differ from the retained one. */
  | "prefix-root-mismatch"
  /** The recomputed head of a retained subtree differs from the retained value. */
  | "retained-subtree-mismatch"
  /** A binary ladder contradicts the claimed or expected version. */
  | "inconsistent-ladder"
  /** `same` without an advertised size, or a tree that did not grow. */
  | "invalid-tree-size"
  /** A tree head's signature does not verify over the recomputed root. */
  | "invalid-tree-head-signature"
  /** The auditor's tree head is older than allowed, ahead of the tree, or starts too late. */
  | "invalid-auditor-tree-head"
  | "invalid-auditor-signature"
  /** The Service Operator's signature over a value does not verify (third-party management). */
  | "invalid-update-signature"
  | "invalid-vrf-proof"
  /** The searched label or version does not exist. */
  | "not-found"
  /** The searched version is only in expired log entries. */
  | "expired"
  /** The starting position is not an unexpired distinguished log entry. */
  | "invalid-start"
  /** Monitoring found versions that are not monotonic. */
  | "non-monotonic-versions"
  /** The position of new versions contradicts the owner's state. */
  | "invalid-position"
  /** The client's state lacks what the operation needs (owner state, a view, a monitored label). */
  | "missing-state"
  /** A credential relies on a distinguished head that this client does not know (yet, or any more). */
  | "unknown-distinguished-head"
  /** A credential or its update does not lead to the retained distinguished head. */
  | "distinguished-head-mismatch"
  /** The list of distinguished roots shares no overlap with ours. */
  | "fork"
  /** An auditor update that the auditor must not sign. */
  | "invalid-auditor-update"
  /** A witness policy is not met by the checkpoint and proof shown. */
  | "unwitnessed-head"
  /** Arguments that the caller must not pass. */
  | "invalid-argument";

/** A refusal. `path` names the field or step, `section` the draft's section by title. */
export class KeytransError extends Error {
  override readonly name = "KeytransError";
  readonly code: KeytransErrorCode;
  readonly path: string;
  readonly section: string;
  /** Present where the refusal proves misbehaviour that a third party can judge. */
  evidence?: Evidence;

  constructor(code: KeytransErrorCode, message: string, section: string, path = "") {
    super(message);
    this.code = code;
    this.section = section;
    this.path = path;
  }
}

/** Runs a decoder and presents its refusal as "malformed". */
export function orMalformed<T>(section: string, path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof CodecError)) throw error;
    const where = [path, error.path].filter((part) => part !== "").join(".");
    throw new KeytransError("malformed", `${where}: ${error.reason} (offset ${error.offset})`, section, where);
  }
}
