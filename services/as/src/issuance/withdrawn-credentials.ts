import { decodeDeviceList } from "@mls-as/mls-credentials";
import { toHex } from "../binary-text.js";
import type { LabelView, Store } from "../storage/store.js";
import type { DeviceListChange } from "./device-list-version.js";

/** cessationOfOperation (RFC 5280, "Reason Code"). */
const CESSATION = 5;

export interface RevocationContext {
  readonly store: Store;
  readonly now: () => number;
}

/**
 * What the next version of a list must show as revoked: what was revoked here, and what was withdrawn because the log
 * declined it and yet stands in the list.
 */
export async function revocationsToShow(
  { store, now }: RevocationContext,
  label: string,
  latest: LabelView["latest"],
): Promise<DeviceListChange["revoked"]> {
  const known = await store.revocationsToLog(label);
  const stray = await withdrawnButActive(store, label, latest);
  const revocation = { revokedAt: now(), reason: CESSATION, origin: "operatorRevocation", logged: false } as const;
  return [...known, ...stray.map((id) => ({ id, revocation }))];
}

/** Credentials that were withdrawn here and that a list shows as active. */
export async function withdrawnButActive(
  store: Store,
  label: string,
  latest: LabelView["latest"],
): Promise<readonly string[]> {
  if (latest === undefined) return [];
  const withdrawn = new Set((await store.withdrawn(label)).map(({ id }) => id));
  if (withdrawn.size === 0) return [];
  return decodeDeviceList(latest.value)
    .devices.flatMap(({ credentials }) => credentials)
    .filter(({ status }) => status === "active")
    .map(({ tbsCertificateHash }) => toHex(tbsCertificateHash))
    .filter((id) => withdrawn.has(id));
}
