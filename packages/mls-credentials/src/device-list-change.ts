import { encode, equalBytes, optional, struct } from "@mls-as/tls-codec";
import { bytesKey } from "./bytes-key.js";
import { Continuity, type CredentialRecord, DeviceApproval, type DeviceList } from "./device-list.js";
import { DeviceListError } from "./device-list-error.js";

/** How the change from one version to the next is judged. */
export interface ChangeRule {
  /** Seconds since 1970 at which the next version was logged (the log entry's time). */
  readonly loggedAt: bigint;
  /** Seconds a record stays after `not_after`; the policy's retention, default 90 days. */
  readonly retention: bigint;
}

const Vouchers = struct({ approval: optional(DeviceApproval), continuity: optional(Continuity) });

/**
 * Judges what a version changed against the one before: records never change except from active to revoked, never come
 * back, and leave only when `not_after` plus retention has passed.
 *
 * @throws DeviceListError `invalid-change`
 */
export function checkDeviceListChange(previous: DeviceList, next: DeviceList, rule: ChangeRule): void {
  const known = new Map<string, { client: string; record: CredentialRecord }>();
  for (const { client, credentials } of previous.devices)
    for (const record of credentials) known.set(bytesKey(record.tbsCertificateHash), { client, record });
  const addedAt = new Map(previous.devices.map((device) => [device.client, device.addedAt]));
  next.devices.forEach((device, i) => {
    const since = addedAt.get(device.client);
    // A client of which no record is left has left the list: it may come again as a new device.
    const stayed = device.credentials.some(
      ({ tbsCertificateHash }) => known.get(bytesKey(tbsCertificateHash))?.client === device.client,
    );
    if (stayed && since !== device.addedAt) throw change(`devices[${i}].addedAt`, "altered");
    device.credentials.forEach((record, j) => {
      const path = `devices[${i}].credentials[${j}]`;
      const before = known.get(bytesKey(record.tbsCertificateHash));
      if (before === undefined) return;
      known.delete(bytesKey(record.tbsCertificateHash));
      if (before.client !== device.client) throw change(path, `moved from ${before.client}`);
      checkSameRecord(before.record, record, path);
    });
  });
  for (const { client, record } of known.values())
    if (rule.loggedAt < record.notAfter + rule.retention)
      throw change("devices", `a record of ${client} was dropped before its retention ended`);
}

function checkSameRecord(before: CredentialRecord, after: CredentialRecord, path: string): void {
  const same =
    equalBytes(before.spkiHash, after.spkiHash) &&
    before.notBefore === after.notBefore &&
    before.notAfter === after.notAfter &&
    equalBytes(encode(Vouchers, before), encode(Vouchers, after));
  if (!same) throw change(path, "a logged record was altered");
  if (before.status === "active") return;
  if (after.status === "active") throw change(`${path}.status`, "a revoked credential was revived");
  if (before.revokedAt !== after.revokedAt || before.reason !== after.reason)
    throw change(`${path}.status`, "a revocation was altered");
}

function change(path: string, reason: string): DeviceListError {
  return new DeviceListError("invalid-change", path, reason);
}
