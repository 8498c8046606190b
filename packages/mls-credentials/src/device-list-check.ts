import { bytesKey } from "./bytes-key.js";
import { CodecError, equalBytes } from "@mls-as/tls-codec";
import {
  type Continuity,
  type CredentialRecord,
  DEVICE_LIST_FORMAT,
  type DeviceApproval,
  type DeviceList,
  type DeviceRecord,
  decodeDeviceList,
  NO_PREVIOUS_HASH,
} from "./device-list.js";
import { DeviceListError } from "./device-list-error.js";
import { isClientUri, isUserUri, userOfClient } from "./identity/identity-uri.js";
import { readSubjectPublicKeyInfo, spkiHash } from "./subject-public-key-info.js";

/** What the reader of a logged value knows about it. */
export interface DeviceListContext {
  /** The user URI under which the value was logged. */
  readonly label: string;
  /** The KEYTRANS version of the value. */
  readonly version: number;
  /** SHA-256 of the value of the version before, where the reader holds it. */
  readonly previousHash?: Uint8Array;
  /** The log's identifier, 32 bytes; approvals and continuities must name it. */
  readonly logId?: Uint8Array;
}

/**
 * Decodes a logged value and judges everything it says except signatures (see `verifyDeviceListSignatures`).
 *
 * @throws DeviceListError
 */
export function checkDeviceList(value: Uint8Array, context: DeviceListContext): DeviceList {
  const list = decodeOrRefuse(value);
  checkHeader(list, context);
  const certificates = new Set<string>();
  const clientOfKey = new Map<string, string>();
  list.devices.forEach((device, i) => {
    const path = `devices[${i}]`;
    checkDevice(list, device, path);
    device.credentials.forEach((record, j) => {
      const at = `${path}.credentials[${j}]`;
      checkRecord(list, device, record, context, at);
      const certificate = bytesKey(record.tbsCertificateHash);
      if (certificates.has(certificate))
        throw new DeviceListError("duplicate-certificate", `${at}.tbsCertificateHash`, "recorded twice");
      certificates.add(certificate);
      const key = bytesKey(record.spkiHash);
      const owner = clientOfKey.get(key);
      if (owner !== undefined && owner !== device.client)
        throw new DeviceListError("key-of-two-clients", `${at}.spkiHash`, `also a key of ${owner}`);
      clientOfKey.set(key, device.client);
    });
  });
  return list;
}

function decodeOrRefuse(value: Uint8Array): DeviceList {
  try {
    return decodeDeviceList(value);
  } catch (error) {
    if (error instanceof CodecError) {
      const refusal = new DeviceListError("malformed", error.path, `${error.code}, ${error.reason} (${error.offset})`);
      refusal.cause = error;
      throw refusal;
    }
    throw error;
  }
}

function checkHeader(list: DeviceList, context: DeviceListContext): void {
  if (list.format !== DEVICE_LIST_FORMAT)
    throw new DeviceListError("unknown-format", "format", `format ${list.format}, only 1 is defined`);
  if (!isUserUri(list.identity))
    throw new DeviceListError("invalid-identity", "identity", "not a canonical user URI", "Identities");
  if (list.identity !== context.label)
    throw new DeviceListError("identity-mismatch", "identity", `logged under ${context.label}`);
  if (list.version !== context.version)
    throw new DeviceListError("version-mismatch", "version", `${list.version} logged as ${context.version}`);
  const previousHash = list.version === 0 ? NO_PREVIOUS_HASH : context.previousHash;
  if (previousHash !== undefined && !equalBytes(list.previousHash, previousHash))
    throw new DeviceListError("previous-hash-mismatch", "previousHash", "does not continue the version before");
}

function checkDevice(list: DeviceList, device: DeviceRecord, path: string): void {
  if (!isClientUri(device.client))
    throw new DeviceListError("invalid-client", `${path}.client`, "not a canonical client URI", "Identities");
  if (userOfClient(device.client) !== list.identity)
    throw new DeviceListError("client-not-of-identity", `${path}.client`, `not a device of ${list.identity}`);
  if (device.credentials.length === 0)
    throw new DeviceListError("empty-device", `${path}.credentials`, "a device has at least one credential");
}

