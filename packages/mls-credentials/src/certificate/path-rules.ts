import { type Certificate, isSelfIssued } from "./certificate.js";
import { certificateProblems } from "./certificate-checks.js";
import { type NameBudget, NameConstraintState } from "./name-constraints.js";
import { ANY_EXTENDED_KEY_USAGE } from "./oids.js";
import type { PathInputs } from "./path-inputs.js";
import { type CertificateProblem, problem, type Reason, reasonAt } from "./path-reason.js";
import { PolicyGraph } from "./policy-graph.js";

type RuleInputs = Pick<PathInputs, "policies" | "extendedKeyUsages" | "understoodCriticalExtensions">;

/** What else a path is judged by. */
interface PathState {
  readonly time: number;
  readonly budget: NameBudget;
  /** True when the anchor is signed with its own key: it need not name its issuer's key. */
  readonly anchorIsSelfSigned: boolean;
}

/**
 * Judges a chain (leaf first, anchor last) whose names and signatures already chain: validity, the certificate profile,
 * path lengths, name constraints, policies, purposes. All violations, those nearest the anchor first, as they are met
 * on the way down.
 */
export function judgePath(
  path: readonly Certificate[],
  inputs: RuleInputs,
  { time, budget, anchorIsSelfSigned }: PathState,
): { reasons: Reason[]; policies: string[] } {
  const reasons: Reason[] = [];
  const names = new NameConstraintState(budget);
  const graph = new PolicyGraph(inputs.policies ?? {});
  const understood = inputs.understoodCriticalExtensions && new Set(inputs.understoodCriticalExtensions);
  let policies: string[] = [];
  let remaining = Infinity;
  for (let index = path.length - 1; index >= 0; index--) {
    const certificate = path[index] as Certificate;
    const role = index === 0 ? "leaf" : index === path.length - 1 ? "anchor" : "intermediate";
    const add = (problems: readonly CertificateProblem[]): void => {
      for (const found of problems) reasons.push(reasonAt(index, found));
    };
    add(validityProblems(certificate, time));
    const standing = role === "anchor" && anchorIsSelfSigned ? "self-signed anchor" : role;
    add(certificateProblems(certificate, standing, understood));
    add(purposeProblems(certificate, role === "leaf", inputs.extendedKeyUsages ?? []));
    if (role !== "anchor") {
      add(names.check(certificate, role === "leaf"));
      add(graph.process(certificate, role === "leaf"));
    }
    if (role === "leaf") {
      const wrapUp = graph.finish(certificate, inputs.policies?.initialPolicies);
      add(wrapUp.problems);
      policies = wrapUp.policies;
      continue;
    }
    if (role === "intermediate") {
      add(graph.prepare(certificate));
      if (!isSelfIssued(certificate)) {
        if (remaining <= 0)
          add([
            problem(
              "path-length",
              "Preparation for Certificate i+1",
              "basicConstraints",
              "more CAs than a CA above allows",
            ),
          ]);
        remaining -= 1;
      }
    }
    remaining = Math.min(remaining, certificate.basicConstraints?.pathLength ?? Infinity);
    if (certificate.nameConstraints !== undefined) names.impose(certificate.nameConstraints);
  }
  return { reasons, policies };
}

/** Validity includes both its ends (RFC 5280, "Validity"). */
function validityProblems({ notBefore, notAfter }: Certificate, time: number): CertificateProblem[] {
  // Written so that no time at all, NaN, is inside no validity.
  if (!(time >= notBefore))
    return [problem("not-yet-valid", "Validity", "validity.notBefore", `valid from ${notBefore}, judged at ${time}`)];
  if (time > notAfter)
    return [problem("expired", "Validity", "validity.notAfter", `valid until ${notAfter}, judged at ${time}`)];
  return [];
}

/** An extendedKeyUsage restricts the key to what it lists; anyExtendedKeyUsage lifts that. */
function purposeProblems(
  { extendedKeyUsage }: Certificate,
  isLeaf: boolean,
  wanted: readonly string[],
): CertificateProblem[] {
  if (extendedKeyUsage === undefined || extendedKeyUsage.includes(ANY_EXTENDED_KEY_USAGE)) return [];
  return wanted
    .filter((purpose) => !extendedKeyUsage.includes(purpose))
    .map((purpose) =>
      problem(
        "extended-key-usage",
        "Extended Key Usage",
        "extendedKeyUsage",
        `${isLeaf ? "leaf" : "CA"} is not for purpose ${purpose}`,
      ),
    );
}
