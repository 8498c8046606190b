import type { SightedCredential, SightedLeaf } from "./ghost-event.js";
import type { MembershipLine } from "./membership-log.js";

/** A credential seen in a group, kept until the log has answered for it, also after the leaf left. */
export interface Sighting {
  readonly credential: SightedCredential;
  readonly firstSeen: number;
  present: boolean;
}

/** A leaf that took a place from another one by an Update or Commit between two consecutive epochs. */
export interface Succession {
  readonly at: number;
  readonly before: SightedLeaf;
  readonly after: SightedLeaf;
}

/** What a look at a group changed. */
export interface GroupChange {
  readonly members: readonly MembershipLine[];
  /** Roster references about whom something changed. */
  readonly users: ReadonlySet<string>;
}

/** One group as this device has seen it. */
export class GroupMemory {
  readonly group: string;
  epoch = -1;
  /** When the leaves below were last known to be the group's. */
  syncedAt = Number.NEGATIVE_INFINITY;
  at = Number.NEGATIVE_INFINITY;
  readonly leaves = new Map<number, SightedLeaf>();
  /** Leaf indexes by roster reference. */
  readonly byUser = new Map<string, Set<number>>();
  /** By roster reference, then by credential and key. */
  readonly sightings = new Map<string, Map<string, Sighting>>();
  /** By the reference of the leaf that came. */
  readonly successions = new Map<string, Succession[]>();
  /** When each client came in, when each leaf's present client did, and when the leaf was last updated. */
  readonly clientSince = new Map<string, number>();
  readonly placeSince = new Map<number, number>();
  readonly leafSince = new Map<number, number>();
  /** Since when each client that stands at several leaves has done so, wherever they moved. */
  readonly severalSince = new Map<string, number>();
  /** When each client was last seen to leave. */
  readonly clientLeft = new Map<string, number>();
  readonly userSince = new Map<string, number>();
  readonly x509Users = new Set<string>();

  constructor(group: string) {
    this.group = group;
  }

  /** The leaves that stand for a user. */
  *leavesOf(user: string): Iterable<SightedLeaf> {
    for (const index of this.byUser.get(user) ?? []) yield this.leaves.get(index) as SightedLeaf;
  }

  sightingsOf(user: string): Iterable<[string, Sighting]> {
    return this.sightings.get(user) ?? [];
  }

  /** Whatever this group shows next is its present: its epochs may start again. */
  forgetEpoch(): void {
    this.epoch = -1;
  }

  /** Nothing happened here later than now. */
  rewind(now: number): void {
    this.at = Math.min(this.at, now);
    this.syncedAt = Math.min(this.syncedAt, now);
    for (const times of [this.clientSince, this.severalSince, this.clientLeft, this.userSince]) rewindTimes(times, now);
    for (const times of [this.placeSince, this.leafSince]) rewindTimes(times, now);
    for (const sightings of this.sightings.values()) rewindSightings(sightings, now);
  }

  /**
   * Takes in the members of an epoch; an epoch that was seen already only renews `syncedAt`. An older one says nothing,
   * unless it is the present: then the group was made anew, or rolled back.
   *
   * @param window seconds within which a client that comes back counts as having stayed
   */
  sight(epoch: number, leaves: readonly SightedLeaf[], at: number, current: boolean, window = 0): GroupChange {
    const users = new Set<string>();
    if (epoch < this.epoch && !current) return { members: [], users };
    if (epoch < this.epoch) this.forgetEpoch();
    const first = this.epoch < 0;
    this.at = at;
    if (current) this.syncedAt = at;
    const consecutive = epoch === this.epoch + 1;
    const gone = new Map(this.leaves);
    const came: SightedLeaf[] = [];
    const left: SightedLeaf[] = [];
    for (const leaf of leaves) {
      const old = gone.get(leaf.leafIndex);
      gone.delete(leaf.leafIndex);
      if (old !== undefined && sameContent(old, leaf)) continue;
      this.leafSince.set(leaf.leafIndex, at);
      if (old?.client !== leaf.client || old.reference !== leaf.reference) this.placeSince.set(leaf.leafIndex, at);
      const same = old !== undefined && sameCredential(old, leaf);
      if (!same) {
        came.push(leaf);
        users.add(leaf.reference);
        if (old !== undefined) {
          left.push(old);
          users.add(old.reference);
          if (consecutive && leaf.source !== "key_package") this.#succeed(at, old, leaf);
        }
      }
      this.#put(leaf, old);
    }
    for (const old of gone.values()) {
      left.push(old);
      users.add(old.reference);
      this.#drop(old);
    }
    this.#noteSightings(came, left, at);
    this.#noteSeveral(users, left, at);
    this.epoch = epoch;
    return { members: this.#compareMembers(came, left, { at, epoch, first, window }), users };
  }

  #noteSeveral(users: ReadonlySet<string>, left: readonly SightedLeaf[], at: number): void {
    const leaves = new Map<string, number>(left.map(({ client }) => [client, 0]));
    for (const user of users)
      for (const { client } of this.leavesOf(user)) leaves.set(client, (leaves.get(client) ?? 0) + 1);
    for (const [client, count] of leaves)
      if (count < 2) this.severalSince.delete(client);
      else if (!this.severalSince.has(client)) this.severalSince.set(client, at);
  }

