import { equalBytes } from "@mls-as/tls-codec";
import type { Certificate } from "./certificate.js";
import type { CertificateList } from "./certificate-list.js";
import {
  ALL_REASONS,
  type DistributionPoint,
  type DistributionPointName,
  type ReasonFlag,
} from "./distribution-point.js";
import { extendName, type Name } from "./distinguished-name.js";
import type { GeneralName } from "./general-name.js";
import { judgePath } from "./path-rules.js";
import { type SearchTrace, searchPaths } from "./path-search.js";
import type { RevocationInputs, RevocationStatus } from "./revocation-status.js";
import { verifySignature } from "./signature.js";

/** CRLReason of a delta that takes an entry of its base away. */
const REMOVE_FROM_CRL = 8;

/** Nesting of CRL issuers whose own status is asked of other CRL issuers. */
const MAX_DEPTH = 4;

/** Determines status by CRLs (RFC 5280, "CRL Validation"). */
export class CrlStatusChecker {
  readonly #inputs: RevocationInputs;
  /** Newest first: of two current CRLs of one scope the newer one decides. */
  readonly #crls: readonly CertificateList[];
  readonly #deltas: readonly CertificateList[];
  /** Signature outcome of each CRL with each key tried. */
  readonly #signatures = new Map<CertificateList, Map<Certificate, boolean>>();
  /** Certificates whose status is being determined: asking again would go round in circles. */
  readonly #pending = new Set<Certificate>();

