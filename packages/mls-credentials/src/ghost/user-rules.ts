import { equalBytes } from "@mls-as/tls-codec";
import { bytesKey } from "../bytes-key.js";
import { isTrusted } from "../own-devices.js";
import type { Condition } from "./finding.js";
import type { GroupMemory } from "./group-memory.js";
import type { UserLog } from "./log-memory.js";
import { lastAsked, mayBeDropped, type RuleContext } from "./rule-context.js";

/** A certificate of this device that the log acknowledged. */
export interface OwnCredential {
  readonly tbsCertificateHash: string;
  readonly client: string;
  readonly version: number;
  readonly notAfter: number;
  /** By when the log had acknowledged it: this device's clock then, or the log's newest proof if that is later. */
  readonly toldAt: number;
}

/** A record under the user's own label that nothing vouched for when it was read. */
export interface UnknownRecord {
  readonly client: string;
  readonly spkiHash: Uint8Array;
  readonly tbsCertificateHash: Uint8Array;
  readonly firstSeen: number;
  /** Seen at this device's first look, when the user has had no chance to confirm anything yet. */
  readonly atFirstLook: boolean;
  /** Revoked or expired already at that look. */
  readonly overBefore: boolean;
  /** Its key had been trusted, then revoked, and is now certified again. */
  readonly revived: boolean;
  /** When the log last proved a list without it; -Infinity at the first look. */
  readonly absentAt: number;
  /** When the log first proved a list that says it is revoked. */
  readonly endedAt?: number | undefined;
}

/** SELF_UNKNOWN_IN_LOG: what stands under the user's own label and is not the user's. */
export function* selfUnknownInLog(unknown: Iterable<UnknownRecord>, context: RuleContext): Iterable<Condition> {
  const log = context.logs.get(context.self);
  if (log === undefined) return;
  for (const each of unknown) {
    const { client, spkiHash, firstSeen, atFirstLook, overBefore, revived } = each;
    if (!revived && isTrusted(context.own, client, spkiHash)) continue;
    if (overBefore || isFailedEnrolment(log, each, context)) continue;
    const deadline = firstSeen + context.policy.evidenceDeadline;
    yield {
      kind: "SELF_UNKNOWN_IN_LOG",
      level: context.now >= deadline ? "confirmed" : atFirstLook ? "pending" : "suspect",
      subject: `${client} ${bytesKey(spkiHash)}`,
      user: context.self,
      client,
      since: firstSeen,
      deadline,
      detail: `the log lists ${client}, which no device of this user vouched for`,
      evidence: log.evidence(),
    };
  }
}

const CESSATION_OF_OPERATION = 5;

/**
 * Logged, never signed, and logged again as revoked soon after: no device ever had this certificate. The times in a list
 * are the operator's word; that it stood for no longer than the deadline must follow from two proofs of the log.
 */
function isFailedEnrolment(
  log: UserLog,
  { tbsCertificateHash, absentAt, endedAt }: UnknownRecord,
  { policy }: RuleContext,
): boolean {
  if (endedAt === undefined || endedAt - absentAt > policy.evidenceDeadline) return false;
  const records = log.list?.devices.flatMap(({ credentials }) => credentials) ?? [];
  const record = records.find((each) => equalBytes(each.tbsCertificateHash, tbsCertificateHash));
  if (record?.status !== "revoked" || record.reason !== CESSATION_OF_OPERATION) return false;
  return Number(record.revokedAt - record.notBefore) <= policy.evidenceDeadline;
}

/** SELF_MISSING_FROM_LOG: a credential of this device that the log acknowledged and no longer holds. */
export function* selfMissingFromLog(credentials: Iterable<OwnCredential>, context: RuleContext): Iterable<Condition> {
  const log = context.logs.get(context.self);
  if (log?.list === undefined) return;
  const held = new Set(
    log.list.devices.flatMap((device) => device.credentials.map((record) => bytesKey(record.tbsCertificateHash))),
  );
  for (const { tbsCertificateHash, client, version, notAfter, toldAt } of credentials) {
    if (held.has(tbsCertificateHash)) continue;
    // A log that goes on proving a version from before what it acknowledged has lost it as well.
    if (log.list.version < version && log.provenAt < toldAt + context.policy.evidenceDeadline) continue;
    if (mayBeDropped(notAfter, log.provenAt, context.policy)) continue;
    yield {
      kind: "SELF_MISSING_FROM_LOG",
      level: "confirmed",
      subject: tbsCertificateHash,
      user: context.self,
      client,
      since: log.readAt,
      detail: `logged in version ${version}, absent from version ${log.list.version}`,
      evidence: log.evidence(),
    };
  }
}

