import { equalBytes } from "@mls-as/tls-codec";
import { bytesKey } from "../bytes-key.js";
import { type CredentialRecord, deviceListHash } from "../device-list.js";
import { readSubjectPublicKeyInfo } from "../subject-public-key-info.js";
import type {
  EvidenceAssumption,
  EvidenceJudge,
  EvidenceVerdict,
  JudgedCertificate,
  JudgedEvidence,
} from "./evidence-verdict.js";
import type { Finding, FindingKind } from "./finding.js";
import { readList } from "./list-reading.js";
import { UserLog } from "./log-memory.js";

type EvidenceRule = (
  finding: Finding,
  evidence: JudgedEvidence,
  judge: EvidenceJudge,
) => EvidenceVerdict | Promise<EvidenceVerdict>;
type JudgedListEntry = JudgedEvidence["lists"][number];

const supported = (...assumes: EvidenceAssumption[]): EvidenceVerdict => ({ standing: "supported", assumes });
const unsupported = (reason: string): EvidenceVerdict => ({ standing: "unsupported", reason });

/** `served`, unless every list carries the log's own proof. */
function served(lists: readonly JudgedListEntry[]): EvidenceAssumption[] {
  return lists.length > 0 && lists.every(({ proven }) => proven) ? [] : ["served"];
}

/** `served` too where the log's proof is of a given version: that it was the newest is the accuser's word. */
function servedAsNewest({ greatestAt }: JudgedListEntry): EvidenceAssumption[] {
  return greatestAt === undefined ? ["served"] : [];
}

function concluded(assumes: readonly EvidenceAssumption[]): EvidenceVerdict {
  return { standing: assumes.length === 0 ? "proven" : "supported", assumes };
}

function accused(finding: Finding, { certificates }: JudgedEvidence): JudgedCertificate | undefined {
  return (
    certificates.find(({ client }) => finding.client === undefined || client === finding.client) ?? certificates[0]
  );
}

/** The newest list of the user that the finding is about. */
function newestList(finding: Finding, { lists }: JudgedEvidence): JudgedListEntry | undefined {
  return lists
    .filter(({ user, list }) => user === finding.user && list !== undefined)
    .sort((a, b) => b.version - a.version)[0];
}

function recordsOf({ list }: JudgedListEntry): { client: string; record: CredentialRecord }[] {
  return (list?.devices ?? []).flatMap(({ client, credentials }) => credentials.map((record) => ({ client, record })));
}

function recordNamed(entry: JudgedListEntry, tbs: string): { client: string; record: CredentialRecord } | undefined {
  return recordsOf(entry).find(({ record }) => bytesKey(record.tbsCertificateHash) === tbs);
}

/** A certificate that the list should have held when it was proven. */
const unlogged: EvidenceRule = (finding, evidence, { policy }) => {
  const certificate = accused(finding, evidence);
  const newest = newestList(finding, evidence);
  if (certificate === undefined) return unsupported("no certificate");
  if (newest === undefined) return unsupported("no device list");
  if (recordNamed(newest, certificate.tbsCertificateHash) !== undefined) return unsupported("the list holds it");
  const { greatestAt } = newest;
  if (greatestAt !== undefined && greatestAt < finding.since + policy.policy.clockSkew)
    return unsupported("the list is older than the sighting");
  return supported("sighted", ...servedAsNewest(newest));
};

const keyMismatch: EvidenceRule = (finding, evidence, judge) => {
  const certificate = accused(finding, evidence);
  if (certificate === undefined) return unsupported("no certificate");
  const { signatureKey } = evidence;
  if (signatureKey !== undefined && !isKeyOf(signatureKey, certificate)) return supported("sighted");
  const newest = newestList(finding, evidence);
  const logged = newest === undefined ? undefined : recordNamed(newest, certificate.tbsCertificateHash);
  if (newest === undefined || logged === undefined) {
    const others = newest === undefined ? [] : recordsOf(newest).filter(({ client }) => client === certificate.client);
    if (others.length === 0) return unsupported("no list holds this client");
    if (others.some(({ record }) => bytesKey(record.spkiHash) === certificate.spkiHash))
      return unsupported("the list holds this key");
    return unlogged(finding, evidence, judge);
  }
  if (logged.client === certificate.client && bytesKey(logged.record.spkiHash) === certificate.spkiHash)
    return unsupported("logged as it is");
  return concluded(served([newest]));
};

