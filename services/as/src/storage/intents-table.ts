import { appendAudit } from "./audit-table.js";
import { insertPending } from "./credentials-table.js";
import { saveLabel } from "./labels-table.js";
import { feedRevoked } from "./revocations-table.js";
import { type IntentRow, intentFromRow } from "./rows.js";
import type { Sealing } from "./sealing.js";
import { all, exists, lockDecisions, one, run, type Work } from "./statement.js";
import type {
  AuditEvent,
  Intent,
  IssuedCertificate,
  JournalConflict,
  LabelView,
  LogProof,
  NewIntent,
} from "./store.js";
import { spendToken } from "./tokens-table.js";

/** Ends a journaling transaction that must leave nothing behind. */
export class JournalRefusal extends Error {
  override readonly name = "JournalRefusal";
  readonly conflict: JournalConflict;

  constructor(conflict: JournalConflict) {
    super(conflict);
    this.conflict = conflict;
  }
}

/** @throws JournalRefusal */
export function* journalIntent(sealing: Sealing, change: NewIntent, now: number, audit: AuditEvent): Work<void> {
  yield* lockDecisions();
  const { intent, nonce, tokenHash, view } = change;
  const conflict = yield* conflictOf(sealing, change, now);
  if (conflict !== undefined) throw new JournalRefusal(conflict);
  if (nonce !== undefined)
    yield* run("insert into nonces (hash, expires_at) values (?, ?)", nonce.hash, nonce.expiresAt);
  const spent = tokenHash === undefined ? undefined : yield* spendToken(tokenHash, intent.id, now);
  if (spent !== undefined) throw new JournalRefusal(spent);
  const seal = (column: string, value: Uint8Array | string): Uint8Array =>
    sealing.seal(`intents.${column}`, intent.id, value);
  yield* run(
    `insert into intents (id, kind, label_ref, label, idempotency_key, request_hash, origin, addition, version, value, state, created_at, updated_at)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'journaled', ?, ?)`,
    intent.id,
    intent.kind,
    sealing.reference(intent.label),
    seal("label", intent.label),
    intent.idempotencyKey,
    intent.requestHash,
    intent.origin,
    intent.addition === undefined ? null : seal("addition", intent.addition),
    intent.version,
    seal("value", intent.value),
    intent.createdAt,
    now,
  );
  for (const [place, credential] of change.credentials.entries())
    yield* insertPending(sealing, credential, intent.id, place);
  yield* saveLabel(sealing, intent.label, view);
  yield* appendAudit(sealing, audit, now);
}

function* conflictOf(
  sealing: Sealing,
  { intent, nonce, credentials, reliesOn }: NewIntent,
  now: number,
): Work<JournalConflict | undefined> {
  if (yield* exists("select 1 from intents where idempotency_key = ?", intent.idempotencyKey)) return "duplicate";
  const label = sealing.reference(intent.label);
  if (yield* exists("select 1 from intents where label_ref = ? and state in ('journaled', 'logged')", label))
    return "label-busy";
  if (nonce !== undefined && (yield* exists("select 1 from nonces where hash = ?", nonce.hash))) return "nonce-used";
  for (const id of reliesOn)
    if (!(yield* exists("select 1 from credentials where id = ? and state = 'active' and not_after > ?", id, now)))
      return "signer-inactive";
  for (const { spkiHash, client } of credentials) {
    if (yield* exists("select 1 from blocked_keys where spki_hash = ?", spkiHash)) return "key-blocked";
    const reference = sealing.reference(client);
    if (yield* exists("select 1 from credentials where spki_hash = ? and client_ref <> ?", spkiHash, reference))
      return "key-in-use";
  }
  return undefined;
}

/** @returns false when the intent is not journaled any more */
export function* rebaseIntent(
  sealing: Sealing,
  intent: Pick<Intent, "id" | "label">,
  view: LabelView,
  version: number,
  value: Uint8Array,
): Work<boolean> {
  const moved = yield* run(
    "update intents set version = ?, value = ? where id = ? and state = 'journaled'",
    version,
    sealing.seal("intents.value", intent.id, value),
    intent.id,
  );
  if (moved === 1) yield* saveLabel(sealing, intent.label, view);
  return moved === 1;
}

