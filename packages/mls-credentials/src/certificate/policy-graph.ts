import { type IssuerAndSubject, isSelfIssued } from "./certificate.js";
import type { KnownExtensions, PolicyMapping } from "./extensions.js";
import { ANY_POLICY } from "./oids.js";
import { type CertificateProblem, problem } from "./path-reason.js";

/** User-supplied inputs on policies (RFC 5280, "Inputs"); by default every policy is acceptable and none is required. */
export interface PolicyInputs {
  readonly initialPolicies?: readonly string[];
  readonly requireExplicitPolicy?: boolean;
  readonly inhibitPolicyMapping?: boolean;
  readonly inhibitAnyPolicy?: boolean;
}

/** What policy processing reads of a certificate. */
export type PolicyFields = IssuerAndSubject &
  Pick<KnownExtensions, "certificatePolicies" | "policyMappings" | "policyConstraints" | "inhibitAnyPolicy">;

interface PolicyNode {
  readonly policy: string;
  expected: ReadonlySet<string>;
  readonly parents: Set<PolicyNode>;
}

/** Skips that no path is long enough to use up; RFC 5280 writes n + 1. */
const NEVER = Infinity;

/** Nodes of one depth: at most one for each policy. */
type Level = Map<string, PolicyNode>;

/**
 * Policy state of path validation. The tree of RFC 5280 grows exponentially on hostile input; this is the equivalent
 * graph of RFC 9618 ("Updates to X.509 Policy Validation"), with one node a policy and depth, so that work is bounded
 * by certificate size.
 */
export class PolicyGraph {
  #levels: Level[] | undefined = [new Map([[ANY_POLICY, node(ANY_POLICY)]])];
  #explicitPolicy: number;
  #policyMapping: number;
  #inhibitAnyPolicy: number;

  constructor(inputs: PolicyInputs) {
    this.#explicitPolicy = inputs.requireExplicitPolicy === true ? 0 : NEVER;
    this.#policyMapping = inputs.inhibitPolicyMapping === true ? 0 : NEVER;
    this.#inhibitAnyPolicy = inputs.inhibitAnyPolicy === true ? 0 : NEVER;
  }

  /** RFC 5280, "Basic Certificate Processing", steps (d) to (f). */
  process(certificate: PolicyFields, isLeaf: boolean): CertificateProblem[] {
    const policies = certificate.certificatePolicies;
    if (policies === undefined) this.#levels = undefined;
    else if (this.#levels !== undefined) {
      const anyAllowed = this.#inhibitAnyPolicy > 0 || (!isLeaf && isSelfIssued(certificate));
      this.#levels.push(nextLevel(topOf(this.#levels), policies, anyAllowed));
      this.#prune();
    }
    if (this.#explicitPolicy > 0 || this.#levels !== undefined) return [];
    return [
      problem(
        "policy",
        "Basic Certificate Processing",
        "certificatePolicies",
        "an explicit policy is required and none is valid",
      ),
    ];
  }

  /** RFC 5280, "Preparation for Certificate i+1", steps (a), (b) and (h) to (j). */
  prepare(certificate: PolicyFields): CertificateProblem[] {
    const mappings = certificate.policyMappings ?? [];
    if (mappings.some(({ issuerDomain, subjectDomain }) => issuerDomain === ANY_POLICY || subjectDomain === ANY_POLICY))
      return [problem("policy-mapping", "Policy Mappings", "policyMappings", "maps from or to anyPolicy")];
    if (mappings.length > 0) this.#mapAll(mappings);
    if (!isSelfIssued(certificate)) {
      this.#explicitPolicy = Math.max(0, this.#explicitPolicy - 1);
      this.#policyMapping = Math.max(0, this.#policyMapping - 1);
      this.#inhibitAnyPolicy = Math.max(0, this.#inhibitAnyPolicy - 1);
    }
    const { policyConstraints, inhibitAnyPolicy } = certificate;
    this.#explicitPolicy = Math.min(this.#explicitPolicy, policyConstraints?.requireExplicitPolicy ?? NEVER);
    this.#policyMapping = Math.min(this.#policyMapping, policyConstraints?.inhibitPolicyMapping ?? NEVER);
    this.#inhibitAnyPolicy = Math.min(this.#inhibitAnyPolicy, inhibitAnyPolicy ?? NEVER);
    return [];
  }

  /** RFC 5280, "Wrap-Up Procedure", steps (a), (b) and (g): the user-constrained policies, or why there must be some. */
  finish(
    leaf: PolicyFields,
    initialPolicies: readonly string[] | undefined,
  ): { policies: string[]; problems: CertificateProblem[] } {
    this.#explicitPolicy = Math.max(0, this.#explicitPolicy - 1);
    if (leaf.policyConstraints?.requireExplicitPolicy === 0) this.#explicitPolicy = 0;
    const policies = this.#userConstrained(initialPolicies ?? [ANY_POLICY]);
    if (this.#explicitPolicy > 0 || policies.length > 0) return { policies, problems: [] };
    const detail = "no policy of the path is among the acceptable ones, and an explicit policy is required";
    return { policies, problems: [problem("policy", "Wrap-Up Procedure", "certificatePolicies", detail)] };
  }

  #mapAll(mappings: readonly PolicyMapping[]): void {
    const targets = new Map<string, Set<string>>();
    for (const { issuerDomain, subjectDomain } of mappings)
      targets.set(issuerDomain, (targets.get(issuerDomain) ?? new Set()).add(subjectDomain));
    for (const [policy, expected] of targets) this.#map(policy, expected);
    this.#prune();
  }

  #map(policy: string, expected: ReadonlySet<string>): void {
    const levels = this.#levels;
    if (levels === undefined) return;
    const level = topOf(levels);
    const mapped = level.get(policy);
    if (this.#policyMapping === 0) {
      level.delete(policy);
      return;
    }
    if (mapped !== undefined) mapped.expected = expected;
    else {
      const wildcard = level.get(ANY_POLICY);
      // The parent of an anyPolicy node is the anyPolicy node one level up, which is the new node's parent too.
      if (wildcard !== undefined) level.set(policy, { policy, expected, parents: new Set(wildcard.parents) });
    }
  }

