import { timingSafeEqual } from "node:crypto";
import { ContactMonitorRequest } from "@mls-as/keytrans";
import { tryDecode } from "@mls-as/tls-codec";
import type { LogStore } from "../storage/store.js";

const LENGTH = 16;

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
 * version up may go on monitoring it (draft, "Contact Monitoring"). Does the same work whether or not a version exists.
 */
export async function showsOpenings(store: LogStore, header: string | undefined, body: Uint8Array): Promise<boolean> {
  if (header === undefined || header.length > 16_384) return false;
  const shown = parseOpenings(header);
  const request = tryDecode(ContactMonitorRequest, body);
  if (shown === undefined || !request.ok) return false;
  const { label, entries } = request.value;
  let whole = entries.length > 0;
  for (const { version } of entries) {
    const stored = (await store.opening(label, version))?.opening;
    const presented = shown.get(version);
    const known = stored?.length === LENGTH && presented !== undefined;
    if (
      !timingSafeEqual(
        stored?.length === LENGTH ? stored : new Uint8Array(LENGTH),
        presented ?? new Uint8Array(LENGTH),
      ) ||
      !known
    )
      whole = false;
  }
  return whole;
}
