import Database from "better-sqlite3";
import { auditHash, auditText, NO_PREVIOUS_ENTRY, parseAuditText } from "../audit.js";
import { type CredentialRow, credentialFromRow, type IntentRow, intentFromRow, plainBytes } from "./rows.js";
import { SQLITE_SCHEMA } from "./schema.js";
import type {
  AuditEntry,
  AuditEvent,
  CredentialQuery,
  EnrolmentToken,
  Intent,
  JournalConflict,
  LabelView,
  LogProof,
  NewIntent,
  Revocation,
  RevocationCause,
  RevokedEntry,
  Store,
  StoredCredential,
} from "./store.js";

type Parameter = string | number | Uint8Array | null;

/** The embedded store: one file, one process, WAL with synchronous=FULL, so that a commit is durable when it returns. */
export class SqliteStore implements Store {
  readonly #db: Database.Database;
  readonly #statements = new Map<string, Database.Statement>();

  constructor(path: string) {
    this.#db = new Database(path);
    this.#db.pragma("journal_mode = WAL");
    this.#db.pragma("synchronous = FULL");
    this.#db.pragma("foreign_keys = ON");
    this.#db.pragma("busy_timeout = 5000");
    this.#db.exec(SQLITE_SCHEMA);
  }

  #prepare(sql: string): Database.Statement {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#db.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }
  #get<Row>(sql: string, ...parameters: Parameter[]): Row | undefined {
    return this.#prepare(sql).get(...parameters) as Row | undefined;
  }
  #all<Row>(sql: string, ...parameters: Parameter[]): Row[] {
    return this.#prepare(sql).all(...parameters) as Row[];
  }
  #run(sql: string, ...parameters: Parameter[]): number {
    return this.#prepare(sql).run(...parameters).changes;
  }
  #transaction<T>(work: () => T): T {
    return this.#db.transaction(work).immediate();
  }

  async meta(key: string): Promise<Uint8Array | undefined> {
    return plainBytes(this.#get<{ value: Uint8Array }>("select value from meta where key = ?", key)?.value);
  }

  async claimMeta(key: string, value: Uint8Array): Promise<Uint8Array> {
    this.#run("insert into meta (key, value) values (?, ?) on conflict do nothing", key, value);
    return (await this.meta(key)) ?? value;
  }

  async addToken(token: Omit<EnrolmentToken, "spentAt">, now: number, audit: AuditEvent): Promise<void> {
    this.#transaction(() => {
      this.#run(
        "insert into tokens (hash, user, client, created_at, expires_at) values (?, ?, ?, ?, ?)",
        token.hash,
        token.user,
        token.client,
        now,
        token.expiresAt,
      );
      this.#audit(audit, now);
    });
  }

  async token(hash: string): Promise<EnrolmentToken | undefined> {
    const row = this.#get<{ hash: string; user: string; client: string; expires_at: number; spent_at: number | null }>(
      "select hash, user, client, expires_at, spent_at from tokens where hash = ?",
      hash,
    );
    if (row === undefined) return undefined;
    const { user, client, expires_at: expiresAt, spent_at: spentAt } = row;
    return { hash, user, client, expiresAt, spentAt: spentAt ?? undefined };
  }

  async nonceUsed(hash: string): Promise<boolean> {
    return this.#get("select 1 from nonces where hash = ?", hash) !== undefined;
  }

  async useNonce(hash: string, expiresAt: number): Promise<boolean> {
    return (
      this.#run("insert into nonces (hash, expires_at) values (?, ?) on conflict do nothing", hash, expiresAt) === 1
    );
  }

  async label(label: string): Promise<LabelView | undefined> {
    const row = this.#get<{ state: Uint8Array; version: number | null; value: Uint8Array | null }>(
      "select state, version, value from labels where label = ?",
      label,
    );
    if (row === undefined) return undefined;
    const value = plainBytes(row.value);
    const latest = row.version === null || value === undefined ? undefined : { version: row.version, value };
    return { state: plainBytes(row.state) ?? new Uint8Array(), latest };
  }

  async journal(change: NewIntent, now: number, audit: AuditEvent): Promise<JournalConflict | undefined> {
    return this.#transaction(() => {
      const conflict = this.#journalConflict(change, now);
      if (conflict !== undefined) return conflict;
      const { intent, nonce, tokenHash, view } = change;
      if (nonce !== undefined)
        this.#run("insert into nonces (hash, expires_at) values (?, ?)", nonce.hash, nonce.expiresAt);
      if (tokenHash !== undefined)
        this.#run("update tokens set spent_at = ?, intent = ? where hash = ?", now, intent.id, tokenHash);
      this.#run(
        `insert into intents (id, kind, label, idempotency_key, request_hash, origin, addition, version, value, state, created_at, updated_at)
         values (?, ?, ?, ?, ?, ?, ?, ?, ?, 'journaled', ?, ?)`,
        intent.id,
        intent.kind,
        intent.label,
        intent.idempotencyKey,
        intent.requestHash,
        intent.origin,
        intent.addition ?? null,
        intent.version,
        intent.value,
        intent.createdAt,
        now,
      );
      for (const credential of change.credentials) this.#insertPending(credential, intent.id);
      this.#saveLabel(intent.label, view);
      this.#audit(audit, now);
      return undefined;
    });
  }

  #journalConflict({ intent, nonce, tokenHash, credentials }: NewIntent, now: number): JournalConflict | undefined {
    if (this.#get("select 1 from intents where idempotency_key = ?", intent.idempotencyKey) !== undefined)
      return "duplicate";
    if (
      this.#get("select 1 from intents where label = ? and state in ('journaled', 'logged')", intent.label) !==
      undefined
    )
      return "label-busy";
    if (nonce !== undefined && this.#get("select 1 from nonces where hash = ?", nonce.hash) !== undefined)
      return "nonce-used";
    if (tokenHash !== undefined) {
      const token = this.#get<{ spent_at: number | null; expires_at: number }>(
        "select spent_at, expires_at from tokens where hash = ?",
        tokenHash,
      );
      if (token === undefined || token.spent_at !== null) return "token-spent";
      if (token.expires_at <= now) return "token-expired";
    }
    for (const { spkiHash, client } of credentials) {
      if (this.#get("select 1 from blocked_keys where spki_hash = ?", spkiHash) !== undefined) return "key-blocked";
      if (this.#get("select 1 from credentials where spki_hash = ? and client <> ?", spkiHash, client) !== undefined)
        return "key-in-use";
    }
    return undefined;
  }

  #insertPending(credential: NewIntent["credentials"][number], intent: string): void {
    this.#run(
      `insert into credentials (id, serial, issuer, user, client, spki_hash, not_before, not_after, shard, tbs, proved_at, state, intent)
       values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'pending', ?)`,
      credential.id,
      credential.serial,
      credential.issuer,
      credential.user,
      credential.client,
      credential.spkiHash,
      credential.notBefore,
      credential.notAfter,
      credential.shard,
      credential.tbs,
      credential.provedAt,
      intent,
    );
  }

  #saveLabel(label: string, { state, latest }: LabelView): void {
    this.#run(
      `insert into labels (label, state, version, value) values (?, ?, ?, ?)
       on conflict (label) do update set state = excluded.state, version = excluded.version, value = excluded.value`,
      label,
      state,
      latest?.version ?? null,
      latest?.value ?? null,
    );
  }

  async rebase(intent: string, view: LabelView, version: number, value: Uint8Array): Promise<void> {
    this.#transaction(() => {
      const row = this.#get<{ label: string }>(
        "select label from intents where id = ? and state = 'journaled'",
        intent,
      );
      if (row === undefined) throw new Error(`intent ${intent} is not journaled`);
      this.#run("update intents set version = ?, value = ? where id = ?", version, value, intent);
      this.#saveLabel(row.label, view);
    });
  }

  async markLogged(
    intent: string,
    view: LabelView,
    position: number,
    proof: LogProof,
    revoked: readonly string[],
    now: number,
  ): Promise<void> {
    this.#transaction(() => {
      const row = this.#get<{ label: string }>(
        "select label from intents where id = ? and state = 'journaled'",
        intent,
      );
      if (row === undefined) throw new Error(`intent ${intent} is not journaled`);
      this.#run(
        "update intents set state = 'logged', position = ?, proof_request = ?, proof_response = ?, updated_at = ? where id = ?",
        position,
        proof.request,
        proof.response,
        now,
        intent,
      );
      this.#saveLabel(row.label, view);
      for (const id of revoked) this.#run("update credentials set revocation_logged = 1 where id = ?", id);
    });
  }

  async markDone(
    intent: string,
    certificates: readonly { id: string; certificate: Uint8Array; thumbprint: string }[],
    now: number,
    audit: AuditEvent,
  ): Promise<void> {
    this.#transaction(() => {
      if (
        this.#run(
          "update intents set state = 'done', updated_at = ? where id = ? and state = 'logged'",
          now,
          intent,
        ) !== 1
      )
        throw new Error(`intent ${intent} is not logged`);
      for (const { id, certificate, thumbprint } of certificates)
        this.#run(
          "update credentials set state = 'active', certificate = ?, thumbprint = ? where id = ? and state = 'pending'",
          certificate,
          thumbprint,
          id,
        );
      this.#audit(audit, now);
    });
  }

  async withdraw(intent: string, now: number, audit: AuditEvent): Promise<void> {
    this.#transaction(() => {
      if (
        this.#run(
          "update intents set state = 'withdrawn', updated_at = ? where id = ? and state = 'journaled'",
          now,
          intent,
        ) !== 1
      )
        throw new Error(`intent ${intent} is not journaled`);
      this.#run("update tokens set spent_at = null, intent = null where intent = ?", intent);
      this.#run("delete from credentials where intent = ?", intent);
      this.#audit(audit, now);
    });
  }

  async abandon(intent: string, now: number, audit: AuditEvent): Promise<void> {
    this.#transaction(() => {
      if (
        this.#run(
          "update intents set state = 'done', updated_at = ? where id = ? and state = 'logged'",
          now,
          intent,
        ) !== 1
      )
        throw new Error(`intent ${intent} is not logged`);
      this.#run(
        `update credentials set state = 'revoked', revoked_at = ?, reason = 5, revocation_origin = 'operatorRevocation'
         where intent = ? and state = 'pending'`,
        now,
        intent,
      );
      this.#feed("intent = ?", intent);
      this.#audit(audit, now);
    });
  }

  async intent(id: string): Promise<Intent | undefined> {
    return intentFromRow(this.#get<IntentRow>("select * from intents where id = ?", id));
  }

  async intentByKey(idempotencyKey: string): Promise<Intent | undefined> {
    return intentFromRow(this.#get<IntentRow>("select * from intents where idempotency_key = ?", idempotencyKey));
  }

  async openIntents(): Promise<readonly Intent[]> {
    const rows = this.#all<IntentRow>(
      "select * from intents where state in ('journaled', 'logged') order by created_at",
    );
    return rows.flatMap((row) => intentFromRow(row) ?? []);
  }

  async credentialsOf(intent: string): Promise<readonly StoredCredential[]> {
    return this.#all<CredentialRow>("select * from credentials where intent = ? order by rowid", intent).map(
      credentialFromRow,
    );
  }

  async credential(id: string): Promise<StoredCredential | undefined> {
    return this.#one("select * from credentials where id = ?", id);
  }
  async credentialByThumbprint(thumbprint: string): Promise<StoredCredential | undefined> {
    return this.#one("select * from credentials where thumbprint = ?", thumbprint);
  }
  async credentialBySerial(issuer: string, serial: string): Promise<StoredCredential | undefined> {
    return this.#one("select * from credentials where issuer = ? and serial = ?", issuer, serial);
  }
  #one(sql: string, ...parameters: Parameter[]): StoredCredential | undefined {
    const row = this.#get<CredentialRow>(sql, ...parameters);
    return row === undefined ? undefined : credentialFromRow(row);
  }

  async credentials({
    user,
    client,
    serial,
    state,
    after,
    limit,
  }: CredentialQuery): Promise<readonly StoredCredential[]> {
    const clauses: string[] = ["id > ?"];
    const parameters: Parameter[] = [after ?? ""];
    const filters: readonly (readonly [string, string | undefined])[] = [
      ["user", user],
      ["client", client],
      ["serial", serial],
      ["state", state],
    ];
    for (const [column, value] of filters)
      if (value !== undefined) {
        clauses.push(`${column} = ?`);
        parameters.push(value);
      }
    const sql = `select * from credentials where ${clauses.join(" and ")} order by id limit ?`;
    return this.#all<CredentialRow>(sql, ...parameters, limit).map(credentialFromRow);
  }

  async keyOwner(spkiHash: string): Promise<string | undefined> {
    return this.#get<{ client: string }>("select client from credentials where spki_hash = ? limit 1", spkiHash)
      ?.client;
  }
  async keyBlocked(spkiHash: string): Promise<boolean> {
    return this.#get("select 1 from blocked_keys where spki_hash = ?", spkiHash) !== undefined;
  }

  async countUnexpired(client: string, now: number): Promise<number> {
    const sql = "select count(*) as n from credentials where client = ? and not_after > ? and state <> 'revoked'";
    return this.#get<{ n: number }>(sql, client, now)?.n ?? 0;
  }

  async activeClients(user: string, now: number): Promise<readonly string[]> {
    const sql = "select distinct client from credentials where user = ? and not_after > ? and state <> 'revoked'";
    return this.#all<{ client: string }>(sql, user, now).map(({ client }) => client);
  }

  async revoke(ids: readonly string[], cause: RevocationCause, now: number, audit: AuditEvent): Promise<void> {
    this.#transaction(() => {
      let changed = 0;
      for (const id of ids) {
        changed += this.#run(
          "update credentials set state = 'revoked', revoked_at = ?, reason = ?, revocation_origin = ? where id = ? and state = 'active'",
          now,
          cause.reason,
          cause.origin,
          id,
        );
        this.#feed("id = ?", id);
        if (cause.block)
          changed += this.#run(
            "insert into blocked_keys (spki_hash, blocked_at) select spki_hash, ? from credentials where id = ? on conflict do nothing",
            now,
            id,
          );
      }
      if (changed > 0) this.#audit(audit, now);
    });
  }

  async users(after: string, limit: number): Promise<readonly string[]> {
    const sql = "select distinct user from credentials where user > ? order by user limit ?";
    return this.#all<{ user: string }>(sql, after, limit).map(({ user }) => user);
  }

  async adoptRevocation(
    id: string,
    { revokedAt, reason }: Pick<Revocation, "revokedAt" | "reason">,
    now: number,
    audit: AuditEvent,
  ): Promise<void> {
    this.#transaction(() => {
      this.#run(
        `update credentials set state = 'revoked', revoked_at = ?, reason = ?, revocation_origin = 'operatorRevocation', revocation_logged = 1
         where id = ? and state = 'active'`,
        revokedAt,
        reason,
        id,
      );
      this.#feed("id = ?", id);
      this.#audit(audit, now);
    });
  }

  async forgetLogged(id: string, now: number, audit: AuditEvent): Promise<void> {
    this.#transaction(() => {
      this.#run("update credentials set revocation_logged = 0 where id = ? and state = 'revoked'", id);
      this.#audit(audit, now);
    });
  }

  async labelsToRevoke(): Promise<readonly string[]> {
    const sql = "select distinct user from credentials where state = 'revoked' and revocation_logged = 0";
    return this.#all<{ user: string }>(sql).map(({ user }) => user);
  }

  async revocationsToLog(label: string): Promise<readonly StoredCredential[]> {
    const sql = "select * from credentials where user = ? and state = 'revoked' and revocation_logged = 0";
    return this.#all<CredentialRow>(sql, label).map(credentialFromRow);
  }

  /** Adds the revoked credentials that a condition selects to the feed. */
  #feed(condition: "id = ?" | "intent = ?", parameter: string): void {
    this.#run(
      `insert into revocations (credential) select id from credentials where ${condition} and state = 'revoked' on conflict do nothing`,
      parameter,
    );
  }

  async revocationFeed(
    after: number,
    limit: number,
  ): Promise<readonly { readonly sequence: number; readonly credential: StoredCredential }[]> {
    const sql = `select r.sequence as sequence, c.* from revocations r join credentials c on c.id = r.credential
      where r.sequence > ? order by r.sequence limit ?`;
    const rows = this.#all<CredentialRow & { sequence: number }>(sql, after, limit);
    return rows.map((row) => ({ sequence: row.sequence, credential: credentialFromRow(row) }));
  }

  async revokedEntries(issuer: string, shard: number, now: number): Promise<readonly RevokedEntry[]> {
    const sql = `select serial, revoked_at as revokedAt, reason from credentials
      where issuer = ? and shard = ? and state = 'revoked' and not_after > ? order by serial`;
    return this.#all<RevokedEntry>(sql, issuer, shard, now);
  }

  async countRevoked(issuer: string, shard: number): Promise<number> {
    const sql = "select count(*) as n from credentials where issuer = ? and shard = ? and state = 'revoked'";
    return this.#get<{ n: number }>(sql, issuer, shard)?.n ?? 0;
  }

  #audit(event: AuditEvent, now: number): void {
    const last = this.#get<{ sequence: number; hash: string }>(
      "select sequence, hash from audit order by sequence desc limit 1",
    );
    const sequence = (last?.sequence ?? 0) + 1;
    const previousHash = last?.hash ?? NO_PREVIOUS_ENTRY;
    const text = auditText(sequence, now, event);
    this.#run(
      "insert into audit (sequence, time, subject, entry, previous_hash, hash) values (?, ?, ?, ?, ?, ?)",
      sequence,
      now,
      event.subject ?? null,
      text,
      previousHash,
      auditHash(previousHash, text),
    );
  }

  async audit(event: AuditEvent, now: number): Promise<void> {
    this.#transaction(() => this.#audit(event, now));
  }

  async auditEntries({
    after,
    limit,
    subject,
  }: {
    after: number;
    limit: number;
    subject?: string | undefined;
  }): Promise<readonly AuditEntry[]> {
    const columns = "select entry, previous_hash as previousHash, hash from audit where sequence > ?";
    const rows =
      subject === undefined
        ? this.#all<{ entry: string; previousHash: string; hash: string }>(
            `${columns} order by sequence limit ?`,
            after,
            limit,
          )
        : this.#all<{ entry: string; previousHash: string; hash: string }>(
            `${columns} and subject = ? order by sequence limit ?`,
            after,
            subject,
            limit,
          );
    return rows.map(({ entry, previousHash, hash }) => parseAuditText(entry, previousHash, hash));
  }

  async prune(now: number): Promise<void> {
    this.#transaction(() => {
      this.#run("delete from nonces where expires_at < ?", now);
      this.#run("delete from tokens where expires_at < ?", now - 30 * 86_400);
    });
  }

  async close(): Promise<void> {
    this.#db.close();
  }
}
