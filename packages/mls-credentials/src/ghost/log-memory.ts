import { bytesKey } from "../bytes-key.js";
import { verifyContinuity, verifyDeviceApproval } from "../device-approval.js";
import type { CryptoProvider } from "@mls-as/mls-core";
import { type CredentialRecord, type DeviceList, deviceListHash } from "../device-list.js";
import { checkDeviceListChange } from "../device-list-change.js";
import { checkDeviceList } from "../device-list-check.js";
import { DeviceListError } from "../device-list-error.js";
import { verifyDeviceListSignatures } from "../device-approval.js";
import { spkiHash } from "../subject-public-key-info.js";
import type { Condition, EvidenceBundle, LogProof } from "./finding.js";

/** What is remembered of one certificate of one user, also after the list dropped it. */
export interface RememberedRecord {
  readonly client: string;
  readonly spkiHash: string;
  readonly tbsCertificateHash: string;
  readonly notAfter: number;
  readonly revokedAt: number | undefined;
  readonly reason: number | undefined;
}

/** The lists of one user as this device has seen them. */
export class UserLog {
  readonly user: string;
  readonly records = new Map<string, RememberedRecord>();
  /** Hash of each version seen. */
  readonly hashes = new Map<number, string>();
  /** Keys without any active certificate left, with the version that said so. */
  readonly deadKeys = new Map<string, number>();
  list: DeviceList | undefined;
  value: Uint8Array | undefined;
  proof: LogProof | undefined;
  provenAt = Number.NEGATIVE_INFINITY;
  /** When this device read the list. */
  readAt = Number.NEGATIVE_INFINITY;
  missingSince: number | undefined;
  /** When a lookup last failed. */
  failedAt = Number.NEGATIVE_INFINITY;
  #evidence:
    | {
        readonly value: Uint8Array;
        readonly proof: LogProof | undefined;
        readonly bundle: Pick<EvidenceBundle, "lists">;
      }
    | undefined;

  constructor(user: string) {
    this.user = user;
  }

  /** Every key a client was ever seen with, lower-case hex of SPKI hashes. */
  keysOf(client: string): Set<string> {
    const keys = new Set<string>();
    for (const record of this.records.values()) if (record.client === client) keys.add(record.spkiHash);
    return keys;
  }

  /** The newest list with its proof; made once for each list, for rules ask often. */
  evidence(): Pick<EvidenceBundle, "lists"> {
    if (this.list === undefined || this.value === undefined) return {};
    if (this.#evidence?.value !== this.value || this.#evidence.proof !== this.proof) {
      const { proof, value } = this;
      const entry = { version: this.list.version, value: bytesKey(value), ...(proof === undefined ? {} : { proof }) };
      this.#evidence = { value, proof, bundle: { lists: [entry] } };
    }
    return this.#evidence.bundle;
  }
}

export interface ListSighting {
  readonly at: number;
  readonly version: number;
  readonly value: Uint8Array;
  readonly provenAt: number;
  readonly proof?: LogProof;
}

/** What changed by reading a list. */
export interface ListReading {
  /** Absent when the value was refused or older than what is known. */
  readonly list: DeviceList | undefined;
  /** Conditions that are final at once. */
  readonly conditions: readonly Condition[];
  /** New keys without an approval or continuity by a device known before: contacts see "identity changed". */
  readonly identityChanged: boolean;
}

/** Reads a proven list into a user's memory and judges the change. Needs no clock of its own. */
export async function readList(
  log: UserLog,
  sighting: ListSighting,
  context: { readonly provider: CryptoProvider; readonly retention: number; readonly logId?: Uint8Array },
): Promise<ListReading> {
  const hash = bytesKey(deviceListHash(sighting.value));
  const split = checkView(log, sighting, hash);
  if (split !== undefined) return { list: undefined, conditions: [split], identityChanged: false };
  const seen = log.hashes.get(sighting.version) === hash;
  log.hashes.set(sighting.version, hash);
  log.missingSince = undefined;
  const previous = log.list;
  if (seen && previous?.version === sighting.version) {
    // The same bytes were judged before; only how recent they are is news.
    log.provenAt = Math.max(log.provenAt, sighting.provenAt);
    log.readAt = sighting.at;
    log.proof = sighting.proof;
    return { list: previous, conditions: [], identityChanged: false };
  }
  if (previous !== undefined && sighting.version < previous.version)
    return { list: undefined, conditions: [], identityChanged: false };

  let list: DeviceList;
  try {
    list = checkDeviceList(sighting.value, {
      label: log.user,
      version: sighting.version,
      ...(context.logId === undefined ? {} : { logId: context.logId }),
    });
    await verifyDeviceListSignatures(context.provider, list);
  } catch (error) {
    if (!(error instanceof DeviceListError)) throw error;
    return { list: undefined, conditions: [refusedEntry(log, sighting, error)], identityChanged: false };
  }
  const forbidden = findForbiddenChange(log, previous, list, sighting, context.retention);
  const unauthorised =
    previous === undefined ? [] : await findUnauthorised(log, previous, list, sighting, context.provider);
  const transient = previous === undefined ? [] : await findTransient(log, previous, list, sighting, context.provider);
  remember(log, list, sighting);
  const consecutive = previous !== undefined && previous.version + 1 === list.version;
  const told = consecutive && list.origin !== "recovery" ? unauthorised : [];
  return { list, conditions: [...forbidden, ...told, ...transient], identityChanged: unauthorised.length > 0 };
}

