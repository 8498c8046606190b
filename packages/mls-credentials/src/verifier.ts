import { equalBytes } from "@mls-as/tls-codec";
import type {
  AcceptanceBasis,
  CertificateMemory,
  DeviceEvidence,
  PresentedCredential,
  ReferenceIdentifier,
} from "./acceptance-basis.js";
import { bytesKey } from "./bytes-key.js";
import {
  type Certificate,
  CertificateError,
  checkMlsProfile,
  mlsNames,
  parseCertificate,
  SignatureMemo,
  subjectKeyHash,
  tbsCertificateHash,
  validatePath,
} from "./certificate/index.js";
import { isClientOf, isUserUri, parseUserUri } from "./identity/identity-uri.js";
import { type LocalKnowledge, viewLocally } from "./local-view.js";
import type { PreparedPolicy } from "./prepared-policy.js";
import { judgeTransparency } from "./transparency.js";
import { type Question, VerifierMemory } from "./verifier-memory.js";
import type { Acceptance, Basis, Reason, Standing, Verdict } from "./verdict.js";

/**
 * Decides whether a credential may stand for a reference identifier. Pure and deterministic: no clock, no network.
 *
 * The order is that of RFC 9750 and RFC 9420: chain, profile and key, names, times, then what the log says.
 */
export async function judgeAcceptance(
  presented: PresentedCredential,
  reference: ReferenceIdentifier,
  basis: AcceptanceBasis,
): Promise<Acceptance> {
  const time = judgedTime(basis);
  const chain = parseChain(presented.certificates, basis.memory);
  const [leaf] = chain.certificates;
  const reasons: Reason[] = [...chain.reasons, ...checkReference(reference)];
  if (leaf === undefined || reasons.length > 0) return conclude(reasons, "invalid", basis, time, leaf);

  reasons.push(...(await checkPath(chain.certificates, reference, basis, time)));
  reasons.push(...checkProfile(leaf, presented, reference, basis));
  const expiry = checkExpiry(leaf, basis.policy, time);
  reasons.push(...expiry);
  const invalid = reasons.some((reason) => reason.severity === "refusal" && !expiry.includes(reason));

  const logged = judgeTransparency(leaf, reference.user, basis, time);
  reasons.push(...logged.reasons);
  if (basis.timeSource === "local")
    reasons.push({
      code: "local-basis",
      severity: "notice",
      section: "Acceptance and detection are two decisions",
      path: "",
      detail: "the group pins no policy and log position: judged by the local clock and policy",
    });
  const standing = standingOf(invalid, leaf, logged.standing, time, basis);
  return conclude(reasons, standing, basis, time, leaf);
}

/** A staple proves that the log's time had come at least that far, so a device newer than the pin is not "not yet valid". */
function judgedTime({ time, devices }: AcceptanceBasis): number {
  return devices?.source === "staple" ? Math.max(time, devices.provenAt) : time;
}

function parseChain(
  chain: readonly Uint8Array[],
  memory: CertificateMemory | undefined,
): { certificates: Certificate[]; reasons: Reason[] } {
  const certificates: Certificate[] = [];
  const reasons: Reason[] = [];
  const refuse = (
    code: "empty-chain" | "malformed-certificate",
    path: string,
    section: string,
    detail: string,
  ): void => {
    reasons.push({ code, severity: "refusal", path, section, detail });
  };
  if (chain.length === 0)
    refuse("empty-chain", "certificates", "RFC 9420, Credentials", "an x509 credential has a leaf");
  for (const [i, der] of chain.entries())
    try {
      certificates.push(memory === undefined ? parseCertificate(der) : i === 0 ? memory.leaf(der) : memory.issuer(der));
    } catch (error) {
      if (!(error instanceof CertificateError)) throw error;
      const path = error.path === "" ? `certificates[${i}]` : `certificates[${i}].${error.path}`;
      refuse("malformed-certificate", path, error.section, `${error.code}: ${error.message}`);
    }
  return { certificates, reasons };
}

