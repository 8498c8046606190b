import { EXIT, type ExitCode } from "../exit-code.js";

/** What a watch can find. */
export type AlertKind =
  /** A device of the owner's label that is not in the owner's list. */
  | "unknown-device"
  /** A listed device has a key that is not in the owner's list. */
  | "unknown-key"
  /** A key of the owner's list was revoked. */
  | "own-key-revoked"
  /** The log says that it does not have a version of the owner's label any more, and nothing proves that it need not. */
  | "version-withheld"
  /** Distinguished entries at which the owner's label could not be inspected. */
  | "not-monitored"
  /** A contact's new key stands on the operator's word alone, or all devices were replaced. */
  | "identity-changed"
  /** A proven value that breaks the rules of device lists. */
  | "value-rejected"
  /** The log's signatures prove that it misbehaved. */
  | "misbehaviour"
  | "unexpected-key"
  /** The log's newest head is too old, or older than one seen. */
  | "stale-head"
  | "unreachable"
  /** Answers do not verify, and nobody can be accused. */
  | "unverifiable"
  | "refused"
  /** More time passed since the last look than the log's monitoring window: what happened meanwhile may be unprovable. */
  | "missed-window";

export interface Alert {
  /** Stable: the same finding has the same id. */
  readonly id: string;
  readonly kind: AlertKind;
  readonly log: string;
  readonly label?: string | undefined;
  readonly version?: number | undefined;
  readonly client?: string | undefined;
  /** SHA-256 of a public key, hexadecimal. */
  readonly key?: string | undefined;
  readonly detail: string;
  /** Path of an evidence file. */
  readonly evidence?: string | undefined;
  /** When it was found, milliseconds. */
  readonly at: number;
}

const EXITS: Readonly<Record<AlertKind, ExitCode>> = {
  "unknown-device": EXIT.misbehaviour,
  "unknown-key": EXIT.misbehaviour,
  "own-key-revoked": EXIT.misbehaviour,
  "identity-changed": EXIT.misbehaviour,
  "value-rejected": EXIT.misbehaviour,
  misbehaviour: EXIT.misbehaviour,
  "unexpected-key": EXIT.unexpectedKey,
  "version-withheld": EXIT.unreachable,
  "not-monitored": EXIT.unreachable,
  "stale-head": EXIT.unreachable,
  unreachable: EXIT.unreachable,
  unverifiable: EXIT.unreachable,
  refused: EXIT.unreachable,
  "missed-window": EXIT.unreachable,
};

const ORDER: readonly ExitCode[] = [EXIT.misbehaviour, EXIT.unexpectedKey, EXIT.unreachable];

/** The exit code of the worst alert. */
export function exitOf(alerts: readonly Alert[]): ExitCode {
  const codes = new Set(alerts.map(({ kind }) => EXITS[kind]));
  return ORDER.find((code) => codes.has(code)) ?? EXIT.fine;
}
