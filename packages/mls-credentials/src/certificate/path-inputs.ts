import type { Certificate } from "./certificate.js";
import type { CertificateList } from "./certificate-list.js";
import type { OcspResponse } from "./ocsp-response.js";
import type { Reason } from "./path-reason.js";
import type { PolicyInputs } from "./policy-graph.js";
import type { SignatureVerifier } from "./signature.js";
import type { SignatureMemo } from "./signature-memo.js";

/** Bounds on work; a path that needs more is refused with `limit-exceeded`. */
export interface PathLimits {
  /** Intermediates in a path, self-issued ones not counted. Default 32. */
  readonly maxIntermediates?: number;
  /** Signature verifications over the whole search. Default 256. */
  readonly maxSignatureChecks?: number;
  /** Comparisons of a name with a constraint over all paths. Default 262,144. */
  readonly maxNameComparisons?: number;
  /** Steps of the search for paths. Default 16,384. */
  readonly maxSteps?: number;
}

/** How the revocation status of the path's certificates is treated. */
export type RevocationMode =
  /** Not looked at. */
  | "none"
  /** A revoked certificate is refused; one whose status cannot be determined is accepted with a warning. */
  | "if-available"
  /** A status that cannot be determined is refused too. */
  | "required";

/** Inputs of path validation (RFC 5280, "Inputs"). Clock, CRLs and OCSP responses are arguments. */
export interface PathInputs {
  readonly leaf: Certificate;
  /** Untrusted certificates in any order; also searched for CRL issuers. */
  readonly intermediates: readonly Certificate[];
  /** Trusted certificates. Their validity, constraints and extensions are enforced like those of any CA. */
  readonly anchors: readonly Certificate[];
  /** Time of validation in seconds since 1970; fractions are dropped, since validity is in whole seconds. */
  readonly time: number;
  readonly provider: SignatureVerifier;
  readonly crls?: readonly CertificateList[];
  readonly ocsp?: readonly OcspResponse[];
  /** Default: `required` when CRLs or OCSP responses are given, `none` otherwise. */
  readonly revocation?: RevocationMode;
  readonly policies?: PolicyInputs;
  /** Purposes that an extendedKeyUsage, where there is one, must allow: in the leaf, and in the CAs above it. */
  readonly extendedKeyUsages?: readonly string[];
  /** Critical extensions that the caller processes. */
  readonly understoodCriticalExtensions?: readonly string[];
  readonly memo?: SignatureMemo;
  readonly limits?: PathLimits;
}

/** Outcome of path validation. Paths run from the leaf (index 0) to the anchor. */
export type PathResult =
  | {
      readonly valid: true;
      readonly path: readonly Certificate[];
      /** User-constrained policies (RFC 5280, "Outputs"). */
      readonly policies: readonly string[];
      readonly warnings: readonly Reason[];
    }
  | {
      readonly valid: false;
      /** Every violation of the path that came closest to an anchor. */
      readonly reasons: readonly [Reason, ...Reason[]];
      readonly path: readonly Certificate[];
    };
