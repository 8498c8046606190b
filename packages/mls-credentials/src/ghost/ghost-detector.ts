import type { CryptoProvider } from "@mls-as/mls-core";
import { bytesKey } from "../bytes-key.js";
import type { DeviceList } from "../device-list.js";
import { type ClientKey, isTrusted, type OwnDevices, ownDevices, readOwnList, trustOwn } from "../own-devices.js";
import type { ValidationPolicy } from "../policy.js";
import type { Condition, Finding, FindingKind } from "./finding.js";
import { FindingBook } from "./finding-book.js";
import type { GhostEvent, SightedCredential } from "./ghost-event.js";
import { GroupMemory, keyOf, type MembershipChange, type Sighting } from "./group-memory.js";
import { GROUP_RULES } from "./group-rules.js";
import { readList, UserLog } from "./log-memory.js";
import type { RuleContext } from "./rule-context.js";
import { hexBytes, isAnswered, judgeSelf, judgeSighting } from "./sighting-rules.js";
import {
  evidenceUnavailable,
  type OwnCredential,
  partialPresence,
  selfMissingFromLog,
  selfUnknownInLog,
  type UnknownRecord,
} from "./user-rules.js";

export interface GhostDetectorOptions {
  /** This device's user. */
  readonly self: string;
  /** This device's own keys, and those the user confirmed on it. */
  readonly ownKeys: readonly ClientKey[];
  readonly policy: ValidationPolicy;
  readonly provider: CryptoProvider;
  /** When given, approvals and continuities must name this log. */
  readonly logId?: Uint8Array;
  /** Kinds that are not reported; for tests that show a rule is needed. */
  readonly disabled?: ReadonlySet<FindingKind>;
}

/** What one event changed. */
export interface Observation {
  /** Findings whose life changed, in one batch. */
  readonly findings: readonly Finding[];
  /** Lines for the membership log. */
  readonly members: readonly MembershipChange[];
  /** Users whose contacts should be told "identity changed". */
  readonly identityChanged: readonly string[];
}

/**
 * One device's ghost detector. Deterministic: the same events give the same findings; time comes only from events.
 *
 * Events are observed one after another; `observe` must have settled before the next call.
 */
export class GhostDetector {
  readonly #options: GhostDetectorOptions;
  readonly #book = new FindingBook();
  readonly #logs = new Map<string, UserLog>();
  readonly #groups = new Map<string, GroupMemory>();
  readonly #groupsOf = new Map<string, Set<string>>();
  readonly #keyPackages = new Map<string, Sighting>();
  readonly #clientOfKey = new Map<string, { client: string; user: string }>();
  readonly #heads = new Map<string, { root: string; source: string }>();
  readonly #ownCredentials: OwnCredential[] = [];
  readonly #unknown = new Map<string, UnknownRecord>();
  #own: OwnDevices;
  #now = Number.NEGATIVE_INFINITY;
  #tickedAt = Number.NEGATIVE_INFINITY;

  constructor(options: GhostDetectorOptions) {
    this.#options = options;
    this.#own = ownDevices(options.self, options.ownKeys);
  }

  /** Every finding so far, resolved and acknowledged ones included. */
  findings(): readonly Finding[] {
    return this.#book.all();
  }

  /** The devices this device holds for its user's own. */
  get own(): OwnDevices {
    return this.#own;
  }