const removedDevicePresent: EvidenceRule = (finding, evidence) => {
  const certificate = accused(finding, evidence);
  const newest = newestList(finding, evidence);
  if (certificate === undefined || newest === undefined) return unsupported("no certificate or no device list");
  const logged = recordNamed(newest, certificate.tbsCertificateHash);
  if (logged?.record.status !== "revoked") return unsupported("the list does not say that it is revoked");
  return supported("sighted", ...served([newest]));
};

const selfUnknownInLog: EvidenceRule = (finding, evidence) => {
  const newest = newestList(finding, evidence);
  if (newest === undefined || !recordsOf(newest).some(({ client }) => client === finding.client))
    return unsupported("no list holds this client");
  return supported("not-mine", ...served([newest]));
};

const selfUnknownInGroup: EvidenceRule = (finding, evidence) => {
  const certificate = accused(finding, evidence);
  return certificate?.user === finding.user
    ? supported("sighted", "not-mine")
    : unsupported("no certificate under this user's name");
};

/** The certificate is named by the finding's id; that this device was told of its logging is its word. */
const selfMissingFromLog: EvidenceRule = (finding, evidence) => {
  const newest = newestList(finding, evidence);
  const tbs = finding.id.split("|").at(-1) ?? "";
  if (newest === undefined) return unsupported("no device list");
  return recordNamed(newest, tbs) === undefined
    ? supported("not-mine", ...served([newest]))
    : unsupported("the list holds it");
};

/** Reads the lists anew, in the order given, and looks for the same finding. */
const byReading: EvidenceRule = async (finding, { lists }, { policy, provider }) => {
  const own = lists.filter(({ user, proven }) => !proven || user === finding.user);
  const log = new UserLog(finding.user);
  const logId = policy.domainOf(finding.user)?.logId;
  for (const [i, { version, value, greatestAt }] of own.entries()) {
    const at = greatestAt ?? finding.since;
    const sighting = { at, version, value, provenAt: at + (greatestAt === undefined ? i : 0) };
    const { conditions } = await readList(log, sighting, {
      provider,
      policy: policy.policy,
      ...(logId === undefined ? {} : { logId }),
    });
    if (conditions.some(({ kind, client }) => kind === finding.kind && client === finding.client))
      return concluded(served(authentic(own)));
  }
  return unsupported("the lists, read again, keep the rules");
};

/** A version whose hash a proven next version names is as good as proven. */
function authentic(lists: readonly JudgedListEntry[]): JudgedListEntry[] {
  return lists.map((entry) => {
    const next = lists.find(({ version, proven }) => proven && version === entry.version + 1);
    const named = next?.list !== undefined && equalBytes(next.list.previousHash, deviceListHash(entry.value));
    return named ? { ...entry, proven: true } : entry;
  });
}

/** What part of an exchange is signed by nobody the log can deny: then it rests on the word of who received it. */
const judgeMisbehaviour = ({
  proven,
  deniable,
  reason,
}: NonNullable<JudgedEvidence["misbehaviour"]>): EvidenceVerdict =>
  proven ? concluded([]) : deniable ? supported("served") : unsupported(reason);

const viewSplit: EvidenceRule = (finding, evidence, judge) => {
  const { heads, misbehaviour } = evidence;
  if (misbehaviour !== undefined) return judgeMisbehaviour(misbehaviour);
  if (heads.length === 0) return byReading(finding, evidence, judge);
  const [first, ...others] = heads;
  const other = others.find(({ position, root }) => position === first?.position && root !== first.root);
  if (first === undefined || other === undefined) return unsupported("the heads do not contradict each other");
  return concluded(first.signed && other.signed ? [] : ["served"]);
};