/** @returns false when the intent is not journaled any more */
export function* moveToLogged(
  sealing: Sealing,
  intent: Pick<Intent, "id" | "label">,
  view: LabelView,
  position: number,
  proof: LogProof,
  revoked: readonly string[],
  now: number,
): Work<boolean> {
  const moved = yield* run(
    `update intents set state = 'logged', position = ?, proof_request = ?, proof_response = ?, updated_at = ?
     where id = ? and state = 'journaled'`,
    position,
    sealing.seal("intents.proof_request", intent.id, proof.request),
    sealing.seal("intents.proof_response", intent.id, proof.response),
    now,
    intent.id,
  );
  if (moved !== 1) return false;
  yield* saveLabel(sealing, intent.label, view);
  for (const id of revoked)
    yield* run("update credentials set revocation_logged = 1 where id = ? and revocation_logged = 0", id);
  return true;
}

/** @returns false, having changed nothing, when the intent is not logged or one of its credentials is not pending */
export function* moveToDone(
  sealing: Sealing,
  intent: string,
  certificates: readonly IssuedCertificate[],
  now: number,
  audit: AuditEvent,
): Work<boolean> {
  yield* lockDecisions();
  if (yield* exists("select 1 from credentials where intent = ? and state <> 'pending'", intent)) return false;
  const moved = yield* run(
    "update intents set state = 'done', updated_at = ? where id = ? and state = 'logged'",
    now,
    intent,
  );
  if (moved !== 1) return false;
  for (const { id, certificate, thumbprint } of certificates)
    yield* run(
      "update credentials set state = 'active', certificate = ?, thumbprint = ? where id = ?",
      sealing.seal("credentials.certificate", id, certificate),
      thumbprint,
      id,
    );
  yield* appendAudit(sealing, audit, now);
  return true;
}

/** @returns false when the intent is not journaled any more */
export function* withdrawIntent(
  sealing: Sealing,
  { id: intent, label }: Pick<Intent, "id" | "label">,
  now: number,
  audit: AuditEvent,
): Work<boolean> {
  yield* lockDecisions();
  const moved = yield* run(
    "update intents set state = 'withdrawn', updated_at = ? where id = ? and state = 'journaled'",
    now,
    intent,
  );
  if (moved !== 1) return false;
  yield* run("update tokens set spent_at = null, intent = null where intent = ?", intent);
  const credentials = yield* all<{ id: string; not_after: number }>(
    "select id, not_after from credentials where intent = ?",
    intent,
  );
  for (const { id, not_after: notAfter } of credentials)
    yield* run(
      `insert into withdrawn_credentials (id, label_ref, label, withdrawn_at, not_after) values (?, ?, ?, ?, ?)
       on conflict do nothing`,
      id,
      sealing.reference(label),
      sealing.seal("withdrawn_credentials.label", id, label),
      now,
      notAfter,
    );
  yield* run("delete from credentials where intent = ?", intent);
  yield* appendAudit(sealing, audit, now);
  return true;
}

/** @returns false when the intent is not logged any more */
export function* abandonIntent(sealing: Sealing, intent: string, now: number, audit: AuditEvent): Work<boolean> {
  yield* lockDecisions();
  const moved = yield* run(
    "update intents set state = 'done', updated_at = ? where id = ? and state = 'logged'",
    now,
    intent,
  );
  if (moved !== 1) return false;
  yield* run(
    `update credentials set state = 'revoked', revoked_at = ?, reason = 5, revocation_origin = 'operatorRevocation'
     where intent = ? and state = 'pending'`,
    now,
    intent,
  );
  yield* feedRevoked("intent", intent);
  yield* appendAudit(sealing, audit, now);
  return true;
}

export function* readIntent(
  sealing: Sealing,
  column: "id" | "idempotency_key",
  value: string,
): Work<Intent | undefined> {
  const row = yield* one<IntentRow>(`select * from intents where ${column} = ?`, value);
  return row === undefined ? undefined : intentFromRow(sealing, row);
}

export function* readOpenIntents(sealing: Sealing, label?: string): Work<readonly Intent[]> {
  const open = "select * from intents where state in ('journaled', 'logged')";
  const rows =
    label === undefined
      ? yield* all<IntentRow>(`${open} order by created_at, id`)
      : yield* all<IntentRow>(`${open} and label_ref = ?`, sealing.reference(label));
  return rows.map((row) => intentFromRow(sealing, row));
}
