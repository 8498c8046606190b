import type { IssuedToken } from "./enrolment/tokens.js";
import type { RevocationReason } from "./revocation/revoke.js";
import type { ApprovalRequest, AuditEntry, CredentialState } from "./storage/store.js";

export interface ListedCredential {
  readonly id: string;
  readonly serial: string;
  readonly user: string;
  readonly client: string;
  readonly issuer: string;
  readonly notBefore: number;
  readonly notAfter: number;
  readonly status: CredentialState;
  readonly reason?: RevocationReason;
  readonly logged?: boolean;
}

export interface CredentialFilter {
  readonly user?: string;
  readonly client?: string;
  readonly serial?: string;
  readonly status?: CredentialState;
}

/** A device that waits to be let in, as people are shown it. */
export type WaitingDevice = Pick<
  ApprovalRequest,
  "id" | "user" | "client" | "spkiHashes" | "createdAt" | "expiresAt" | "state" | "decidedBy"
>;

/** Asks credentials to renew within a window, earlier than they would. Seconds since 1970. */
export interface Reissue {
  /** Id of an issuing key; undefined for all. */
  readonly issuer: string | undefined;
  readonly issuedBefore: number;
  readonly start: number;
  readonly end: number;
}

/** What an operator does from the command line, over a data folder or over HTTP. */
export interface Operator {
  createToken(user: string, client: string, lifetime: number | undefined): Promise<IssuedToken>;
  list(filter: CredentialFilter): Promise<readonly ListedCredential[]>;
  /** Revokes a credential by its id, or all unexpired ones of a client URI; returns the ids. */
  revoke(target: string, reason: RevocationReason): Promise<readonly string[]>;
  approvals(user: string | undefined): Promise<readonly WaitingDevice[]>;
  /** @throws CommandError when there is no such request, or it is decided or expired */
  decide(id: string, state: "approved" | "denied"): Promise<void>;
  /** Orders the renewal; returns its id. */
  reissue(order: Reissue): Promise<string>;
  /**
   * Removes everything that names a user. @throws CommandError `user-active` while a credential is good, or a change open
   * @returns the version of the user's list in the log up to which `kt-log erase` may remove it; undefined when unknown
   */
  erase(user: string): Promise<number | undefined>;
  audit(after: number, identity: string | undefined): Promise<readonly AuditEntry[]>;
  close(): Promise<void>;
}

/** Most rows that are asked for at once. */
export const PAGE = 500;