/** CRLReason values a revoked certificate can have; 7 is undefined, 8 (removeFromCRL) belongs to delta CRLs. */
const REASONS: ReadonlySet<number> = new Set([0, 1, 2, 3, 4, 5, 6, 9, 10]);

function checkRecord(
  list: DeviceList,
  device: DeviceRecord,
  record: CredentialRecord,
  context: DeviceListContext,
  path: string,
): void {
  if (record.notBefore > record.notAfter)
    throw new DeviceListError("validity-reversed", `${path}.notBefore`, "after notAfter");
  if (record.status === "revoked" && !REASONS.has(record.reason))
    throw new DeviceListError("invalid-reason", `${path}.reason`, `CRLReason ${record.reason}`, "CRL Reason Code");
  if (record.approval !== undefined)
    checkApproval(list, device, record, record.approval, context, `${path}.approval.tbs`);
  if (record.continuity !== undefined)
    checkContinuity(device, record, record.continuity, context, `${path}.continuity.tbs`);
}

function checkApproval(
  list: DeviceList,
  device: DeviceRecord,
  record: CredentialRecord,
  { tbs }: DeviceApproval,
  context: DeviceListContext,
  path: string,
): void {
  const mismatch = (field: string, reason: string): DeviceListError =>
    new DeviceListError("approval-mismatch", `${path}.${field}`, reason);
  requireLog(tbs.logId, context, path);
  if (tbs.identity !== list.identity) throw mismatch("identity", "about another user");
  if (tbs.client !== device.client) throw mismatch("client", "about another client");
  if (!equalBytes(tbs.spkiHash, record.spkiHash)) throw mismatch("spkiHash", "about another key");
  if (!isClientUri(tbs.approver) || userOfClient(tbs.approver) !== list.identity)
    throw mismatch("approver", "not a device of the user");
  if (tbs.approver === tbs.client) throw mismatch("approver", "a device cannot approve itself");
  if (equalBytes(spkiHash(tbs.approverSpki), record.spkiHash))
    throw mismatch("approverSpki", "the key approved itself");
  requireSigner(tbs.approverSpki, tbs.signatureScheme, path, "approverSpki");
  if (tbs.afterVersion >= list.version)
    throw new DeviceListError("approval-from-future", `${path}.afterVersion`, "not before this version");
  if (tbs.expiresAt < device.addedAt)
    throw new DeviceListError("approval-expired", `${path}.expiresAt`, "before the device was added");
}

function checkContinuity(
  device: DeviceRecord,
  record: CredentialRecord,
  { tbs }: Continuity,
  context: DeviceListContext,
  path: string,
): void {
  requireLog(tbs.logId, context, path);
  if (tbs.client !== device.client)
    throw new DeviceListError("continuity-mismatch", `${path}.client`, "about another client");
  if (!equalBytes(tbs.newSpkiHash, record.spkiHash))
    throw new DeviceListError("continuity-mismatch", `${path}.newSpkiHash`, "about another key");
  requireSigner(tbs.oldSpki, tbs.signatureScheme, path, "oldSpki");
}

function requireLog(logId: Uint8Array, context: DeviceListContext, path: string): void {
  if (context.logId !== undefined && !equalBytes(logId, context.logId))
    throw new DeviceListError("wrong-log", `${path}.logId`, "made for another log");
}

function requireSigner(spki: Uint8Array, signatureScheme: number, path: string, field: string): void {
  const key = readSubjectPublicKeyInfo(spki);
  if (key === undefined)
    throw new DeviceListError("invalid-signer-key", `${path}.${field}`, "no supported SubjectPublicKeyInfo");
  if (key.scheme !== signatureScheme)
    throw new DeviceListError("invalid-signer-key", `${path}.signatureScheme`, "not the scheme of the signer's key");
}