/** One key in two certificates, or in a certificate and a list, of two clients; or at two leaves of a group. */
const keyReused: EvidenceRule = (finding, { certificates, lists }) => {
  const [first] = certificates.filter(({ client }) => client === finding.client);
  if (first !== undefined) {
    const twin = certificates.find((other) => other.spkiHash === first.spkiHash && other.client !== first.client);
    if (twin !== undefined) return concluded(first.issued && twin.issued ? [] : ["sighted"]);
  }
  const key = first?.spkiHash ?? finding.id.split("|").at(-1)?.split(" ")[0] ?? "";
  const holders = lists.filter((entry) => recordsOf(entry).some(({ record }) => bytesKey(record.spkiHash) === key));
  const clients = new Set(
    holders.flatMap((entry) =>
      recordsOf(entry).flatMap(({ client, record }) => (bytesKey(record.spkiHash) === key ? [client] : [])),
    ),
  );
  if (first !== undefined) clients.add(first.client);
  if (clients.size > 1)
    return concluded([...(first?.issued === false ? ["sighted" as const] : []), ...served(holders)]);
  return first === undefined ? unsupported("no two clients with one key") : supported("sighted");
};

const invalidSuccessor: EvidenceRule = (finding, { certificates }) => {
  const after = certificates.find(({ client }) => client === finding.client);
  const changed = certificates.some(({ client, spkiHash }) => client !== after?.client || spkiHash !== after.spkiHash);
  return after !== undefined && changed ? supported("sighted") : unsupported("no two different clients or keys");
};

const identityConflict: EvidenceRule = (finding, { certificates }) =>
  certificates.some(({ user }) => user === finding.user) ? unsupported("it names this user") : supported("sighted");

const duplicateClient: EvidenceRule = (finding, { certificates }) =>
  certificates.some(({ client }) => client === finding.client) ? supported("sighted") : unsupported("no certificate");

const partialPresence: EvidenceRule = (finding, evidence) => {
  const newest = newestList(finding, evidence);
  if (newest === undefined) return unsupported("no device list");
  const active = recordsOf(newest).some(
    ({ client, record }) => client === finding.client && record.status === "active",
  );
  return active ? supported("sighted", ...servedAsNewest(newest)) : unsupported("the list holds no such device");
};

/** Expiry is in the certificate; how long a leaf stayed, or that it had certificates before, only its group saw. */
const credentialDegraded: EvidenceRule = (finding, evidence) => {
  const certificate = accused(finding, evidence)?.certificate;
  if (certificate === undefined) return supported("sighted");
  const expired = finding.id.includes("|expired ");
  if (expired && certificate.notAfter > finding.changedAt) return unsupported("it has not expired");
  return supported("sighted");
};

/** Silence cannot be proven; that the newest list is old can. */
const evidenceUnavailable: EvidenceRule = (finding, evidence, { policy }) => {
  const newest = newestList(finding, evidence);
  if (newest?.greatestAt !== undefined && newest.greatestAt >= finding.since + policy.policy.evidenceDeadline)
    return unsupported("the log has answered since");
  return supported("asked");
};

export const EVIDENCE_RULES: Readonly<Record<FindingKind, EvidenceRule>> = {
  UNLOGGED_LEAF: unlogged,
  KEY_MISMATCH: keyMismatch,
  REMOVED_DEVICE_PRESENT: removedDevicePresent,
  SELF_UNKNOWN_IN_LOG: selfUnknownInLog,
  SELF_UNKNOWN_IN_GROUP: selfUnknownInGroup,
  SELF_MISSING_FROM_LOG: selfMissingFromLog,
  TRANSIENT_DEVICE: byReading,
  PARTIAL_PRESENCE: partialPresence,
  DUPLICATE_CLIENT: duplicateClient,
  IDENTITY_CONFLICT: identityConflict,
  SIGNATURE_KEY_REUSED: keyReused,
  INVALID_SUCCESSOR: invalidSuccessor,
  UNAUTHORISED_ENTRY: byReading,
  UNLOGGED_KEY_PACKAGE: unlogged,
  CREDENTIAL_DEGRADED: credentialDegraded,
  VIEW_SPLIT: viewSplit,
  EVIDENCE_UNAVAILABLE: evidenceUnavailable,
};

/** Whether a signature key is the one a certificate names. */
function isKeyOf(signatureKey: Uint8Array, { certificate }: JudgedCertificate): boolean {
  const key = readSubjectPublicKeyInfo(certificate.spki);
  return key !== undefined && equalBytes(key.publicKey, signatureKey);
}
