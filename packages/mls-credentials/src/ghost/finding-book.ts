import { type Condition, ENDS_BY_ITSELF, type Finding, type Life, SEVERITY } from "./finding.js";

type Level = Condition["level"];
const RANK: Readonly<Record<Exclude<Life, "acknowledged">, number>> = {
  resolved: 0,
  pending: 1,
  suspect: 2,
  confirmed: 3,
};

/** A finding with what its life depends on besides. */
export interface BookEntry {
  readonly finding: Finding;
  readonly scope: string;
  /** How grave it was when a person acknowledged it: only what gets worse opens it again. */
  readonly acknowledged: Level | undefined;
  /** Acknowledged, and its condition has ended since: should it return, it is a new one. */
  readonly ended: boolean;
}

/** All findings with their lives. Conditions are reported by scope; what a scope no longer reports may end. */
export class FindingBook {
  readonly #entries = new Map<string, BookEntry>();
  readonly #byScope = new Map<string, Set<string>>();
  /** Findings that time alone may change. */
  readonly #open = new Set<string>();

  all(): Finding[] {
    return [...this.#entries.values()].map(({ finding }) => finding);
  }

  /** Scopes with a finding that time alone may change. */
  openScopes(): Set<string> {
    return new Set([...this.#open].map((id) => (this.#entries.get(id) as BookEntry).scope));
  }

  /** Users with a finding that is pending. */
  waitingUsers(): Set<string> {
    const users = new Set<string>();
    for (const id of this.#open) {
      const { finding } = this.#entries.get(id) as BookEntry;
      if (finding.life === "pending") users.add(finding.user);
    }
    return users;
  }

  /** Takes the present conditions of a scope and returns the findings that changed their life. */
  reconcile(scope: string, conditions: Iterable<Condition>, now: number, partial = false): Finding[] {
    const changed: Finding[] = [];
    const seen = new Set<string>();
    for (const condition of conditions) {
      const id = idOf(condition);
      seen.add(id);
      const finding = raise(this.#entries.get(id), id, condition, now);
      if (finding === undefined) continue;
      this.restore({ finding, scope, acknowledged: undefined, ended: false });
      changed.push(finding);
    }
    if (partial) return changed;
    for (const id of this.#byScope.get(scope) ?? []) {
      const held = this.#entries.get(id);
      if (seen.has(id) || held === undefined || !mayEnd(held)) continue;
      if (held.acknowledged !== undefined) {
        this.restore({ ...held, ended: true });
        continue;
      }
      const finding: Finding = { ...held.finding, life: "resolved", changedAt: now };
      this.restore({ ...held, finding });
      changed.push(finding);
    }
    return changed;
  }

  /** A person has seen it; it stays so unless it gets worse, or ends and returns. */
  acknowledge(id: string, now: number): Finding[] {
    const held = this.#entries.get(id);
    if (held === undefined) return [];
    const { life } = held.finding;
    if (life === "acknowledged" || life === "resolved") return [];
    const finding: Finding = { ...held.finding, life: "acknowledged", changedAt: now };
    this.restore({ ...held, finding, acknowledged: life });
    return [finding];
  }

  entries(): BookEntry[] {
    return [...this.#entries.values()];
  }

  /** Puts an entry in its place, also a stored one. */
  restore(entry: BookEntry): void {
    const { finding, scope } = entry;
    const before = this.#entries.get(finding.id)?.scope;
    if (before !== undefined && before !== scope) this.#byScope.get(before)?.delete(finding.id);
    this.#entries.set(finding.id, entry);
    const ids = this.#byScope.get(scope);
    if (ids === undefined) this.#byScope.set(scope, new Set([finding.id]));
    else ids.add(finding.id);
    const level = entry.acknowledged ?? finding.life;
    // What was acknowledged early still needs its scope judged: it may become worse by time alone.
    if (level === "pending" || level === "suspect") this.#open.add(finding.id);
    else this.#open.delete(finding.id);
  }
}

function idOf({ kind, user, group, subject }: Condition): string {
  return [kind, user, group ?? "", subject].join("|");
}

function raise(held: BookEntry | undefined, id: string, condition: Condition, now: number): Finding | undefined {
  const { level, subject: _, ...rest } = condition;
  const next: Finding = { ...rest, id, severity: SEVERITY[condition.kind], life: level, changedAt: now };
  if (held === undefined || held.finding.life === "resolved" || held.ended) return next;
  const before = held.acknowledged ?? (held.finding.life as Level);
  return RANK[level] > RANK[before] ? { ...next, since: held.finding.since } : undefined;
}

function mayEnd({ finding: { life, kind }, acknowledged, ended }: BookEntry): boolean {
  if (ended || life === "resolved") return false;
  return acknowledged !== undefined || life === "pending" || life === "suspect" || ENDS_BY_ITSELF.has(kind);
}
