import type { EvidenceKind } from "@mls-as/keytrans";
import type { CryptoProvider } from "@mls-as/mls-core";
import { bytesKey } from "../bytes-key.js";
import type { DeviceList } from "../device-list.js";
import { type ClientKey, confirmOwn, isTrusted, type OwnDevices, readOwnList, trustOwn } from "../own-devices.js";
import type { ValidationPolicy } from "../policy.js";
import { decodeDetectorState, encodeDetectorState } from "./detector-state-codec.js";
import { DetectorState } from "./detector-state.js";
import type { Condition, Finding, FindingKind, HeadEvidence } from "./finding.js";
import type { GhostEvent, SightedLeaf } from "./ghost-event.js";
import { keyOf } from "./group-memory.js";
import { Judge } from "./judge.js";
import { noteCredentialKey, noteKey } from "./key-reuse.js";
import { readList } from "./list-reading.js";
import type { UserLog } from "./log-memory.js";
import type { MembershipLine } from "./membership-log.js";
import { mayBeDropped } from "./rule-context.js";
import { hexBytes } from "./sighting-rules.js";

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
  /** New lines of the membership log. */
  readonly members: readonly MembershipLine[];
  /** Users whose contacts should be told "identity changed". */
  readonly identityChanged: readonly string[];
}

/**
 * One device's ghost detector. Deterministic: the same events give the same findings; time comes only from events.
 *
 * Events are observed one after another; `observe` must have settled before the next call. `snapshot` holds everything
 * that was observed: a detector restored from it goes on as this one would have.
 */
export class GhostDetector {
  readonly #options: GhostDetectorOptions;
  readonly #state: DetectorState;
  readonly #judge: Judge;

  constructor(options: GhostDetectorOptions, state = new DetectorState(options.self, options.ownKeys)) {
    this.#options = options;
    this.#state = state;
    this.#judge = new Judge(state, options);
  }

  /**
   * A detector that goes on from a snapshot. `ownKeys` are added to the devices it holds for its user's own.
   *
   * @throws GhostStateError when the bytes are no snapshot, or another user's
   */
  static restore(options: GhostDetectorOptions, snapshot: Uint8Array): GhostDetector {
    const state = decodeDetectorState(snapshot, options.self);
    for (const key of options.ownKeys) state.own = trustOwn(state.own, key);
    return new GhostDetector(options, state);
  }

