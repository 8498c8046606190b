import type { ChangeOrigin } from "@mls-as/mls-credentials";

/** One decision, for the audit log: who did what, to whom, why. Never holds secrets. */
export interface AuditEvent {
  /** `operator`, `system`, or the client URI of a device. */
  readonly actor: string;
  readonly action: string;
  /** Identity URI that the decision is about, if any. */
  readonly subject?: string;
  readonly detail?: Readonly<Record<string, string | number | boolean | null | readonly string[]>>;
}

export interface AuditEntry extends AuditEvent {
  readonly sequence: number;
  /** Seconds since 1970. */
  readonly time: number;
  /** Hex SHA-256 of the previous entry's hash and this entry's canonical JSON. */
  readonly hash: string;
  readonly previousHash: string;
  /** Set where the content was erased with everything else about its subject; the hash is that of what was there. */
  readonly erased?: true;
}

export interface EnrolmentToken {
  /** Hex SHA-256 of the token; the token itself is nowhere. */
  readonly hash: string;
  readonly user: string;
  readonly client: string;
  /** Hex SHA-256 of the SubjectPublicKeyInfos it is for; undefined: for any. */
  readonly spkiHashes?: readonly string[] | undefined;
  readonly expiresAt: number;
  readonly spentAt: number | undefined;
}

export type CredentialState = "pending" | "active" | "revoked";

export interface Revocation {
  /** Seconds since 1970. */
  readonly revokedAt: number;
  /** CRLReason (RFC 5280). */
  readonly reason: number;
  /** Who caused it, as the log is to say. */
  readonly origin: RevocationOrigin;
  /** Whether the log holds it. */
  readonly logged: boolean;
}

export type RevocationOrigin = Extract<ChangeOrigin, "ownerRevocation" | "operatorRevocation">;

export interface StoredCredential {
  /** Hex SHA-256 of the TBSCertificate, as in the log. */
  readonly id: string;
  /** 32 hex digits. */
  readonly serial: string;
  /** Key id of the issuing CA. */
  readonly issuer: string;
  readonly user: string;
  readonly client: string;
  /** Hex SHA-256 of the SubjectPublicKeyInfo. */
  readonly spkiHash: string;
  readonly notBefore: number;
  readonly notAfter: number;
  /** CRL shard. */
  readonly shard: number;
  readonly tbs: Uint8Array;
  /** DER; undefined while pending. */
  readonly certificate: Uint8Array | undefined;
  /** Hex SHA-256 of the certificate (`x5t#S256`); undefined while pending. */
  readonly thumbprint: string | undefined;
  /** When the user last proved more than possession of a key. */
  readonly provedAt: number;
  readonly state: CredentialState;
  readonly revocation: Revocation | undefined;
  readonly intent: string;
}

export type IntentState = "journaled" | "logged" | "done" | "withdrawn";

/** A search of the log that a client which knows only the log's configuration can verify. */
export interface LogProof {
  readonly request: Uint8Array;
  readonly response: Uint8Array;
}

/** A change of one label that has been decided, and how far it has come (design, "Log first, sign second"). */
export interface Intent {
  readonly id: string;
  readonly kind: "issue" | "revoke" | "policy";
  /** Canonical user URI, or the label of a policy. */
  readonly label: string;
  readonly idempotencyKey: string;
  readonly requestHash: string;
  readonly origin: ChangeOrigin;
  /** Encoded DeviceRecord with the new credentials alone; undefined for a pure revocation. */
  readonly addition: Uint8Array | undefined;
  /** The version this change is to become, and the DeviceList that is to be logged as it. */
  readonly version: number;
  readonly value: Uint8Array;
  readonly state: IntentState;
  readonly position: number | undefined;
  readonly proof: LogProof | undefined;
  readonly createdAt: number;
}

/** What the AS has verified of a label. */
export interface LabelView {
  /** The log client's encoded state for this label. */
  readonly state: Uint8Array;
  /** Greatest version and its value; undefined before the first. */
  readonly latest: { readonly version: number; readonly value: Uint8Array } | undefined;
}

export interface NewIntent {
  readonly intent: Omit<Intent, "state" | "position" | "proof">;
  readonly view: LabelView;
  readonly credentials: readonly Omit<
    StoredCredential,
    "certificate" | "thumbprint" | "state" | "revocation" | "intent"
  >[];
  readonly nonce: { readonly hash: string; readonly expiresAt: number } | undefined;
  readonly tokenHash: string | undefined;
  /** Ids of credentials whose word this rests on (of the renewing device, of approvers): all must still be active. */
  readonly reliesOn: readonly string[];
}

/** A credential that was never issued because the log declined it; the log may show it all the same, later. */
export interface WithdrawnCredential {
  readonly id: string;
  readonly withdrawnAt: number;
}

/** Why an intent was not journaled: the state changed since the request was checked. */
export type JournalConflict =
  | "nonce-used"
  | "token-spent"
  | "token-expired"
  | "key-in-use"
  | "key-blocked"
  | "signer-inactive"
  | "label-busy"
  | "duplicate";

