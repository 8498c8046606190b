import { type Certificate, isCritical } from "./certificate.js";
import { equalBytes } from "@mls-as/tls-codec";
import { type Extension, isUnderstoodExtension } from "./extensions.js";
import {
  type GeneralName,
  isAddress,
  isHostName,
  isPresentedHostName,
  parseUri,
  splitMailbox,
} from "./general-name.js";
import { constraintProblem } from "./name-constraints.js";
import { ANY_POLICY, ExtensionOid } from "./oids.js";
import { type CertificateProblem, problem } from "./path-reason.js";

/** Where a certificate stands in a path: what is asked of it depends on it. */
export type PathRole = "leaf" | "intermediate" | "anchor" | "self-signed anchor";

/** Extensions RFC 5280 has CAs mark as critical, or as non-critical. */
const CRITICALITY = new Map<string, { readonly field: string; readonly title: string; readonly critical: boolean }>([
  [ExtensionOid.authorityKeyIdentifier, nonCritical("authorityKeyIdentifier", "Authority Key Identifier")],
  [ExtensionOid.subjectKeyIdentifier, nonCritical("subjectKeyIdentifier", "Subject Key Identifier")],
  [ExtensionOid.subjectDirectoryAttributes, nonCritical("subjectDirectoryAttributes", "Subject Directory Attributes")],
  [ExtensionOid.freshestCrl, nonCritical("freshestCrl", "Freshest CRL")],
  [ExtensionOid.authorityInfoAccess, nonCritical("authorityInfoAccess", "Authority Information Access")],
  [ExtensionOid.subjectInfoAccess, nonCritical("subjectInfoAccess", "Subject Information Access")],
  [ExtensionOid.nameConstraints, { field: "nameConstraints", title: "Name Constraints", critical: true }],
  [ExtensionOid.policyConstraints, { field: "policyConstraints", title: "Policy Constraints", critical: true }],
  [ExtensionOid.inhibitAnyPolicy, { field: "inhibitAnyPolicy", title: "Inhibit anyPolicy", critical: true }],
]);

function nonCritical(field: string, title: string) {
  return { field, title, critical: false };
}

/** Everything in which one certificate, by itself, departs from the profile of RFC 5280 for its place in the path. */
export function certificateProblems(
  certificate: Certificate,
  role: PathRole,
  understood: ReadonlySet<string> = NOTHING,
): readonly CertificateProblem[] {
  // Judged once: a CA for all the leaves below it, a leaf for its path and for its profile.
  if (understood.size > 0) return judge(certificate, role, understood);
  if (role === "leaf") return (certificate.derived.leafProblems ??= judge(certificate, role, understood));
  const known = JUDGED[role].get(certificate) ?? judge(certificate, role, understood);
  JUDGED[role].set(certificate, known);
  return known;
}

const NONE: readonly CertificateProblem[] = [];
const NOTHING: ReadonlySet<string> = new Set();
const JUDGED = {
  intermediate: new WeakMap<Certificate, readonly CertificateProblem[]>(),
  anchor: new WeakMap<Certificate, readonly CertificateProblem[]>(),
  "self-signed anchor": new WeakMap<Certificate, readonly CertificateProblem[]>(),
};

function judge(
  certificate: Certificate,
  role: PathRole,
  understood: ReadonlySet<string>,
): readonly CertificateProblem[] {
  const problems = [
    ...fieldProblems(certificate),
    ...extensionProblems(certificate, understood),
    ...keyUsageProblems(certificate),
    ...nameProblems(certificate),
    ...(role === "leaf" ? [] : issuerProblems(certificate, role)),
    ...identifierProblems(certificate, role),
  ];
  return problems.length === 0 ? NONE : problems;
}

