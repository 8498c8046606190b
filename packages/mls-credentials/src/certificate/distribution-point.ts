import { CertificateError } from "./certificate-error.js";
import { childrenOf, context, type DerElement, DerReader, derError, enter, Tag } from "./der.js";
import { readNamedBits } from "./der-values.js";
import { type NameAttribute, readRelativeName } from "./distinguished-name.js";
import { type GeneralName, readGeneralNames } from "./general-name.js";

/** Revocation reasons a CRL can be partitioned by (RFC 5280, "CRL Distribution Points"). */
export type ReasonFlag =
  | "keyCompromise"
  | "cACompromise"
  | "affiliationChanged"
  | "superseded"
  | "cessationOfOperation"
  | "certificateHold"
  | "privilegeWithdrawn"
  | "aACompromise";

const REASON_FLAGS: readonly (ReasonFlag | undefined)[] = [
  undefined,
  "keyCompromise",
  "cACompromise",
  "affiliationChanged",
  "superseded",
  "cessationOfOperation",
  "certificateHold",
  "privilegeWithdrawn",
  "aACompromise",
];

/** Every reason: what a CRL without onlySomeReasons covers. */
export const ALL_REASONS: ReadonlySet<ReasonFlag> = new Set(REASON_FLAGS.filter((flag) => flag !== undefined));

/** DistributionPointName: full names, or a name relative to the CRL issuer's. */
export type DistributionPointName =
  | { readonly type: "full"; readonly names: readonly GeneralName[] }
  | { readonly type: "relative"; readonly rdn: readonly NameAttribute[] };

export interface DistributionPoint {
  readonly name: DistributionPointName | undefined;
  readonly reasons: ReadonlySet<ReasonFlag> | undefined;
  readonly crlIssuer: readonly GeneralName[] | undefined;
}

/** Reads CRLDistributionPoints; also the value of the freshest CRL extension. */
export function readDistributionPoints(element: DerElement): DistributionPoint[] {
  enter(element, Tag.sequence, "CRLDistributionPoints");
  const points = childrenOf(element).map((child) => {
    const reader = enter(child, Tag.sequence, "DistributionPoint");
    const name = reader.optional(context(0, true));
    const reasons = reader.optional(context(1, false));
    const crlIssuer = reader.optional(context(2, true));
    reader.finish("DistributionPoint");
    if (name === undefined && crlIssuer === undefined)
      throw new CertificateError(
        "malformed-extension",
        "RFC 5280, CRL Distribution Points",
        "neither distributionPoint nor cRLIssuer",
        child.start,
      );
    return {
      name: name === undefined ? undefined : readDistributionPointName(name),
      reasons: reasons === undefined ? undefined : readReasonFlags(reasons, context(1, false)),
      crlIssuer: crlIssuer === undefined ? undefined : readGeneralNames(crlIssuer, context(2, true)),
    };
  });
  if (points.length === 0)
    throw new CertificateError(
      "malformed-extension",
      "RFC 5280, CRL Distribution Points",
      "no distribution point",
      element.start,
    );
  return points;
}

/** Reads the explicitly tagged choice DistributionPointName. */
export function readDistributionPointName(field: DerElement): DistributionPointName {
  const reader = new DerReader(field);
  const choice = reader.any();
  reader.finish("DistributionPointName");
  if (choice.tag === context(0, true)) return { type: "full", names: readGeneralNames(choice, context(0, true)) };
  if (choice.tag === context(1, true)) return { type: "relative", rdn: readRelativeName(choice, context(1, true)) };
  throw derError("unknown DistributionPointName", choice.start);
}

/** Reads ReasonFlags; the unused bit 0 carries no meaning. */
export function readReasonFlags(element: DerElement, tag: number): Set<ReasonFlag> {
  const flags = new Set<ReasonFlag>();
  for (const bit of readNamedBits(element, tag)) {
    const flag = REASON_FLAGS[bit];
    if (flag !== undefined) flags.add(flag);
    else if (bit > 8) throw derError(`reason flag ${bit}`, element.start);
  }
  return flags;
}
