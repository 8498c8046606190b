import { auditHash, auditText, NO_PREVIOUS_ENTRY, parseAuditText } from "../audit.js";
import type { Sealing } from "./sealing.js";
import { all, one, run, type Work } from "./statement.js";
import type { AuditEntry, AuditEvent } from "./store.js";

/** Appends an entry to the chain; the caller holds the lock of decisions. */
export function* appendAudit(sealing: Sealing, event: AuditEvent, now: number): Work<void> {
  const last = yield* one<{ sequence: number; hash: string }>(
    "select sequence, hash from audit order by sequence desc limit 1",
  );
  const sequence = (last?.sequence ?? 0) + 1;
  const previousHash = last?.hash ?? NO_PREVIOUS_ENTRY;
  const text = auditText(sequence, now, event);
  yield* run(
    "insert into audit (sequence, time, subject_ref, entry, previous_hash, hash) values (?, ?, ?, ?, ?, ?)",
    sequence,
    now,
    event.subject === undefined ? null : sealing.reference(event.subject),
    sealing.seal("audit.entry", String(sequence), text),
    previousHash,
    auditHash(previousHash, text),
  );
}

interface AuditRow {
  readonly sequence: number;
  readonly time: number;
  readonly entry: Uint8Array | null;
  readonly previous_hash: string;
  readonly hash: string;
}

export function* auditEntries(
  sealing: Sealing,
  { after, limit, subject }: { after: number; limit: number; subject?: string | undefined },
): Work<readonly AuditEntry[]> {
  const columns = "select sequence, time, entry, previous_hash, hash from audit where sequence > ?";
  const rows =
    subject === undefined
      ? yield* all<AuditRow>(`${columns} order by sequence limit ?`, after, limit)
      : yield* all<AuditRow>(
          `${columns} and subject_ref = ? order by sequence limit ?`,
          after,
          sealing.reference(subject),
          limit,
        );
  return rows.map((row) => entryFromRow(sealing, row));
}

/** The content of an erased entry is gone; its place in the chain and its hash remain. */
function entryFromRow(sealing: Sealing, row: AuditRow): AuditEntry {
  const { sequence, time, entry, previous_hash: previousHash, hash } = row;
  if (entry === null) return { sequence, time, actor: "", action: "erased", previousHash, hash, erased: true };
  return parseAuditText(sealing.openText("audit.entry", String(sequence), entry), previousHash, hash);
}
