import type { OwnDevices } from "../own-devices.js";
import type { ValidationPolicy } from "../policy.js";
import type { Condition, EvidenceBundle } from "./finding.js";
import type { SightedCredential } from "./ghost-event.js";
import type { GroupMemory } from "./group-memory.js";
import type { UserLog } from "./log-memory.js";

/** What the rules read. None of them changes it. */
export interface RuleContext {
  readonly now: number;
  /** When the app last said that time had passed, after a round of lookups. */
  readonly tickedAt: number;
  readonly policy: ValidationPolicy;
  readonly self: string;
  readonly own: OwnDevices;
  readonly logs: ReadonlyMap<string, UserLog>;
  readonly groups: ReadonlyMap<string, GroupMemory>;
  /** Names of the groups in which a user was seen. */
  readonly groupsOf: ReadonlyMap<string, ReadonlySet<string>>;
}

/** A rule over one group. */
export type GroupRule = (group: GroupMemory, context: RuleContext) => Iterable<Condition>;

/** A rule over one user's part in a group. */
export type UserInGroupRule = (group: GroupMemory, user: string, context: RuleContext) => Iterable<Condition>;

/** The bytes of a sighted credential, with the list that speaks for or against it. */
export function evidenceOf(credential: SightedCredential, log: UserLog | undefined): EvidenceBundle {
  return {
    ...(credential.certificates === undefined ? {} : { certificates: credential.certificates }),
    ...(credential.signatureKey === undefined ? {} : { signatureKey: credential.signatureKey }),
    ...log?.evidence(),
  };
}

/**
 * When the log last had the chance to answer for a user. A device that was offline meets old trees before it can ask again:
 * only ticks, and answers or failures of the log, count as time.
 */
export function lastAsked(log: UserLog | undefined, { tickedAt }: RuleContext): number {
  return Math.max(tickedAt, log?.readAt ?? Number.NEGATIVE_INFINITY, log?.failedAt ?? Number.NEGATIVE_INFINITY);
}

/** Whether a list may have dropped a record by then. The service drops by its own clock, the log says when by its own. */
export function mayBeDropped(
  notAfter: number,
  provenAt: number,
  { retention, clockSkew }: Pick<ValidationPolicy, "retention" | "clockSkew">,
): boolean {
  return notAfter + retention <= provenAt + clockSkew;
}
