import type { Certificate } from "./certificate.js";
import { certificateProblems } from "./certificate-checks.js";
import type { PathInputs, PathResult } from "./path-inputs.js";
import { type Reason, reasonAt } from "./path-reason.js";
import { judgePath } from "./path-rules.js";
import { SearchBudget, type SearchTrace, searchPaths } from "./path-search.js";
import { SignatureMemo } from "./signature-memo.js";

/** Whole paths judged in one validation, and path validations started for CRL issuers. */
const MAX_JUDGED_PATHS = 256;

/**
 * Builds and validates a certification path (RFC 5280, "Certification Path Validation").
 *
 * Every chain from the leaf to an anchor is a candidate; the first that violates nothing wins. Without one, the reasons
 * are those of the candidate with the fewest, and `untrusted` when no chain reaches an anchor. Work is bounded by
 * `limits`. Never throws for bad input.
 */
export async function validatePath(inputs: PathInputs): Promise<PathResult> {
  const time = Math.floor(inputs.time);
  const memo = inputs.memo ?? new SignatureMemo();
  const budget = new SearchBudget(inputs.limits);
  const trace: SearchTrace = { rejected: [], longest: [inputs.leaf] };
  const hasStatus = (inputs.crls ?? []).length > 0 || (inputs.ocsp ?? []).length > 0;
  const mode = inputs.revocation ?? (hasStatus ? "required" : "none");
  // CRLs and OCSP are a fifth of this code, and verdicts take revocation from the log: loaded when first asked for.
  const revocation =
    mode === "none"
      ? undefined
      : new (await import("./revocation.js")).RevocationChecker({ ...inputs, time, memo, budget });
  let success: PathResult | undefined;
  let best: { path: readonly Certificate[]; reasons: Reason[] } | undefined;
  let judged = 0;

  const { leaf, intermediates, anchors, provider } = inputs;
  await searchPaths({ leaf, intermediates, anchors, provider, memo, budget }, trace, async (path) => {
    judged += 1;
    if (judged > MAX_JUDGED_PATHS) budget.exhausted = true;
    const anchorIsSelfSigned = await memo.isSelfSigned(provider, path[path.length - 1]);
    const { reasons, policies } = judgePath(path, inputs, { time, budget, anchorIsSelfSigned });
    const status = reasons.length > 0 || revocation === undefined ? [] : await revocation.check(path);
    const warnings = mode === "if-available" ? status.filter(({ code }) => code === "revocation-undetermined") : [];
    reasons.push(...status.filter((reason) => !warnings.includes(reason)));
    // Beyond the bounds nothing is accepted: a CRL may have gone unread that says otherwise.
    if (reasons.length === 0 && !budget.exhausted) success = { valid: true, path, policies, warnings };
    else if (best === undefined || reasons.length < best.reasons.length) best = { path, reasons };
    return success !== undefined;
  });
  if (success !== undefined) return success;

  const reasons = best?.reasons ?? unreached(inputs, trace);
  if (budget.exhausted) reasons.push(limitReached());
  const [first = limitReached(), ...others] = reasons;
  return { valid: false, reasons: [first, ...others], path: best?.path ?? trace.longest };
}

/** Reasons when no chain reaches an anchor: that, what was rejected on the way, and the leaf's own violations. */
function unreached({ leaf, understoodCriticalExtensions }: PathInputs, trace: SearchTrace): Reason[] {
  const untrusted: Reason = {
    code: "untrusted",
    section: "RFC 5280, Basic Path Validation",
    path: `path[${trace.longest.length - 1}]`,
    detail: "no chain of issuers leads to a trust anchor",
  };
  const own = certificateProblems(leaf, "leaf", new Set(understoodCriticalExtensions));
  return [untrusted, ...trace.rejected, ...own.map((found) => reasonAt(0, found))];
}

function limitReached(): Reason {
  return {
    code: "limit-exceeded",
    section: "RFC 5280, Security Considerations",
    path: "path",
    detail: "the search for a path was stopped at its bound",
  };
}
