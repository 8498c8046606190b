import { equalBytes } from "@mls-as/tls-codec";
import { type Certificate, mlsNames, subjectKeyHash, tbsCertificateHash } from "./certificate/index.js";
import type { CredentialRecord, DeviceList } from "./device-list.js";
import type { AcceptanceBasis, DeviceEvidence } from "./acceptance-basis.js";
import type { Reason, ReasonCode } from "./verdict.js";

/** What the log says about a certificate. */
export interface LogJudgement {
  readonly standing: "logged" | "revoked" | "unlogged" | "unproven" | "invalid";
  readonly reasons: readonly Reason[];
}

const SECTION = "Validation policy: transparency mode";

/** The record of a certificate in a device list, with the client it stands under. */
export function recordOf(
  list: DeviceList,
  tbsHash: Uint8Array,
): { readonly client: string; readonly record: CredentialRecord } | undefined {
  for (const { client, credentials } of list.devices)
    for (const record of credentials) if (equalBytes(record.tbsCertificateHash, tbsHash)) return { client, record };
  return undefined;
}

/** Judges a certificate by the log's evidence under the policy's transparency mode. */
export function judgeTransparency(leaf: Certificate, user: string, basis: AcceptanceBasis, time: number): LogJudgement {
  const reason = (code: ReasonCode, severity: Reason["severity"], path: string, detail: string): Reason => ({
    code,
    severity,
    section: SECTION,
    path,
    detail,
  });
  const { devices } = basis;
  if (devices === undefined) return withoutEvidence(basis, time, reason);
  const unusable = checkEvidence(devices, user, basis, time, reason);
  if (unusable !== undefined) return { standing: "invalid", reasons: [unusable] };

  const stale = checkAge(devices, basis, time, reason);
  const judged = judgeByList(leaf, user, devices, basis, time, reason);
  return stale === undefined ? judged : { standing: judged.standing, reasons: [stale, ...judged.reasons] };
}

/**
 * What was looked up counts for as long as missing evidence would be waited for: a log that falls silent must not keep a
 * credential good that it revoked since. By the pins it is the list of the pinned position that counts, however old it is.
 */
function checkAge(
  { source, provenAt }: DeviceEvidence,
  { policy, timeSource }: AcceptanceBasis,
  time: number,
  reason: MakeReason,
): Reason | undefined {
  const { transparency, evidenceDeadline } = policy.policy;
  if (source === "staple" || timeSource !== "local" || time <= provenAt + evidenceDeadline) return undefined;
  const severity = transparency === "required" ? "refusal" : "warning";
  return reason(
    "evidence-unavailable",
    severity,
    "devices.provenAt",
    `nothing newer than the list proven at ${provenAt}`,
  );
}

function judgeByList(
  leaf: Certificate,
  user: string,
  devices: DeviceEvidence,
  basis: AcceptanceBasis,
  time: number,
  reason: MakeReason,
): LogJudgement {
  const { transparency } = basis.policy.policy;
  const counts = transparency === "advisory" ? "warning" : "refusal";
  const sha256 = (octets: Uint8Array): Uint8Array => basis.provider.hash("SHA-256", octets);
  const found = recordOf(devices.list, tbsCertificateHash(leaf, sha256));
  if (found === undefined) {
    if (devices.provenAt < leaf.notBefore)
      return {
        standing: "unproven",
        reasons: [reason("evidence-older-than-credential", counts, "devices", `proven at ${devices.provenAt}`)],
      };
    const detail = `version ${devices.list.version} of ${user} does not hold this certificate`;
    return { standing: "unlogged", reasons: [unloggedReason(detail, leaf, basis, time, reason)] };
  }
  if (found.client !== mlsNames(leaf)?.client || !equalBytes(found.record.spkiHash, subjectKeyHash(leaf, sha256)))
    return {
      standing: "invalid",
      reasons: [reason("record-mismatch", "refusal", "certificates[0]", `logged for ${found.client} or another key`)],
    };
  return judgeRecord(found.record, devices, basis, time);
}

type MakeReason = (code: ReasonCode, severity: Reason["severity"], path: string, detail: string) => Reason;

function withoutEvidence(basis: AcceptanceBasis, time: number, reason: MakeReason): LogJudgement {
  const { transparency, evidenceDeadline } = basis.policy.policy;
  const missing = "no proof of the user's device list";
  if (transparency === "advisory")
    return { standing: "unproven", reasons: [reason("evidence-unavailable", "warning", "devices", missing)] };
  if (transparency === "stapled")
    return { standing: "unproven", reasons: [reason("staple-required", "refusal", "devices", missing)] };
  const deadline = basis.evidenceMissingSince === undefined ? undefined : basis.evidenceMissingSince + evidenceDeadline;
  if (deadline === undefined || time > deadline)
    return { standing: "unproven", reasons: [reason("evidence-unavailable", "refusal", "devices", missing)] };
  return {
    standing: "unproven",
    reasons: [{ ...reason("evidence-unavailable", "warning", "devices", missing), deadline }],
  };
}

/** `required` refuses what is unlogged and `advisory` flags it; under `stapled` the policy says what becomes of it. */
function unloggedReason(
  detail: string,
  leaf: Certificate,
  { policy }: AcceptanceBasis,
  time: number,
  reason: MakeReason,
): Reason {
  const { transparency, members } = policy.policy;
  const handling = transparency === "advisory" ? "warn" : transparency === "required" ? "reject" : members.unlogged;
  if (handling === "warn") return reason("unlogged", "warning", "certificates[0]", detail);
  if (handling === "reject") return reason("unlogged", "refusal", "certificates[0]", detail);
  const deadline = leaf.notBefore + handling.grace;
  return { ...reason("unlogged", time > deadline ? "refusal" : "warning", "certificates[0]", detail), deadline };
}

function checkEvidence(
  devices: DeviceEvidence,
  user: string,
  { policy }: AcceptanceBasis,
  time: number,
  reason: MakeReason,
): Reason | undefined {
  if (devices.list.identity !== user)
    return reason("evidence-of-other-user", "refusal", "devices.identity", `of ${devices.list.identity}`);
  const trust = policy.domainOf(user);
  if (trust !== undefined && !equalBytes(trust.logId, devices.logId))
    return reason("evidence-of-other-log", "refusal", "devices.logId", "not the log that the policy names");
  if (policy.policy.transparency === "stapled" && devices.source !== "staple")
    return reason("staple-required", "refusal", "devices.source", "evidence must come with the credential");
  if (devices.source === "staple" && devices.provenAt + policy.policy.oldestStaple < time)
    return reason("staple-too-old", "refusal", "devices.provenAt", `proven at ${devices.provenAt}`);
  return undefined;
}

function judgeRecord(
  record: CredentialRecord,
  { provenAt }: DeviceEvidence,
  { policy }: AcceptanceBasis,
  time: number,
): LogJudgement {
  if (record.status === "active") return { standing: "logged", reasons: [] };
  const { revoked } = policy.policy.members;
  // Revoked since the log said so at the latest: the time in the list is the operator's word.
  const since = Math.min(Number(record.revokedAt), provenAt);
  const deadline = typeof revoked === "string" ? undefined : since + revoked.grace;
  const refused = deadline === undefined ? revoked === "reject" : time > deadline;
  const judged: Reason = {
    code: "credential-revoked",
    severity: refused ? "refusal" : "warning",
    section: "RFC 9750, Credential Revocation",
    path: "certificates[0]",
    detail: `revoked at ${since}, CRLReason ${record.reason}`,
    ...(deadline === undefined ? {} : { deadline }),
  };
  return { standing: "revoked", reasons: [judged] };
}