/** What tells an open intent. */
export type OpenIntent = Pick<Intent, "id" | "label">;

export interface IssuedCertificate {
  readonly id: string;
  readonly certificate: Uint8Array;
  /** Hex SHA-256 of the certificate. */
  readonly thumbprint: string;
}

/** A device that waits for another device of its user, or the operator, to let it in. */
export interface ApprovalRequest {
  /** 32 hex digits. */
  readonly id: string;
  /** Hash of the secret that only the waiting device has; an approval by the operator makes it an enrolment token. */
  readonly secretHash: string;
  readonly user: string;
  readonly client: string;
  /** Hex SHA-256 of each key that is to be approved. */
  readonly spkiHashes: readonly string[];
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly state: "pending" | "approved" | "denied";
  /** Client URI of a device, or `operator`. */
  readonly decidedBy: string | undefined;
  /** base64url TLS DeviceApproval, one for each key; empty when the operator approved. */
  readonly approvals: readonly string[];
}

export interface NewApprovalRequest
  extends Pick<ApprovalRequest, "id" | "secretHash" | "user" | "client" | "spkiHashes" | "expiresAt"> {
  readonly nonce: { readonly hash: string; readonly expiresAt: number };
}

export type ApprovalDecision = {
  readonly state: "approved" | "denied";
  readonly decidedBy: string;
  readonly approvals: readonly string[];
};

/** Asks credentials that were issued before a time to renew within a window, earlier than they would. */
export interface RenewalOrder {
  readonly id: string;
  /** Only those of this issuing key; undefined for all. */
  readonly issuer: string | undefined;
  readonly issuedBefore: number;
  readonly start: number;
  readonly end: number;
}

export interface CredentialQuery {
  readonly user?: string | undefined;
  readonly client?: string | undefined;
  readonly serial?: string | undefined;
  readonly state?: CredentialState | undefined;
  /** Ids greater than this one. */
  readonly after?: string | undefined;
  readonly limit: number;
}

export interface RevocationCause {
  /** CRLReason. */
  readonly reason: number;
  readonly origin: RevocationOrigin;
  /** Whether the keys are never to be certified again. */
  readonly block: boolean;
}

export interface RevokedEntry {
  readonly serial: string;
  readonly revokedAt: number;
  readonly reason: number;
}

/**
 * What the AS remembers.
 *
 * Every method is one transaction: it happens wholly or not at all, and what it wrote is durable when its promise
 * resolves. Reads see every write that resolved before them. Methods that decide append their `AuditEvent` in the same
 * transaction. `now` is always in seconds since 1970. At most one intent of a label is open (`journaled` or `logged`)
 * at any time: this is what serialises the changes of a user, over any number of processes.
 */
export interface Store {
  meta(key: string): Promise<Uint8Array | undefined>;
  /** Writes a value that is not there yet, and returns the one that is there afterwards. */
  claimMeta(key: string, value: Uint8Array): Promise<Uint8Array>;
  /** Keeps `value` unless one of the same or a greater rank is kept. */
  raiseMeta(key: string, rank: number, value: Uint8Array): Promise<void>;
  /** What {@link raiseMeta} kept. */
  raisedMeta(key: string): Promise<Uint8Array | undefined>;
  /** A number greater than any that was given under this name before, by any process, and at least `least`. */
  nextNumber(name: string, least: number): Promise<number>;

  addToken(token: Omit<EnrolmentToken, "spentAt">, now: number, audit: AuditEvent): Promise<void>;
  token(hash: string): Promise<EnrolmentToken | undefined>;

  nonceUsed(hash: string): Promise<boolean>;
  /** Remembers a nonce; false when it was remembered before. */
  useNonce(hash: string, expiresAt: number, now: number): Promise<boolean>;

  label(label: string): Promise<LabelView | undefined>;
  /** Records the intent and its pending credentials, and spends its nonce and token; or changes nothing and says why. */
  journal(change: NewIntent, now: number, audit: AuditEvent): Promise<JournalConflict | undefined>;
  /** Gives an intent that is `journaled` another version and value, after the log turned out to be further on. */
  rebase(intent: OpenIntent, view: LabelView, version: number, value: Uint8Array): Promise<void>;
  /**
   * The log holds the intent's value: moves it to `logged`, and marks `revoked` (credential ids) as logged. False, having
   * changed nothing, where another process did so already.
   */
  markLogged(
    intent: OpenIntent,
    view: LabelView,
    position: number,
    proof: LogProof,
    revoked: readonly string[],
    now: number,
  ): Promise<boolean>;
  /**
   * All certificates are signed: moves the intent to `done` and its credentials to `active`.
   *
   * @returns false, having changed nothing, when the intent is not `logged` or one of its credentials not `pending` any more
   */
  markDone(
    intent: string,
    certificates: readonly IssuedCertificate[],
    now: number,
    audit: AuditEvent,
  ): Promise<boolean>;
  /** Gives up an intent that the log does not hold: its token can be spent again, its credentials are only remembered. */
  withdraw(intent: OpenIntent, now: number, audit: AuditEvent): Promise<void>;
  /** Credentials of a label that were withdrawn. */
  withdrawn(label: string): Promise<readonly WithdrawnCredential[]>;
  /** Labels with credentials that were withdrawn at or after a time. */
  withdrawnLabels(since: number): Promise<readonly string[]>;
  /** Gives up an intent that the log holds: its credentials are revoked (cessationOfOperation), which is to be logged. */
  abandon(intent: string, now: number, audit: AuditEvent): Promise<void>;
  intent(id: string): Promise<Intent | undefined>;
  intentByKey(idempotencyKey: string): Promise<Intent | undefined>;
  /** Of all labels, or of one. */
  openIntents(label?: string): Promise<readonly Intent[]>;
  credentialsOf(intent: string): Promise<readonly StoredCredential[]>;

