import {
  checkDeviceList,
  checkDeviceListChange,
  type CredentialRecord,
  type DeviceList,
  DeviceListError,
  deviceListHash,
  isUserUri,
  spkiHash,
  verifyDeviceListSignatures,
} from "@mls-as/mls-credentials";
import { nodeProvider } from "@mls-as/mls-core/node";
import { equalBytes } from "@mls-as/tls-codec";
import { hex, labelText } from "./bytes-text.js";
import { Failure } from "./failure.js";

/** Seconds that a record stays after it expired: the default policy's. */
const RETENTION = 90n * 86_400n;

/** A logged value that was read: a user's device list, or anything else. */
export type LoggedValue =
  | { readonly kind: "device-list"; readonly list: DeviceList; readonly hash: Uint8Array }
  | { readonly kind: "other"; readonly value: Uint8Array; readonly hash: Uint8Array };

/** What is known of the version before, or of an earlier one where those in between could not be read. */
export interface Predecessor {
  readonly list: DeviceList;
  /** Of the version just before; undefined where that could not be read. */
  readonly hash: Uint8Array | undefined;
}

/**
 * Reads a proven value, and checks everything in it, signatures included. `loggedAt` in milliseconds.
 * @throws Failure value-rejected: the log proves that this is the value, and it breaks the rules
 */
export async function readValue(
  value: Uint8Array,
  label: Uint8Array,
  version: number,
  logId: Uint8Array,
  loggedAt: number,
  previous?: Predecessor,
): Promise<LoggedValue> {
  const hash = deviceListHash(value);
  const name = labelText(label);
  if (!isUserUri(name)) return { kind: "other", value, hash };
  try {
    const list = checkDeviceList(value, {
      label: name,
      version,
      logId,
      ...(previous?.hash && { previousHash: previous.hash }),
    });
    await verifyDeviceListSignatures(nodeProvider, list);
    const at = BigInt(Math.floor(loggedAt / 1000));
    if (previous !== undefined) checkDeviceListChange(previous.list, list, { loggedAt: at, retention: RETENTION });
    return { kind: "device-list", list, hash };
  } catch (error) {
    if (!(error instanceof DeviceListError)) throw error;
    throw new Failure(
      "value-rejected",
      `Version ${version} of ${name} is logged and breaks the rules: ${error.message}.`,
      {
        reason: error.code,
        path: error.path,
        section: error.section,
      },
    );
  }
}

export type KeyStatus = "active" | "expired" | "revoked" | "not yet valid";

/** One key of a device, in words. */
export interface KeyView {
  readonly client: string;
  readonly device: string;
  /** SHA-256 of the public key, hexadecimal. */
  readonly key: string;
  readonly certificate: string;
  /** Seconds. */
  readonly since: number;
  readonly until: number;
  readonly status: KeyStatus;
  readonly revokedAt?: number;
  readonly reason?: number;
  /** Who vouched for it; `operator` where only the operator's word stands behind it. */
  readonly approvedBy: string;
  readonly vouched: "device" | "previous-key" | "operator";
}

/** Every key of a list, as at `now` (milliseconds). */
export function keysOf(list: DeviceList, now: number): KeyView[] {
  const seconds = now / 1000;
  return list.devices.flatMap(({ client, credentials }) =>
    credentials.map(
      (record): KeyView => ({
        client,
        device: client.slice(client.lastIndexOf("/") + 1),
        key: hex(record.spkiHash),
        certificate: hex(record.tbsCertificateHash),
        since: Number(record.notBefore),
        until: Number(record.notAfter),
        status: statusOf(record, seconds),
        ...(record.status === "revoked" && { revokedAt: Number(record.revokedAt), reason: record.reason }),
        ...voucherOf(record),
      }),
    ),
  );
}

function statusOf(record: CredentialRecord, now: number): KeyStatus {
  if (record.status === "revoked") return "revoked";
  if (now > Number(record.notAfter)) return "expired";
  return now < Number(record.notBefore) ? "not yet valid" : "active";
}

function voucherOf({ approval, continuity }: CredentialRecord): Pick<KeyView, "approvedBy" | "vouched"> {
  if (approval !== undefined) {
    const { approver } = approval.tbs;
    return { approvedBy: approver.slice(approver.lastIndexOf("/") + 1), vouched: "device" };
  }
  if (continuity !== undefined)
    return { approvedBy: `its key ${hex(spkiHash(continuity.tbs.oldSpki)).slice(0, 8)}`, vouched: "previous-key" };
  return { approvedBy: "the operator", vouched: "operator" };
}

const ORIGINS: Readonly<Record<DeviceList["origin"], string>> = {
  enrolment: "a device enrolled",
  deviceApproval: "a device was added, approved by another",
  renewal: "a device renewed its key or certificate",
  ownerRevocation: "the owner revoked a device",
  operatorRevocation: "the operator revoked a device",
  recovery: "recovery: all devices were lost, the identity starts anew",
  expiry: "old records were dropped",
};

/** How the operator says a version came about. */
export const originText = (list: DeviceList): string => ORIGINS[list.origin];

/** What a version changed against the one before, in words, most alarming first. */
export function changesOf(list: DeviceList, before: DeviceList | undefined): string[] {
  const changes: string[] = [];
  const alarms: string[] = [];
  if (list.origin === "recovery") alarms.push("IDENTITY CHANGED: recovery");
  for (const { client, credentials } of list.devices) {
    const old = before?.devices.find((device) => device.client === client);
    const name = client.slice(client.lastIndexOf("/") + 1);
    if (old === undefined) changes.push(`device ${name} added`);
    for (const record of credentials) {
      const known = old?.credentials.find((each) => equalBytes(each.tbsCertificateHash, record.tbsCertificateHash));
      const key = hex(record.spkiHash).slice(0, 8);
      if (known === undefined) {
        const vouched = voucherOf(record);
        if (old !== undefined) changes.push(`key ${key} of ${name} added`);
        if (vouched.vouched === "operator" && before !== undefined && before.devices.length > 0)
          alarms.push(`IDENTITY CHANGED: key ${key} of ${name} stands on the operator's word alone`);
        else if (vouched.vouched !== "operator")
          changes.push(`key ${key} of ${name} vouched for by ${vouched.approvedBy}`);
      } else if (known.status === "active" && record.status === "revoked")
        changes.push(`key ${key} of ${name} revoked`);
    }
  }
  for (const { client } of before?.devices ?? [])
    if (!list.devices.some((device) => device.client === client))
      changes.push(`device ${client.slice(client.lastIndexOf("/") + 1)} dropped`);
  return [...alarms, ...changes];
}
