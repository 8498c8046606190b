import type { LabelView, LogProof } from "../storage/store.js";

/** A version of a label as the log proved it. */
export interface LoggedVersion {
  readonly version: number;
  readonly value: Uint8Array;
}

export interface Appended {
  /** Log entry that holds the versions. */
  readonly position: number;
  /** True when the log took our value; false when it already was further on and these are the versions that came next. */
  readonly created: boolean;
  /** Ascending; never empty. */
  readonly versions: readonly LoggedVersion[];
  /** What is known of the label from now on. */
  readonly view: LabelView;
}

/** What is known of a label that was taken up afresh. */
export interface OpenedLabel extends LabelView {
  /** Log entry that holds the latest version; undefined before the first. */
  readonly position: number | undefined;
}

/**
 * The Key Transparency log as issuance sees it. Nothing is returned that was not verified: against the log's
 * signature, its proofs, and everything that was verified of it before.
 */
export interface TransparencyLog {
  /** 32 octets. */
  readonly logId: Uint8Array;
  readonly url: string;
  /**
   * Takes up a label that was not seen before, with the latest version of some recent time: what came after shows when a
   * version is appended. @throws LogError
   */
  open(label: string): Promise<LabelView>;
  /** Takes up a label afresh, with the latest version that the log holds of it now. @throws LogError */
  look(label: string): Promise<OpenedLabel>;
  /** Asks for `value` as the version after `view.latest`. @throws LogError */
  append(label: string, view: LabelView, value: Uint8Array): Promise<Appended>;
  /** Searches the greatest version as a client without history would. @throws LogError */
  prove(label: string): Promise<LogProof & LoggedVersion>;
}

export type LogErrorCode =
  /** No answer in time, no connection, or a server error: whether the change was logged is not known. */
  | "unavailable"
  /** The log understood the request and declined it: by its word, nothing was logged. */
  | "refused"
  /** By the log's word, there is nothing under this label. */
  | "label-unknown"
  /** The answer contradicts the log's commitments, or is no answer at all. */
  | "proof-invalid";

export class LogError extends Error {
  override readonly name = "LogError";
  readonly code: LogErrorCode;

  constructor(code: LogErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
