import type { CryptoProvider } from "@mls-as/mls-core";
import { encode, equalBytes, optional, struct } from "@mls-as/tls-codec";
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesKey } from "../bytes-key.js";
import { verifyContinuity, verifyDeviceApproval } from "../device-approval.js";
import { Continuity, DeviceApproval, type DeviceList, type DeviceRecord, deviceListHash } from "../device-list.js";
import { checkDeviceListChange } from "../device-list-change.js";
import { checkDeviceList } from "../device-list-check.js";
import { DeviceListError } from "../device-list-error.js";
import type { UnknownCredential } from "../own-devices.js";
import type { ValidationPolicy } from "../policy.js";
import type { Condition, EvidenceBundle } from "./finding.js";
import { type ListSighting, remember, type UserLog } from "./log-memory.js";
import type { MembershipLine } from "./membership-log.js";
import { couldHaveAsked, unvouchedRecords } from "./vouching.js";

/** What changed by reading a list. */
export interface ListReading {
  /** The list, where it is a newer version than what was known. */
  readonly news: DeviceList | undefined;
  /** The list, where it is of a version before what was known, read only now. */
  readonly late?: DeviceList;
  /** Conditions that are final at once. */
  readonly conditions: readonly Condition[];
  /** New keys without an approval or continuity by a device known before: contacts see "identity changed". */
  readonly identityChanged: boolean;
  readonly members: readonly Pick<MembershipLine, "kind" | "client">[];
}

const nothing = (...conditions: Condition[]): ListReading => ({
  news: undefined,
  conditions,
  identityChanged: false,
  members: [],
});

/** Reads a proven list into a user's memory and judges the change. Needs no clock of its own. */
export async function readList(
  log: UserLog,
  sighting: ListSighting,
  context: {
    readonly provider: CryptoProvider;
    readonly policy: Pick<ValidationPolicy, "retention" | "clockSkew">;
    readonly logId?: Uint8Array;
  },
): Promise<ListReading> {
  const previous = log.list;
  if (previous?.version === sighting.version && log.value !== undefined && equalBytes(log.value, sighting.value)) {
    // The same bytes were judged before; only how recent they are is news.
    refresh(log, sighting);
    return nothing();
  }
  const hash = bytesKey(deviceListHash(sighting.value));
  const split = checkView(log, sighting, hash, context.policy);
  if (split !== undefined) return nothing(split);
  log.hashes.set(sighting.version, hash);
  // What a version says of the one before holds for that one also when it is shown later.
  const claimed = previousHashOf(sighting.value);
  if (claimed !== undefined && sighting.version > 0) log.hashes.set(sighting.version - 1, claimed);
  if (sighting.greatest !== false) log.missingSince = undefined;

  let list: DeviceList;
  try {
    list = checkDeviceList(sighting.value, {
      label: log.user,
      version: sighting.version,
      ...(context.logId === undefined ? {} : { logId: context.logId }),
    });
    await verifyNewSignatures(log, list, context.provider);
  } catch (error) {
    if (!(error instanceof DeviceListError)) throw error;
    return nothing(refusedEntry(log, sighting, error));
  }
  if (previous !== undefined && list.version < previous.version) {
    return { ...nothing(...findForbiddenChange(log, list, previous, sighting, context.policy)), late: list };
  }
  const conditions = previous === undefined ? [] : findForbiddenChange(log, previous, list, sighting, context.policy);
  const added = previous === undefined ? [] : unvouchedRecords(log, previous, list);
  const unauthorised = findUnauthorised(log, added, sighting);
  const consecutive = previous !== undefined && previous.version + 1 === list.version;
  if (consecutive && list.origin !== "recovery") conditions.push(...unauthorised);
  if (previous !== undefined) conditions.push(...findTransient(log, previous, list, added, sighting));
  const members = previous === undefined ? [] : changedDevices(previous, list, unauthorised);
  remember(log, list, sighting);
  return { news: list, conditions, identityChanged: unauthorised.length > 0, members };
}

function refresh(log: UserLog, sighting: ListSighting): void {
  if (sighting.greatest === false) return;
  log.missingSince = undefined;
  log.toldAt = Number.NEGATIVE_INFINITY;
  log.provenAt = Math.max(log.provenAt, sighting.provenAt);
  log.readAt = sighting.at;
  log.proof = sighting.proof;
}

const Vouchers = struct({ approval: optional(DeviceApproval), continuity: optional(Continuity) });

/** Verifies what vouches for a record, once for equal bytes. @throws DeviceListError `invalid-signature` */
async function verifyNewSignatures(log: UserLog, list: DeviceList, provider: CryptoProvider): Promise<void> {
  for (const [i, device] of list.devices.entries())
    for (const [j, record] of device.credentials.entries()) {
      const { approval, continuity } = record;
      if (approval === undefined && continuity === undefined) continue;
      const vouchers = bytesKey(sha256(encode(Vouchers, record)));
      if (log.vouchers.has(vouchers)) continue;
      const path = `devices[${i}].credentials[${j}]`;
      if (approval !== undefined && !(await verifyDeviceApproval(provider, approval)))
        throw new DeviceListError("invalid-signature", `${path}.approval.signature`, "not by the approver's key");
      if (continuity !== undefined && !(await verifyContinuity(provider, continuity)))
        throw new DeviceListError("invalid-signature", `${path}.continuity.signature`, "not by the old key");
      log.vouchers.add(vouchers);
    }
}

