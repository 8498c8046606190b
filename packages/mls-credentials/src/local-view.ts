import type { AcceptanceBasis, DeviceEvidence, PresentedCredential, ReferenceIdentifier } from "./acceptance-basis.js";
import {
  type Certificate,
  CertificateError,
  type CertificateList,
  type OcspResponse,
  parseCertificate,
  SignatureMemo,
  validatePath,
} from "./certificate/index.js";
import { isUserUri } from "./identity/identity-uri.js";
import { judgeTransparency } from "./transparency.js";
import type { LocalView, Reason } from "./verdict.js";

/** What this member alone knows. It informs people and the ghost detector; it never decides about membership. */
export interface LocalKnowledge {
  /** This device's clock, seconds since 1970. */
  readonly time: number;
  readonly crls?: readonly CertificateList[];
  readonly ocsp?: readonly OcspResponse[];
  /** A newer device list than the pinned one. */
  readonly devices?: DeviceEvidence;
}

/** Judges what changed since the basis of acceptance: expiry by the clock, CRLs, OCSP, later lists. All as warnings. */
export async function viewLocally(
  presented: PresentedCredential,
  reference: ReferenceIdentifier,
  basis: AcceptanceBasis,
  local: LocalKnowledge,
): Promise<LocalView> {
  const chain = parseOrNothing(presented.certificates);
  const [leaf, ...intermediates] = chain;
  // What the acceptance refuses whole has nothing that could change later.
  if (leaf === undefined || !isUserUri(reference.user)) return { time: local.time, reasons: [] };
  const reasons: Reason[] = [];
  const trust = basis.policy.domainOf(reference.user);
  if (trust !== undefined) {
    const { crls = [], ocsp = [] } = local;
    const some = crls.length > 0 || ocsp.length > 0;
    const result = await validatePath({
      leaf,
      intermediates,
      anchors: trust.anchors,
      time: local.time,
      provider: basis.provider,
      crls,
      ocsp,
      revocation: basis.policy.policy.revocation === "log-and-crl" ? "required" : some ? "if-available" : "none",
      memo: basis.memo ?? new SignatureMemo(),
    });
    if (!result.valid) reasons.push(...result.reasons.map((reason): Reason => ({ ...reason, severity: "warning" })));
  }
  if (local.devices !== undefined) {
    const later = judgeTransparency(leaf, reference.user, { ...basis, devices: local.devices }, local.time);
    reasons.push(...later.reasons.map((reason): Reason => ({ ...reason, severity: "warning" })));
  }
  return { time: local.time, reasons };
}

function parseOrNothing(chain: readonly Uint8Array[]): Certificate[] {
  try {
    return chain.map((der) => parseCertificate(der));
  } catch (error) {
    if (error instanceof CertificateError) return [];
    throw error;
  }
}
