import { bytesKey } from "../bytes-key.js";
import type { Condition } from "./finding.js";
import type { SightedLeaf } from "./ghost-event.js";
import type { GroupMemory } from "./group-memory.js";
import { evidenceOf, type GroupRule, type RuleContext, type UserInGroupRule } from "./rule-context.js";

const SUPERSEDED = 4;

/** A condition about a leaf that stands at the group's present epoch. */
function aboutLeaf(
  group: GroupMemory,
  leaf: SightedLeaf,
  context: RuleContext,
): Omit<Condition, "kind" | "level" | "detail" | "since"> {
  return {
    subject: `${leaf.client} ${leaf.spkiHash}`,
    user: leaf.reference,
    client: leaf.client,
    group: group.group,
    evidence: evidenceOf(leaf, context.logs.get(leaf.reference)),
  };
}

/** Pending until the up-to-date group was seen at or after the deadline: backlog and silence prove nothing. */
function levelBy(deadline: number, group: GroupMemory): Condition["level"] {
  return group.syncedAt >= deadline ? "confirmed" : "pending";
}

/** REMOVED_DEVICE_PRESENT: a leaf whose certificate the log says is revoked. */
export const removedDevicePresent: UserInGroupRule = function* (group, user, context) {
  const log = context.logs.get(user);
  for (const leaf of group.leavesOf(user)) {
    const record = log?.records.get(leaf.tbsCertificateHash);
    if (log === undefined || record?.revokedAt === undefined) continue;
    const { revokedAt } = record;
    const renewed =
      record.reason === SUPERSEDED &&
      [...log.records.values()].some((other) => other.client === leaf.client && other.revokedAt === undefined);
    const deadline = revokedAt + (renewed ? context.policy.longestStay : context.policy.removalWindow);
    yield {
      ...aboutLeaf(group, leaf, context),
      kind: "REMOVED_DEVICE_PRESENT",
      level: levelBy(deadline, group),
      since: revokedAt,
      deadline,
      detail: `revoked at ${revokedAt}, still a member`,
    };
  }
};

/** DUPLICATE_CLIENT: one client at two leaves. */
export const duplicateClient: GroupRule = function* (group, context) {
  const first = new Map<string, SightedLeaf>();
  for (const leaf of group.leaves.values()) {
    if (leaf.client === "") continue;
    const other = first.get(leaf.client);
    first.set(leaf.client, leaf);
    if (other === undefined) continue;
    const since = group.severalSince.get(leaf.client) ?? group.at;
    const deadline = since + context.policy.removalWindow;
    yield {
      ...aboutLeaf(group, leaf, context),
      subject: leaf.client,
      kind: "DUPLICATE_CLIENT",
      level: levelBy(deadline, group),
      since,
      deadline,
      detail: `leaves ${other.leafIndex} and ${leaf.leafIndex} are both ${leaf.client}`,
    };
  }
};

/** SIGNATURE_KEY_REUSED inside a group: one key at two leaves. */
export const keyReusedInGroup: GroupRule = function* (group, context) {
  const first = new Map<string, SightedLeaf>();
  for (const leaf of group.leaves.values()) {
    if (leaf.spkiHash === "") continue;
    const other = first.get(leaf.spkiHash);
    first.set(leaf.spkiHash, leaf);
    if (other === undefined) continue;
    yield {
      ...aboutLeaf(group, leaf, context),
      subject: leaf.spkiHash,
      kind: "SIGNATURE_KEY_REUSED",
      level: "confirmed",
      since: Math.max(group.placeSince.get(leaf.leafIndex) ?? group.at, group.placeSince.get(other.leafIndex) ?? 0),
      detail: `leaves ${other.leafIndex} and ${leaf.leafIndex} share a signature key`,
    };
  }
};

/** INVALID_SUCCESSOR: an Update or Commit that put another client in a member's place. */
export const invalidSuccessor: UserInGroupRule = function* (group, user, context) {
  const log = context.logs.get(user);
  for (const { at, before, after } of group.successions.get(user) ?? []) {
    let detail: string | undefined;
    if (before.client !== after.client) detail = `${before.client} was replaced by ${after.client}`;
    else if (
      context.policy.successor === "continuity" &&
      before.spkiHash !== after.spkiHash &&
      log?.list !== undefined
    ) {
      const vouched = log.list.devices.some(
        (device) =>
          device.client === after.client &&
          device.credentials.some(
            (record) =>
              (record.continuity !== undefined || record.approval !== undefined) &&
              bytesKey(record.spkiHash) === after.spkiHash,
          ),
      );
      if (!vouched && log.keysOf(after.client).has(after.spkiHash))
        detail = `${after.client} changed its key without continuity`;
    }
    if (detail === undefined) continue;
    yield {
      ...aboutLeaf(group, after, context),
      subject: `${before.client} ${after.client} ${after.spkiHash}`,
      kind: "INVALID_SUCCESSOR",
      level: "confirmed",
      since: at,
      detail,
      evidence: successionEvidence(before, after, context),
    };
  }
};

/** Both chains, the newcomer's first. */
function successionEvidence(before: SightedLeaf, after: SightedLeaf, context: RuleContext): Condition["evidence"] {
  const evidence = evidenceOf(after, context.logs.get(after.reference));
  if (before.certificates === undefined) return evidence;
  return { ...evidence, certificates: [...(after.certificates ?? []), ...before.certificates] };
}

/** CREDENTIAL_DEGRADED: a member that fell back to a weaker credential, outstayed its certificate, or never updates. */
export const credentialDegraded: GroupRule = function* (group, context) {
  const { policy } = context;
  for (const leaf of group.leaves.values()) {
    const since = group.leafSince.get(leaf.leafIndex) ?? group.at;
    if (leaf.type !== "x509") {
      const allowed = leaf.type === "basic" && policy.credentialTypes.includes("basic");
      if (allowed && !group.x509Users.has(leaf.reference)) continue;
      const detail = `a ${leaf.type} credential stands for ${leaf.reference}`;
      yield {
        ...aboutLeaf(group, leaf, context),
        subject: `type ${leaf.leafIndex}`,
        kind: "CREDENTIAL_DEGRADED",
        level: "confirmed",
        since,
        detail,
      };
      continue;
    }
    const stay = since + policy.longestStay;
    if (group.syncedAt >= stay) {
      const detail = `no update of the leaf since ${since}`;
      const subject = `stay ${leaf.tbsCertificateHash}`;
      const about = aboutLeaf(group, leaf, context);
      yield { ...about, subject, kind: "CREDENTIAL_DEGRADED", level: "confirmed", since, deadline: stay, detail };
    }
    const { expired } = policy.members;
    if (expired !== "warn" && group.at > leaf.notAfter) {
      const deadline = leaf.notAfter + (expired === "reject" ? policy.clockSkew : expired.grace);
      const level = levelBy(deadline, group);
      const detail = `the certificate expired at ${leaf.notAfter}`;
      yield {
        ...aboutLeaf(group, leaf, context),
        subject: `expired ${leaf.tbsCertificateHash}`,
        kind: "CREDENTIAL_DEGRADED",
        level,
        since: leaf.notAfter,
        deadline,
        detail,
      };
    }
  }
};

/** Rules over all leaves of a group, and rules over the leaves of one user in it. */
export const GROUP_RULES: readonly GroupRule[] = [duplicateClient, keyReusedInGroup, credentialDegraded];
export const USER_IN_GROUP_RULES: readonly UserInGroupRule[] = [removedDevicePresent, invalidSuccessor];
