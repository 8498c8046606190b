import type { ValidationPolicy } from "../policy.js";
import type { DetectorState } from "./detector-state.js";
import type { Condition, Finding, FindingKind } from "./finding.js";
import type { GroupMemory, Sighting } from "./group-memory.js";
import { GROUP_RULES, USER_IN_GROUP_RULES } from "./group-rules.js";
import type { RuleContext } from "./rule-context.js";
import { isAnswered, judgeSelf, judgeSighting } from "./sighting-rules.js";
import { evidenceUnavailable, partialPresence, selfMissingFromLog, selfUnknownInLog } from "./user-rules.js";

/** A scope holds findings that are judged together. Identities hold no space, so a group's name may. */
const KEY_PACKAGES = "key packages";
const groupScope = (group: string): string => `group ${group}`;
const userScope = (user: string): string => `user ${user}`;
const memberScope = (group: string, user: string): string => `member ${user} ${group}`;

/** Reads a scope's name back. */
function readScope(scope: string): { readonly kind: string; readonly user: string; readonly group: string } {
  const [kind = "", user = "", ...group] = scope.split(" ");
  return { kind, user, group: group.join(" ") };
}

/** Applies the rules to what changed and to what time alone may change; nothing else is judged again. */
export class Judge {
  readonly #state: DetectorState;
  readonly #options: { readonly policy: ValidationPolicy; readonly self: string };
  readonly #disabled: ReadonlySet<FindingKind> | undefined;

  constructor(
    state: DetectorState,
    options: {
      readonly policy: ValidationPolicy;
      readonly self: string;
      readonly disabled?: ReadonlySet<FindingKind>;
    },
  ) {
    this.#state = state;
    this.#options = options;
    this.#disabled = options.disabled;
  }

  /** A group in which something changed about some users. */
  group(group: GroupMemory, users: ReadonlySet<string>): Finding[][] {
    const context = this.#context();
    const conditions = GROUP_RULES.flatMap((rule) => [...rule(group, context)]);
    const found = [this.report(groupScope(group.group), conditions)];
    const concerned = new Set(users);
    for (const scope of this.#state.book.openScopes()) {
      const open = readScope(scope);
      if (open.kind === "member" && open.group === group.group) concerned.add(open.user);
    }
    for (const user of concerned) found.push(this.#member(group, user));
    const waiting = this.#state.book.waitingUsers();
    for (const user of group.userSince.keys()) if (waiting.has(user)) concerned.add(user);
    for (const user of concerned) {
      if (users.has(user)) this.#forgetWait(user);
      found.push(this.user(user));
    }
    return found;
  }

  /** About somebody who has left every group nobody needs to ask any more, unless a sighting still waits for its answer. */
  #forgetWait(user: string): void {
    const log = this.#state.logs.get(user);
    if (log?.missingSince === undefined || user === this.#options.self) return;
    const shared = [...(this.#state.groupsOf.get(user) ?? [])].some((name) =>
      this.#state.groups.get(name)?.userSince.has(user),
    );
    if (!shared && this.#unanswered(user, this.#context()).length === 0) log.missingSince = undefined;
  }

  /** A user's part in every group. */
  groupsOf(user: string): Finding[][] {
    const names = [...(this.#state.groupsOf.get(user) ?? [])];
    return names.map((name) => this.#member(this.#state.groups.get(name) as GroupMemory, user));
  }

  #member(group: GroupMemory, user: string): Finding[] {
    const context = this.#context();
    const conditions: Condition[] = [];
    for (const [key, sighting] of group.sightingsOf(user)) {
      conditions.push(...judgeSighting(sighting, { group: group.group, unlogged: "UNLOGGED_LEAF" }, context));
      conditions.push(...judgeSelf(sighting, group.group, context));
      if (!sighting.present && isAnswered(sighting.credential, context)) group.sightings.get(user)?.delete(key);
    }
    for (const rule of USER_IN_GROUP_RULES) conditions.push(...rule(group, user, context));
    return this.report(memberScope(group.group, user), conditions);
  }

  keyPackages(): Finding[] {
    const context = this.#context();
    const conditions: Condition[] = [];
    for (const [key, sighting] of this.#state.keyPackages) {
      conditions.push(...judgeSighting(sighting, { unlogged: "UNLOGGED_KEY_PACKAGE" }, context));
      if (isAnswered(sighting.credential, context)) this.#state.keyPackages.delete(key);
    }
    return this.report(KEY_PACKAGES, conditions);
  }

  user(user: string): Finding[] {
    const context = this.#context();
    const conditions = [
      ...evidenceUnavailable(user, this.#unanswered(user, context), context),
      ...partialPresence(user, context),
    ];
    if (user === context.self)
      conditions.push(
        ...selfUnknownInLog(this.#state.unknown.values(), context),
        ...selfMissingFromLog(this.#state.ownCredentials.values(), context),
      );
    return this.report(userScope(user), conditions);
  }

  /** After a change of the own devices. */
  own(): Finding[][] {
    const { self } = this.#options;
    return [this.user(self), ...this.groupsOf(self)];
  }

  /** What time alone may change: open findings, and evidence that may become overdue. */
  open(): Finding[][] {
    const { book } = this.#state;
    const scopes = new Set([...book.openScopes(), ...[...book.waitingUsers()].map(userScope)]);
    // In an order of their own, which a restart does not change.
    return [...scopes].sort().map((scope) => this.#scope(scope));
  }

  /** Users and members are judged by how long the log has been silent; of groups and KeyPackages time alone says nothing. */
  #scope(scope: string): Finding[] {
    const { kind, user, group: name } = readScope(scope);
    if (kind === "user") return this.user(user);
    const group = this.#state.groups.get(name);
    return kind === "member" && group !== undefined ? this.#member(group, user) : [];
  }

  /** Takes the conditions of a scope. `partial`: what is not named has not ended. */
  report(scope: string, conditions: readonly Condition[], partial = false): Finding[] {
    const disabled = this.#disabled;
    const told = disabled === undefined ? conditions : conditions.filter(({ kind }) => !disabled.has(kind));
    return this.#state.book.reconcile(scope, told, this.#state.now, partial);
  }

  /** When each credential of a user was first seen that the log has not answered for. */
  #unanswered(user: string, context: RuleContext): number[] {
    const times: number[] = [];
    const take = ({ credential, firstSeen }: Sighting): void => {
      if (credential.reference !== user || credential.type !== "x509" || isAnswered(credential, context)) return;
      times.push(firstSeen);
    };
    for (const name of this.#state.groupsOf.get(user) ?? [])
      for (const [, sighting] of this.#state.groups.get(name)?.sightingsOf(user) ?? []) take(sighting);
    if (user !== "") this.#state.keyPackages.forEach(take);
    return user === "" ? [] : times;
  }

  #context(): RuleContext {
    const { now, tickedAt, own, logs, groups, groupsOf } = this.#state;
    const { policy, self } = this.#options;
    return { now, tickedAt, policy, self, own, logs, groups, groupsOf };
  }
}
