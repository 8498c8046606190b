import { createHash } from "node:crypto";
import { DeviceApproval, decodeDeviceList, isClientOf } from "@mls-as/mls-credentials";
import { CodecError, decode, equalBytes } from "@mls-as/tls-codec";
import { toHex } from "../binary-text.js";
import { Problem, type ProblemCode } from "../problem.js";
import type { LabelView, Store } from "../storage/store.js";

/** Verifies the signature of an approval by the key that it names. */
export type VerifyApproval = (approval: DeviceApproval) => Promise<boolean>;

export interface ApprovalContext {
  readonly store: Store;
  readonly logId: Uint8Array;
  readonly verify: VerifyApproval;
  readonly now: number;
  /** Most seconds that an approval may be good for. */
  readonly approvalLifetime: number;
}

export interface CheckedApproval {
  readonly approval: DeviceApproval;
  /** Id of a credential of the approving key. */
  readonly approver: string;
}

/** What an approval must be about. */
export interface ApprovedDevice {
  readonly user: string;
  readonly client: string;
  /** 32 octets. */
  readonly spkiHash: Uint8Array;
}

const SECTION = "Wire formats that are ours";

/**
 * Judges a DeviceApproval: for this log, user, client and key; in time; by the key of an unexpired, unrevoked credential
 * of another device of the user, as the latest device list and this service's own records show it.
 *
 * @throws Problem `approval-*`
 */
export async function checkApproval(
  context: ApprovalContext,
  encoded: Uint8Array,
  device: ApprovedDevice,
  latest: LabelView["latest"],
  path: string,
): Promise<CheckedApproval> {
  const refuse = (code: ProblemCode, detail: string): Problem => new Problem(code, detail, { path, section: SECTION });
  const approval = decodeApproval(encoded, path);
  const { tbs } = approval;
  if (
    !equalBytes(tbs.logId, context.logId) ||
    tbs.identity !== device.user ||
    tbs.client !== device.client ||
    !equalBytes(tbs.spkiHash, device.spkiHash)
  )
    throw refuse("approval-mismatch", "The approval names another log, user, client or key.");
  if (tbs.expiresAt <= BigInt(context.now)) throw refuse("approval-expired", "The approval has expired.");
  if (tbs.expiresAt > BigInt(context.now + context.approvalLifetime))
    throw refuse("approval-lifetime", `An approval is good for at most ${context.approvalLifetime} seconds.`);
  if (tbs.approver === device.client || !isClientOf(tbs.approver, device.user))
    throw refuse("approval-untrusted", "The approver is not another device of this user.");
  if (latest === undefined || tbs.afterVersion > latest.version)
    throw refuse("approval-version", "The approver cannot have seen that version.");
  // An approval lets one key in once: sent again it would bring a revoked device back.
  const enrolled = decodeDeviceList(latest.value).devices.find(({ client }) => client === device.client);
  if (enrolled?.credentials.some(({ spkiHash }) => equalBytes(spkiHash, device.spkiHash)) === true)
    throw refuse("approval-used", "The log already holds a credential of this key.");
  const approver = await activeCredential(context, latest.value, tbs.approver, tbs.approverSpki);
  if (approver === undefined)
    throw refuse("approval-untrusted", "The approver's key is not an active credential of this user.");
  if (!(await context.verify(approval))) throw refuse("approval-signature", "The signature does not verify.");
  return { approval, approver };
}

function decodeApproval(encoded: Uint8Array, path: string): DeviceApproval {
  try {
    return decode(DeviceApproval, encoded);
  } catch (error) {
    if (!(error instanceof CodecError)) throw error;
    const detail = `Not a DeviceApproval: ${error.message}.`;
    throw new Problem("approval-malformed", detail, { path, section: SECTION, cause: error });
  }
}

/** The id of an active credential of a key that is not blocked; undefined when there is none. */
async function activeCredential(
  context: ApprovalContext,
  list: Uint8Array,
  client: string,
  spki: Uint8Array,
): Promise<string | undefined> {
  const hash = new Uint8Array(createHash("sha256").update(spki).digest());
  if (await context.store.keyBlocked(toHex(hash))) return undefined;
  const device = decodeDeviceList(list).devices.find((candidate) => candidate.client === client);
  for (const record of device?.credentials ?? []) {
    if (record.status !== "active" || record.notAfter <= BigInt(context.now) || !equalBytes(record.spkiHash, hash))
      continue;
    // A revocation counts from the moment it is known here, not only when the log shows it.
    const stored = await context.store.credential(toHex(record.tbsCertificateHash));
    if (stored?.state === "active" && stored.notAfter > context.now) return stored.id;
  }
  return undefined;
}
