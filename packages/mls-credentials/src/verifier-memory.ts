import { equalBytes } from "@mls-as/tls-codec";
import type {
  AcceptanceBasis,
  CertificateMemory,
  DeviceEvidence,
  PresentedCredential,
  ReferenceIdentifier,
} from "./acceptance-basis.js";
import { type Certificate, parseCertificate, SignatureMemo } from "./certificate/index.js";
import type { Acceptance } from "./verdict.js";

/** Everything a verdict depends on; absent fields are there as undefined. */
export type Question = Pick<AcceptanceBasis, "policy" | "time" | "timeSource"> &
  Pick<PresentedCredential, "certificates" | "signatureKey" | "signatureScheme"> &
  Pick<ReferenceIdentifier, "user"> & {
    readonly client: string | undefined;
    readonly devices: DeviceEvidence | undefined;
    readonly evidenceMissingSince: number | undefined;
  };

/** What is known about the bytes of a certificate. */
interface Known {
  certificate?: Certificate;
  answer?: { readonly question: Question; readonly acceptance: Acceptance };
}

/** Issuers that are remembered by their bytes; a group has few. */
const MAX_ISSUERS = 64;

/**
 * What a verifier may remember from one batch to the next: parsed certificates, signatures that were verified, and verdicts
 * on equal questions. Keep one for each group, and hand in the same byte arrays: leaves are remembered by object, for as
 * long as the caller holds them, and must not be changed in place.
 */
export class VerifierMemory implements CertificateMemory {
  readonly signatures = new SignatureMemo();
  // One table for certificate and verdict: each entry of a weak table is work for the garbage collector.
  readonly #known = new WeakMap<Uint8Array, Known>();
  readonly #issuers: Certificate[] = [];

  /** A leaf, remembered by object. @throws CertificateError */
  leaf(der: Uint8Array): Certificate {
    const known = this.#known.get(der);
    if (known?.certificate !== undefined) return known.certificate;
    const certificate = parseCertificate(der);
    if (known === undefined) this.#known.set(der, { certificate });
    else known.certificate = certificate;
    return certificate;
  }

  /** An issuer, remembered by its bytes, so that its own signature is verified once. @throws CertificateError */
  issuer(der: Uint8Array): Certificate {
    const equal = this.#issuers.find((each) => each.der === der || equalBytes(each.der, der));
    if (equal !== undefined) return equal;
    const certificate = this.leaf(der);
    if (this.#issuers.length < MAX_ISSUERS) this.#issuers.push(certificate);
    return certificate;
  }

  /** The verdict on the same question, if it was asked before. */
  recall(question: Question): Acceptance | undefined {
    const [leaf] = question.certificates;
    const answer = leaf === undefined ? undefined : this.#known.get(leaf)?.answer;
    return answer !== undefined && sameQuestion(answer.question, question) ? answer.acceptance : undefined;
  }

  remember(question: Question, acceptance: Acceptance): void {
    const [leaf] = question.certificates;
    if (leaf === undefined) return;
    const known = this.#known.get(leaf);
    if (known === undefined) this.#known.set(leaf, { answer: { question, acceptance } });
    else known.answer = { question, acceptance };
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
