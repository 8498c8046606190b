import type { Certificate } from "./certificate.js";
import { CrlStatusChecker } from "./crl-status.js";
import { ocspStatus } from "./ocsp-status.js";
import type { Reason } from "./path-reason.js";
import type { RevocationInputs, RevocationStatus } from "./revocation-status.js";

const CRL = "RFC 5280, CRL Validation";
const OCSP = "RFC 6960, Signed Response Acceptance Requirements";

/** A status, and where the rule stands by which it was determined or not. */
interface SourcedStatus {
  readonly status: RevocationStatus;
  readonly section: string;
}

/** Determines the status of every certificate of a path from the CRLs and OCSP responses at hand. */
export class RevocationChecker {
  readonly #inputs: RevocationInputs;
  readonly #crls: CrlStatusChecker;

  constructor(inputs: RevocationInputs) {
    this.#inputs = inputs;
    this.#crls = new CrlStatusChecker(inputs);
  }

  /** Reasons for every certificate below the anchor that is revoked or whose status is unknown, top down. */
  async check(path: readonly Certificate[]): Promise<Reason[]> {
    const reasons: Reason[] = [];
    for (const [index, certificate] of [...path.entries()].slice(0, -1).toReversed()) {
      const { status, section } = await this.#statusOf(certificate, path.slice(index + 1));
      const at = { section, path: `path[${index}]` };
      if (status.kind === "revoked")
        reasons.push({ code: "revoked", ...at, detail: `revoked at ${status.revokedAt}, reason ${status.reason}` });
      else if (status.kind === "undetermined")
        reasons.push({ code: "revocation-undetermined", ...at, detail: status.detail });
      // What a revoked CA signs, CRLs included, says nothing.
      if (status.kind === "revoked") return reasons;
    }
    return reasons;
  }

  /** A certificate is revoked when either source says so, and good when one does and the other does not object. */
  async #statusOf(certificate: Certificate, above: readonly Certificate[]): Promise<SourcedStatus> {
    const { crls = [], ocsp = [] } = this.#inputs;
    const listed = await this.#crls.status(certificate, above);
    const [issuer] = above;
    if (listed.kind === "revoked" || ocsp.length === 0 || issuer === undefined) return { status: listed, section: CRL };
    const answered = await ocspStatus(this.#inputs, certificate, issuer);
    if (answered.kind !== "undetermined" || crls.length === 0) return { status: answered, section: OCSP };
    if (listed.kind === "good") return { status: listed, section: CRL };
    const detail = `${listed.detail}; ${answered.detail}`;
    return { status: { kind: "undetermined", detail }, section: `${CRL}; ${OCSP}` };
  }
}
