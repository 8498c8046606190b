import { type Condition, ENDS_BY_ITSELF, type Finding, type Life, SEVERITY } from "./finding.js";

const RANK: Readonly<Record<Life, number>> = { resolved: 0, pending: 1, suspect: 2, confirmed: 3, acknowledged: 4 };

/** All findings with their lives. Conditions are reported by scope; what a scope no longer reports may end. */
export class FindingBook {
  readonly #findings = new Map<string, { finding: Finding; scope: string }>();
  readonly #byScope = new Map<string, Set<string>>();

  all(): Finding[] {
    return [...this.#findings.values()].map(({ finding }) => finding);
  }

  /** Scopes with a finding that time alone may change. */
  openScopes(): Set<string> {
    const scopes = new Set<string>();
    for (const { finding, scope } of this.#findings.values())
      if (finding.life === "pending" || finding.life === "suspect") scopes.add(scope);
    return scopes;
  }

  /** Takes the present conditions of a scope and returns the findings that changed their life. */
  reconcile(scope: string, conditions: Iterable<Condition>, now: number, partial = false): Finding[] {
    const changed: Finding[] = [];
    const seen = new Set<string>();
    for (const condition of conditions) {
      const id = idOf(condition);
      seen.add(id);
      const finding = raise(this.#findings.get(id)?.finding, id, condition, now);
      if (finding !== undefined) changed.push(this.#store(finding, scope));
    }
    if (partial) return changed;
    for (const id of this.#byScope.get(scope) ?? []) {
      const held = this.#findings.get(id);
      if (seen.has(id) || held === undefined || !mayEnd(held.finding)) continue;
      changed.push(this.#store({ ...held.finding, life: "resolved", changedAt: now }, scope));
    }
    return changed;
  }

  /** A person has seen it; it stays so unless it gets worse. */
  acknowledge(id: string, now: number): Finding[] {
    const held = this.#findings.get(id);
    if (held === undefined || held.finding.life === "acknowledged") return [];
    return [this.#store({ ...held.finding, life: "acknowledged", changedAt: now }, held.scope)];
  }

  /** Puts back a stored finding. */
  restore(finding: Finding, scope: string): void {
    this.#store(finding, scope);
  }

  entries(): { finding: Finding; scope: string }[] {
    return [...this.#findings.values()];
  }

  #store(finding: Finding, scope: string): Finding {
    this.#findings.set(finding.id, { finding, scope });
    const ids = this.#byScope.get(scope);
    if (ids === undefined) this.#byScope.set(scope, new Set([finding.id]));
    else ids.add(finding.id);
    return finding;
  }
}

function idOf({ kind, user, group, subject }: Condition): string {
  return [kind, user, group ?? "", subject].join("|");
}

function raise(held: Finding | undefined, id: string, condition: Condition, now: number): Finding | undefined {
  const { level, subject: _, ...rest } = condition;
  const next: Finding = { ...rest, id, severity: SEVERITY[condition.kind], life: level, changedAt: now };
  if (held === undefined || held.life === "resolved") return next;
  if (RANK[level] > RANK[held.life]) return { ...next, since: held.since };
  return undefined;
}

function mayEnd({ life, kind }: Finding): boolean {
  if (life === "pending" || life === "suspect") return true;
  return life === "confirmed" && ENDS_BY_ITSELF.has(kind);
}
