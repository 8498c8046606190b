import { appendAudit } from "./audit-table.js";
import { openIdentity, sealIdentity } from "./rows.js";
import type { Sealing } from "./sealing.js";
import { all, lockDecisions, one, run, type Work } from "./statement.js";
import type { ApprovalDecision, ApprovalRequest, AuditEvent, EnrolmentToken, NewApprovalRequest } from "./store.js";
import { insertToken } from "./tokens-table.js";

interface ApprovalRow {
  readonly id: string;
  readonly secret_hash: string;
  readonly identity: Uint8Array;
  readonly keys: string;
  readonly created_at: number;
  readonly expires_at: number;
  readonly state: "pending" | "approved" | "denied";
  readonly decided_by: Uint8Array | null;
  readonly approvals: Uint8Array | null;
}

function fromRow(sealing: Sealing, row: ApprovalRow): ApprovalRequest {
  const [user, client] = openIdentity(sealing, "approvals.identity", row.id, row.identity);
  return {
    id: row.id,
    secretHash: row.secret_hash,
    user,
    client,
    spkiHashes: row.keys.split(","),
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    state: row.state,
    decidedBy: row.decided_by === null ? undefined : sealing.openText("approvals.decided_by", row.id, row.decided_by),
    approvals:
      row.approvals === null
        ? []
        : (JSON.parse(sealing.openText("approvals.approvals", row.id, row.approvals)) as string[]),
  };
}

/** @returns false when too many requests of the user are pending, or the nonce was used */
export function* insertApprovalRequest(
  sealing: Sealing,
  request: NewApprovalRequest,
  mostPending: number,
  now: number,
  audit: AuditEvent,
): Work<"nonce-used" | "too-many" | undefined> {
  yield* lockDecisions();
  const user = sealing.reference(request.user);
  const pending = yield* one<{ n: number }>(
    "select count(*) as n from approvals where user_ref = ? and state = 'pending' and expires_at > ?",
    user,
    now,
  );
  if ((pending?.n ?? 0) >= mostPending) return "too-many";
  const { nonce } = request;
  const fresh = yield* run(
    "insert into nonces (hash, expires_at) values (?, ?) on conflict do nothing",
    nonce.hash,
    nonce.expiresAt,
  );
  if (fresh !== 1) return "nonce-used";
  yield* run(
    `insert into approvals (id, secret_hash, user_ref, identity, keys, created_at, expires_at, state)
     values (?, ?, ?, ?, ?, ?, ?, 'pending')`,
    request.id,
    request.secretHash,
    user,
    sealIdentity(sealing, "approvals.identity", request.id, request.user, request.client),
    request.spkiHashes.join(","),
    now,
    request.expiresAt,
  );
  yield* appendAudit(sealing, audit, now);
  return undefined;
}

export function* readApprovalRequest(sealing: Sealing, id: string): Work<ApprovalRequest | undefined> {
  const row = yield* one<ApprovalRow>("select * from approvals where id = ?", id);
  return row === undefined ? undefined : fromRow(sealing, row);
}

export function* readApprovalRequests(
  sealing: Sealing,
  { user, after, limit }: { user?: string | undefined; after: string; limit: number },
): Work<readonly ApprovalRequest[]> {
  const rows =
    user === undefined
      ? yield* all<ApprovalRow>("select * from approvals where id > ? order by id limit ?", after, limit)
      : yield* all<ApprovalRow>(
          "select * from approvals where user_ref = ? and id > ? order by id limit ?",
          sealing.reference(user),
          after,
          limit,
        );
  return rows.map((row) => fromRow(sealing, row));
}

/** @returns false when the request is decided or expired */
export function* decideApprovalRequest(
  sealing: Sealing,
  id: string,
  decision: ApprovalDecision,
  token: Omit<EnrolmentToken, "spentAt"> | undefined,
  now: number,
  audit: AuditEvent,
): Work<boolean> {
  yield* lockDecisions();
  const decided = yield* run(
    `update approvals set state = ?, decided_by = ?, approvals = ? where id = ? and state = 'pending' and expires_at > ?`,
    decision.state,
    sealing.seal("approvals.decided_by", id, decision.decidedBy),
    decision.approvals.length === 0
      ? null
      : sealing.seal("approvals.approvals", id, JSON.stringify(decision.approvals)),
    id,
    now,
  );
  if (decided !== 1) return false;
  if (token !== undefined) yield* insertToken(sealing, token, now);
  yield* appendAudit(sealing, audit, now);
  return true;
}