function checkReference(reference: ReferenceIdentifier): Reason[] {
  const fits =
    isUserUri(reference.user) && (reference.client === undefined || isClientOf(reference.client, reference.user));
  if (fits) return [];
  return [
    {
      code: "invalid-reference",
      severity: "refusal",
      section: "Identities",
      path: "reference",
      detail: "the reference identifier is no canonical user URI with a client of that user",
    },
  ];
}

/** Chain to one of the domain's anchors, judged at a time at which the leaf itself was valid: its own expiry is told apart. */
async function checkPath(
  certificates: readonly Certificate[],
  reference: ReferenceIdentifier,
  basis: AcceptanceBasis,
  time: number,
): Promise<Reason[]> {
  const [leaf, ...intermediates] = certificates as [Certificate, ...Certificate[]];
  const { memo, memory } = basis;
  const trust = basis.policy.domains.get(parseUserUri(reference.user).domain);
  if (trust === undefined)
    return [
      {
        code: "unknown-domain",
        severity: "refusal",
        section: "Validation policy",
        path: "domains",
        detail: `no trust anchors for the domain of ${reference.user}`,
      },
    ];
  const skew = basis.timeSource === "local" ? basis.policy.policy.clockSkew : 0;
  const early = time < leaf.notBefore && time + skew >= leaf.notBefore;
  const result = await validatePath({
    leaf,
    intermediates,
    anchors: trust.anchors,
    time: early ? leaf.notBefore : Math.min(time, leaf.notAfter),
    provider: basis.provider,
    extendedKeyUsages: [...basis.policy.policy.keyPurposes],
    memo: memory?.signatures ?? memo ?? new SignatureMemo(),
  });
  if (!result.valid)
    return result.reasons.map(({ code, section, path, detail }) => ({
      code,
      severity: "refusal",
      section,
      path,
      detail,
    }));
  const skipped = certificates.findIndex((certificate, i) => {
    const used = result.path[i];
    return used !== certificate && (used === undefined || !equalBytes(used.der, certificate.der));
  });
  if (skipped === -1) return [];
  return [
    {
      code: "chain-order",
      severity: "refusal",
      section: "RFC 9420, Credentials",
      path: `certificates[${skipped}]`,
      detail: "each certificate must directly certify the one before it",
    },
  ];
}

function checkProfile(
  leaf: Certificate,
  presented: PresentedCredential,
  reference: ReferenceIdentifier,
  { policy }: AcceptanceBasis,
): Reason[] {
  const reasons: Reason[] = checkMlsProfile(leaf, {
    signatureKey: presented.signatureKey,
    scheme: presented.signatureScheme,
    user: reference.user,
    ...(reference.client === undefined ? {} : { client: reference.client }),
    maximumLifetime: policy.policy.maximumLifetime.certificate,
  }).map(({ code, section, path, detail }) => ({ code, severity: "refusal", section, path, detail }));
  if (!policy.policy.signatureSchemes.includes(presented.signatureScheme))
    reasons.push({
      code: "scheme-not-allowed",
      severity: "refusal",
      section: "Validation policy",
      path: "signatureSchemes",
      detail: `signature scheme 0x${presented.signatureScheme.toString(16).padStart(4, "0")} is not accepted`,
    });
  if (!policy.policy.credentialTypes.includes("x509"))
    reasons.push({
      code: "credential-type-not-allowed",
      severity: "refusal",
      section: "Validation policy",
      path: "credentialTypes",
      detail: "x509 credentials are not accepted",
    });
  return reasons;
}

