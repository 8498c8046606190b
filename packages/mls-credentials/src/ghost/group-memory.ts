import type { SightedCredential, SightedLeaf } from "./ghost-event.js";

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

/** Lines of the membership log that an app can show. */
export interface MembershipChange {
  readonly at: number;
  readonly group: string;
  readonly epoch: number;
  readonly kind: "joined" | "left" | "changed-key";
  readonly user: string;
  readonly client: string;
}

/** One group as this device has seen it. */
export class GroupMemory {
  readonly group: string;
  epoch = -1;
  /** When the leaves below were last known to be the group's. */
  syncedAt = Number.NEGATIVE_INFINITY;
  at = Number.NEGATIVE_INFINITY;
  leaves = new Map<number, SightedLeaf>();
  readonly sightings = new Map<string, Sighting>();
  readonly successions: Succession[] = [];
  /** When each client came in, and when each leaf's present key did. */
  readonly clientSince = new Map<string, number>();
  readonly leafSince = new Map<number, number>();
  /** When each client was last seen to leave. */
  readonly clientLeft = new Map<string, number>();
  readonly userSince = new Map<string, number>();
  readonly x509Users = new Set<string>();

  constructor(group: string) {
    this.group = group;
  }

  /** Takes in the members of an epoch; an epoch that was seen already only renews `syncedAt`. */
  sight(epoch: number, leaves: readonly SightedLeaf[], at: number, current: boolean): MembershipChange[] {
    if (epoch < this.epoch) return [];
    this.at = at;
    if (current) this.syncedAt = at;
    const consecutive = epoch === this.epoch + 1;
    const before = this.leaves;
    const changes = this.#compareMembers(epoch, before, leaves, at);
    for (const sighting of this.sightings.values()) sighting.present = false;
    this.leaves = new Map(leaves.map((leaf) => [leaf.leafIndex, leaf]));
    for (const leaf of leaves) {
      const old = before.get(leaf.leafIndex);
      const changed = old === undefined || keyOf(old) !== keyOf(leaf);
      if (changed) this.leafSince.set(leaf.leafIndex, at);
      if (changed && old !== undefined && consecutive && leaf.source !== "key_package")
        this.successions.push({ at, before: old, after: leaf });
      const sighting = this.sightings.get(keyOf(leaf));
      if (sighting === undefined) this.sightings.set(keyOf(leaf), { credential: leaf, firstSeen: at, present: true });
      else sighting.present = true;
      if (leaf.type === "x509") this.x509Users.add(leaf.reference);
    }
    this.epoch = epoch;
    return changes;
  }

  #compareMembers(
    epoch: number,
    before: ReadonlyMap<number, SightedLeaf>,
    leaves: readonly SightedLeaf[],
    at: number,
  ): MembershipChange[] {
    const was = byClient(before.values());
    const is = byClient(leaves);
    const changes: MembershipChange[] = [];
    const note = (kind: MembershipChange["kind"], { reference, client }: SightedLeaf): void => {
      changes.push({ at, group: this.group, epoch, kind, user: reference, client });
    };
    for (const [client, leaf] of is) {
      const old = was.get(client);
      if (old === undefined) {
        note("joined", leaf);
        this.clientSince.set(client, at);
      } else if (old.spkiHash !== leaf.spkiHash) note("changed-key", leaf);
    }
    for (const [client, leaf] of was)
      if (!is.has(client)) {
        note("left", leaf);
        this.clientSince.delete(client);
        this.clientLeft.set(client, at);
      }
    const users = new Set(leaves.map((leaf) => leaf.reference));
    for (const user of users) if (!this.userSince.has(user)) this.userSince.set(user, at);
    for (const user of this.userSince.keys()) if (!users.has(user)) this.userSince.delete(user);
    return changes;
  }
}

/** Names a leaf's credential and key together. */
export function keyOf(credential: SightedCredential): string {
  return `${credential.tbsCertificateHash} ${credential.spkiHash} ${credential.keyMatches ? "" : credential.signatureKey} ${credential.reference} ${credential.client}`;
}

function byClient(leaves: Iterable<SightedLeaf>): Map<string, SightedLeaf> {
  const clients = new Map<string, SightedLeaf>();
  for (const leaf of leaves) if (leaf.client !== "") clients.set(leaf.client, leaf);
  return clients;
}
