import { timingSafeEqual } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { ContactMonitorRequest } from "@mls-as/keytrans";
import { tryDecode } from "@mls-as/tls-codec";
import type { LogStore } from "../storage/store.js";

const LENGTH = 16;
/** Milliseconds; refusals come at multiples of it, so that a look-up that finds a row takes as long as one that does not. */
const BEAT = 25;

/** The header with which a contact shows what it was told with a version it looked up. */
export const OPENINGS_HEADER = "kt-openings";

/** Reads `version=opening, …` with openings in base64url; undefined where it is anything else. */
function parseOpenings(header: string): Map<number, Uint8Array> | undefined {
  const openings = new Map<number, Uint8Array>();
  for (const item of header.split(",")) {
    const match = /^\s*(0|[1-9]\d{0,9})=([A-Za-z0-9_-]{22})\s*$/.exec(item);
    if (match === null || openings.has(Number(match[1]))) return undefined;
    openings.set(Number(match[1]), new Uint8Array(Buffer.from(match[2] ?? "", "base64url")));
  }
  return openings;
}

/**
 * Whether a contact shows the commitment opening of every version that it asks to monitor: who was ever allowed to look a
 * version up may go on monitoring it (draft, "Contact Monitoring").
 *
 * A stranger learns nothing of what exists: without an opening for each version, and each version once, nothing is looked
 * up; the first look-up that finds another opening, or none, is the last; and the refusal waits for the next beat.
 */
export async function showsOpenings(
  store: Pick<LogStore, "commitmentOpening">,
  header: string | undefined,
  body: Uint8Array,
): Promise<boolean> {
  if (header === undefined || header.length > 16_384) return false;
  const shown = parseOpenings(header);
  const request = tryDecode(ContactMonitorRequest, body);
  if (shown === undefined || !request.ok) return false;
  const { label, entries } = request.value;
  const versions = new Set(entries.map(({ version }) => version));
  if (versions.size === 0 || versions.size !== entries.length) return false;
  if (![...versions].every((version) => shown.has(version))) return false;
  const started = performance.now();
  for (const version of versions) {
    if (same(await store.commitmentOpening(label, version), shown.get(version))) continue;
    const spent = performance.now() - started;
    // Whole milliseconds: timers round down.
    await sleep(Math.ceil(Math.ceil((spent + 1) / BEAT) * BEAT - spent));
    return false;
  }
  return true;
}

function same(stored: Uint8Array | undefined, presented: Uint8Array | undefined): boolean {
  const known = stored?.length === LENGTH && presented?.length === LENGTH;
  const nothing = new Uint8Array(LENGTH);
  return timingSafeEqual(known ? stored : nothing, known ? presented : nothing) && known;
}
