import { createHash } from "node:crypto";
import type { IssuingCa } from "../ca/authority.js";
import type { Store } from "../storage/store.js";
import {
  buildOcspResponse,
  type CertificateId,
  namesIssuer,
  OCSP_FAILURE,
  ocspFailure,
  type OcspResponder,
  type OcspStatus,
  readOcspRequest,
} from "./ocsp-message.js";

export interface OcspContext {
  readonly store: Store;
  readonly issuers: () => readonly IssuingCa[];
  /** By the issuer's id. */
  readonly ocspResponders: ReadonlyMap<string, OcspResponder>;
  readonly now: () => number;
}

/** Seconds for which an answer may be used, and after which it is made anew. */
const VALIDITY = 3600;
const REFRESH = 1800;
/** Seconds before they are old at which answers are made anew by {@link OcspAnswers.precompute}. */
const AHEAD = 300;
/** Seconds after which an answer that nobody asked for is not made anew. */
const FORGOTTEN = 86_400;
/** Answers that are kept; each takes about 1,000 octets. */
const MOST_KEPT = 20_000;

interface Kept {
  readonly der: Uint8Array;
  readonly status: string;
  readonly madeAt: number;
  readonly responder: OcspResponder;
  readonly issuer: string;
  readonly ids: readonly CertificateId[];
  askedAt: number;
}

export interface OcspOutcome {
  readonly der: Uint8Array;
  /** Whether everybody may be given it: an answer with a nonce is for the one who asked. */
  readonly shared: boolean;
}

/**
 * Answers OCSP requests. What does not depend on who asks is signed once and kept, and signed anew before it is old;
 * the status itself is looked up every time, so that a revocation shows at once.
 */
export class OcspAnswers {
  readonly #context: OcspContext;
  readonly #kept = new Map<string, Kept>();

  constructor(context: OcspContext) {
    this.#context = context;
  }

  /** @param der OCSPRequest */
  async answer(der: Uint8Array): Promise<OcspOutcome> {
    const { issuers, ocspResponders, now } = this.#context;
    const request = readOcspRequest(der);
    const [first] = request?.certificates ?? [];
    if (request === undefined || first === undefined) return failure(OCSP_FAILURE.malformedRequest);
    const issuer = issuers().find(({ certificate }) => namesIssuer(first, certificate));
    const responder = issuer === undefined ? undefined : ocspResponders.get(issuer.id);
    if (issuer === undefined || responder === undefined) return failure(OCSP_FAILURE.unauthorized);
    const answers = await this.#statuses(issuer, request.certificates);
    const time = now();
    const build = (): Promise<Uint8Array> =>
      buildOcspResponse(responder, answers, request.nonce, time, time + VALIDITY);
    if (request.nonce !== undefined) return { der: await build(), shared: false };
    const name = createHash("sha256");
    for (const { id } of answers) name.update(id.der);
    const key = name.digest("base64");
    const status = JSON.stringify(answers.map((one) => one.status));
    const kept = this.#kept.get(key);
    if (kept?.status === status && kept.responder === responder && time - kept.madeAt < REFRESH) {
      kept.askedAt = time;
      return { der: kept.der, shared: true };
    }
    const ids = request.certificates;
    const made = { der: await build(), status, responder, madeAt: time, issuer: issuer.id, ids, askedAt: time };
    this.#kept.delete(key);
    // Anybody can make up serial numbers.
    if (answers.some((one) => one.status.status === "unknown")) return { der: made.der, shared: true };
    if (this.#kept.size >= MOST_KEPT) this.#kept.delete(this.#kept.keys().next().value ?? "");
    this.#kept.set(key, made);
    return { der: made.der, shared: true };
  }

  /**
   * Signs answers anew that will soon be old, so that nobody waits for a signature; what nobody asks for any more is
   * dropped. To be called every few minutes.
   *
   * @returns how many were signed
   */
  async precompute(): Promise<number> {
    const { issuers, ocspResponders, now } = this.#context;
    let signed = 0;
    for (const [key, kept] of this.#kept) {
      const time = now();
      if (time - kept.madeAt < REFRESH - AHEAD) continue;
      const issuer = issuers().find(({ id }) => id === kept.issuer);
      const responder = ocspResponders.get(kept.issuer);
      if (issuer === undefined || responder === undefined || time - kept.askedAt > FORGOTTEN) {
        this.#kept.delete(key);
        continue;
      }
      const answers = await this.#statuses(issuer, kept.ids);
      const status = JSON.stringify(answers.map((one) => one.status));
      const der = await buildOcspResponse(responder, answers, undefined, time, time + VALIDITY);
      // Whoever asked meanwhile may have made a newer one.
      if (this.#kept.get(key) === kept) this.#kept.set(key, { ...kept, der, status, responder, madeAt: time });
      signed++;
    }
    return signed;
  }

  async #statuses(
    issuer: IssuingCa,
    ids: readonly CertificateId[],
  ): Promise<readonly { readonly id: CertificateId; readonly status: OcspStatus }[]> {
    const answers: { id: CertificateId; status: OcspStatus }[] = [];
    for (const id of ids)
      answers.push({
        id,
        status: namesIssuer(id, issuer.certificate) ? await this.#status(issuer.id, id.serial) : { status: "unknown" },
      });
    return answers;
  }

  async #status(issuer: string, serial: string): Promise<OcspStatus> {
    const known = await this.#context.store.credentialStatus(issuer, serial);
    if (known === undefined) return { status: "unknown" };
    const { revocation } = known;
    if (revocation === undefined) return { status: "good" };
    return { status: "revoked", revokedAt: revocation.revokedAt, reason: revocation.reason };
  }
}

function failure(status: (typeof OCSP_FAILURE)[keyof typeof OCSP_FAILURE]): OcspOutcome {
  return { der: ocspFailure(status), shared: false };
}