/** Two values for one version, a chain that does not fit, or a version that went back: two histories of one log. */
function checkView(log: UserLog, sighting: ListSighting, hash: string): Condition | undefined {
  const known = log.hashes.get(sighting.version);
  let detail: string | undefined;
  if (known !== undefined && known !== hash) detail = `two values for version ${sighting.version}`;
  const greatest = log.list?.version;
  if (detail === undefined && greatest !== undefined && sighting.version < greatest && sighting.provenAt > log.provenAt)
    detail = `version ${sighting.version} proven as greatest after version ${greatest}`;
  if (detail === undefined && sighting.version > 0) {
    const before = log.hashes.get(sighting.version - 1);
    const claimed = previousHashOf(sighting.value);
    if (before !== undefined && claimed !== undefined && claimed !== before)
      detail = `version ${sighting.version} continues another version ${sighting.version - 1}`;
  }
  if (detail === undefined) return undefined;
  const lists = [...(log.evidence().lists ?? []), listEvidence(sighting)];
  return condition(log, sighting, "VIEW_SPLIT", "confirmed", `version ${sighting.version} ${hash}`, detail, { lists });
}

/** `previous_hash` of a value that may be refused for other reasons; undefined when it does not even decode. */
function previousHashOf(value: Uint8Array): string | undefined {
  // format, identity<V>, version: the fixed part before previous_hash.
  const length = value[2];
  if (length === undefined) return undefined;
  const wide = length >> 6;
  const start = wide === 0 ? 3 + length : wide === 1 ? 4 + ((length & 63) << 8) + (value[3] ?? 0) : undefined;
  if (start === undefined || value.length < start + 36) return undefined;
  return bytesKey(value.subarray(start + 4, start + 36));
}

const listEvidence = ({ version, value, proof }: ListSighting): NonNullable<EvidenceBundle["lists"]>[number] => ({
  version,
  value: bytesKey(value),
  ...(proof === undefined ? {} : { proof }),
});

function condition(
  log: UserLog,
  sighting: ListSighting,
  kind: Condition["kind"],
  level: Condition["level"],
  subject: string,
  detail: string,
  evidence: EvidenceBundle,
): Condition {
  return { kind, level, subject, user: log.user, since: sighting.at, detail, evidence };
}

/** A change that no rule allows; the list is read all the same, for it is what the log now says. */
function findForbiddenChange(
  log: UserLog,
  previous: DeviceList | undefined,
  list: DeviceList,
  sighting: ListSighting,
  retention: number,
): Condition[] {
  if (previous === undefined || previous.version >= list.version) return [];
  try {
    const loggedAt = BigInt(Math.ceil(sighting.provenAt));
    checkDeviceListChange(previous, list, { loggedAt, retention: BigInt(retention) });
    return [];
  } catch (error) {
    if (error instanceof DeviceListError) return [refusedEntry(log, sighting, error)];
    throw error;
  }
}

function refusedEntry(log: UserLog, sighting: ListSighting, error: DeviceListError): Condition {
  const lists = [...(log.evidence().lists ?? []), listEvidence(sighting)];
  const detail = `${error.code} at ${error.path}: ${error.message}`;
  return condition(log, sighting, "UNAUTHORISED_ENTRY", "confirmed", `version ${sighting.version}`, detail, { lists });
}

