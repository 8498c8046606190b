import type { PathInputs } from "./path-inputs.js";
import type { SearchBudget } from "./path-search.js";
import type { SignatureMemo } from "./signature-memo.js";

/** Status of a certificate as far as it can be determined. */
export type RevocationStatus =
  | { readonly kind: "good" }
  | { readonly kind: "revoked"; readonly revokedAt: number; readonly reason: number }
  | { readonly kind: "undetermined"; readonly detail: string };

/** What determining a status needs; whole seconds, and the budget of the validation it belongs to. */
export interface RevocationInputs
  extends Pick<
    PathInputs,
    "intermediates" | "anchors" | "provider" | "crls" | "ocsp" | "understoodCriticalExtensions"
  > {
  /** Whole seconds since 1970. */
  readonly time: number;
  readonly memo: SignatureMemo;
  readonly budget: SearchBudget;
}
