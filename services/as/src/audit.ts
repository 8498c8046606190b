import { createHash } from "node:crypto";
import type { AuditEntry, AuditEvent } from "./storage/store.js";

/** What the first entry names as its predecessor. */
export const NO_PREVIOUS_ENTRY = "0".repeat(64);

/** The canonical text of an entry: what its hash covers beside the hash before. */
export function auditText(sequence: number, time: number, event: AuditEvent): string {
  const { actor, action, subject = null, detail = {} } = event;
  const sorted = Object.fromEntries(Object.entries(detail).sort(([a], [b]) => (a < b ? -1 : 1)));
  return JSON.stringify({ sequence, time, actor, action, subject, detail: sorted });
}

/** Hex SHA-256 over the previous hash (as text) and the entry's canonical text. */
export function auditHash(previousHash: string, text: string): string {
  return createHash("sha256").update(previousHash).update("\n").update(text).digest("hex");
}

/** Rebuilds an entry from its canonical text. */
export function parseAuditText(text: string, previousHash: string, hash: string): AuditEntry {
  const { subject, ...entry } = JSON.parse(text) as Omit<AuditEntry, "hash" | "previousHash" | "subject"> & {
    subject: string | null;
  };
  return { ...entry, ...(subject === null ? {} : { subject }), previousHash, hash };
}

/**
 * Checks a run of entries that begins after `previousHash`.
 *
 * @returns the sequence number of the first entry that does not fit, or undefined when all do
 */
export function firstBrokenEntry(
  entries: readonly AuditEntry[],
  previousHash: string,
  after: number,
): number | undefined {
  let previous = previousHash;
  let expected = after + 1;
  for (const entry of entries) {
    const { sequence, time, actor, action, subject, detail } = entry;
    const event = {
      actor,
      action,
      ...(subject === undefined ? {} : { subject }),
      ...(detail === undefined ? {} : { detail }),
    };
    // What was erased with its user left its hash: the links still hold.
    const hash = entry.erased === true ? entry.hash : auditHash(previous, auditText(sequence, time, event));
    if (sequence !== expected || entry.previousHash !== previous || entry.hash !== hash) return sequence;
    previous = hash;
    expected++;
  }
  return undefined;
}