/** Whether a new record is vouched for by a key that the list before held as not revoked. */
async function isVouched(
  log: UserLog,
  previous: DeviceList,
  client: string,
  record: CredentialRecord,
  provider: CryptoProvider,
): Promise<boolean> {
  const stands = (owner: string, key: Uint8Array): boolean =>
    previous.devices.some(
      (device) =>
        device.client === owner &&
        device.credentials.some((known) => known.status === "active" && bytesKey(known.spkiHash) === bytesKey(key)),
    );
  const { approval, continuity } = record;
  const diedIn = log.deadKeys.get(bytesKey(record.spkiHash));
  if (diedIn !== undefined && (approval === undefined || approval.tbs.afterVersion < diedIn)) return false;
  if (stands(client, record.spkiHash)) return true;
  if (approval !== undefined && stands(approval.tbs.approver, spkiHash(approval.tbs.approverSpki)))
    return await verifyDeviceApproval(provider, approval);
  if (continuity !== undefined && stands(client, spkiHash(continuity.tbs.oldSpki)))
    return await verifyContinuity(provider, continuity);
  return false;
}

async function newRecords(
  log: UserLog,
  previous: DeviceList,
  list: DeviceList,
  provider: CryptoProvider,
): Promise<{ client: string; record: CredentialRecord }[]> {
  const found: { client: string; record: CredentialRecord }[] = [];
  const vouched = new Set<string>();
  for (const { client, credentials } of list.devices)
    for (const record of credentials) {
      if (log.records.has(bytesKey(record.tbsCertificateHash))) continue;
      if (await isVouched(log, previous, client, record, provider)) vouched.add(bytesKey(record.spkiHash));
      else found.push({ client, record });
    }
  // One approval is enough for all certificates of a key.
  return found.filter(({ record }) => !vouched.has(bytesKey(record.spkiHash)));
}

async function findUnauthorised(
  log: UserLog,
  previous: DeviceList,
  list: DeviceList,
  sighting: ListSighting,
  provider: CryptoProvider,
): Promise<Condition[]> {
  const added = await newRecords(log, previous, list, provider);
  const lists = [...(log.evidence().lists ?? []), listEvidence(sighting)];
  return added
    .filter(({ record }) => record.status === "active")
    .map(({ client, record }) => {
      const known = log.keysOf(client).size > 0;
      const detail = known ? `${client} has a new key without continuity` : `${client} was added without approval`;
      const subject = `${client} ${bytesKey(record.spkiHash)}`;
      return { ...condition(log, sighting, "UNAUTHORISED_ENTRY", "suspect", subject, detail, { lists }), client };
    });
}

const CESSATION_OF_OPERATION = 5;

/** Devices that came and went between two looks without any known device vouching for them. */
async function findTransient(
  log: UserLog,
  previous: DeviceList,
  list: DeviceList,
  sighting: ListSighting,
  provider: CryptoProvider,
): Promise<Condition[]> {
  const lists = [...(log.evidence().lists ?? []), listEvidence(sighting)];
  const conditions: Condition[] = [];
  for (const { client, record } of await newRecords(log, previous, list, provider)) {
    // A certificate that was logged but could not be signed is logged again as revoked, with this reason.
    if (record.status === "active" || record.reason === CESSATION_OF_OPERATION) continue;
    if (log.keysOf(client).size > 0) continue;
    const detail = `${client} was added and revoked between versions ${previous.version} and ${list.version}`;
    const subject = `${client} ${bytesKey(record.spkiHash)}`;
    conditions.push({
      ...condition(log, sighting, "TRANSIENT_DEVICE", "confirmed", subject, detail, { lists }),
      client,
    });
  }
  return conditions;
}

function remember(log: UserLog, list: DeviceList, sighting: ListSighting): void {
  for (const { client, credentials } of list.devices)
    for (const record of credentials) {
      const tbs = bytesKey(record.tbsCertificateHash);
      const known = log.records.get(tbs);
      // Revoked is for ever, whatever a later version says.
      const revoked = known?.revokedAt === undefined && record.status === "revoked" ? record : undefined;
      log.records.set(tbs, {
        client,
        spkiHash: bytesKey(record.spkiHash),
        tbsCertificateHash: tbs,
        notAfter: Number(record.notAfter),
        revokedAt: revoked === undefined ? known?.revokedAt : Number(revoked.revokedAt),
        reason: revoked === undefined ? known?.reason : revoked.reason,
      });
    }
  const records = list.devices.flatMap((device) => device.credentials);
  const alive = new Set(records.filter(({ status }) => status === "active").map(({ spkiHash: key }) => bytesKey(key)));
  for (const { spkiHash: key } of records) {
    const name = bytesKey(key);
    if (alive.has(name)) log.deadKeys.delete(name);
    else if (!log.deadKeys.has(name)) log.deadKeys.set(name, list.version);
  }
  log.list = list;
  log.value = sighting.value;
  log.proof = sighting.proof;
  log.provenAt = Math.max(log.provenAt, sighting.provenAt);
  log.readAt = sighting.at;
}
