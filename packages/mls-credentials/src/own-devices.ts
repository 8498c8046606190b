import { bytesKey } from "./bytes-key.js";
import type { CredentialRecord, DeviceList } from "./device-list.js";
import { spkiHash } from "./subject-public-key-info.js";

/** A key of a client: SHA-256 of its DER SubjectPublicKeyInfo. */
export interface ClientKey {
  readonly client: string;
  readonly spkiHash: Uint8Array;
}

/** The keys a device holds for its user's own. Immutable and serialisable; grows with every list looked at. */
export interface OwnDevices {
  readonly user: string;
  readonly trusted: readonly ClientKey[];
  /** Keys seen revoked, with the first version that said so: an approval from before cannot bring them back. */
  readonly revoked: readonly { readonly spkiHash: Uint8Array; readonly version: number }[];
}

/** A credential under the user's own label that no trusted device accounts for. */
export interface UnknownCredential {
  readonly client: string;
  readonly record: CredentialRecord;
}

/** Starts with this device's own key, and those that the user confirmed on it (the approver at enrolment among them). */
export function ownDevices(user: string, keys: readonly ClientKey[]): OwnDevices {
  return { user, trusted: keys, revoked: [] };
}

/** Adds a key of this device, or one the user confirmed on it. */
export function trustOwn(own: OwnDevices, key: ClientKey): OwnDevices {
  return isTrusted(own, key.client, key.spkiHash) ? own : { ...own, trusted: [...own.trusted, key] };
}

/** Adds a key that the user vouches for in person: that it was revoked once does not count against it any more. */
export function confirmOwn(own: OwnDevices, key: ClientKey): OwnDevices {
  const confirmed = bytesKey(key.spkiHash);
  const revoked = own.revoked.filter((each) => bytesKey(each.spkiHash) !== confirmed);
  return { ...trustOwn(own, key), revoked };
}

/** Whether a key is held for the user's own. */
export function isTrusted(own: OwnDevices, client: string, key: Uint8Array): boolean {
  const wanted = bytesKey(key);
  return own.trusted.some((trusted) => trusted.client === client && bytesKey(trusted.spkiHash) === wanted);
}

/**
 * Reads one version of the user's own list: trusts what a trusted device vouches for, and names the rest.
 *
 * The list has been checked and its signatures verified. Versions are to be read in order, none left out, as own-device
 * monitoring does. An approval counts when its signer's key was trusted and not revoked before the approved record came.
 */
export function readOwnList(
  own: OwnDevices,
  list: DeviceList,
): { readonly own: OwnDevices; readonly unknown: readonly UnknownCredential[] } {
  const records = list.devices.flatMap(({ client, credentials }) => credentials.map((record) => ({ client, record })));
  const revokedKeys = new Map(own.revoked.map(({ spkiHash: key, version }) => [bytesKey(key), version]));
  const trusted = new Map(own.trusted.map((key) => [nameOf(key.client, key.spkiHash), key]));

  const byKey = recordsByKey(records);
  const revived = records.filter(({ record }) => isRevived(record, revokedKeys));
  const held = new Set(revived);
  const waiting = acceptVouched(
    records.filter((each) => !held.has(each) && !trusted.has(nameOf(each.client, each.record.spkiHash))),
    ({ client, record }) => isVouchedFor(client, record, trusted, revokedKeys, byKey),
    ({ client, record }) => {
      trusted.set(nameOf(client, record.spkiHash), { client, spkiHash: record.spkiHash });
    },
  );
  const unknown = [
    ...waiting,
    ...revived.filter(({ client, record }) => !isVouchedFor(client, record, trusted, revokedKeys, byKey)),
  ];

  const revoked = [...own.revoked];
  const alive = new Set(
    records.flatMap(({ record }) => (record.status === "active" ? [bytesKey(record.spkiHash)] : [])),
  );
  for (const { record } of records) {
    const key = bytesKey(record.spkiHash);
    if (alive.has(key) || revokedKeys.has(key)) continue;
    revokedKeys.set(key, list.version);
    revoked.push({ spkiHash: record.spkiHash, version: list.version });
  }
  return { own: { user: own.user, trusted: [...trusted.values()], revoked }, unknown };
}

