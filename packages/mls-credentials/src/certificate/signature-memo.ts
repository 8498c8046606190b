import { type Certificate, isSelfIssued } from "./certificate.js";
import type { CertificateProblem } from "./path-reason.js";
import { type SignatureVerifier, verifySignature } from "./signature.js";

interface Outcome {
  readonly issuer: Certificate;
  readonly problem: CertificateProblem | undefined;
}

/**
 * Remembers which certificate verified with which issuer's key, by object identity: share one memo and the same
 * Certificate objects over a batch, and an issuing CA is checked once for all its leaves. Entries live as long as the
 * certificates do.
 */
export class SignatureMemo {
  // Most certificates are checked against one issuer: a short list takes a tenth of the room of a map.
  readonly #outcomes = new WeakMap<Certificate, readonly Outcome[]>();

  /** The outcome when it is known. */
  peek(certificate: Certificate, issuer: Certificate): { problem: CertificateProblem | undefined } | undefined {
    return this.#outcomes.get(certificate)?.find((outcome) => outcome.issuer === issuer);
  }

  /** True for a self-issued certificate and for one that verifies with its own key (RFC 5280, "Authority Key Identifier"). */
  async isSelfSigned(provider: SignatureVerifier, certificate: Certificate | undefined): Promise<boolean> {
    if (certificate === undefined) return false;
    return isSelfIssued(certificate) || (await this.check(provider, certificate, certificate)) === undefined;
  }

  /** Verifies `certificate` with the key of `issuer`; undefined when the signature holds. */
  async check(
    provider: SignatureVerifier,
    certificate: Certificate,
    issuer: Certificate,
  ): Promise<CertificateProblem | undefined> {
    const known = this.peek(certificate, issuer);
    if (known !== undefined) return known.problem;
    const { signatureAlgorithm, tbs, signature } = certificate;
    const problem = await verifySignature(provider, signatureAlgorithm, issuer.publicKey, tbs, signature);
    this.#outcomes.set(certificate, [...(this.#outcomes.get(certificate) ?? []), { issuer, problem }]);
    return problem;
  }
}
