import {
  decideApprovalRequest,
  insertApprovalRequest,
  readApprovalRequest,
  readApprovalRequests,
} from "./approvals-table.js";
import { appendAudit, auditEntries } from "./audit-table.js";
import {
  activeClients,
  countUnexpired,
  ownerOfKey,
  readCredential,
  readCredentials,
  readUsers,
  searchCredentials,
} from "./credentials-table.js";
import { eraseUser } from "./erasure.js";
import {
  abandonIntent,
  JournalRefusal,
  journalIntent,
  moveToDone,
  moveToLogged,
  readIntent,
  readOpenIntents,
  rebaseIntent,
  withdrawIntent,
} from "./intents-table.js";
import { readLabel } from "./labels-table.js";
import {
  adoptRevocation,
  forgetLogged,
  labelsToRevoke,
  revocationFeed,
  revocationsToLog,
  revokeCredentials,
  revokedEntries,
  withdrawnLabels,
  withdrawnOf,
} from "./revocations-table.js";
import type { Sealing } from "./sealing.js";
import { all, exists, lockDecisions, one, run, type Work } from "./statement.js";
import type {
  ApprovalDecision,
  AuditEvent,
  CredentialQuery,
  EnrolmentToken,
  IssuedCertificate,
  JournalConflict,
  LabelView,
  LogProof,
  NewApprovalRequest,
  NewIntent,
  OpenIntent,
  RenewalOrder,
  Revocation,
  RevocationCause,
  Store,
} from "./store.js";
import { insertToken, readToken } from "./tokens-table.js";

/** What a database does for the store. */
export interface StoreDriver {
  /** Runs queries that need not see one state together. */
  read<T>(work: Work<T>): Promise<T>;
  /** Runs a transaction: wholly or, when it throws, not at all; durable when the promise resolves. */
  write<T>(work: () => Work<T>): Promise<T>;
  exclusively<T>(label: string, work: () => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** The store over any SQL database; what is in the rows that names people is sealed. */
export class SqlStore implements Store {
  readonly #driver: StoreDriver;
  readonly #sealing: Sealing;

  constructor(driver: StoreDriver, sealing: Sealing) {
    this.#driver = driver;
    this.#sealing = sealing;
  }

  #read<T>(work: (sealing: Sealing) => Work<T>): Promise<T> {
    return this.#driver.read(work(this.#sealing));
  }
  #write<T>(work: (sealing: Sealing) => Work<T>): Promise<T> {
    return this.#driver.write(() => work(this.#sealing));
  }