  constructor(inputs: RevocationInputs) {
    this.#inputs = inputs;
    this.#crls = (inputs.crls ?? []).toSorted(
      (left, right) => newness(right) - newness(left) || compareNumbers(right, left),
    );
    this.#deltas = this.#crls.filter(({ baseNumber }) => baseNumber !== undefined);
  }

  /** Status of a certificate; the certificates above it, its issuer first and the anchor last, are taken as checked. */
  async status(certificate: Certificate, above: readonly Certificate[]): Promise<RevocationStatus> {
    if (this.#pending.has(certificate) || this.#pending.size >= MAX_DEPTH)
      return { kind: "undetermined", detail: "the CRL issuer's status depends on its own CRL" };
    this.#pending.add(certificate);
    try {
      return await this.#determine(certificate, above);
    } finally {
      this.#pending.delete(certificate);
    }
  }

  async #determine(certificate: Certificate, above: readonly Certificate[]): Promise<RevocationStatus> {
    const covered = new Set<ReasonFlag>();
    const details: string[] = [];
    // Last, the CRL of the issuer itself, as if a distribution point had its names (RFC 5280, "CRL Processing").
    const implied: DistributionPoint = {
      name: {
        type: "full",
        names: [{ type: "directory", value: certificate.issuer }, ...(certificate.issuerAltName ?? [])],
      },
      reasons: undefined,
      crlIssuer: undefined,
    };
    for (const point of [...(certificate.crlDistributionPoints ?? []), implied])
      for (const crl of this.#crls) {
        if (this.#inputs.budget.exhausted) break;
        if (crl.baseNumber !== undefined) continue;
        const mismatch = scopeMismatch(crl, point, certificate);
        if (mismatch !== undefined) {
          if (mismatch !== "") details.push(mismatch);
          continue;
        }
        const reasons = coveredReasons(crl, point);
        if ([...reasons].every((reason) => covered.has(reason))) continue;
        const current = await this.#current(crl, above);
        if ("detail" in current) {
          details.push(current.detail);
          continue;
        }
        const find = (list: CertificateList | undefined) => list?.find(certificate.issuer, certificate.serialHex);
        const entry = find(current.delta) ?? find(crl);
        if (entry !== undefined && entry.reason !== REMOVE_FROM_CRL) return { kind: "revoked", ...entry };
        for (const reason of reasons) covered.add(reason);
      }
    if (covered.size >= ALL_REASONS.size) return { kind: "good" };
    return { kind: "undetermined", detail: details[0] ?? "no CRL covers the certificate for all reasons" };
  }

  /** A complete CRL with the delta that brings it up to date, if there is one; or why it does not count. */
  async #current(
    crl: CertificateList,
    above: readonly Certificate[],
  ): Promise<{ readonly delta: CertificateList | undefined } | { readonly detail: string }> {
    const anyDelta = this.#deltas.find((other) => isDeltaOf(other, crl));
    const detail = this.#unusable(crl, anyDelta) ?? (await this.#untrusted(crl, above));
    if (detail !== undefined) return { detail };
    const delta = await this.#deltaOf(crl, above);
    // What a base and a current delta make together has the delta's times (RFC 5280, "Delta CRL Indicator").
    const late = this.#unusable(crl, delta);
    return late === undefined ? { delta } : { detail: late };
  }

  /** The newest usable delta CRL for this base. */
  async #deltaOf(base: CertificateList, above: readonly Certificate[]): Promise<CertificateList | undefined> {
    for (const delta of this.#deltas)
      if (
        isDeltaOf(delta, base) &&
        this.#unusable(delta) === undefined &&
        (await this.#untrusted(delta, above, base)) === undefined
      )
        return delta;
    return undefined;
  }

  #unusable({ unusable, thisUpdate, nextUpdate }: CertificateList, delta?: CertificateList): string | undefined {
    if (unusable !== undefined) return `CRL with ${unusable}`;
    if (thisUpdate > this.#inputs.time) return "CRL from the future";
    if (delta === undefined && nextUpdate < this.#inputs.time) return "CRL is out of date";
    return undefined;
  }

  /**
   * Why the signer of a CRL is not trusted: it must be a certificate of the CRL issuer's name with cRLSign and a valid
   * path to the same anchor; a delta has the same signer as its base.
   */
  async #untrusted(
    crl: CertificateList,
    above: readonly Certificate[],
    base?: CertificateList,
  ): Promise<string | undefined> {
    let detail = "no certificate of the CRL issuer";
    for (const signer of new Set([...above, ...this.#inputs.intermediates])) {
      if (signer.subject.key !== crl.issuer.key) continue;
      if (!(await this.#signed(crl, signer))) {
        detail = "CRL whose signature does not verify";
        continue;
      }
      if (base !== undefined && !(await this.#signed(base, signer))) continue;
      if (signer.keyUsage !== undefined && !signer.keyUsage.has("cRLSign")) {
        detail = "CRL of an issuer without cRLSign";
        continue;
      }
      if (above.includes(signer) || (await this.#hasValidPath(signer, above.slice(-1)))) return undefined;
      detail = "CRL of an issuer without a valid path to the same anchor";
    }
    return detail;
  }

  async #signed(crl: CertificateList, signer: Certificate): Promise<boolean> {
    const outcomes = this.#signatures.get(crl) ?? new Map<Certificate, boolean>();
    this.#signatures.set(crl, outcomes);
    const known = outcomes.get(signer);
    if (known !== undefined) return known;
    if (!this.#inputs.budget.takeSignature()) return false;
    const { provider } = this.#inputs;
    const outcome =
      (await verifySignature(provider, crl.signatureAlgorithm, signer.publicKey, crl.tbs, crl.signature)) === undefined;
    outcomes.set(signer, outcome);
    return outcome;
  }

  async #hasValidPath(signer: Certificate, anchors: readonly Certificate[]): Promise<boolean> {
    const trace: SearchTrace = { rejected: [], longest: [] };
    const { time, budget, memo, provider, understoodCriticalExtensions = [] } = this.#inputs;
    return searchPaths({ ...this.#inputs, leaf: signer, anchors }, trace, async (path) => {
      const anchorIsSelfSigned = await memo.isSelfSigned(provider, path[path.length - 1]);
      const rules = { time, budget, anchorIsSelfSigned };
      if (judgePath(path, { understoodCriticalExtensions }, rules).reasons.length > 0) return false;
      for (const [index, certificate] of [...path.entries()].slice(0, -1).toReversed()) {
        // Its own entry is being looked for on the very CRL that it signs, as its CA has decided.
        if (index === 0 && this.#pending.has(signer) && namesItself(signer)) continue;
        if ((await this.status(certificate, path.slice(index + 1))).kind !== "good") return false;
      }
      return true;
    });
  }
}

/** True when a certificate's distribution point makes its own subject the issuer of the CRL that covers it. */
function namesItself({ crlDistributionPoints, subject }: Certificate): boolean {
  return (crlDistributionPoints ?? []).some(({ crlIssuer }) =>
    crlIssuer?.some((name) => name.type === "directory" && name.value.key === subject.key),
  );
}

const newness = ({ thisUpdate }: CertificateList): number => thisUpdate;
const compareNumbers = (left: CertificateList, right: CertificateList): number => Number(left.number - right.number);

/** Why a CRL does not cover the certificate through this distribution point; empty when it is simply another's CRL. */
function scopeMismatch(crl: CertificateList, point: DistributionPoint, certificate: Certificate): string | undefined {
  const idp = crl.issuingDistributionPoint;
  if (point.crlIssuer === undefined) {
    if (crl.issuer.key !== certificate.issuer.key) return "";
  } else if (!point.crlIssuer.some((name) => name.type === "directory" && name.value.key === crl.issuer.key)) return "";
  else if (idp?.indirect !== true) return "CRL named by cRLIssuer that is not indirect";
  if (idp === undefined) return undefined;
  if (idp.name !== undefined && !sharesName(idp.name, point, crl.issuer, certificate.issuer))
    return "CRL of another distribution point";
  const isCa = certificate.basicConstraints?.ca ?? false;
  if (idp.onlyUserCertificates && isCa) return "CRL for user certificates only";
  if (idp.onlyCaCertificates && !isCa) return "CRL for CA certificates only";
  if (idp.onlyAttributeCertificates) return "CRL for attribute certificates only";
  return undefined;
}

/** One name of the issuing distribution point is one of the certificate's distribution point, or of its cRLIssuer. */
function sharesName(
  issued: DistributionPointName,
  point: DistributionPoint,
  crlIssuer: Name,
  certificateIssuer: Name,
): boolean {
  const names = fullNames(issued, crlIssuer).map(nameKey);
  const directory = point.crlIssuer?.find((name) => name.type === "directory");
  const relativeTo = directory === undefined ? certificateIssuer : directory.value;
  const wanted = point.name === undefined ? (point.crlIssuer ?? []) : fullNames(point.name, relativeTo);
  return wanted.some((name) => names.includes(nameKey(name)));
}

function fullNames(name: DistributionPointName, base: Name): readonly GeneralName[] {
  return name.type === "full" ? name.names : [{ type: "directory", value: extendName(base, name.rdn) }];
}

function nameKey(name: GeneralName): string {
  switch (name.type) {
    case "directory":
      return `directory:${name.value.key}`;
    case "other":
      return `other:${name.oid}:${name.value.join(".")}`;
    case "dns":
      return `dns:${name.value.toLowerCase()}`;
    case "uri":
      // Scheme and host are compared without case (RFC 5280, "Internationalized Resource Identifiers").
      return `uri:${name.value.replace(/^[^:/?#]*:(?:\/\/[^/?#]*)?/, (start) => start.toLowerCase())}`;
    case "email":
    case "registeredId":
      return `${name.type}:${name.value}`;
    default:
      return `${name.type}:${name.value.join(".")}`;
  }
}

/** RFC 5280, "CRL Processing", step (d): reasons of the CRL that count for this distribution point. */
function coveredReasons(crl: CertificateList, point: DistributionPoint): ReadonlySet<ReasonFlag> {
  const some = crl.issuingDistributionPoint?.onlySomeReasons ?? ALL_REASONS;
  return point.reasons === undefined ? some : new Set([...some].filter((reason) => point.reasons?.has(reason)));
}

/** RFC 5280, "CRL Processing", step (c): same issuer and scope, and numbers that fit. */
function isDeltaOf(delta: CertificateList, base: CertificateList): boolean {
  const { baseNumber, number, issuer, issuingDistributionPoint: point } = delta;
  if (baseNumber === undefined || issuer.key !== base.issuer.key) return false;
  return sameDer(point, base.issuingDistributionPoint) && baseNumber <= base.number && base.number < number;
}

function sameDer(left: { readonly der: Uint8Array } | undefined, right: typeof left): boolean {
  return left === undefined || right === undefined ? left === right : equalBytes(left.der, right.der);
}