  /** Removes nodes without children above the last level; a graph without nodes is the null graph. */
  #prune(): void {
    const levels = this.#levels;
    if (levels === undefined) return;
    for (let depth = levels.length - 1; depth > 0; depth -= 1) {
      const used = new Set([...(levels[depth]?.values() ?? [])].flatMap(({ parents }) => [...parents]));
      const above = levels[depth - 1] ?? new Map<string, PolicyNode>();
      for (const [policy, candidate] of above) if (!used.has(candidate)) above.delete(policy);
    }
    if (levels.some((level) => level.size === 0)) this.#levels = undefined;
  }

  #userConstrained(initial: readonly string[]): string[] {
    const levels = this.#levels;
    if (levels === undefined) return [];
    const last = topOf(levels);
    const domain = new Set<string>();
    // Policies in the anchor's terms: nodes right below an anyPolicy node.
    for (const level of levels.slice(1))
      for (const { policy, parents } of level.values())
        if (policy !== ANY_POLICY && [...parents].some((parent) => parent.policy === ANY_POLICY)) domain.add(policy);
    if (initial.includes(ANY_POLICY)) return last.has(ANY_POLICY) ? [...domain, ANY_POLICY] : [...domain];
    return last.has(ANY_POLICY) ? [...new Set(initial)] : [...new Set(initial)].filter((policy) => domain.has(policy));
  }
}

function node(policy: string, parents: PolicyNode[] = []): PolicyNode {
  return { policy, expected: new Set([policy]), parents: new Set(parents) };
}

function topOf(levels: readonly Level[]): Level {
  return levels[levels.length - 1] ?? new Map();
}

function nextLevel(above: Level, policies: readonly string[], anyAllowed: boolean): Level {
  const level: Level = new Map();
  const expecting = new Map<string, PolicyNode[]>();
  for (const parent of above.values())
    for (const policy of parent.expected) {
      const parents = expecting.get(policy);
      if (parents === undefined) expecting.set(policy, [parent]);
      else parents.push(parent);
    }
  const wildcard = above.get(ANY_POLICY);
  for (const policy of policies) {
    if (policy === ANY_POLICY) continue;
    const parents = expecting.get(policy) ?? (wildcard === undefined ? [] : [wildcard]);
    if (parents.length > 0) level.set(policy, node(policy, parents));
  }
  if (policies.includes(ANY_POLICY) && anyAllowed)
    for (const [policy, parents] of expecting) if (!level.has(policy)) level.set(policy, node(policy, parents));
  return level;
}