  meta(key: string) {
    return this.#read(() => readMeta(key));
  }
  claimMeta(key: string, value: Uint8Array) {
    return this.#write(function* () {
      yield* run("insert into meta (key, value) values (?, ?) on conflict do nothing", key, value);
      return (yield* readMeta(key)) ?? value;
    });
  }

  raiseMeta(key: string, rank: number, value: Uint8Array) {
    return this.#write(function* () {
      yield* lockDecisions();
      const kept = yield* readMeta(key);
      if (kept !== undefined && rankOf(kept) >= rank) return;
      const ranked = new Uint8Array(8 + value.length);
      new DataView(ranked.buffer).setBigUint64(0, BigInt(rank));
      ranked.set(value, 8);
      yield* run(REPLACE_META, key, ranked);
    });
  }
  async raisedMeta(key: string) {
    return (await this.meta(key))?.slice(8);
  }

  nextNumber(name: string, least: number) {
    return this.#write(function* () {
      yield* lockDecisions();
      const stored = yield* readMeta(name);
      const last = stored === undefined ? 0 : Number(new TextDecoder().decode(stored));
      const next = Math.max(last + 1, least);
      const value = new TextEncoder().encode(String(next));
      yield* run(REPLACE_META, name, value);
      return next;
    });
  }

  addToken(token: Omit<EnrolmentToken, "spentAt">, now: number, audit: AuditEvent) {
    return this.#write(function* (sealing) {
      yield* lockDecisions();
      yield* insertToken(sealing, token, now);
      yield* appendAudit(sealing, audit, now);
    });
  }
  token(hash: string) {
    return this.#read((sealing) => readToken(sealing, hash));
  }

  nonceUsed(hash: string) {
    return this.#read(() => exists("select 1 from nonces where hash = ?", hash));
  }
  async useNonce(hash: string, expiresAt: number) {
    const sql = "insert into nonces (hash, expires_at) values (?, ?) on conflict do nothing";
    return (await this.#write(() => run(sql, hash, expiresAt))) === 1;
  }

  label(label: string) {
    return this.#read((sealing) => readLabel(sealing, label));
  }
  async journal(change: NewIntent, now: number, audit: AuditEvent): Promise<JournalConflict | undefined> {
    try {
      await this.#write((sealing) => journalIntent(sealing, change, now, audit));
      return undefined;
    } catch (error) {
      if (error instanceof JournalRefusal) return error.conflict;
      throw error;
    }
  }
  async rebase(intent: OpenIntent, view: LabelView, version: number, value: Uint8Array): Promise<void> {
    if (!(await this.#write((sealing) => rebaseIntent(sealing, intent, view, version, value))))
      throw new Error(`intent ${intent.id} is not journaled`);
  }
  markLogged(
    intent: OpenIntent,
    view: LabelView,
    position: number,
    proof: LogProof,
    revoked: readonly string[],
    now: number,
  ): Promise<boolean> {
    return this.#write((sealing) => moveToLogged(sealing, intent, view, position, proof, revoked, now));
  }
  markDone(intent: string, certificates: readonly IssuedCertificate[], now: number, audit: AuditEvent) {
    return this.#write((sealing) => moveToDone(sealing, intent, certificates, now, audit));
  }
  async withdraw(intent: OpenIntent, now: number, audit: AuditEvent): Promise<void> {
    if (!(await this.#write((sealing) => withdrawIntent(sealing, intent, now, audit))))
      throw new Error(`intent ${intent.id} is not journaled`);
  }
  async abandon(intent: string, now: number, audit: AuditEvent): Promise<void> {
    if (!(await this.#write((sealing) => abandonIntent(sealing, intent, now, audit))))
      throw new Error(`intent ${intent} is not logged`);
  }
  withdrawn(label: string) {
    return this.#read((sealing) => withdrawnOf(sealing, label));
  }
  withdrawnLabels(since: number) {
    return this.#read((sealing) => withdrawnLabels(sealing, since));
  }
  intent(id: string) {
    return this.#read((sealing) => readIntent(sealing, "id", id));
  }
  intentByKey(idempotencyKey: string) {
    return this.#read((sealing) => readIntent(sealing, "idempotency_key", idempotencyKey));
  }
  openIntents(label?: string) {
    return this.#read((sealing) => readOpenIntents(sealing, label));
  }
  credentialsOf(intent: string) {
    return this.#read((sealing) => readCredentials(sealing, "intent = ? order by place", intent));
  }

  credential(id: string) {
    return this.#read((sealing) => readCredential(sealing, "id = ?", id));
  }
  credentialByThumbprint(thumbprint: string) {
    return this.#read((sealing) => readCredential(sealing, "thumbprint = ?", thumbprint));
  }
  credentialStatus(issuer: string, serial: string) {
    return this.#read(() => readStatus(issuer, serial));
  }
  credentials(query: CredentialQuery) {
    return this.#read((sealing) => searchCredentials(sealing, query));
  }
  credentialsOfKey(spkiHash: string) {
    return this.#read((sealing) => readCredentials(sealing, "spki_hash = ? and user_ref <> '' order by id", spkiHash));
  }
  keyOwner(spkiHash: string) {
    return this.#read((sealing) => ownerOfKey(sealing, spkiHash));
  }
  keyBlocked(spkiHash: string) {
    return this.#read(() => exists("select 1 from blocked_keys where spki_hash = ?", spkiHash));
  }
  countUnexpired(client: string, now: number) {
    return this.#read((sealing) => countUnexpired(sealing, client, now));
  }
  activeClients(user: string, now: number) {
    return this.#read((sealing) => activeClients(sealing, user, now));
  }
  users(after: string, limit: number) {
    return this.#read((sealing) => readUsers(sealing, after, limit));
  }

  revoke(ids: readonly string[], cause: RevocationCause, now: number, audit: AuditEvent) {
    return this.#write((sealing) => revokeCredentials(sealing, ids, cause, now, audit));
  }
  adoptRevocation(id: string, revocation: Pick<Revocation, "revokedAt" | "reason">, now: number, audit: AuditEvent) {
    return this.#write((sealing) => adoptRevocation(sealing, id, revocation, now, audit));
  }
  forgetLogged(id: string, now: number, audit: AuditEvent) {
    return this.#write((sealing) => forgetLogged(sealing, id, now, audit));
  }
  labelsToRevoke() {
    return this.#read(labelsToRevoke);
  }
  revocationsToLog(label: string) {
    return this.#read((sealing) => revocationsToLog(sealing, label));
  }
  revocationFeed(after: number, limit: number) {
    return this.#read((sealing) => revocationFeed(sealing, after, limit));
  }
  revokedEntries(issuer: string, shard: number, now: number) {
    return this.#read(() => revokedEntries(issuer, shard, now));
  }
  async revocationSequence(): Promise<number> {
    const sql = "select sequence as n from revocations order by sequence desc limit 1";
    return (await this.#read(() => one<{ n: number }>(sql)))?.n ?? 0;
  }
  async countRevoked(issuer: string, shard: number): Promise<number> {
    const sql = "select count(*) as n from credentials where issuer = ? and shard = ? and state = 'revoked'";
    return (await this.#read(() => one<{ n: number }>(sql, issuer, shard)))?.n ?? 0;
  }

  requestApproval(request: NewApprovalRequest, mostPending: number, now: number, audit: AuditEvent) {
    return this.#write((sealing) => insertApprovalRequest(sealing, request, mostPending, now, audit));
  }
  approvalRequest(id: string) {
    return this.#read((sealing) => readApprovalRequest(sealing, id));
  }
  approvalRequests(query: { user?: string | undefined; after: string; limit: number }) {
    return this.#read((sealing) => readApprovalRequests(sealing, query));
  }
  decideApproval(
    id: string,
    decision: ApprovalDecision,
    token: Omit<EnrolmentToken, "spentAt"> | undefined,
    now: number,
    audit: AuditEvent,
  ) {
    return this.#write((sealing) => decideApprovalRequest(sealing, id, decision, token, now, audit));
  }

  addRenewalOrder(order: RenewalOrder, now: number, audit: AuditEvent) {
    return this.#write(function* (sealing) {
      yield* lockDecisions();
      yield* run(
        "insert into renewal_orders (id, issuer, issued_before, start_at, end_at) values (?, ?, ?, ?, ?)",
        order.id,
        order.issuer ?? null,
        order.issuedBefore,
        order.start,
        order.end,
      );
      yield* appendAudit(sealing, audit, now);
    });
  }
  renewalOrders() {
    return this.#read(readRenewalOrders);
  }

  erase(user: string, now: number, audit: AuditEvent) {
    return this.#write((sealing) => eraseUser(sealing, user, now, audit));
  }
  exclusively<T>(label: string, work: () => Promise<T>): Promise<T> {
    return this.#driver.exclusively(this.#sealing.reference(label), work);
  }

  audit(event: AuditEvent, now: number) {
    return this.#write(function* (sealing) {
      yield* lockDecisions();
      yield* appendAudit(sealing, event, now);
    });
  }
  auditEntries(query: { after: number; limit: number; subject?: string | undefined }) {
    return this.#read((sealing) => auditEntries(sealing, query));
  }

  prune(now: number) {
    return this.#write(function* () {
      yield* run("delete from nonces where expires_at < ?", now);
      yield* run("delete from tokens where expires_at < ?", now - FORGOTTEN);
      yield* run("delete from approvals where expires_at < ?", now - FORGOTTEN);
      yield* run("delete from withdrawn_credentials where not_after < ?", now);
      yield* run("delete from renewal_orders where end_at < ?", now - FORGOTTEN);
    });
  }
  close() {
    return this.#driver.close();
  }
}

/** Seconds after which what has expired is forgotten. */
const FORGOTTEN = 30 * 86_400;

const REPLACE_META =
  "insert into meta (key, value) values (?, ?) on conflict (key) do update set value = excluded.value";

/** The rank that a raised value begins with. */
const rankOf = (value: Uint8Array): number => Number(Buffer.from(value).readBigUInt64BE(0));

function* readMeta(key: string): Work<Uint8Array | undefined> {
  const row = yield* one<{ value: Uint8Array }>("select value from meta where key = ?", key);
  return row === undefined ? undefined : new Uint8Array(row.value);
}

function* readStatus(issuer: string, serial: string) {
  const row = yield* one<{ state: string; revoked_at: number | null; reason: number | null }>(
    "select state, revoked_at, reason from credentials where issuer = ? and serial = ?",
    issuer,
    serial,
  );
  if (row === undefined || row.state === "pending") return undefined;
  if (row.revoked_at === null || row.reason === null) return { revocation: undefined };
  return { revocation: { revokedAt: row.revoked_at, reason: row.reason } };
}

function* readRenewalOrders(): Work<readonly RenewalOrder[]> {
  const rows = yield* all<{
    id: string;
    issuer: string | null;
    issued_before: number;
    start_at: number;
    end_at: number;
  }>("select * from renewal_orders order by start_at, id");
  return rows.map((row) => ({
    id: row.id,
    issuer: row.issuer ?? undefined,
    issuedBefore: row.issued_before,
    start: row.start_at,
    end: row.end_at,
  }));
}
