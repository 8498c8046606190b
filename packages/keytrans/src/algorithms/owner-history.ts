/** A log entry that raised the label's greatest version. */
export interface VersionIncrease {
  readonly position: number;
  /** Greatest version from this entry on. */
  readonly version: number;
}

/** Which version of a label its owner expects at each log entry from `start` on. Immutable. */
export class OwnerHistory {
  /** The rightmost distinguished entry verified by the owner. */
  readonly start: number;
  /** Greatest version at `start`; undefined when the label did not exist. */
  readonly versionAtStart: number | undefined;
  /** Ascending. */
  readonly increases: readonly VersionIncrease[];

  constructor(start: number, versionAtStart: number | undefined, increases: readonly VersionIncrease[]) {
    this.start = start;
    this.versionAtStart = versionAtStart;
    this.increases = increases;
  }

  get greatest(): number | undefined {
    return this.increases.at(-1)?.version ?? this.versionAtStart;
  }

  /** The last position where a version was inserted, or `start`: new versions lie right of it. */
  get lastPosition(): number {
    return this.increases.at(-1)?.position ?? this.start;
  }

  /** Greatest version at `position` ≥ `start`. */
  greatestAt(position: number): number | undefined {
    let version = this.versionAtStart;
    for (const increase of this.increases) if (increase.position <= position) version = increase.version;
    return version;
  }

  increased(position: number, version: number): OwnerHistory {
    return new OwnerHistory(this.start, this.versionAtStart, [...this.increases, { position, version }]);
  }

  /** The same history once the owner has verified the distinguished entry at `start`. */
  advanced(start: number): OwnerHistory {
    return new OwnerHistory(
      start,
      this.greatestAt(start),
      this.increases.filter((increase) => increase.position > start),
    );
  }
}