function fieldProblems(certificate: Certificate): CertificateProblem[] {
  const problems: CertificateProblem[] = [];
  const { serial } = certificate;
  if ((serial[0] ?? 0) >= 0x80 || serial.every((octet) => octet === 0))
    problems.push(problem("serial-number", "Serial Number", "serialNumber", "not a positive integer"));
  if (serial.length > 20)
    problems.push(problem("serial-number", "Serial Number", "serialNumber", "longer than 20 octets"));
  if (!equalBytes(certificate.signatureAlgorithm.der, certificate.tbsSignatureAlgorithm.der))
    problems.push(
      problem(
        "algorithm-mismatch",
        "signatureAlgorithm",
        "signatureAlgorithm",
        "differs from the field in the TBSCertificate",
      ),
    );
  if (certificate.issuer.isEmpty) problems.push(problem("empty-name", "Issuer", "issuer", "empty issuer"));
  if (certificate.publicKey.kind === "unsupported")
    problems.push(problem("weak-key", "Subject Public Key Info", "subjectPublicKeyInfo", certificate.publicKey.reason));
  return problems;
}

function extensionProblems(certificate: Certificate, understood: ReadonlySet<string>): CertificateProblem[] {
  const problems: CertificateProblem[] = [];
  for (let index = 0; index < certificate.extensions.length; index++) {
    const { oid, critical } = certificate.extensions[index] as Extension;
    const rule = CRITICALITY.get(oid);
    if (rule === undefined) {
      if (critical && !isUnderstoodExtension(oid) && !understood.has(oid))
        problems.push(
          problem(
            "unknown-critical-extension",
            "Certificate Extensions",
            `extensions[${index}]`,
            `critical extension ${oid}`,
          ),
        );
    } else if (
      critical !== rule.critical &&
      !(oid === ExtensionOid.policyConstraints && isPlainRequirement(certificate))
    )
      problems.push(
        problem(
          "extension-criticality",
          rule.title,
          rule.field,
          rule.critical ? "must be critical" : "must not be critical",
        ),
      );
  }
  const qualified = certificate.unknownPolicyQualifiers ?? [];
  if (
    qualified.includes(ANY_POLICY) ||
    (qualified.length > 0 && isCritical(certificate.extensions, ExtensionOid.certificatePolicies))
  )
    problems.push(
      problem("unknown-critical-extension", "Certificate Policies", "certificatePolicies", "unknown policy qualifier"),
    );
  return problems;
}

/**
 * A CA that asserts policies and requires one of them at once. RFC 3280 let such a policyConstraints be non-critical,
 * and NIST's path validation suite has it so in valid paths; it is processed either way.
 */
function isPlainRequirement({ certificatePolicies, policyConstraints }: Certificate): boolean {
  const { requireExplicitPolicy, inhibitPolicyMapping } = policyConstraints ?? {};
  return certificatePolicies !== undefined && requireExplicitPolicy === 0 && inhibitPolicyMapping === undefined;
}

function keyUsageProblems(certificate: Certificate): CertificateProblem[] {
  const problems: CertificateProblem[] = [];
  const { basicConstraints, keyUsage, nameConstraints } = certificate;
  const ca = basicConstraints?.ca ?? false;
  if (!ca && keyUsage?.has("keyCertSign"))
    problems.push(problem("key-usage", "Key Usage", "keyUsage", "keyCertSign without cA"));
  if (basicConstraints?.pathLength !== undefined && (!ca || (keyUsage !== undefined && !keyUsage.has("keyCertSign"))))
    problems.push(
      problem("profile", "Basic Constraints", "basicConstraints", "pathLenConstraint without cA and keyCertSign"),
    );
  if (!ca && nameConstraints !== undefined)
    problems.push(problem("profile", "Name Constraints", "nameConstraints", "in a certificate that is not a CA's"));
  if (nameConstraints !== undefined)
    for (const base of [...nameConstraints.permitted, ...nameConstraints.excluded]) {
      const detail = constraintProblem(base);
      if (detail !== undefined) problems.push(problem("malformed-name", "Name Constraints", "nameConstraints", detail));
    }
  return problems;
}