/** A key whose every certificate had been revoked has an active one again. */
function isRevived(record: CredentialRecord, revokedKeys: ReadonlyMap<string, number>): boolean {
  return record.status === "active" && revokedKeys.has(bytesKey(record.spkiHash));
}

/** Names a client's key. */
export const nameOf = (client: string, key: Uint8Array): string => `${client} ${bytesKey(key)}`;

function isVouchedFor(
  client: string,
  record: CredentialRecord,
  trusted: ReadonlyMap<string, ClientKey>,
  revokedKeys: ReadonlyMap<string, number>,
  byKey: RecordsByKey,
): boolean {
  const { approval, continuity } = record;
  const revokedIn = revokedKeys.get(bytesKey(record.spkiHash));
  if (approval !== undefined) {
    const signer = spkiHash(approval.tbs.approverSpki);
    const fresh = revokedIn === undefined || approval.tbs.afterVersion >= revokedIn;
    if (fresh && trusted.has(nameOf(approval.tbs.approver, signer)) && couldSign(signer, record, revokedKeys, byKey))
      return true;
  }
  if (continuity === undefined || revokedIn !== undefined) return false;
  const old = spkiHash(continuity.tbs.oldSpki);
  return trusted.has(nameOf(client, old)) && couldSign(old, record, revokedKeys, byKey);
}

/**
 * A key revoked in an earlier version (`revokedKeys`) vouches for nothing new; one revoked in this version (`byKey`) only
 * for what came before.
 */
export function couldSign(
  signer: Uint8Array,
  record: CredentialRecord,
  revokedKeys: ReadonlyMap<string, number>,
  byKey: RecordsByKey,
): boolean {
  const key = bytesKey(signer);
  if (revokedKeys.has(key)) return false;
  const own = byKey.get(key);
  return own === undefined || own.some((each) => each.status === "active" || each.revokedAt >= record.notBefore);
}

/** The records of one version by their keys' SPKI hashes, lower-case hex. */
export type RecordsByKey = ReadonlyMap<string, readonly CredentialRecord[]>;

export function recordsByKey(records: readonly UnknownCredential[]): RecordsByKey {
  return grouped(
    records,
    ({ record }) => [bytesKey(record.spkiHash)],
    ({ record }) => record,
  );
}

/**
 * Accepts records until none of the rest is vouched for: what was accepted may vouch for others. A record is looked at again
 * only when a key was accepted that may speak for it, so that a chain costs its length, in whichever order it comes.
 *
 * @returns the rest, in its order
 */
export function acceptVouched(
  records: readonly UnknownCredential[],
  vouched: (record: UnknownCredential) => boolean,
  accept: (record: UnknownCredential) => void,
): UnknownCredential[] {
  const rest = new Set(records);
  const waiting = grouped(records, vouchersOf, (each) => each);
  const next = [...records];
  for (let each = next.pop(); each !== undefined; each = next.pop()) {
    if (!rest.has(each) || !vouched(each)) continue;
    rest.delete(each);
    accept(each);
    const name = nameOf(each.client, each.record.spkiHash);
    for (const woken of waiting.get(name) ?? []) next.push(woken);
    waiting.delete(name);
  }
  return [...rest];
}

/** The keys that may speak for a record: its own, its approver's and the one before. */
function vouchersOf({ client, record: { spkiHash: key, approval, continuity } }: UnknownCredential): string[] {
  const names = [nameOf(client, key)];
  if (approval !== undefined) names.push(nameOf(approval.tbs.approver, spkiHash(approval.tbs.approverSpki)));
  if (continuity !== undefined) names.push(nameOf(client, spkiHash(continuity.tbs.oldSpki)));
  return names;
}

function grouped<T, V>(
  items: readonly T[],
  keysOf: (item: T) => readonly string[],
  valueOf: (item: T) => V,
): Map<string, V[]> {
  const groups = new Map<string, V[]>();
  for (const item of items)
    for (const key of keysOf(item)) {
      const known = groups.get(key);
      if (known === undefined) groups.set(key, [valueOf(item)]);
      else known.push(valueOf(item));
    }
  return groups;
}
