/** Why the log does not answer a request. */
export type ProverErrorCode =
  /** The request does not decode. */
  | "malformed"
  /** The log has no entry yet. */
  | "empty-log"
  /** `last` is zero or greater than the tree. */
  | "invalid-last"
  | "label-unknown"
  | "version-unknown"
  /** The version can only be proven from expired entries. */
  | "version-expired"
  /** The commitment opening was deleted. */
  | "value-deleted"
  /** The starting position is not an unexpired distinguished entry, or beyond the tree. */
  | "invalid-start"
  /** The monitoring map is not one that a correct user could hold. */
  | "invalid-entries"
  /** The advertised greatest version does not fit the label. */
  | "stale-version"
  /** An update that neither creates versions nor can be answered with existing ones. */
  | "nothing-to-update"
  /** More values than one response can prove. */
  | "too-many-values"
  /** The operation does not exist in this deployment mode. */
  | "wrong-mode"
  /** The entry is not a distinguished entry from which a credential can be made. */
  | "invalid-position"
  /** No distinguished entry right of the credential's terminal entry exists yet, or none is needed. */
  | "no-distinguished-head"
  | "invalid-update-signature"
  /** An auditor's head that users would refuse. */
  | "invalid-auditor-head"
  /** The log's own data do not prove what was asked for: its store is damaged or was changed. */
  | "unprovable"
  /** A timestamp before the last entry's. */
  | "invalid-timestamp";

/** A refusal by the prover. `path` names the request's field, `section` the draft's section by title. */
export class ProverError extends Error {
  override readonly name = "ProverError";
  readonly code: ProverErrorCode;
  readonly path: string;
  readonly section: string;

  constructor(code: ProverErrorCode, message: string, section: string, path = "") {
    super(message);
    this.code = code;
    this.section = section;
    this.path = path;
  }
}
