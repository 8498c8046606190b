import { equalBytes } from "@mls-as/tls-codec";
import type {
  AcceptanceBasis,
  CertificateMemory,
  PresentedCredential,
  ReferenceIdentifier,
} from "./acceptance-basis.js";
import { type Certificate, parseCertificate, SignatureMemo } from "./certificate/index.js";
import type { Acceptance } from "./verdict.js";

type Question = Pick<AcceptanceBasis, "policy" | "time" | "timeSource" | "devices" | "evidenceMissingSince"> &
  Pick<PresentedCredential, "certificates" | "signatureKey" | "signatureScheme"> &
  ReferenceIdentifier;

/** Issuers that are remembered by their bytes; a group has few. */
const MAX_ISSUERS = 64;

/**
 * What a verifier may remember from one batch to the next: parsed certificates, signatures that were verified, and verdicts
 * on equal questions. Keep one for each group, and hand in the same byte arrays: leaves are remembered by object, for as
 * long as the caller holds them, and must not be changed in place.
 */
export class VerifierMemory implements CertificateMemory {
  readonly signatures = new SignatureMemo();
  readonly #parsed = new WeakMap<Uint8Array, Certificate>();
  readonly #issuers: Certificate[] = [];
  readonly #verdicts = new WeakMap<Uint8Array, { readonly question: Question; readonly acceptance: Acceptance }>();

  /** A leaf, remembered by object. @throws CertificateError */
  leaf(der: Uint8Array): Certificate {
    const known = this.#parsed.get(der);
    if (known !== undefined) return known;
    const certificate = parseCertificate(der);
    this.#parsed.set(der, certificate);
    return certificate;
  }

  /** An issuer, remembered by its bytes, so that its own signature is verified once. @throws CertificateError */
  issuer(der: Uint8Array): Certificate {
    const known = this.#parsed.get(der);
    if (known !== undefined) return known;
    const equal = this.#issuers.find((each) => equalBytes(each.der, der));
    const certificate = equal ?? parseCertificate(der);
    if (equal === undefined && this.#issuers.length < MAX_ISSUERS) this.#issuers.push(certificate);
    this.#parsed.set(der, certificate);
    return certificate;
  }

  /** The verdict on the same question, if it was asked before. */
  recall(question: Question): Acceptance | undefined {
    const [leaf] = question.certificates;
    const known = leaf === undefined ? undefined : this.#verdicts.get(leaf);
    return known !== undefined && sameQuestion(known.question, question) ? known.acceptance : undefined;
  }

  remember(question: Question, acceptance: Acceptance): void {
    const [leaf] = question.certificates;
    if (leaf !== undefined) this.#verdicts.set(leaf, { question, acceptance });
  }
}

function sameQuestion(a: Question, b: Question): boolean {
  return (
    a.policy === b.policy &&
    a.time === b.time &&
    a.timeSource === b.timeSource &&
    a.devices?.list === b.devices?.list &&
    a.devices?.provenAt === b.devices?.provenAt &&
    a.devices?.position === b.devices?.position &&
    a.devices?.source === b.devices?.source &&
    a.devices?.logId === b.devices?.logId &&
    a.evidenceMissingSince === b.evidenceMissingSince &&
    a.user === b.user &&
    a.client === b.client &&
    a.signatureScheme === b.signatureScheme &&
    a.signatureKey === b.signatureKey &&
    a.certificates.length === b.certificates.length &&
    a.certificates.every((der, i) => der === b.certificates[i])
  );
}
