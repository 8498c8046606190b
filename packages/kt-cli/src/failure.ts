import type { Bundle } from "./evidence/bundle-kinds.js";
import { EXIT, type ExitCode } from "./exit-code.js";

/** Every reason that `kt` gives itself; those of the log and the protocol keep their own codes. */
export type FailureCode =
  | "usage"
  | "file-unreadable"
  | "file-malformed"
  | "not-pinned"
  | "already-pinned"
  | "fingerprint-mismatch"
  | "unexpected-key"
  | "misbehaviour"
  | "stale"
  | "unreachable"
  | "refused"
  | "unverifiable"
  | "value-rejected"
  | "no-auditor"
  | "not-comparable";

const EXITS: Readonly<Record<FailureCode, ExitCode>> = {
  usage: EXIT.usage,
  "file-unreadable": EXIT.usage,
  "file-malformed": EXIT.usage,
  "not-pinned": EXIT.usage,
  "already-pinned": EXIT.usage,
  "fingerprint-mismatch": EXIT.unexpectedKey,
  "unexpected-key": EXIT.unexpectedKey,
  misbehaviour: EXIT.misbehaviour,
  stale: EXIT.unreachable,
  unreachable: EXIT.unreachable,
  refused: EXIT.unreachable,
  unverifiable: EXIT.unreachable,
  "value-rejected": EXIT.misbehaviour,
  "no-auditor": EXIT.usage,
  "not-comparable": EXIT.unreachable,
};

export interface FailureDetail {
  /** What to do about it. */
  readonly remedy?: string | undefined;
  /** The code of whoever found it: the protocol's, the log's. */
  readonly reason?: string | undefined;
  readonly path?: string | undefined;
  readonly section?: string | undefined;
  /** To be written to a file. */
  readonly bundle?: Bundle | undefined;
  readonly cause?: unknown;
}

/** Ends a command, in plain words and with an exit code. */
export class Failure extends Error {
  override readonly name = "Failure";
  readonly code: FailureCode;
  readonly path: string;
  readonly section: string;
  readonly detail: FailureDetail;

  constructor(code: FailureCode, message: string, detail: FailureDetail = {}) {
    super(message, { cause: detail.cause });
    this.code = code;
    this.path = detail.path ?? "";
    this.section = detail.section ?? "kt";
    this.detail = detail;
  }

  get exit(): ExitCode {
    return EXITS[this.code];
  }
}
