import { appendAudit } from "./audit-table.js";
import { type CredentialRow, credentialFromRow } from "./rows.js";
import type { Sealing } from "./sealing.js";
import { all, lockDecisions, one, run, type Work } from "./statement.js";
import type {
  AuditEvent,
  Revocation,
  RevocationCause,
  RevokedEntry,
  StoredCredential,
  WithdrawnCredential,
} from "./store.js";

/** Adds revoked credentials to the feed, in the order in which decisions are made. */
export function* feedRevoked(column: "id" | "intent", value: string): Work<void> {
  const found = yield* all<{ id: string }>(
    `select id from credentials where ${column} = ? and state = 'revoked'
     and not exists (select 1 from revocations r where r.credential = credentials.id) order by place`,
    value,
  );
  for (const { id } of found)
    yield* run(
      "insert into revocations (sequence, credential) select coalesce(max(sequence), 0) + 1, ? from revocations",
      id,
    );
}

export function* revokeCredentials(
  sealing: Sealing,
  ids: readonly string[],
  cause: RevocationCause,
  now: number,
  audit: AuditEvent,
): Work<readonly string[]> {
  yield* lockDecisions();
  const wanted = new Set(ids);
  let changed = 0;
  if (cause.block)
    for (const id of ids) {
      const key = yield* one<{ spki_hash: string }>("select spki_hash from credentials where id = ?", id);
      if (key === undefined) continue;
      const same = yield* all<{ id: string }>(
        "select id from credentials where spki_hash = ? order by id",
        key.spki_hash,
      );
      for (const other of same) wanted.add(other.id);
      changed += yield* run(
        "insert into blocked_keys (spki_hash, blocked_at) values (?, ?) on conflict do nothing",
        key.spki_hash,
        now,
      );
    }
  const revoked: string[] = [];
  for (const id of wanted) {
    changed += yield* run(
      `update credentials set state = 'revoked', revoked_at = ?, reason = ?, revocation_origin = ?
       where id = ? and state in ('active', 'pending')`,
      now,
      cause.reason,
      cause.origin,
      id,
    );
    yield* feedRevoked("id", id);
    revoked.push(id);
  }
  if (changed > 0) yield* appendAudit(sealing, { ...audit, detail: { ...audit.detail, credentials: revoked } }, now);
  return revoked;
}

export function* adoptRevocation(
  sealing: Sealing,
  id: string,
  { revokedAt, reason }: Pick<Revocation, "revokedAt" | "reason">,
  now: number,
  audit: AuditEvent,
): Work<void> {
  yield* lockDecisions();
  yield* run(
    `update credentials set state = 'revoked', revoked_at = ?, reason = ?, revocation_origin = 'operatorRevocation', revocation_logged = 1
     where id = ? and state = 'active'`,
    revokedAt,
    reason,
    id,
  );
  yield* feedRevoked("id", id);
  yield* appendAudit(sealing, audit, now);
}

export function* forgetLogged(sealing: Sealing, id: string, now: number, audit: AuditEvent): Work<void> {
  yield* lockDecisions();
  yield* run("update credentials set revocation_logged = 0 where id = ? and state = 'revoked'", id);
  yield* appendAudit(sealing, audit, now);
}

const UNLOGGED = "state = 'revoked' and revocation_logged = 0 and user_ref <> ''";

export function* labelsToRevoke(sealing: Sealing): Work<readonly string[]> {
  const rows = yield* all<CredentialRow>(
    `select * from credentials where id in (select min(id) from credentials where ${UNLOGGED} group by user_ref)`,
  );
  return rows.map((row) => credentialFromRow(sealing, row).user);
}

export function* revocationsToLog(sealing: Sealing, label: string): Work<readonly StoredCredential[]> {
  const rows = yield* all<CredentialRow>(
    `select * from credentials where user_ref = ? and ${UNLOGGED}`,
    sealing.reference(label),
  );
  return rows.map((row) => credentialFromRow(sealing, row));
}

export function* revocationFeed(
  sealing: Sealing,
  after: number,
  limit: number,
): Work<readonly { readonly sequence: number; readonly credential: StoredCredential }[]> {
  const rows = yield* all<CredentialRow & { sequence: number }>(
    `select r.sequence as sequence, c.* from revocations r join credentials c on c.id = r.credential
     where r.sequence > ? and c.user_ref <> '' order by r.sequence limit ?`,
    after,
    limit,
  );
  return rows.map((row) => ({ sequence: row.sequence, credential: credentialFromRow(sealing, row) }));
}

export function* revokedEntries(issuer: string, shard: number, now: number): Work<readonly RevokedEntry[]> {
  const rows = yield* all<{ serial: string; revoked_at: number; reason: number }>(
    `select serial, revoked_at, reason from credentials
     where issuer = ? and shard = ? and state = 'revoked' and not_after > ? order by serial`,
    issuer,
    shard,
    now,
  );
  return rows.map(({ serial, revoked_at: revokedAt, reason }) => ({ serial, revokedAt, reason }));
}

export function* withdrawnOf(sealing: Sealing, label: string): Work<readonly WithdrawnCredential[]> {
  const rows = yield* all<{ id: string; withdrawn_at: number }>(
    "select id, withdrawn_at from withdrawn_credentials where label_ref = ? order by id",
    sealing.reference(label),
  );
  return rows.map(({ id, withdrawn_at: withdrawnAt }) => ({ id, withdrawnAt }));
}

export function* withdrawnLabels(sealing: Sealing, since: number): Work<readonly string[]> {
  const rows = yield* all<{ id: string; label: Uint8Array }>(
    `select id, label from withdrawn_credentials
     where id in (select min(id) from withdrawn_credentials where withdrawn_at >= ? group by label_ref)`,
    since,
  );
  return rows.map(({ id, label }) => sealing.openText("withdrawn_credentials.label", id, label));
}