  #succeed(at: number, before: SightedLeaf, after: SightedLeaf): void {
    const known = this.successions.get(after.reference);
    if (known === undefined) this.successions.set(after.reference, [{ at, before, after }]);
    else known.push({ at, before, after });
  }

  #put(leaf: SightedLeaf, old: SightedLeaf | undefined): void {
    this.leaves.set(leaf.leafIndex, leaf);
    if (old?.reference === leaf.reference) return;
    if (old !== undefined) this.#forget(old);
    const indexes = this.byUser.get(leaf.reference);
    if (indexes === undefined) this.byUser.set(leaf.reference, new Set([leaf.leafIndex]));
    else indexes.add(leaf.leafIndex);
  }

  #drop(leaf: SightedLeaf): void {
    this.leaves.delete(leaf.leafIndex);
    this.leafSince.delete(leaf.leafIndex);
    this.placeSince.delete(leaf.leafIndex);
    this.#forget(leaf);
  }

  #forget({ reference, leafIndex }: SightedLeaf): void {
    const indexes = this.byUser.get(reference);
    indexes?.delete(leafIndex);
    if (indexes?.size === 0) this.byUser.delete(reference);
  }

  #noteSightings(came: readonly SightedLeaf[], left: readonly SightedLeaf[], at: number): void {
    for (const leaf of left) {
      const sighting = this.sightings.get(leaf.reference)?.get(keyOf(leaf));
      if (sighting !== undefined) sighting.present = false;
    }
    for (const leaf of came) {
      const key = keyOf(leaf);
      const known = this.sightings.get(leaf.reference) ?? new Map<string, Sighting>();
      const sighting = known.get(key);
      if (sighting === undefined) known.set(key, { credential: leaf, firstSeen: at, present: true });
      else sighting.present = true;
      this.sightings.set(leaf.reference, known);
      if (leaf.type === "x509") this.x509Users.add(leaf.reference);
    }
    // One credential at two leaves: the other may still be there.
    for (const leaf of left)
      for (const other of this.leavesOf(leaf.reference)) if (sameCredential(leaf, other)) this.#markPresent(other);
  }

  #markPresent(leaf: SightedLeaf): void {
    const sighting = this.sightings.get(leaf.reference)?.get(keyOf(leaf));
    if (sighting !== undefined) sighting.present = true;
  }

  #compareMembers(
    came: readonly SightedLeaf[],
    left: readonly SightedLeaf[],
    { at, epoch, first, window }: { at: number; epoch: number; first: boolean; window: number },
  ): MembershipLine[] {
    const lines: MembershipLine[] = [];
    const line = (kind: MembershipLine["kind"], { reference, client }: SightedLeaf): void => {
      lines.push({ at, kind, user: reference, client, group: this.group, epoch });
    };
    const departed = [...left];
    for (const leaf of came) {
      const before = departed.findIndex(
        ({ client, reference }) => client === leaf.client && reference === leaf.reference,
      );
      if (before < 0) {
        line(first ? "present" : "joined", leaf);
        const away = this.clientLeft.get(leaf.client);
        if (!this.clientSince.has(leaf.client) || (away !== undefined && at - away > window))
          this.clientSince.set(leaf.client, at);
      } else {
        const [old] = departed.splice(before, 1);
        line(old?.spkiHash === leaf.spkiHash ? "renewed" : "changed-key", leaf);
      }
    }
    for (const leaf of departed) line("left", leaf);
    for (const { client, reference } of departed) {
      if ([...this.leavesOf(reference)].some((leaf) => leaf.client === client)) continue;
      this.clientLeft.set(client, at);
    }
    for (const { reference } of came) if (!this.userSince.has(reference)) this.userSince.set(reference, at);
    for (const { reference } of left) if (!this.byUser.has(reference)) this.userSince.delete(reference);
    return lines;
  }
}

function rewindTimes<K>(times: Map<K, number>, now: number): void {
  for (const [key, at] of times) if (at > now) times.set(key, now);
}

/** Nothing was first seen later than now. */
export function rewindSightings(sightings: Map<string, Sighting>, now: number): void {
  for (const [key, sighting] of sightings)
    if (sighting.firstSeen > now) sightings.set(key, { ...sighting, firstSeen: now });
}

/** Names a leaf's credential and key together. */
export function keyOf(credential: SightedCredential): string {
  return `${credential.tbsCertificateHash} ${credential.spkiHash} ${credential.keyMatches ? "" : credential.signatureKey} ${credential.reference} ${credential.client}`;
}

function sameCredential(a: SightedLeaf, b: SightedLeaf): boolean {
  return (
    a.tbsCertificateHash === b.tbsCertificateHash &&
    a.spkiHash === b.spkiHash &&
    a.reference === b.reference &&
    a.client === b.client &&
    a.keyMatches === b.keyMatches &&
    (a.keyMatches || a.signatureKey === b.signatureKey)
  );
}

/** A leaf that was updated without a new credential has another encryption key, or another source. */
function sameContent(a: SightedLeaf, b: SightedLeaf): boolean {
  return sameCredential(a, b) && a.encryptionKey === b.encryptionKey && a.source === b.source;
}
