import { type ClientKey, type OwnDevices, ownDevices } from "../own-devices.js";
import { FindingBook } from "./finding-book.js";
import type { HeadEvidence } from "./finding.js";
import { GroupMemory, rewindSightings, type Sighting } from "./group-memory.js";
import { UserLog } from "./log-memory.js";
import { MembershipLog } from "./membership-log.js";
import type { OwnCredential, UnknownRecord } from "./user-rules.js";

/** The client that was first seen with a key. */
export interface KeyOwner {
  readonly client: string;
  readonly user: string;
  /** Its certificates, where it was seen in a tree or KeyPackage. */
  readonly certificates?: readonly string[];
}

/** Heads of one log that are remembered; older positions go first. */
const MAX_HEADS = 4096;
const MAX_MEMBERSHIP_LINES = 10_000;

/** Everything a detector remembers. */
export class DetectorState {
  readonly book = new FindingBook();
  readonly membership = new MembershipLog(MAX_MEMBERSHIP_LINES);
  readonly logs = new Map<string, UserLog>();
  readonly groups = new Map<string, GroupMemory>();
  /** Names of the groups in which a user was seen. */
  readonly groupsOf = new Map<string, Set<string>>();
  readonly keyPackages = new Map<string, Sighting>();
  /** By SPKI hash. */
  readonly keyOwners = new Map<string, KeyOwner>();
  /** By log and position, oldest first. */
  readonly heads = new Map<string, HeadEvidence>();
  readonly ownCredentials = new Map<string, OwnCredential>();
  readonly unknown = new Map<string, UnknownRecord>();
  own: OwnDevices;
  now = Number.NEGATIVE_INFINITY;
  tickedAt = Number.NEGATIVE_INFINITY;

  constructor(self: string, ownKeys: readonly ClientKey[]) {
    this.own = ownDevices(self, ownKeys);
  }

  logOf(user: string): UserLog {
    return getOrMake(this.logs, user, () => new UserLog(user));
  }

  groupNamed(name: string): GroupMemory {
    return getOrMake(this.groups, name, () => new GroupMemory(name));
  }

  /** A certificate of this device that the log acknowledged. What was told first stands. */
  noteOwnCredential(credential: Omit<OwnCredential, "toldAt">): void {
    const { tbsCertificateHash } = credential;
    const provenAt = this.logs.get(this.own.user)?.provenAt ?? Number.NEGATIVE_INFINITY;
    const toldAt = this.ownCredentials.get(tbsCertificateHash)?.toldAt ?? Math.max(this.now, provenAt);
    this.ownCredentials.set(tbsCertificateHash, { ...credential, toldAt });
  }

  noteGroupOf(user: string, group: string): void {
    getOrMake(this.groupsOf, user, () => new Set<string>()).add(group);
  }

  /** A clock that was wrong and is set right must not go on counting: nothing that is remembered was later than now. */
  rewind(now: number): void {
    this.tickedAt = Math.min(this.tickedAt, now);
    for (const log of this.logs.values()) log.rewind(now);
    for (const group of this.groups.values()) group.rewind(now);
    rewindSightings(this.keyPackages, now);
    const provenAt = this.logs.get(this.own.user)?.provenAt ?? Number.NEGATIVE_INFINITY;
    for (const [key, credential] of this.ownCredentials) {
      const toldAt = Math.min(credential.toldAt, Math.max(now, provenAt));
      this.ownCredentials.set(key, { ...credential, toldAt });
    }
    for (const [key, unknown] of this.unknown)
      if (unknown.firstSeen > now) this.unknown.set(key, { ...unknown, firstSeen: now });
  }

  rememberHead(key: string, head: HeadEvidence): void {
    this.heads.set(key, head);
    const [oldest] = this.heads.keys();
    if (this.heads.size > MAX_HEADS && oldest !== undefined) this.heads.delete(oldest);
  }
}

function getOrMake<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}
