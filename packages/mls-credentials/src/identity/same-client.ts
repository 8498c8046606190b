import type { Credential } from "@mls-as/mls-core";
import { equalBytes } from "@mls-as/tls-codec";
import { CertificateError, mlsNames, parseCertificate } from "../certificate/index.js";
import type { CredentialRecord } from "../device-list.js";

/** How two credentials relate; the first that applies. */
export type CredentialRelation = "same-credential" | "same-client" | "same-user" | "different";

/**
 * Whether two credentials represent the same client (RFC 9750, "Authentication Service", service 3): equal client URIs
 * under the policy's rule `client-uri`. Says nothing about their validity; judge each by the verifier first.
 *
 * A certificate that does not parse or has no names is the same only as its own bytes; basic credentials compare by
 * identity and never equal an x509 one.
 */
export function compareCredentials(a: Credential, b: Credential): CredentialRelation {
  const relation = relate(a, b);
  return relation === "same-key" ? "same-client" : relation;
}

/** As {@link compareCredentials}; of two certificates of one client, `same-key` when they are for one key. */
function relate(a: Credential, b: Credential): CredentialRelation | "same-key" {
  if (a.credentialType === "basic" && b.credentialType === "basic")
    return equalBytes(a.identity, b.identity) ? "same-credential" : "different";
  if (a.credentialType !== "x509" || b.credentialType !== "x509") return "different";
  const [leafA, leafB] = [a.certificates[0], b.certificates[0]];
  if (leafA === undefined || leafB === undefined) return "different";
  if (equalBytes(leafA, leafB)) return "same-credential";
  const [clientA, clientB] = [clientOf(leafA), clientOf(leafB)];
  if (clientA === undefined || clientB === undefined || clientA.user !== clientB.user) return "different";
  if (clientA.client !== clientB.client) return "same-user";
  return equalBytes(clientA.spki, clientB.spki) ? "same-key" : "same-client";
}

/** Whom a certificate names and its SubjectPublicKeyInfo; undefined when it does not parse or names nobody. */
function clientOf(leaf: Uint8Array): { user: string; client: string; spki: Uint8Array } | undefined {
  try {
    const certificate = parseCertificate(leaf);
    const names = mlsNames(certificate);
    return names === undefined ? undefined : { ...names, spki: certificate.spki };
  } catch (error) {
    if (error instanceof CertificateError) return undefined;
    throw error;
  }
}

/** Where one credential takes the place of another. */
export type SuccessionEvent =
  /** An Update proposal, or the committer's own leaf (RFC 9420, "Leaf Node Validation", "Credential Validation"). */
  | "update"
  | "commit"
  /** An external Commit that removes the joiner's former leaf ("Joining via External Commits"). */
  | "external-rejoin"
  /** A member's place in the group that continues or branches off this one ("Reinitialization", "Subgroup Branching"). */
  | "reinit"
  | "branch";

/** The policy's successor rule: the same client suffices, or a new key must be vouched for by the old one or another device. */
export type SuccessorRule = "same-client" | "continuity";

/** Why a credential is no valid successor. */
export type SuccessorFault = "different-client" | "no-continuity";

/**
 * Whether `next` may follow `previous` at an event; undefined when it may.
 *
 * Under `continuity` a changed key needs `record`, the logged record of `next`, to carry an approval or continuity whose
 * signature has been verified. The rule is the same at every event: a group that moves on must know its members again.
 */
export function successorFault(
  previous: Credential,
  next: Credential,
  _event: SuccessionEvent,
  rule: SuccessorRule,
  record?: CredentialRecord,
): SuccessorFault | undefined {
  const relation = relate(previous, next);
  if (relation === "same-credential" || relation === "same-key") return undefined;
  if (relation !== "same-client") return "different-client";
  if (rule === "same-client") return undefined;
  const vouched = record?.approval !== undefined || record?.continuity !== undefined;
  return vouched ? undefined : "no-continuity";
}

/** Whether `next` may follow `previous`; see {@link successorFault}. */
export function validSuccessor(
  previous: Credential,
  next: Credential,
  event: SuccessionEvent,
  rule: SuccessorRule,
  record?: CredentialRecord,
): boolean {
  return successorFault(previous, next, event, rule, record) === undefined;
}
