import { appendAudit } from "./audit-table.js";
import type { Sealing } from "./sealing.js";
import { exists, lockDecisions, run, type Work } from "./statement.js";
import type { AuditEvent } from "./store.js";

const NOTHING = new Uint8Array();

/** Removes what names a user; see `Store.erase`. */
export function* eraseUser(sealing: Sealing, user: string, now: number, audit: AuditEvent): Work<boolean> {
  yield* lockDecisions();
  const reference = sealing.reference(user);
  const needed = yield* exists(
    `select 1 from credentials where user_ref = ? and not_after > ?
     and (state <> 'revoked' or revocation_logged = 0)`,
    reference,
    now,
  );
  const open = yield* exists(
    "select 1 from intents where label_ref = ? and state in ('journaled', 'logged')",
    reference,
  );
  if (needed || open) return false;
  yield* run(
    `update credentials set user_ref = '', client_ref = '', identity = ?, tbs = ?, certificate = null, thumbprint = null
     where user_ref = ?`,
    NOTHING,
    NOTHING,
    reference,
  );
  for (const table of ["tokens", "approvals"]) yield* run(`delete from ${table} where user_ref = ?`, reference);
  for (const table of ["labels", "intents", "withdrawn_credentials"])
    yield* run(`delete from ${table} where label_ref = ?`, reference);
  yield* run("update audit set entry = null, subject_ref = null where subject_ref = ?", reference);
  yield* appendAudit(sealing, audit, now);
  return true;
}
