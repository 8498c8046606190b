/** Why a presented string is not an identity of this system. */
export type IdentityErrorCode =
  /** More than 255 octets, or empty. */
  | "identity-length"
  /** A byte outside printable ASCII. */
  | "identity-not-ascii"
  /** The scheme is not exactly `mimi://`. */
  | "identity-scheme"
  /** The host is not a lower-case A-label FQDN without port or user information. */
  | "identity-domain"
  /** The path is neither `/u/{user}` nor `/d/{user}/{device}`, or not the kind that was asked for. */
  | "identity-kind"
  /** The user part is not 1 to 64 of `a-z 0-9 . _ ~ -`. */
  | "identity-user"
  /** The device part is not 1 to 64 of `a-z 0-9 . _ ~ -`. */
  | "identity-device";

/** Refusal of an identity URI. Nothing is repaired: no case folding, no percent-decoding, no dot-segment removal. */
export class IdentityError extends Error {
  override readonly name = "IdentityError";
  readonly section = "Identities";
  readonly code: IdentityErrorCode;
  /** The offending component: `uri`, `scheme`, `domain`, `kind`, `user` or `device`. */
  readonly path: string;

  constructor(code: IdentityErrorCode, path: string, reason: string) {
    super(`${path}: ${reason}`);
    this.code = code;
    this.path = path;
  }
}
