import { KeytransError } from "@mls-as/keytrans";
import type { Exchange } from "./exchange.js";
import type { ProblemDocument } from "./problem-document.js";

/** Every way a request to the log can fail. */
export type LogClientErrorCode =
  /** No connection, or none that lasted, after all retries. */
  | "unreachable"
  /** No complete answer in time, after all retries. */
  | "timeout"
  /** The log is there but cannot answer now (429, 5xx), after all retries; `retryAfter` says when to come back. */
  | "unavailable"
  /** The log declined the request; `problem` says why. */
  | "refused"
  /** An answer that this API does not give: another media type, broken lists. */
  | "malformed-answer"
  /** More bytes than `maxResponseBytes`. */
  | "answer-too-large"
  /** The configuration or the stored state is another log's than the one that is trusted. */
  | "wrong-log"
  /** The answer does not verify. `cause` is the `KeytransError`, `exchange` the bytes. */
  | "invalid-proof"
  /** What a `StateStore` holds cannot be read. */
  | "invalid-state"
  /** Others kept changing the stored state. */
  | "state-conflict"
  /** The store could not be read or written. */
  | "store-failed"
  /** The caller's signal ended the operation. */
  | "aborted"
  /** Options or arguments that the caller must not pass. */
  | "invalid-argument";

export interface LogClientErrorDetail {
  readonly status?: number | undefined;
  readonly problem?: ProblemDocument | undefined;
  /** Milliseconds. */
  readonly retryAfter?: number | undefined;
  readonly exchange?: Exchange | undefined;
  readonly cause?: unknown;
}

/** A failure of a request to the log. The stored state is what it was before. */
export class LogClientError extends Error {
  override readonly name = "LogClientError";
  readonly code: LogClientErrorCode;
  /** The URL, option or field concerned. */
  readonly path: string;
  /** Title of the section whose rule was broken. */
  readonly section: string;
  /** HTTP status, where there was an answer. */
  readonly status: number | undefined;
  /** The log's own words (RFC 9457). They are not authenticated. */
  readonly problem: ProblemDocument | undefined;
  /** How long the log asks to wait, milliseconds. */
  readonly retryAfter: number | undefined;
  /** The bytes that did not verify. */
  readonly exchange: Exchange | undefined;

  constructor(code: LogClientErrorCode, path: string, reason: string, detail: LogClientErrorDetail = {}) {
    super(`${path}: ${reason}`, { cause: detail.cause });
    this.code = code;
    this.path = path;
    this.section = detail.cause instanceof KeytransError ? detail.cause.section : "HTTP";
    this.status = detail.status;
    this.problem = detail.problem;
    this.retryAfter = detail.retryAfter;
    this.exchange = detail.exchange;
  }

  /** What the protocol's verification found wrong, for `invalid-proof`. */
  get violation(): KeytransError | undefined {
    return this.cause instanceof KeytransError ? this.cause : undefined;
  }
}
