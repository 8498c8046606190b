import {
  type ChangeOrigin,
  type CredentialRecord,
  DEVICE_LIST_FORMAT,
  type DeviceList,
  DeviceRecord,
  decodeDeviceList,
  deviceListHash,
  encodeDeviceList,
  NO_PREVIOUS_HASH,
  sortDeviceList,
} from "@mls-as/mls-credentials";
import { decode, encode } from "@mls-as/tls-codec";
import { toHex } from "../binary-text.js";
import type { LabelView, StoredCredential } from "../storage/store.js";

/** A change that is to become the next version of a user's device list. */
export interface DeviceListChange {
  /** Canonical user URI. */
  readonly label: string;
  readonly origin: ChangeOrigin;
  /** Encoded DeviceRecord that holds the new credentials alone. */
  readonly addition: Uint8Array | undefined;
  /** Revocations to show; those already shown stay as they are. */
  readonly revoked: readonly Pick<StoredCredential, "id" | "revocation">[];
}

export interface DeviceListVersion {
  readonly version: number;
  readonly value: Uint8Array;
}

/** Encodes what a change adds to a list. */
export function encodeAddition(record: DeviceRecord): Uint8Array {
  return encode(DeviceRecord, record);
}

/** Hashes of the credentials that an encoded addition brings, hex. */
export function addedIn(addition: Uint8Array): string[] {
  return decode(DeviceRecord, addition).credentials.map((record) => toHex(record.tbsCertificateHash));
}

/**
 * The version that follows `latest` when `change` is made. Records that left their retention are dropped with it.
 *
 * @param now seconds since 1970
 * @param retention seconds that a record stays after its `not_after`
 */
export function nextDeviceList(
  latest: LabelView["latest"],
  change: DeviceListChange,
  now: number,
  retention: number,
): DeviceListVersion {
  const base = latest === undefined ? [] : decodeDeviceList(latest.value).devices;
  const devices = new Map<string, DeviceRecord>();
  for (const device of base) {
    const credentials = device.credentials.filter((record) => BigInt(now) < record.notAfter + BigInt(retention));
    if (credentials.length > 0) devices.set(device.client, { ...device, credentials });
  }
  if (change.addition !== undefined) {
    const added = decode(DeviceRecord, change.addition);
    const known = devices.get(added.client);
    devices.set(added.client, {
      client: added.client,
      addedAt: known?.addedAt ?? added.addedAt,
      credentials: mergeRecords(known?.credentials ?? [], added.credentials),
    });
  }
  const revocations = new Map(change.revoked.map(({ id, revocation }) => [id, revocation]));
  const list: DeviceList = sortDeviceList({
    format: DEVICE_LIST_FORMAT,
    identity: change.label,
    version: latest === undefined ? 0 : latest.version + 1,
    previousHash: latest === undefined ? NO_PREVIOUS_HASH : deviceListHash(latest.value),
    origin: change.origin,
    devices: [...devices.values()].map((device) => ({
      ...device,
      credentials: device.credentials.map((record) => applyRevocation(record, revocations)),
    })),
  });
  return { version: list.version, value: encodeDeviceList(list) };
}

function mergeRecords(known: readonly CredentialRecord[], added: readonly CredentialRecord[]): CredentialRecord[] {
  const present = new Set(known.map((record) => toHex(record.tbsCertificateHash)));
  return [...known, ...added.filter((record) => !present.has(toHex(record.tbsCertificateHash)))];
}

function applyRevocation(
  record: CredentialRecord,
  revocations: ReadonlyMap<string, StoredCredential["revocation"]>,
): CredentialRecord {
  const revocation = revocations.get(toHex(record.tbsCertificateHash));
  if (revocation === undefined || record.status === "revoked") return record;
  return { ...record, status: "revoked", revokedAt: BigInt(revocation.revokedAt), reason: revocation.reason };
}

/** Records of a version by their hash in hex, for as long as its bytes are in use: a group of keys asks for each. */
const recordsOf = new WeakMap<Uint8Array, ReadonlyMap<string, CredentialRecord>>();

/** What a version says about one credential. @param value never changed afterwards */
export function recordOf(value: Uint8Array, id: string): CredentialRecord | undefined {
  let records = recordsOf.get(value);
  if (records === undefined) {
    const listed = decodeDeviceList(value).devices.flatMap(({ credentials }) => credentials);
    records = new Map(listed.map((record) => [toHex(record.tbsCertificateHash), record]));
    recordsOf.set(value, records);
  }
  return records.get(id);
}

/** Hashes of all credentials that a version shows as revoked, hex. */
export function revokedIn(value: Uint8Array): Set<string> {
  const ids = new Set<string>();
  for (const device of decodeDeviceList(value).devices)
    for (const record of device.credentials) if (record.status === "revoked") ids.add(toHex(record.tbsCertificateHash));
  return ids;
}