  credential(id: string): Promise<StoredCredential | undefined>;
  credentialByThumbprint(thumbprint: string): Promise<StoredCredential | undefined>;
  credentials(query: CredentialQuery): Promise<readonly StoredCredential[]>;
  keyOwner(spkiHash: string): Promise<string | undefined>;
  keyBlocked(spkiHash: string): Promise<boolean>;
  countUnexpired(client: string, now: number): Promise<number>;
  /** Clients of a user with an unexpired credential that is not revoked. */
  activeClients(user: string, now: number): Promise<readonly string[]>;
  /**
   * Revokes those of `ids` that are active or pending; where keys are to be blocked, every other credential of these keys
   * as well. What is pending is never signed afterwards.
   *
   * @returns the ids of all credentials that are revoked now, those of `ids` first
   */
  revoke(ids: readonly string[], cause: RevocationCause, now: number, audit: AuditEvent): Promise<readonly string[]>;
  /** Users with credentials, in order, after one of them. */
  users(after: string, limit: number): Promise<readonly string[]>;
  /** Takes over a revocation that the log shows. */
  adoptRevocation(
    id: string,
    revocation: Pick<Revocation, "revokedAt" | "reason">,
    now: number,
    audit: AuditEvent,
  ): Promise<void>;
  /** Marks a revocation as one that the log does not hold, so that it is logged again. */
  forgetLogged(id: string, now: number, audit: AuditEvent): Promise<void>;
  /** Labels with revocations that the log does not hold. */
  labelsToRevoke(): Promise<readonly string[]>;
  revocationsToLog(label: string): Promise<readonly StoredCredential[]>;
  /** Revoked credentials in the order in which this store learned of it, after a sequence number. */
  revocationFeed(
    after: number,
    limit: number,
  ): Promise<readonly { readonly sequence: number; readonly credential: StoredCredential }[]>;
  revokedEntries(issuer: string, shard: number, now: number): Promise<readonly RevokedEntry[]>;
  countRevoked(issuer: string, shard: number): Promise<number>;
  /** Grows with every revocation, of whatever issuer; 0 before the first. */
  revocationSequence(): Promise<number>;
  /** What CRL and OCSP say of a serial; undefined where nothing was issued under it. */
  credentialStatus(
    issuer: string,
    serial: string,
  ): Promise<{ readonly revocation: Pick<Revocation, "revokedAt" | "reason"> | undefined } | undefined>;

  /** Every credential that was ever made for a key. */
  credentialsOfKey(spkiHash: string): Promise<readonly StoredCredential[]>;

  /** Records a request for approval and spends its nonce; or changes nothing and says why. */
  requestApproval(
    request: NewApprovalRequest,
    mostPending: number,
    now: number,
    audit: AuditEvent,
  ): Promise<"nonce-used" | "too-many" | undefined>;
  approvalRequest(id: string): Promise<ApprovalRequest | undefined>;
  /** In the order of their ids, after one of them. */
  approvalRequests(query: {
    user?: string | undefined;
    after: string;
    limit: number;
  }): Promise<readonly ApprovalRequest[]>;
  /** Decides a pending request, and makes `token` where the decision comes with one; false when it is not pending. */
  decideApproval(
    id: string,
    decision: ApprovalDecision,
    token: Omit<EnrolmentToken, "spentAt"> | undefined,
    now: number,
    audit: AuditEvent,
  ): Promise<boolean>;

  addRenewalOrder(order: RenewalOrder, now: number, audit: AuditEvent): Promise<void>;
  renewalOrders(): Promise<readonly RenewalOrder[]>;

  /**
   * Removes everything that names a user. What CRL, OCSP and the rule "one key, one client" need stays, under no name; of
   * audit entries about the user stays their place in the chain.
   *
   * @returns false, having changed nothing, while the user has an unexpired credential that is not revoked and logged
   */
  erase(user: string, now: number, audit: AuditEvent): Promise<boolean>;

  /** Runs `work` while no other process works on the label. */
  exclusively<T>(label: string, work: () => Promise<T>): Promise<T>;

  audit(event: AuditEvent, now: number): Promise<void>;
  auditEntries(query: { after: number; limit: number; subject?: string | undefined }): Promise<readonly AuditEntry[]>;
  /** Forgets what no longer matters: expired nonces, tokens long expired. */
  prune(now: number): Promise<void>;
  close(): Promise<void>;
}
