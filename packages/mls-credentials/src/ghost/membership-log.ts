/** A line that an app can show. `user` is the roster's reference; without `group` it is about the user's device list. */
export interface MembershipLine {
  /** The observer's clock, seconds since 1970. */
  readonly at: number;
  readonly kind: /** Was there when this device first saw the group. */
    | "present"
    | "joined"
    | "left"
    /** The same key with a newer certificate. */
    | "renewed"
    | "changed-key"
    /** This device left the group. */
    | "own-departure"
    /** In the user's device list. */
    | "device-added"
    | "device-revoked"
    /** A new key that no known key vouched for: compare safety numbers again. */
    | "identity-changed";
  readonly user: string;
  /** Empty for a leaf without names. */
  readonly client: string;
  readonly group?: string;
  readonly epoch?: number;
}

/** Who came, went and changed, in the order in which this device learned of it; the oldest lines go first. */
export class MembershipLog {
  readonly #lines: MembershipLine[] = [];
  readonly #capacity: number;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  append(lines: readonly MembershipLine[]): void {
    for (const line of lines) this.#lines.push(line);
    // Cut in chunks, so that a full log does not move its lines at every event.
    if (this.#lines.length > this.#capacity * 1.1) this.#lines.splice(0, this.#lines.length - this.#capacity);
  }

  /** The newest lines, oldest first, of a group or of a user where one is named. */
  lines({ group, user, limit }: { group?: string; user?: string; limit?: number } = {}): MembershipLine[] {
    const chosen = this.#lines.filter(
      (line) => (group === undefined || line.group === group) && (user === undefined || line.user === user),
    );
    const kept = Math.min(limit ?? this.#capacity, this.#capacity);
    return chosen.slice(Math.max(0, chosen.length - kept));
  }
}
