/** Why there is no archive, or none that can be taken. Nothing was changed. */
export type ArchiveErrorCode =
  /** The log's expired entries were pruned: what is left cannot be derived again from leaves. */
  | "entries-pruned"
  /** The file is not an archive, or is damaged or cut short. */
  | "malformed"
  /** The records contradict each other, or the signed tree head. */
  | "inconsistent";

export class ArchiveError extends Error {
  override readonly name = "ArchiveError";
  readonly code: ArchiveErrorCode;

  constructor(code: ArchiveErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
