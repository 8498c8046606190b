/** Why stored detector state was refused. */
export type GhostStateErrorCode =
  /** Not an encoding of a detector's state. */
  | "malformed-state"
  /** Written by a version that this one does not know. */
  | "unknown-format"
  /** Of another user. */
  | "wrong-user";

/** Stored state of the ghost detector or its alerts cannot be used; nothing was taken from it. */
export class GhostStateError extends Error {
  override readonly name = "GhostStateError";
  readonly section = "Findings of the ghost detector";
  readonly code: GhostStateErrorCode;
  /** The offending field. */
  readonly path: string;

  constructor(code: GhostStateErrorCode, path: string, reason: string, cause?: unknown) {
    super(`${path}: ${reason}`, { cause });
    this.code = code;
    this.path = path;
  }
}
