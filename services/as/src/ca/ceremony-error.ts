export type CeremonyErrorCode =
  /** The folder holds no authority; `init` makes one. */
  | "no-authority"
  /** The folder holds an authority already; it is left as it is. */
  | "authority-exists"
  /** ca.json is not what this version writes. */
  | "index-unreadable"
  /** The file is no certification request, or its signature does not verify. */
  | "request-invalid"
  /** The file is no certificate. */
  | "certificate-unreadable"
  /** The certificate is for a key that was not asked for here. */
  | "key-not-requested"
  /** No root of this folder has signed the certificate, and none was given that has. */
  | "root-unknown"
  /** The certificate may not issue credentials: profile, validity, path. */
  | "certificate-unfit"
  /** The root's key is not in this folder: it is offline, and a ceremony has to be held. */
  | "root-offline"
  /** There is no issuing key of that id, or it cannot be removed yet. */
  | "issuer-in-use"
  | "issuer-unknown";

/** Why a step of the key ceremony was refused; nothing was changed. */
export class CeremonyError extends Error {
  override readonly name = "CeremonyError";
  readonly code: CeremonyErrorCode;
  /** The file, field or key id at fault. */
  readonly path: string;
  readonly section: string | undefined;

  constructor(
    code: CeremonyErrorCode,
    message: string,
    options: ErrorOptions & { readonly path?: string; readonly section?: string } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.path = options.path ?? "";
    this.section = options.section;
  }
}
