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

/** Nesting of CRL issuers whose own status is asked of other CRL issuers. */
const MAX_DEPTH = 4;

/** Determines status by CRLs (RFC 5280, "CRL Validation"). */
export class CrlStatusChecker {
  readonly #inputs: RevocationInputs;
  /** Newest first: of two current CRLs of one scope the newer one decides. */
  readonly #crls: readonly CertificateList[];
  /** Signature outcome of each CRL with each key tried. */
  readonly #signatures = new Map<CertificateList, Map<Certificate, boolean>>();
  /** Certificates whose status is being determined: asking again would go round in circles. */
  readonly #pending = new Set<Certificate>();

  constructor(inputs: RevocationInputs) {
    this.#inputs = inputs;
    this.#crls = (inputs.crls ?? []).toSorted(
      (left, right) => newness(right) - newness(left) || compareNumbers(right, left),
    );
  }

  /** Status of `path[index]`; the certificates above it are taken as checked. */
  async status(path: readonly Certificate[], index: number): Promise<RevocationStatus> {
    const certificate = path[index];
    if (certificate === undefined) return { kind: "undetermined", detail: "no certificate" };
    if (this.#pending.has(certificate) || this.#pending.size >= MAX_DEPTH)
      return { kind: "undetermined", detail: "the CRL issuer's status depends on its own CRL" };
    this.#pending.add(certificate);
    try {
      return await this.#determine(certificate, path.slice(index + 1));
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
        if (isComplete(covered)) return { kind: "good" };
        if (crl.baseNumber !== undefined) continue;
        const mismatch = scopeMismatch(crl, point, certificate);
        if (mismatch !== undefined) {
          if (mismatch !== "") details.push(mismatch);
          continue;
        }
        const reasons = coveredReasons(crl, point);
        if (![...reasons].some((reason) => !covered.has(reason))) continue;
        const anyDelta = this.#crls.find((other) => isDeltaOf(other, crl));
        let detail = this.#unusable(crl, anyDelta) ?? (await this.#untrusted(crl, above));
        const delta = detail === undefined && anyDelta !== undefined ? await this.#deltaOf(crl, above) : undefined;
        // What a base and a current delta make together has the delta's times (RFC 5280, "Delta CRL Indicator").
        detail ??= this.#unusable(crl, delta);
        if (detail !== undefined) {
          details.push(detail);
          continue;
        }
        const find = (list: CertificateList | undefined) => list?.find(certificate.issuer, certificate.serialHex);
        const entry = find(delta) ?? find(crl);
        if (entry !== undefined && entry.reason !== 8) return { kind: "revoked", ...entry };
        for (const reason of reasons) covered.add(reason);
      }
    if (isComplete(covered)) return { kind: "good" };
    return { kind: "undetermined", detail: details[0] ?? "no CRL covers the certificate for all reasons" };
  }

  /** The newest usable delta CRL for this base. */
  async #deltaOf(base: CertificateList, above: readonly Certificate[]): Promise<CertificateList | undefined> {
    let newest: CertificateList | undefined;
    for (const delta of this.#crls) {
      if (!isDeltaOf(delta, base) || this.#unusable(delta) !== undefined) continue;
      if (newest?.number !== undefined && delta.number !== undefined && delta.number <= newest.number) continue;
      if ((await this.#untrusted(delta, above, base)) === undefined) newest = delta;
    }
    return newest;
  }

  #unusable({ unusable, thisUpdate, nextUpdate }: CertificateList, delta?: CertificateList): string | undefined {
    if (unusable !== undefined) return `CRL with ${unusable}`;
    if (thisUpdate > this.#inputs.time) return "CRL from the future";
    if (delta === undefined && (nextUpdate === undefined || nextUpdate < this.#inputs.time))
      return "CRL is out of date";
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
    const anchor = above[above.length - 1];
    if (anchor === undefined) return "no anchor";
    const named = ({ subject }: Certificate): boolean => subject.key === crl.issuer.key;
    const outside = this.#inputs.intermediates.filter((candidate) => named(candidate) && !above.includes(candidate));
    let detail = "no certificate of the CRL issuer";
    for (const signer of [...above.filter(named), ...outside]) {
      if (!(await this.#signed(crl, signer))) {
        detail = "CRL whose signature does not verify";
        continue;
      }
      if (base !== undefined && !(await this.#signed(base, signer))) continue;
      if (signer.keyUsage !== undefined && !signer.keyUsage.has("cRLSign")) {
        detail = "CRL of an issuer without cRLSign";
        continue;
      }
      if (above.includes(signer) || (await this.#hasValidPath(signer, anchor))) return undefined;
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

  async #hasValidPath(signer: Certificate, anchor: Certificate): Promise<boolean> {
    const trace: SearchTrace = { rejected: [], longest: [signer] };
    const { time, budget, understoodCriticalExtensions } = this.#inputs;
    return searchPaths({ ...this.#inputs, leaf: signer, anchors: [anchor] }, trace, async (path) => {
      const { maxNameComparisons } = budget;
      const anchorIsSelfSigned = await this.#inputs.memo.isSelfSigned(this.#inputs.provider, anchor);
      const rules = { time, maxNameComparisons, anchorIsSelfSigned };
      const extra = understoodCriticalExtensions === undefined ? {} : { understoodCriticalExtensions };
      if (judgePath(path, extra, rules).reasons.length > 0) return false;
      for (let index = path.length - 2; index >= 0; index -= 1) {
        // Its own entry is being looked for on the very CRL that it signs, as its CA has decided.
        if (index === 0 && this.#pending.has(signer) && namesItself(signer)) continue;
        if ((await this.status(path, index)).kind !== "good") return false;
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
const compareNumbers = (left: CertificateList, right: CertificateList): number =>
  Number((left.number ?? 0n) - (right.number ?? 0n));

const isComplete = (covered: ReadonlySet<ReasonFlag>): boolean => covered.size >= ALL_REASONS.size;

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
  if (delta.baseNumber === undefined || delta.issuer.key !== base.issuer.key) return false;
  const [left, right] = [delta.issuingDistributionPoint?.der, base.issuingDistributionPoint?.der];
  if (
    (left === undefined) !== (right === undefined) ||
    (left !== undefined && right !== undefined && !equalBytes(left, right))
  )
    return false;
  return (
    base.number !== undefined &&
    delta.number !== undefined &&
    base.number >= delta.baseNumber &&
    base.number < delta.number
  );
}
