import type { Member } from "@mls-as/mls-core";
import { type CredentialRecord, type DeviceList, type FindingKind, sightX509 } from "@mls-as/mls-credentials";
import { hex } from "../bytes-text.js";

/** What the log proves about a user, or why it proves nothing. */
export type Evidence =
  | { readonly list: DeviceList; readonly version: number }
  | { readonly missing: "unknown" | "unreadable" };

/** What the detector would call it, and how it shows here. */
export interface MemberFinding {
  readonly kind: FindingKind;
  readonly text: string;
}

/** One member, held against the log. */
export interface CheckedMember {
  readonly leafIndex: number;
  readonly user: string;
  readonly client: string;
  /** SHA-256 of the public key, hexadecimal; empty without a certificate. */
  readonly key: string;
  readonly findings: readonly MemberFinding[];
}

/** Who the members say they are; each user is looked up once. */
export function presentedUsers(members: readonly Member[]): string[] {
  return [...new Set(members.map((member) => sight(member)?.user ?? "").filter((user) => user !== ""))].sort();
}

/**
 * Holds every member against what the log proves about the user that it presents.
 *
 * @param expected user URIs that are meant to be here; empty: everybody
 */
export function checkMembers(
  members: readonly Member[],
  evidence: ReadonlyMap<string, Evidence>,
  expected: ReadonlySet<string>,
): CheckedMember[] {
  const clients = new Map<string, number>();
  const keys = new Map<string, number>();
  return members.map((member) => {
    const { leafIndex } = member;
    const sighted = sight(member);
    const findings: MemberFinding[] = [];
    const found = (kind: FindingKind, text: string): void => void findings.push({ kind, text });
    const key = hex(member.signatureKey);
    const other = keys.get(key);
    if (other !== undefined) found("SIGNATURE_KEY_REUSED", `the same signature key as leaf ${other}`);
    keys.set(key, leafIndex);
    if (sighted === undefined) {
      found("CREDENTIAL_DEGRADED", `a ${member.credential.credentialType} credential binds no key to a name`);
      return { leafIndex, user: "", client: "", key: "", findings };
    }
    const { user, client, keyMatches, spkiHash, tbsCertificateHash } = sighted;
    if (user === "") found("IDENTITY_CONFLICT", "its certificate names no user and device of this system");
    else {
      const twin = clients.get(client);
      if (twin !== undefined) found("DUPLICATE_CLIENT", `the same device as leaf ${twin}`);
      clients.set(client, leafIndex);
      if (expected.size > 0 && !expected.has(user)) found("IDENTITY_CONFLICT", "nobody you named with --identity");
      if (!keyMatches) found("KEY_MISMATCH", "its certificate is for another key than the leaf's");
      findings.push(...loggedFindings(evidence.get(user), client, tbsCertificateHash ?? ""));
    }
    return { leafIndex, user, client, key: spkiHash ?? "", findings };
  });
}

/** Devices that the log shows as active for a user, and that are not in the group. */
export function absentDevices(
  members: readonly CheckedMember[],
  evidence: ReadonlyMap<string, Evidence>,
  now: number,
): string[] {
  const present = new Set(members.map(({ client }) => client));
  const absent: string[] = [];
  for (const one of evidence.values())
    if ("list" in one)
      for (const { client, credentials } of one.list.devices)
        if (!present.has(client) && credentials.some((record) => isActive(record, now))) absent.push(client);
  return absent.sort();
}

function sight(member: Member): ReturnType<typeof sightX509> | undefined {
  const { credential } = member;
  return credential.credentialType === "x509" ? sightX509(credential.certificates, member.signatureKey, "") : undefined;
}

function loggedFindings(evidence: Evidence | undefined, client: string, certificate: string): MemberFinding[] {
  if (evidence === undefined || ("missing" in evidence && evidence.missing === "unreadable"))
    return [{ kind: "EVIDENCE_UNAVAILABLE", text: "what the log holds about this user could not be verified" }];
  if ("missing" in evidence)
    return [{ kind: "UNLOGGED_LEAF", text: "the log says that it has no such user (its word, not a proof)" }];
  for (const device of evidence.list.devices)
    for (const record of device.credentials) {
      if (hex(record.tbsCertificateHash) !== certificate) continue;
      if (device.client !== client)
        return [{ kind: "IDENTITY_CONFLICT", text: `the log holds its certificate for ${device.client}` }];
      if (record.status === "revoked") {
        const since = new Date(Number(record.revokedAt) * 1000).toISOString().slice(0, 10);
        return [{ kind: "REMOVED_DEVICE_PRESENT", text: `revoked since ${since}, and still in the group` }];
      }
      // An expired credential is the successor's matter, not a ghost; the table says so.
      return [];
    }
  return [{ kind: "UNLOGGED_LEAF", text: "its certificate is not in the log: nobody was told of this key" }];
}

export function isActive(record: CredentialRecord, now: number): boolean {
  return record.status === "active" && Number(record.notAfter) >= now;
}