function checkExpiry(leaf: Certificate, { policy }: PreparedPolicy, time: number): Reason[] {
  if (time <= leaf.notAfter) return [];
  const { expired } = policy.members;
  const deadline =
    expired === "reject" ? leaf.notAfter : expired === "warn" ? undefined : leaf.notAfter + expired.grace;
  return [
    {
      code: "credential-expired",
      severity: deadline !== undefined && time > deadline ? "refusal" : "warning",
      section: "RFC 9750, Credential Lifetimes",
      path: "certificates[0].notAfter",
      detail: `expired at ${leaf.notAfter}`,
      ...(deadline === undefined ? {} : { deadline }),
    },
  ];
}

function standingOf(
  invalid: boolean,
  leaf: Certificate,
  logged: "revoked" | "unlogged" | "unproven" | "logged" | "invalid",
  time: number,
  { timeSource, policy }: AcceptanceBasis,
): Standing {
  const skew = timeSource === "local" ? policy.policy.clockSkew : 0;
  if (time + skew < leaf.notBefore) return "not-yet-valid";
  if (invalid) return "invalid";
  if (logged !== "logged") return logged;
  return time > leaf.notAfter ? "expired" : "valid";
}

function conclude(
  reasons: readonly Reason[],
  standing: Standing,
  { policy, timeSource, devices, provider }: AcceptanceBasis,
  time: number,
  leaf: Certificate | undefined,
): Acceptance {
  const sha256 = (octets: Uint8Array): Uint8Array => provider.hash("SHA-256", octets);
  const names = leaf === undefined ? undefined : mlsNames(leaf);
  const basis: Basis = {
    time,
    timeSource,
    policyDigest: policy.digest,
    ...(devices === undefined ? {} : { logPosition: devices.position, deviceListVersion: devices.list.version }),
  };
  return {
    accepted: !reasons.some((reason) => reason.severity === "refusal"),
    standing,
    reasons,
    basis,
    ...names,
    ...(leaf === undefined
      ? {}
      : {
          tbsCertificateHash: bytesKey(tbsCertificateHash(leaf, sha256)),
          spkiHash: bytesKey(subjectKeyHash(leaf, sha256)),
          notBefore: leaf.notBefore,
          notAfter: leaf.notAfter,
        }),
  };
}

/** Acceptance, and beside it what this member alone knows, where it says what that is. */
export async function verifyCredential(
  presented: PresentedCredential,
  reference: ReferenceIdentifier,
  basis: AcceptanceBasis,
  local?: LocalKnowledge,
): Promise<Verdict> {
  const acceptance = await judgeAcceptance(presented, reference, basis);
  if (local === undefined) return { acceptance };
  return { acceptance, local: await viewLocally(presented, reference, basis, local) };
}

/**
 * Many credentials on one basis: issuers are parsed once and each issuer's signature is checked once. A `memory` that is
 * kept makes the next batch cheap: what was verified is not verified again, and equal questions get the same verdict.
 */
export async function verifyCredentials(
  members: readonly {
    readonly presented: PresentedCredential;
    readonly reference: ReferenceIdentifier;
    readonly devices?: DeviceEvidence;
  }[],
  basis: Omit<AcceptanceBasis, "devices" | "memo" | "memory"> & { readonly memory?: VerifierMemory },
): Promise<Acceptance[]> {
  const memory = basis.memory ?? new VerifierMemory();
  const verdicts: Acceptance[] = [];
  for (const { presented, reference, devices } of members) {
    const question: Question = {
      policy: basis.policy,
      time: basis.time,
      timeSource: basis.timeSource,
      devices,
      evidenceMissingSince: basis.evidenceMissingSince,
      certificates: presented.certificates,
      signatureKey: presented.signatureKey,
      signatureScheme: presented.signatureScheme,
      user: reference.user,
      client: reference.client,
    };
    let verdict = memory.recall(question);
    if (verdict === undefined) {
      verdict = await judgeAcceptance(presented, reference, {
        ...basis,
        memory,
        ...(devices === undefined ? {} : { devices }),
      });
      memory.remember(question, verdict);
    }
    verdicts.push(verdict);
  }
  return verdicts;
}