function nameProblems(certificate: Certificate): CertificateProblem[] {
  const { subject, subjectAltName, issuerAltName } = certificate;
  const problems = [
    ...alternativeNameProblems("subjectAltName", subjectAltName),
    ...alternativeNameProblems("issuerAltName", issuerAltName),
  ];
  if (subject.isEmpty && !isCritical(certificate.extensions, ExtensionOid.subjectAltName))
    problems.push(problem("empty-name", "Subject", "subject", "empty subject without a critical subjectAltName"));
  return problems;
}

function alternativeNameProblems(field: string, names: readonly GeneralName[] = []): CertificateProblem[] {
  const problems: CertificateProblem[] = [];
  for (let index = 0; index < names.length; index++) {
    const detail = generalNameProblem(names[index] as GeneralName);
    if (detail !== undefined)
      problems.push(problem("malformed-name", "Subject Alternative Name", `${field}[${index}]`, detail));
  }
  return problems;
}

/** What is wrong with a name of a subject or issuer; undefined when nothing is. */
function generalNameProblem(name: GeneralName): string | undefined {
  switch (name.type) {
    case "dns":
      return isPresentedHostName(name.value) ? undefined : "dNSName that is no host name";
    case "email":
      return splitMailbox(name.value) === undefined ? "rfc822Name that is no mailbox" : undefined;
    case "ip":
      return name.value.length === 4 || name.value.length === 16 ? undefined : "iPAddress of neither 4 nor 16 octets";
    case "uri": {
      const uri = parseUri(name.value);
      if (uri === undefined) return "uniformResourceIdentifier that is no absolute URI";
      // file:///path has an authority, an empty one; RFC 5280 asks for a host where there is an authority.
      return uri.host === undefined || isHostName(uri.host) || isAddress(uri.host)
        ? undefined
        : "uniformResourceIdentifier without a host";
    }
    default:
      return undefined;
  }
}

function issuerProblems(certificate: Certificate, role: PathRole): CertificateProblem[] {
  const problems: CertificateProblem[] = [];
  const { basicConstraints, keyUsage } = certificate;
  if (basicConstraints === undefined || !basicConstraints.ca)
    problems.push(problem("not-a-ca", "Basic Constraints", "basicConstraints", "cA is not asserted"));
  // Of CAs below the anchor "Preparation for Certificate i+1" asks for cA alone, and NIST's suite has such valid paths.
  else if (role !== "intermediate" && !isCritical(certificate.extensions, ExtensionOid.basicConstraints))
    problems.push(
      problem(
        "extension-criticality",
        "Basic Constraints",
        "basicConstraints",
        "must be critical in the certificate of an anchor",
      ),
    );
  if (keyUsage !== undefined && !keyUsage.has("keyCertSign"))
    problems.push(problem("key-usage", "Preparation for Certificate i+1", "keyUsage", "keyCertSign is not asserted"));
  if (certificate.subject.isEmpty)
    problems.push(problem("empty-name", "Subject", "subject", "CA with an empty subject"));
  return problems;
}

function identifierProblems(certificate: Certificate, role: PathRole): CertificateProblem[] {
  const problems: CertificateProblem[] = [];
  const isCa = certificate.basicConstraints?.ca ?? false;
  if (isCa && certificate.subjectKeyIdentifier === undefined)
    problems.push(
      problem("missing-extension", "Subject Key Identifier", "subjectKeyIdentifier", "missing in a CA certificate"),
    );
  // Only a self-signed certificate may leave it out; an untrusted one leads nowhere, so anchors alone are excused.
  if (role !== "self-signed anchor" && certificate.authorityKeyIdentifier?.keyIdentifier === undefined)
    problems.push(
      problem("missing-extension", "Authority Key Identifier", "authorityKeyIdentifier", "keyIdentifier is missing"),
    );
  return problems;
}