  /** Everything to be kept over restarts; a versioned encoding, the same bytes for the same history. */
  snapshot(): Uint8Array {
    return encodeDetectorState(this.#state);
  }

  /** Every finding so far, resolved and acknowledged ones included. */
  findings(): readonly Finding[] {
    return this.#state.book.all();
  }

  /** The devices this device holds for its user's own. */
  get own(): OwnDevices {
    return this.#state.own;
  }

  /** The newest version of a user's list that was read. */
  knownVersion(user: string): number | undefined {
    return this.#state.logs.get(user)?.list?.version;
  }

  /** The newest lines of the membership log, oldest first; of one group or user where named. */
  membership(filter: { group?: string; user?: string; limit?: number } = {}): readonly MembershipLine[] {
    return this.#state.membership.lines(filter);
  }

  async observe(event: GhostEvent): Promise<Observation> {
    const state = this.#state;
    // A clock that was wrong once and was set right must not go on counting.
    if (event.at < state.now) state.rewind(event.at);
    state.now = event.at;
    const observation = await this.#take(event);
    state.membership.append(observation.members);
    return observation;
  }

  async #take(event: GhostEvent): Promise<Observation> {
    const state = this.#state;
    const judge = this.#judge;
    switch (event.type) {
      case "device-list":
        return await this.#observeList(event);
      case "log-unavailable": {
        const log = state.logOf(event.user);
        log.missingSince ??= state.now;
        log.failedAt = state.now;
        return changed([judge.user(event.user)]);
      }
      case "head":
        return changed([this.#observeHead(event)]);
      case "log-misbehaviour":
        return changed([this.#observeMisbehaviour(event)]);
      case "tree":
        return this.#observeTree(event);
      case "left":
        return this.#leave(event.group);
      case "key-package":
        return this.#observeKeyPackage(event);
      case "own-key":
        state.own = trustOwn(state.own, { client: event.client, spkiHash: hexBytes(event.spkiHash) });
        if (event.enrolled !== undefined) state.noteOwnCredential({ ...event.enrolled, client: event.client });
        return changed(judge.own());
      case "confirm-device":
        for (const [key, { client, spkiHash }] of state.unknown)
          if (client === event.client && bytesKey(spkiHash) === event.spkiHash) state.unknown.delete(key);
        state.own = confirmOwn(state.own, { client: event.client, spkiHash: hexBytes(event.spkiHash) });
        return changed(judge.own());
      case "acknowledge":
        return changed([state.book.acknowledge(event.finding, state.now)]);
      case "tick":
        state.tickedAt = state.now;
        return changed(judge.open());
    }
  }

  async #observeList(event: Extract<GhostEvent, { type: "device-list" }>): Promise<Observation> {
    const { policy, provider, logId, self } = this.#options;
    const state = this.#state;
    const log = state.logOf(event.user);
    const firstLook = log.list === undefined;
    const absentAt = log.provenAt;
    const reading = await readList(
      log,
      { ...event, at: state.now },
      { provider, policy, ...(logId === undefined ? {} : { logId }) },
    );
    const found = [this.#judge.report("log", reading.conditions, true)];
    if (reading.news !== undefined) {
      if (event.user === self) this.#readOwn(reading.news, firstLook, absentAt);
      found.push(this.#noteListKeys(reading.news));
    }
    if (reading.late !== undefined && event.user === self)
      this.#readOwn(unheardOf(reading.late, log, policy), false, absentAt);
    if (event.user === self && event.greatest !== false) this.#noteEnds(log);
    found.push(this.#judge.user(event.user), ...this.#judge.groupsOf(event.user), this.#judge.keyPackages());
    const members = reading.members.map((line): MembershipLine => ({ ...line, at: state.now, user: event.user }));
    return { ...changed(found, members), identityChanged: reading.identityChanged ? [event.user] : [] };
  }

  #readOwn(list: DeviceList, atFirstLook: boolean, absentAt: number): void {
    const state = this.#state;
    const { own, unknown } = readOwnList(state.own, list);
    state.own = own;
    for (const { client, record } of unknown) {
      const { spkiHash, tbsCertificateHash, notAfter } = record;
      // Each certificate by itself: that one of a key has ended says nothing of the next.
      const key = `${client} ${bytesKey(spkiHash)} ${bytesKey(tbsCertificateHash)}`;
      if (state.unknown.has(key)) continue;
      const revived = isTrusted(own, client, spkiHash);
      state.unknown.set(key, {
        client,
        spkiHash,
        tbsCertificateHash,
        firstSeen: state.now,
        atFirstLook,
        overBefore:
          atFirstLook && (record.status === "revoked" || Number(notAfter) < state.logOf(list.identity).provenAt),
        revived,
        absentAt,
      });
    }
  }

  /** When the log first proved that what nothing vouched for is revoked. */
  #noteEnds(log: UserLog): void {
    for (const [key, unknown] of this.#state.unknown)
      if (
        unknown.endedAt === undefined &&
        log.records.get(bytesKey(unknown.tbsCertificateHash))?.revokedAt !== undefined
      )
        this.#state.unknown.set(key, { ...unknown, endedAt: log.provenAt });
  }

  #noteListKeys(list: DeviceList): Finding[] {
    const conditions: Condition[] = [];
    for (const { client, credentials } of list.devices)
      for (const { spkiHash } of credentials)
        conditions.push(...noteKey(this.#state, { key: bytesKey(spkiHash), client, user: list.identity }));
    return this.#judge.report("keys", conditions, true);
  }

  /** VIEW_SPLIT: two roots for one size of one log. */
  #observeHead({ logId, position, root, source, signed }: Extract<GhostEvent, { type: "head" }>): Finding[] {
    const key = `${logId} ${position}`;
    const known = this.#state.heads.get(key);
    const head: HeadEvidence = { position, root, source, ...(signed === undefined ? {} : { signed }) };
    // Of equal heads the one that carries the log's signature is worth more.
    if (known === undefined || (known.root === root && known.signed === undefined)) this.#state.rememberHead(key, head);
    if (known === undefined || known.root === root) return [];
    const condition: Condition = {
      kind: "VIEW_SPLIT",
      level: "confirmed",
      subject: `${key} ${root}`,
      user: this.#options.self,
      since: this.#state.now,
      detail: `two roots at log position ${position}`,
      evidence: { heads: [known, head] },
    };
    return this.#judge.report("log", [condition], true);
  }

  /** VIEW_SPLIT: bytes that the log signed cannot all be true. Each rule that it breaks is told once. */
  #observeMisbehaviour({ logId, kind, evidence }: Extract<GhostEvent, { type: "log-misbehaviour" }>): Finding[] {
    const condition: Condition = {
      kind: "VIEW_SPLIT",
      level: "confirmed",
      subject: `${logId} ${kind}`,
      user: this.#options.self,
      since: this.#state.now,
      detail: MISBEHAVIOUR[kind],
      evidence: { misbehaviour: evidence },
    };
    return this.#judge.report("log", [condition], true);
  }

  #observeTree(event: Extract<GhostEvent, { type: "tree" }>): Observation {
    const state = this.#state;
    const group = state.groupNamed(event.group);
    const { members, users } = group.sight(
      event.epoch,
      event.leaves,
      state.now,
      event.current,
      this.#options.policy.joinWindow,
    );
    const keys: Condition[] = [];
    const sharers = clientsByKey(event.leaves);
    for (const leaf of event.leaves) {
      if (!users.has(leaf.reference)) continue;
      state.noteGroupOf(leaf.reference, event.group);
      // Two leaves of this group with one key are the group's own finding; whose it was before is not.
      const owner = state.keyOwners.get(leaf.spkiHash)?.client;
      const clients = sharers.get(leaf.spkiHash);
      if (owner === undefined || clients?.has(owner) !== true) keys.push(...noteCredentialKey(state, leaf));
    }
    const found = [this.#judge.report("keys", keys, true), ...this.#judge.group(group, users)];
    return changed(found, members);
  }

  #leave(name: string): Observation {
    const group = this.#state.groups.get(name);
    if (group === undefined) return changed([]);
    const { epoch } = group;
    const { users } = group.sight(epoch, [], this.#state.now, true);
    group.forgetEpoch();
    const line: MembershipLine = {
      at: this.#state.now,
      kind: "own-departure",
      user: this.#options.self,
      client: "",
      group: name,
      epoch,
    };
    return changed(this.#judge.group(group, users), [line]);
  }

  #observeKeyPackage({ credential }: Extract<GhostEvent, { type: "key-package" }>): Observation {
    const state = this.#state;
    const key = keyOf(credential);
    if (!state.keyPackages.has(key)) state.keyPackages.set(key, { credential, firstSeen: state.now, present: true });
    return changed([
      this.#judge.report("keys", noteCredentialKey(state, credential), true),
      this.#judge.keyPackages(),
      this.#judge.user(credential.reference),
    ]);
  }
}

/** What a list of the past says alone: neither what newer lists said already nor what they may have dropped. */
function unheardOf(list: DeviceList, { records, provenAt }: UserLog, policy: ValidationPolicy): DeviceList {
  const devices = list.devices.map((device) => ({
    ...device,
    credentials: device.credentials.filter(
      ({ tbsCertificateHash, notAfter }) =>
        !records.has(bytesKey(tbsCertificateHash)) && !mayBeDropped(Number(notAfter), provenAt, policy),
    ),
  }));
  return { ...list, devices };
}

const MISBEHAVIOUR: Readonly<Record<EvidenceKind, string>> = {
  fork: "the log signed two histories",
  "wrong-root": "the log signed a root that is not its own tree's",
  "inconsistent-ladder": "the log signed trees that contradict each other about a label's versions",
  "non-monotonic-timestamps": "the log signed a history in which time runs backwards",
  "lagging-auditor": "the log showed its auditor's head from longer ago than it may",
};

/** The clients at whose leaves a key stands. */
function clientsByKey(leaves: readonly SightedLeaf[]): Map<string, Set<string>> {
  const clients = new Map<string, Set<string>>();
  for (const { spkiHash, client } of leaves) {
    const known = clients.get(spkiHash);
    if (known === undefined) clients.set(spkiHash, new Set([client]));
    else known.add(client);
  }
  return clients;
}

function changed(batches: readonly (readonly Finding[])[], members: readonly MembershipLine[] = []): Observation {
  return { findings: batches.flat(), members, identityChanged: [] };
}