/** EVIDENCE_UNAVAILABLE: the log has not answered for a user for too long, whether it fails or stands still. */
export function* evidenceUnavailable(
  user: string,
  unanswered: readonly number[],
  context: RuleContext,
): Iterable<Condition> {
  const log = context.logs.get(user);
  const { clockSkew, evidenceDeadline } = context.policy;
  const provenAt = log?.provenAt ?? Number.NEGATIVE_INFINITY;
  const waiting = unanswered.filter((firstSeen) => provenAt < firstSeen + clockSkew);
  const since = waiting.reduce((earliest, at) => Math.min(earliest, at), log?.missingSince ?? Number.POSITIVE_INFINITY);
  const deadline = since + evidenceDeadline;
  const asked = lastAsked(log, context);
  if (!Number.isFinite(since) || (log?.missingSince === undefined && asked < deadline)) return;
  yield {
    kind: "EVIDENCE_UNAVAILABLE",
    level: asked >= deadline ? "confirmed" : "pending",
    subject: user,
    user,
    since,
    deadline,
    detail: `no proof of the device list of ${user} since ${since}`,
    evidence: log?.evidence() ?? {},
  };
}

/** PARTIAL_PRESENCE: a device that stays in only some of the groups that its user shares with this device. */
export function* partialPresence(user: string, context: RuleContext): Iterable<Condition> {
  // Strangers whom no roster knows are not one user.
  if (user === "") return;
  const shared: GroupMemory[] = [];
  for (const name of context.groupsOf.get(user) ?? []) {
    const group = context.groups.get(name);
    if (group?.userSince.has(user) === true) shared.push(group);
  }
  const log = context.logs.get(user);
  const homes = new Map<string, Set<GroupMemory>>();
  const ended = new Map<string, number>();
  for (const group of shared)
    for (const leaf of group.leavesOf(user)) {
      if (leaf.type !== "x509") continue;
      const over = endOf(log, leaf.tbsCertificateHash, group.at);
      if (over !== undefined) {
        // An old leaf of a device that was installed again: until its revocation it was present here.
        const name = `${leaf.client} ${group.group}`;
        ended.set(name, Math.max(over, ended.get(name) ?? over));
        continue;
      }
      const known = homes.get(leaf.client);
      if (known === undefined) homes.set(leaf.client, new Set([group]));
      else known.add(group);
    }
  for (const [client, present] of homes) {
    const since = Math.min(...[...present].map((group) => group.clientSince.get(client) ?? group.at));
    const seen = Math.max(...[...present].map((group) => group.syncedAt));
    const missing = shared.filter((group) => !present.has(group));
    const due = missing.map((group) => {
      const start = Math.max(
        since,
        group.userSince.get(user) ?? 0,
        group.clientLeft.get(client) ?? 0,
        ended.get(`${client} ${group.group}`) ?? 0,
      );
      return { group, deadline: start + context.policy.joinWindow };
    });
    if (due.length === 0) continue;
    const late = due.filter(({ group, deadline }) => Math.min(group.syncedAt, seen) >= deadline);
    yield {
      kind: "PARTIAL_PRESENCE",
      level: late.length > 0 ? "confirmed" : "pending",
      subject: client,
      user,
      client,
      since,
      deadline: Math.min(...due.map(({ deadline }) => deadline)),
      detail: `in ${present.size} of ${shared.length} shared groups`,
      evidence: log?.evidence() ?? {},
    };
  }
}

/** Since when a certificate is revoked or expired; undefined when it is not. */
function endOf(log: UserLog | undefined, tbsCertificateHash: string, at: number): number | undefined {
  const record = log?.records.get(tbsCertificateHash);
  if (record === undefined) return undefined;
  return record.revokedAt ?? (record.notAfter < at ? record.notAfter : undefined);
}
