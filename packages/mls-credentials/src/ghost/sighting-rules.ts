import { bytesKey } from "../bytes-key.js";
import type { Condition, FindingKind } from "./finding.js";
import type { SightedCredential } from "./ghost-event.js";
import type { Sighting } from "./group-memory.js";
import { evidenceOf, lastAsked, type RuleContext } from "./rule-context.js";

/** Where a credential was seen. */
interface Place {
  readonly group?: string;
  readonly unlogged: FindingKind;
}

/** What a list proven at a moment after the sighting means for a credential that it does not hold. */
function levelOf(firstSeen: number, provenAt: number, { policy }: RuleContext): Condition["level"] {
  if (provenAt >= firstSeen + policy.evidenceDeadline) return "confirmed";
  return provenAt >= firstSeen + policy.clockSkew ? "suspect" : "pending";
}

/** IDENTITY_CONFLICT, KEY_MISMATCH, UNLOGGED_LEAF or UNLOGGED_KEY_PACKAGE of one credential. */
export function* judgeSighting(sighting: Sighting, place: Place, context: RuleContext): Iterable<Condition> {
  const { credential, firstSeen } = sighting;
  const log = context.logs.get(credential.reference);
  const evidence = evidenceOf(credential, log);
  const base = {
    user: credential.reference,
    client: credential.client,
    since: firstSeen,
    evidence,
    ...(place.group === undefined ? {} : { group: place.group }),
    subject: `${credential.client} ${credential.tbsCertificateHash} ${credential.spkiHash}`,
  };
  if (credential.type !== "x509") return;
  // A certificate without names presents nobody, and so conflicts with any reference, also with none.
  if (credential.user === "" || credential.user !== credential.reference)
    yield { ...base, kind: "IDENTITY_CONFLICT", level: "confirmed", detail: `presents ${credential.user || "nobody"}` };
  // Whom nobody expects has no list to be looked up.
  if (credential.reference === "") return;
  if (!credential.keyMatches)
    yield {
      ...base,
      // Each wrong key by itself.
      subject: `${base.subject} ${credential.signatureKey}`,
      kind: "KEY_MISMATCH",
      level: "confirmed",
      detail: "the leaf's key is not the certificate's",
    };
  const record = log?.records.get(credential.tbsCertificateHash);
  if (record !== undefined) {
    if (record.client !== credential.client || record.spkiHash !== credential.spkiHash)
      yield { ...base, kind: "KEY_MISMATCH", level: "confirmed", detail: `logged for ${record.client} or another key` };
    return;
  }
  // What had left the list by retention before it was first read here cannot be told from what was never logged.
  if (log !== undefined && credential.notAfter + context.policy.retention < log.provenAt) return;
  const level = levelOf(firstSeen, log?.provenAt ?? Number.NEGATIVE_INFINITY, context);
  const keys = log?.keysOf(credential.client);
  const swapped = keys !== undefined && keys.size > 0 && !keys.has(credential.spkiHash);
  yield {
    ...base,
    kind: swapped ? "KEY_MISMATCH" : place.unlogged,
    level,
    deadline: firstSeen + context.policy.evidenceDeadline,
    detail: swapped ? "the log holds this client with other keys" : "the log does not hold this certificate",
  };
}

/** SELF_UNKNOWN_IN_GROUP: a member under this user's name that no own device vouches for. */
export function* judgeSelf(sighting: Sighting, group: string, context: RuleContext): Iterable<Condition> {
  const { credential, firstSeen } = sighting;
  if (credential.reference !== context.self || credential.type !== "x509" || !sighting.present) return;
  const { client, spkiHash } = credential;
  if (context.own.trusted.some((key) => key.client === client && bytesKey(key.spkiHash) === spkiHash)) return;
  const log = context.logs.get(context.self);
  const level = levelOf(firstSeen, log?.provenAt ?? Number.NEGATIVE_INFINITY, context);
  const overdue = lastAsked(log, context) > firstSeen + context.policy.evidenceDeadline;
  yield {
    kind: "SELF_UNKNOWN_IN_GROUP",
    level: level === "pending" && overdue ? "suspect" : level,
    subject: `${credential.client} ${credential.spkiHash}`,
    user: context.self,
    client: credential.client,
    group,
    since: firstSeen,
    deadline: firstSeen + context.policy.evidenceDeadline,
    detail: `${credential.client} is none of this user's known devices`,
    evidence: evidenceOf(credential, log),
  };
}

/** Whether a credential has an answer in the log, so that it need not be remembered after it left. */
export function isAnswered(credential: SightedCredential, context: RuleContext): boolean {
  return context.logs.get(credential.reference)?.records.has(credential.tbsCertificateHash) ?? false;
}

const ZERO = 0x30;
/** From a hex digit's character code to its value. */
const digit = (code: number): number => (code > 0x39 ? code - 0x57 : code - ZERO);

/** The octets of a lower-case hex string. */
export function hexBytes(hex: string): Uint8Array {
  const octets = new Uint8Array(hex.length >> 1);
  for (let i = 0; i < octets.length; i++)
    octets[i] = (digit(hex.charCodeAt(2 * i)) << 4) | digit(hex.charCodeAt(2 * i + 1));
  return octets;
}
