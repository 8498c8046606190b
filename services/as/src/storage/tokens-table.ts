import { openIdentity, sealIdentity } from "./rows.js";
import type { Sealing } from "./sealing.js";
import { one, run, type Work } from "./statement.js";
import type { EnrolmentToken, JournalConflict } from "./store.js";

const IDENTITY = "tokens.identity";

export function* insertToken(sealing: Sealing, token: Omit<EnrolmentToken, "spentAt">, now: number): Work<void> {
  yield* run(
    "insert into tokens (hash, user_ref, identity, keys, created_at, expires_at) values (?, ?, ?, ?, ?, ?)",
    token.hash,
    sealing.reference(token.user),
    sealIdentity(sealing, IDENTITY, token.hash, token.user, token.client),
    token.spkiHashes?.join(",") ?? null,
    now,
    token.expiresAt,
  );
}

export function* readToken(sealing: Sealing, hash: string): Work<EnrolmentToken | undefined> {
  const row = yield* one<{ identity: Uint8Array; keys: string | null; expires_at: number; spent_at: number | null }>(
    "select identity, keys, expires_at, spent_at from tokens where hash = ?",
    hash,
  );
  if (row === undefined) return undefined;
  const [user, client] = openIdentity(sealing, IDENTITY, hash, row.identity);
  const spkiHashes = row.keys?.split(",");
  return { hash, user, client, spkiHashes, expiresAt: row.expires_at, spentAt: row.spent_at ?? undefined };
}

/** Spends a token for an intent, exactly once whoever else tries. */
export function* spendToken(hash: string, intent: string, now: number): Work<JournalConflict | undefined> {
  const spent = yield* run(
    "update tokens set spent_at = ?, intent = ? where hash = ? and spent_at is null and expires_at > ?",
    now,
    intent,
    hash,
    now,
  );
  if (spent === 1) return undefined;
  const row = yield* one<{ spent_at: number | null }>("select spent_at from tokens where hash = ?", hash);
  return row === undefined || row.spent_at !== null ? "token-spent" : "token-expired";
}