function changedDevices(
  previous: DeviceList,
  list: DeviceList,
  unauthorised: readonly Condition[],
): Pick<MembershipLine, "kind" | "client">[] {
  const wasActive = new Map(previous.devices.map((device) => [device.client, isActive(device)]));
  const lines: Pick<MembershipLine, "kind" | "client">[] = [];
  for (const device of list.devices) {
    const { client } = device;
    const before = wasActive.get(client);
    if (before === undefined) lines.push({ kind: "device-added", client });
    if (before !== false && !isActive(device)) lines.push({ kind: "device-revoked", client });
  }
  const changed = new Set(unauthorised.map(({ client = "" }) => client));
  return [...lines, ...[...changed].map((client) => ({ kind: "identity-changed" as const, client }))];
}

const isActive = (device: DeviceRecord): boolean => device.credentials.some(({ status }) => status === "active");

/** Two values for one version, a chain that does not fit, or a version that went back: two histories of one log. */
function checkView(
  log: UserLog,
  sighting: ListSighting,
  hash: string,
  { clockSkew }: Pick<ValidationPolicy, "clockSkew">,
): Condition | undefined {
  const { version } = sighting;
  const known = log.hashes.get(version);
  const greatest = log.list?.version ?? 0;
  const before = log.hashes.get(version - 1);
  const claimed = previousHashOf(sighting.value);
  let detail: string | undefined;
  if (known !== undefined && known !== hash) detail = `two values for version ${version}`;
  else if (
    sighting.greatest !== false &&
    version < greatest &&
    // An answer from just before the greater version came is no contradiction, in whichever order they are read.
    sighting.provenAt > Math.max(log.provenAt, log.toldAt + clockSkew)
  )
    detail = `version ${version} proven as greatest after version ${greatest}`;
  else if (before !== undefined && claimed !== undefined && claimed !== before)
    detail = `version ${version} continues another version ${version - 1}`;
  if (detail === undefined) return undefined;
  return condition(
    log,
    sighting,
    "VIEW_SPLIT",
    "confirmed",
    `version ${version} ${hash}`,
    detail,
    shown(log, sighting),
  );
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

/** Two lists: what was known and what was seen. */
const shown = (log: UserLog, sighting: ListSighting): EvidenceBundle => ({
  lists: [...(log.evidence().lists ?? []), listEvidence(sighting)],
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
  previous: DeviceList,
  list: DeviceList,
  sighting: ListSighting,
  { retention, clockSkew }: Pick<ValidationPolicy, "retention" | "clockSkew">,
): Condition[] {
  try {
    // A version of the past was logged at some time before now, be it by the log's clock or by this device's.
    const before = sighting.greatest === false ? Math.max(sighting.at, log.provenAt) : sighting.provenAt;
    const loggedAt = BigInt(Math.ceil(before));
    // The service drops by its own clock, the log says when by its own.
    checkDeviceListChange(previous, list, { loggedAt: loggedAt + BigInt(clockSkew), retention: BigInt(retention) });
    return [];
  } catch (error) {
    if (error instanceof DeviceListError) return [refusedEntry(log, sighting, error)];
    throw error;
  }
}

function refusedEntry(log: UserLog, sighting: ListSighting, error: DeviceListError): Condition {
  const evidence = shown(log, sighting);
  const detail = `${error.code} at ${error.path}: ${error.message}`;
  return condition(log, sighting, "UNAUTHORISED_ENTRY", "confirmed", `version ${sighting.version}`, detail, evidence);
}

function findUnauthorised(log: UserLog, added: readonly UnknownCredential[], sighting: ListSighting): Condition[] {
  if (added.length === 0) return [];
  const evidence = shown(log, sighting);
  return added
    .filter(({ record }) => record.status === "active")
    .map(({ client, record }) => {
      const known = log.keysOf(client).size > 0;
      const detail = known ? `${client} has a new key without continuity` : `${client} was added without approval`;
      const subject = `${client} ${bytesKey(record.spkiHash)}`;
      return { ...condition(log, sighting, "UNAUTHORISED_ENTRY", "suspect", subject, detail, evidence), client };
    });
}

const CESSATION_OF_OPERATION = 5;

/** Devices that came and went between two looks without any known device vouching for them. */
function findTransient(
  log: UserLog,
  previous: DeviceList,
  list: DeviceList,
  added: readonly UnknownCredential[],
  sighting: ListSighting,
): Condition[] {
  if (added.length === 0) return [];
  const evidence = shown(log, sighting);
  const conditions: Condition[] = [];
  const askable = couldHaveAsked({ list: previous, provenAt: log.provenAt }, list, added);
  for (const { client, record } of added) {
    // A certificate that was logged but could not be signed is logged again as revoked, with this reason.
    if (record.status === "active" || record.reason === CESSATION_OF_OPERATION) continue;
    if (log.keysOf(client).size > 0) continue;
    // Nobody was left who could have vouched for it, and nobody claims to have: a recovery that another one followed.
    const claims = record.approval !== undefined || record.continuity !== undefined;
    if (!claims && !askable(record)) continue;
    const detail = `${client} was added and revoked between versions ${previous.version} and ${list.version}`;
    const subject = `${client} ${bytesKey(record.spkiHash)}`;
    conditions.push({
      ...condition(log, sighting, "TRANSIENT_DEVICE", "confirmed", subject, detail, evidence),
      client,
    });
  }
  return conditions;
}
