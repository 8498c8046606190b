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

  const revived = records.filter(({ record }) => isRevived(record, revokedKeys));
  let waiting = records.filter((each) => {
    return !revived.includes(each) && !trusted.has(nameOf(each.client, each.record.spkiHash));
  });
  for (let before = -1; before !== waiting.length; ) {
    before = waiting.length;
    waiting = waiting.filter(({ client, record }) => {
      if (!isVouchedFor(client, record, trusted, revokedKeys, records)) return true;
      trusted.set(nameOf(client, record.spkiHash), { client, spkiHash: record.spkiHash });
      return false;
    });
  }
  const unknown = [
    ...waiting,
    ...revived.filter(({ client, record }) => !isVouchedFor(client, record, trusted, revokedKeys, records)),
  ];

  const revoked = [...own.revoked];
  for (const { record } of records) {
    const key = bytesKey(record.spkiHash);
    if (record.status !== "revoked" || revokedKeys.has(key) || hasActive(key, records)) continue;
    revokedKeys.set(key, list.version);
    revoked.push({ spkiHash: record.spkiHash, version: list.version });
  }
  return { own: { user: own.user, trusted: [...trusted.values()], revoked }, unknown };
}

/** A key whose every certificate had been revoked has an active one again. */
function isRevived(record: CredentialRecord, revokedKeys: ReadonlyMap<string, number>): boolean {
  return record.status === "active" && revokedKeys.has(bytesKey(record.spkiHash));
}

function hasActive(key: string, records: readonly UnknownCredential[]): boolean {
  return records.some(({ record }) => record.status === "active" && bytesKey(record.spkiHash) === key);
}

const nameOf = (client: string, key: Uint8Array): string => `${client} ${bytesKey(key)}`;

function isVouchedFor(
  client: string,
  record: CredentialRecord,
  trusted: ReadonlyMap<string, ClientKey>,
  revokedKeys: ReadonlyMap<string, number>,
  records: readonly UnknownCredential[],
): boolean {
  const { approval, continuity } = record;
  const revokedIn = revokedKeys.get(bytesKey(record.spkiHash));
  if (approval !== undefined) {
    const signer = spkiHash(approval.tbs.approverSpki);
    const fresh = revokedIn === undefined || approval.tbs.afterVersion >= revokedIn;
    if (fresh && trusted.has(nameOf(approval.tbs.approver, signer)) && couldSign(signer, record, revokedKeys, records))
      return true;
  }
  if (continuity === undefined || revokedIn !== undefined) return false;
  const old = spkiHash(continuity.tbs.oldSpki);
  return trusted.has(nameOf(client, old)) && couldSign(old, record, revokedKeys, records);
}

/**
 * A key revoked in an earlier version (`revokedKeys`) vouches for nothing new; one revoked in this version (`records`) only
 * for what came before.
 */
export function couldSign(
  signer: Uint8Array,
  record: CredentialRecord,
  revokedKeys: ReadonlyMap<string, number>,
  records: readonly UnknownCredential[],
): boolean {
  const key = bytesKey(signer);
  if (revokedKeys.has(key)) return false;
  const own = records.filter((candidate) => bytesKey(candidate.record.spkiHash) === key);
  return (
    own.length === 0 ||
    own.some(({ record: { status, ...rest } }) => {
      return status === "active" || ("revokedAt" in rest && rest.revokedAt >= record.notBefore);
    })
  );
}
