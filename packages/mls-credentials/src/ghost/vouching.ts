import { bytesKey } from "../bytes-key.js";
import type { CredentialRecord, DeviceList } from "../device-list.js";
import {
  acceptVouched,
  couldSign,
  nameOf,
  type RecordsByKey,
  recordsByKey,
  type UnknownCredential,
} from "../own-devices.js";
import { spkiHash } from "../subject-public-key-info.js";
import type { UserLog } from "./log-memory.js";

/**
 * The records of a list, new to this device, for which no key vouches that the list before held as not revoked, nor one
 * that such a key vouched for in turn, in whichever of the versions between. The list's signatures hold.
 */
export function unvouchedRecords(log: UserLog, previous: DeviceList, list: DeviceList): UnknownCredential[] {
  const records = recordsOf(list);
  const standing = new Set<string>();
  for (const { client, record } of recordsOf(previous))
    if (record.status === "active") standing.add(nameOf(client, record.spkiHash));
  const byKey = recordsByKey(records);
  return acceptVouched(
    records.filter(({ record }) => !log.records.has(bytesKey(record.tbsCertificateHash))),
    ({ client, record }) => isVouchedFor(client, record, { log, standing, byKey }),
    ({ client, record }) => {
      standing.add(nameOf(client, record.spkiHash));
    },
  );
}

/**
 * Tells whether, when a record came, the user had a device that could have vouched for it: one that stood in the list before,
 * or was vouched for since, and was not revoked by then. It came after the list before was proven, whatever its `notBefore` says.
 */
export function couldHaveAsked(
  previous: { readonly list: DeviceList; readonly provenAt: number },
  list: DeviceList,
  unvouched: readonly UnknownCredential[],
): (record: CredentialRecord) => boolean {
  const strangers = new Set(unvouched.map(({ record }) => bytesKey(record.tbsCertificateHash)));
  const now = recordsOf(list).filter(({ record }) => !strangers.has(bytesKey(record.tbsCertificateHash)));
  const listed = new Set(now.map(({ record }) => bytesKey(record.tbsCertificateHash)));
  const dropped = recordsOf(previous.list).filter(({ record }) => !listed.has(bytesKey(record.tbsCertificateHash)));
  const devices = [...now, ...dropped];
  return ({ notBefore }) => {
    const came = Math.max(Number(notBefore), previous.provenAt);
    return devices.some(
      ({ record }) => record.notBefore <= came && (record.status === "active" || record.revokedAt > came),
    );
  };
}

const recordsOf = (list: DeviceList): UnknownCredential[] =>
  list.devices.flatMap(({ client, credentials }) => credentials.map((record) => ({ client, record })));

function isVouchedFor(
  client: string,
  record: CredentialRecord,
  {
    log,
    standing,
    byKey,
  }: { readonly log: UserLog; readonly standing: ReadonlySet<string>; readonly byKey: RecordsByKey },
): boolean {
  const { approval, continuity } = record;
  const diedIn = log.deadKeys.get(bytesKey(record.spkiHash));
  if (diedIn !== undefined && (approval === undefined || approval.tbs.afterVersion < diedIn)) return false;
  const signs = (owner: string, spki: Uint8Array): boolean => {
    const key = spkiHash(spki);
    return standing.has(nameOf(owner, key)) && couldSign(key, record, log.deadKeys, byKey);
  };
  // One approval is enough for all certificates of a key.
  if (standing.has(nameOf(client, record.spkiHash))) return true;
  if (approval !== undefined && signs(approval.tbs.approver, approval.tbs.approverSpki)) return true;
  return continuity !== undefined && signs(client, continuity.tbs.oldSpki);
}
