import type { Certificate } from "./certificate.js";
import { CrlStatusChecker } from "./crl-status.js";
import { ocspStatus } from "./ocsp-status.js";
import type { Reason } from "./path-reason.js";
import type { RevocationInputs, RevocationStatus } from "./revocation-status.js";

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
    for (let index = path.length - 2; index >= 0; index -= 1) {
      const status = await this.#statusOf(path, index);
      const at = `path[${index}]`;
      if (status.kind === "revoked")
        reasons.push({
          code: "revoked",
          section: "RFC 5280, CRL Validation",
          path: at,
          detail: `revoked at ${status.revokedAt}, reason ${status.reason}`,
        });
      else if (status.kind === "undetermined")
        reasons.push({
          code: "revocation-undetermined",
          section: "RFC 5280, CRL Validation",
          path: at,
          detail: status.detail,
        });
      // What a revoked CA signs, CRLs included, says nothing.
      if (status.kind === "revoked") return reasons;
    }
    return reasons;
  }

  /** A certificate is revoked when either source says so, and good when one does and the other does not object. */
  async #statusOf(path: readonly Certificate[], index: number): Promise<RevocationStatus> {
    const [certificate, issuer] = [path[index], path[index + 1]];
    if (certificate === undefined || issuer === undefined) return { kind: "undetermined", detail: "no issuer" };
    const crl = await this.#crls.status(path, index);
    if (crl.kind === "revoked" || (this.#inputs.ocsp ?? []).length === 0) return crl;
    const ocsp = await ocspStatus(this.#inputs, certificate, issuer);
    return ocsp.kind === "undetermined" ? crl : ocsp;
  }
}