  async observe(event: GhostEvent): Promise<Observation> {
    this.#now = Math.max(this.#now, event.at);
    switch (event.type) {
      case "device-list":
        return await this.#observeList(event);
      case "log-unavailable":
        this.#logOf(event.user).missingSince ??= this.#now;
        this.#logOf(event.user).failedAt = this.#now;
        return this.#changed([this.#judgeUser(event.user)]);
      case "head":
        return this.#changed([this.#observeHead(event)]);
      case "tree":
        return this.#observeTree(event);
      case "left":
        return this.#leave(event.group);
      case "key-package":
        return this.#observeKeyPackage(event.credential);
      case "own-key":
        this.#own = trustOwn(this.#own, { client: event.client, spkiHash: hexBytes(event.spkiHash) });
        if (event.enrolled !== undefined) this.#ownCredentials.push({ ...event.enrolled, client: event.client });
        return this.#judgeOwn();
      case "confirm-device":
        this.#unknown.delete(`${event.client} ${event.spkiHash}`);
        this.#own = trustOwn(this.#own, { client: event.client, spkiHash: hexBytes(event.spkiHash) });
        return this.#judgeOwn();
      case "acknowledge":
        return this.#changed([this.#book.acknowledge(event.finding, this.#now)]);
      case "tick":
        this.#tickedAt = this.#now;
        return this.#changed(
          [...new Set([...this.#book.openScopes(), ...this.#waitingScopes()])].map((scope) => this.#judgeScope(scope)),
        );
    }
  }

  async #observeList(event: Extract<GhostEvent, { type: "device-list" }>): Promise<Observation> {
    const { policy, provider, logId, self } = this.#options;
    const log = this.#logOf(event.user);
    const firstLook = log.list === undefined;
    const { list, conditions, identityChanged } = await readList(
      log,
      { ...event, at: this.#now },
      {
        provider,
        retention: policy.retention,
        ...(logId === undefined ? {} : { logId }),
      },
    );
    const found = [this.#report("log", conditions, true)];
    if (list !== undefined) {
      if (event.user === self) this.#readOwn(list, firstLook);
      found.push(this.#noteListKeys(list));
    }
    found.push(this.#judgeUser(event.user), ...this.#judgeGroupsOf(event.user), this.#judgeKeyPackages());
    return { ...this.#changed(found), identityChanged: identityChanged ? [event.user] : [] };
  }

  #readOwn(list: DeviceList, atFirstLook: boolean): void {
    const { own, unknown } = readOwnList(this.#own, list);
    this.#own = own;
    for (const { client, record } of unknown) {
      const key = `${client} ${bytesKey(record.spkiHash)}`;
      if (this.#unknown.has(key)) continue;
      const { spkiHash, tbsCertificateHash } = record;
      const revived = isTrusted(own, client, spkiHash);
      this.#unknown.set(key, { client, spkiHash, tbsCertificateHash, firstSeen: this.#now, atFirstLook, revived });
    }
  }

  #noteListKeys(list: DeviceList): Finding[] {
    const conditions: Condition[] = [];
    for (const { client, credentials } of list.devices)
      for (const { spkiHash } of credentials)
        conditions.push(...this.#noteKey(bytesKey(spkiHash), client, list.identity));
    return this.#report("keys", conditions, true);
  }

  /** SIGNATURE_KEY_REUSED: one key for two clients, wherever they are seen. */
  #noteKey(key: string, client: string, user: string): Condition[] {
    const owner = this.#clientOfKey.get(key);
    if (owner === undefined) this.#clientOfKey.set(key, { client, user });
    if (owner === undefined || owner.client === client) return [];
    return [
      {
        kind: "SIGNATURE_KEY_REUSED",
        level: "confirmed",
        subject: `${key} ${client}`,
        user,
        client,
        since: this.#now,
        detail: `the key of ${owner.client} is also used by ${client}`,
        evidence: { ...this.#logs.get(owner.user)?.evidence(), ...this.#logs.get(user)?.evidence() },
      },
    ];
  }

  /** VIEW_SPLIT: two roots for one size of one log. */
  #observeHead({ logId, position, root, source }: Extract<GhostEvent, { type: "head" }>): Finding[] {
    const key = `${logId} ${position}`;
    const known = this.#heads.get(key);
    if (known === undefined) this.#heads.set(key, { root, source });
    if (known === undefined || known.root === root) return [];
    const heads = [
      { position, ...known },
      { position, root, source },
    ];
    return this.#report(
      "log",
      [
        {
          kind: "VIEW_SPLIT",
          level: "confirmed",
          subject: `${key} ${root}`,
          user: this.#options.self,
          since: this.#now,
          detail: `two roots at log position ${position}`,
          evidence: { heads },
        },
      ],
      true,
    );
  }

  #observeTree(event: Extract<GhostEvent, { type: "tree" }>): Observation {
    let group = this.#groups.get(event.group);
    if (group === undefined) {
      group = new GroupMemory(event.group);
      this.#groups.set(event.group, group);
    }
    const users = new Set([...group.leaves.values()].map((leaf) => leaf.reference));
    const members = group.sight(event.epoch, event.leaves, this.#now, event.current);
    const keys: Condition[] = [];
    for (const leaf of event.leaves) {
      users.add(leaf.reference);
      const known = this.#groupsOf.get(leaf.reference);
      if (known === undefined) this.#groupsOf.set(leaf.reference, new Set([event.group]));
      else known.add(event.group);
      if (leaf.type === "x509" && leaf.keyMatches)
        keys.push(...this.#noteKey(leaf.spkiHash, leaf.client, leaf.reference));
    }
    const found = [this.#report("keys", keys, true), this.#judgeGroup(group)];
    for (const user of users) found.push(this.#judgeUser(user));
    return { ...this.#changed(found), members };
  }

  #leave(name: string): Observation {
    const group = this.#groups.get(name);
    if (group === undefined) return this.#changed([]);
    const users = new Set([...group.leaves.values()].map((leaf) => leaf.reference));
    group.sight(group.epoch, [], this.#now, true);
    const found = [this.#judgeGroup(group)];
    for (const user of users) found.push(this.#judgeUser(user));
    return this.#changed(found);
  }

  #observeKeyPackage(credential: SightedCredential): Observation {
    const key = keyOf(credential);
    if (!this.#keyPackages.has(key)) this.#keyPackages.set(key, { credential, firstSeen: this.#now, present: true });
    const reused =
      credential.type === "x509" && credential.keyMatches
        ? this.#noteKey(credential.spkiHash, credential.client, credential.reference)
        : [];
    return this.#changed([
      this.#report("keys", reused, true),
      this.#judgeKeyPackages(),
      this.#judgeUser(credential.reference),
    ]);
  }

  #judgeOwn(): Observation {
    const { self } = this.#options;
    return this.#changed([this.#judgeUser(self), ...this.#judgeGroupsOf(self)]);
  }

  #judgeGroupsOf(user: string): Finding[][] {
    return [...(this.#groupsOf.get(user) ?? [])].map((name) => this.#judgeGroup(this.#groups.get(name) as GroupMemory));
  }

  #judgeGroup(group: GroupMemory): Finding[] {
    const context = this.#context();
    const conditions: Condition[] = [];
    for (const [key, sighting] of group.sightings) {
      conditions.push(...judgeSighting(sighting, { group: group.group, unlogged: "UNLOGGED_LEAF" }, context));
      conditions.push(...judgeSelf(sighting, group.group, context));
      if (!sighting.present && isAnswered(sighting.credential, context)) group.sightings.delete(key);
    }
    for (const rule of GROUP_RULES) conditions.push(...rule(group, context));
    return this.#report(`group ${group.group}`, conditions);
  }

  #judgeKeyPackages(): Finding[] {
    const context = this.#context();
    const conditions: Condition[] = [];
    for (const [key, sighting] of this.#keyPackages) {
      conditions.push(...judgeSighting(sighting, { unlogged: "UNLOGGED_KEY_PACKAGE" }, context));
      if (isAnswered(sighting.credential, context)) this.#keyPackages.delete(key);
    }
    return this.#report("key packages", conditions);
  }

  #judgeUser(user: string): Finding[] {
    const context = this.#context();
    const conditions = [
      ...evidenceUnavailable(user, this.#unanswered(user, context), context),
      ...partialPresence(user, context),
    ];
    if (user === context.self)
      conditions.push(
        ...selfUnknownInLog(this.#unknown.values(), context),
        ...selfMissingFromLog(this.#ownCredentials, context),
      );
    return this.#report(`user ${user}`, conditions);
  }

  /** When each credential of a user was first seen that the log has not answered for. */
  #unanswered(user: string, context: RuleContext): number[] {
    const times: number[] = [];
    const take = ({ credential, firstSeen }: Sighting): void => {
      if (credential.reference !== user || credential.type !== "x509" || isAnswered(credential, context)) return;
      times.push(firstSeen);
    };
    for (const name of this.#groupsOf.get(user) ?? []) this.#groups.get(name)?.sightings.forEach(take);
    this.#keyPackages.forEach(take);
    return times;
  }

  /** Users with something pending anywhere: their evidence may become overdue by time alone. */
  #waitingScopes(): Set<string> {
    const waiting = this.#book.all().filter(({ life }) => life === "pending");
    return new Set(waiting.map(({ user }) => `user ${user}`));
  }

  #judgeScope(scope: string): Finding[] {
    if (scope.startsWith("user ")) return this.#judgeUser(scope.slice(5));
    if (scope === "key packages") return this.#judgeKeyPackages();
    const group = scope.startsWith("group ") ? this.#groups.get(scope.slice(6)) : undefined;
    return group === undefined ? [] : this.#judgeGroup(group);
  }

  #report(scope: string, conditions: readonly Condition[], partial = false): Finding[] {
    const { disabled } = this.#options;
    const told = disabled === undefined ? conditions : conditions.filter(({ kind }) => !disabled.has(kind));
    return this.#book.reconcile(scope, told, this.#now, partial);
  }

  #changed(batches: readonly (readonly Finding[])[]): Observation {
    return { findings: batches.flat(), members: [], identityChanged: [] };
  }

  #logOf(user: string): UserLog {
    let log = this.#logs.get(user);
    if (log === undefined) {
      log = new UserLog(user);
      this.#logs.set(user, log);
    }
    return log;
  }

  #context(): RuleContext {
    const { policy, self } = this.#options;
    return {
      now: this.#now,
      tickedAt: this.#tickedAt,
      policy,
      self,
      own: this.#own,
      logs: this.#logs,
      groups: this.#groups,
    };
  }
}
