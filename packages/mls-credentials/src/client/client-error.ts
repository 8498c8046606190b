import type { HeadEvidence } from "../ghost/index.js";

/** Every way the client toolkit can fail. */
export type ClientErrorCode =
  /** The key is of no supported type. */
  | "unsupported-key"
  /** The service could not be reached, or answered with something that is no answer of its API. */
  | "service-unreachable"
  | "malformed-answer"
  /** The service refused; `problem` holds its code. */
  | "refused"
  /** The log's configuration is not that of the log that is trusted. */
  | "wrong-log"
  /** The log's proof does not verify. */
  | "invalid-proof"
  /** What the service answered is not what the log proves or what was asked for. */
  | "answer-not-logged"
  | "wrong-certificate"
  /** The log shows this device another history than it shows strangers. */
  | "split-view"
  /** The device has no credential, or none with that id; or it has enrolled already. */
  | "not-enrolled"
  | "already-enrolled"
  /** The keystore does not hold the key. */
  | "key-missing"
  /** Another process changed the stored state. */
  | "state-conflict"
  /** Stored state cannot be read. */
  | "invalid-state";

interface ClientErrorDetail {
  readonly problem?: string;
  readonly status?: number;
  readonly heads?: readonly HeadEvidence[];
  readonly cause?: unknown;
}

/** A failure of the client toolkit. Nothing was changed in the caller's state. */
export class ClientError extends Error {
  override readonly name = "ClientError";
  readonly section = "HTTP";
  readonly code: ClientErrorCode;
  readonly path: string;
  /** The stable code in the service's problem document. */
  readonly problem: string | undefined;
  /** HTTP status, where there was an answer. */
  readonly status: number | undefined;
  /** `split-view`: the heads of one log that cannot both be true. */
  readonly heads: readonly HeadEvidence[];

  constructor(code: ClientErrorCode, path: string, reason: string, detail: ClientErrorDetail = {}) {
    super(`${path}: ${reason}`, { cause: detail.cause });
    this.code = code;
    this.path = path;
    this.problem = detail.problem;
    this.status = detail.status;
    this.heads = detail.heads ?? [];
  }
}
