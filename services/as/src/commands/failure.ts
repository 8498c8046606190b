import { ConfigurationError } from "@mls-as/service-runtime";
import { SignerError, type SignerErrorCode } from "@mls-as/signers";
import { CeremonyError } from "../ca/ceremony-error.js";

/** Exit codes of `mls-as`. */
export const EXIT = {
  done: 0,
  /** What was checked is wrong: a broken audit chain, a discrepancy. Or the work failed. */
  failed: 1,
  /** The command, its arguments or the configuration are wrong; nothing was done. */
  usage: 2,
  /** Something that is needed does not answer: the service, the log, the token. It may be tried again. */
  unavailable: 3,
} as const;

/** Something the user can put right, told in a sentence with what to do next. */
export class CommandError extends Error {
  override readonly name = "CommandError";
  readonly exitCode: number;
  readonly remedy: string | undefined;
  /** Stable code of a refusal that the service or the signer gave. */
  readonly code: string;

  constructor(message: string, options: { code?: string; remedy?: string; exitCode?: number; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.exitCode = options.exitCode ?? EXIT.usage;
    this.remedy = options.remedy;
    this.code = options.code ?? "command-failed";
  }
}

const SIGNER_REMEDIES: Readonly<Record<SignerErrorCode, string>> = {
  "key-unknown": "Check the id; for a token, that the URI names the right one.",
  "wrong-role": "Each key has one role; take the key that was made for this.",
  "key-unreadable":
    "Set MLS_AS_PASSPHRASE or MLS_AS_PASSPHRASE_FILE to the passphrase of this folder, or restore the file.",
  "key-exportable": "Make the key on the token, with CKA_SENSITIVE and without CKA_EXTRACTABLE.",
  "key-unavailable": "Check the token and try again.",
  "token-unavailable": "Check that the token is plugged in and initialised, and that the URI names it.",
  "pin-refused": "Correct the PIN (MLS_AS_PIN_FILE or pin-source in the URI); tokens lock after a few wrong ones.",
  "module-unusable": "Give the library with ?module-path=/path/to/library.so in the URI, or set PKCS11_MODULE.",
  "algorithm-unsupported": "Choose a token that can do Ed25519 and P-256, or --algorithm.",
  "uri-invalid": "See RFC 7512 for pkcs11: URIs, as pkcs11:token=mls-as?pin-source=file:/run/pin",
  "passphrase-missing": "Set MLS_AS_PASSPHRASE or MLS_AS_PASSPHRASE_FILE.",
};
const SIGNER_UNAVAILABLE: ReadonlySet<SignerErrorCode> = new Set(["key-unavailable", "token-unavailable"]);

export interface Failure {
  readonly exitCode: number;
  readonly code: string;
  readonly message: string;
  readonly remedy: string | undefined;
}

/** How an error is told: in a sentence, without a stack, with what to do next where that is known. */
export function failureOf(error: unknown): Failure {
  if (error instanceof CommandError) {
    const { exitCode, code, message, remedy } = error;
    return { exitCode, code, message, remedy };
  }
  if (error instanceof SignerError)
    return {
      exitCode: SIGNER_UNAVAILABLE.has(error.code) ? EXIT.unavailable : EXIT.usage,
      code: error.code,
      message: error.message,
      remedy: SIGNER_REMEDIES[error.code],
    };
  if (error instanceof CeremonyError)
    return { exitCode: EXIT.usage, code: error.code, message: error.message, remedy: undefined };
  if (error instanceof ConfigurationError)
    return { exitCode: EXIT.usage, code: "configuration", message: error.message, remedy: undefined };
  const message = error instanceof Error ? error.message : String(error);
  return { exitCode: EXIT.failed, code: "failed", message, remedy: undefined };
}
