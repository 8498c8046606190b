import { sha256 } from "@noble/hashes/sha2.js";
import { fromBase64Url, toBase64Url } from "./base64url.js";
import { isDomainName } from "./identity/domain-name.js";
import { PolicyError } from "./policy-error.js";

/** What to do with a member whose credential went bad: refuse, refuse after some seconds, or tell only. */
export type Handling = "reject" | "warn" | { readonly grace: number };

/** `required`: unlogged is refused; `stapled`: evidence must come with the credential; `advisory`: unlogged is flagged. */
export type TransparencyMode = "required" | "stapled" | "advisory";

/** Trust of one identity domain. */
export interface DomainTrust {
  /** Root certificates, DER as base64url. */
  readonly anchors: readonly string[];
  /** The log's identifier, 32 bytes as base64url. */
  readonly logId: string;
}

/** The payload of a signed validation policy. All durations in seconds. */
export interface ValidationPolicy {
  readonly format: 1;
  readonly sequence: number;
  /** base64url SHA-256 of the payload of the policy before, null for the first. */
  readonly previous: string | null;
  readonly domains: Readonly<Record<string, DomainTrust>>;
  /** TLS SignatureSchemes and MLS cipher suites that are accepted. */
  readonly signatureSchemes: readonly number[];
  readonly cipherSuites: readonly number[];
  readonly credentialTypes: readonly ("x509" | "basic")[];
  readonly mandatoryExtensions: readonly number[];
  readonly forbiddenExtensions: readonly number[];
  readonly externalSenders: "refuse" | "x509";
  readonly externalJoins: "refuse" | "members" | "any";
  readonly keyPurposes: readonly string[];
  readonly maximumLifetime: { readonly certificate: number; readonly keyPackage: number };
  readonly longestStay: number;
  readonly clockSkew: number;
  readonly revocation: "log" | "log-and-crl";
  readonly transparency: TransparencyMode;
  /** How long evidence may be missing before its absence counts. */
  readonly evidenceDeadline: number;
  readonly oldestStaple: number;
  /** Since the last enrolment proof. The service applies it: the log does not say which renewals brought a fresh proof. */
  readonly keyOnlyRenewals: number;
  /** How long records outlive `not_after` in the list; those who write and those who follow the list apply it. */
  readonly retention: number;
  readonly sameClient: "client-uri";
  readonly successor: "same-client" | "continuity";
  /** How long a new device may take to be in all groups, and a removed one to leave them. */
  readonly joinWindow: number;
  readonly removalWindow: number;
  readonly members: { readonly expired: Handling; readonly revoked: Handling; readonly unlogged: Handling };
}

const DAY = 86_400;

/** The policy that holds where an operator signed none: everything required, design defaults for the rest. */
export function defaultPolicy(domains: Readonly<Record<string, DomainTrust>>): ValidationPolicy {
  return {
    format: 1,
    sequence: 0,
    previous: null,
    domains,
    signatureSchemes: [0x0807, 0x0403, 0x0503, 0x0603],
    cipherSuites: [1, 2, 3, 5, 7],
    credentialTypes: ["x509"],
    mandatoryExtensions: [],
    forbiddenExtensions: [],
    externalSenders: "refuse",
    externalJoins: "members",
    keyPurposes: ["1.3.6.1.5.5.7.3.40"],
    maximumLifetime: { certificate: 398 * DAY, keyPackage: 90 * DAY },
    longestStay: 90 * DAY,
    clockSkew: 300,
    revocation: "log",
    transparency: "required",
    evidenceDeadline: DAY,
    oldestStaple: 7 * DAY,
    keyOnlyRenewals: 398 * DAY,
    retention: 90 * DAY,
    sameClient: "client-uri",
    successor: "same-client",
    joinWindow: 7 * DAY,
    removalWindow: 7 * DAY,
    members: { expired: { grace: 7 * DAY }, revoked: "reject", unlogged: "reject" },
  };
}

/** The payload bytes of a policy: JSON in the member order of `defaultPolicy`. */
export function encodePolicy(policy: ValidationPolicy): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(policy));
}

/** SHA-256 of the payload bytes as they were signed: how groups and later policies name a policy. */
export function policyDigest(payload: Uint8Array): Uint8Array {
  return sha256(payload);
}

type Rule = (value: unknown) => boolean;

const isCount: Rule = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const oneOf =
  (...allowed: readonly unknown[]): Rule =>
  (value) =>
    allowed.includes(value);
const listOf =
  (rule: Rule): Rule =>
  (value) =>
    Array.isArray(value) && value.every(rule) && new Set(value).size === value.length;
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const record =
  (rules: Readonly<Record<string, Rule>>): Rule =>
  (value) =>
    isObject(value) && Object.keys(value).every((name) => Object.hasOwn(rules, name)) && passes(value, rules);
const passes = (value: Record<string, unknown>, rules: Readonly<Record<string, Rule>>): boolean =>
  Object.entries(rules).every(([name, rule]) => rule(value[name]));
const isUint16: Rule = (value) => isCount(value) && (value as number) < 65_536;
const isBytes =
  (length?: number): Rule =>
  (value) => {
    const octets = typeof value === "string" ? fromBase64Url(value) : undefined;
    return octets !== undefined && (length === undefined ? octets.length > 0 : octets.length === length);
  };
const isHandling: Rule = (value) => value === "reject" || value === "warn" || record({ grace: isCount })(value);
const isDomainMap: Rule = (value) =>
  isObject(value) &&
  Object.entries(value).every(
    ([domain, trust]) => isDomainName(domain) && record({ anchors: listOf(isBytes()), logId: isBytes(32) })(trust),
  );

const RULES: Readonly<Record<keyof ValidationPolicy, Rule>> = {
  format: oneOf(1),
  sequence: isCount,
  previous: (value) => value === null || isBytes(32)(value),
  domains: isDomainMap,
  signatureSchemes: listOf(isUint16),
  cipherSuites: listOf(isUint16),
  credentialTypes: listOf(oneOf("x509", "basic")),
  mandatoryExtensions: listOf(isUint16),
  forbiddenExtensions: listOf(isUint16),
  externalSenders: oneOf("refuse", "x509"),
  externalJoins: oneOf("refuse", "members", "any"),
  keyPurposes: listOf((value) => typeof value === "string" && /^[0-2](\.(0|[1-9][0-9]*))+$/.test(value)),
  maximumLifetime: record({ certificate: isCount, keyPackage: isCount }),
  longestStay: isCount,
  clockSkew: isCount,
  revocation: oneOf("log", "log-and-crl"),
  transparency: oneOf("required", "stapled", "advisory"),
  evidenceDeadline: isCount,
  oldestStaple: isCount,
  keyOnlyRenewals: isCount,
  retention: isCount,
  sameClient: oneOf("client-uri"),
  successor: oneOf("same-client", "continuity"),
  joinWindow: isCount,
  removalWindow: isCount,
  members: record({ expired: isHandling, revoked: isHandling, unlogged: isHandling }),
};

/** Reads a policy payload strictly: every member present, none unknown. @throws PolicyError */
export function readPolicy(payload: Uint8Array): ValidationPolicy {
  let value: unknown;
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(payload);
    value = JSON.parse(text);
  } catch {
    throw new PolicyError("malformed-policy", "", "the payload is not UTF-8 JSON");
  }
  if (namesWritten(text) !== namesHeld(value))
    throw new PolicyError("malformed-policy", "", "a member is there twice: readers may differ in which one they take");
  if (!isObject(value)) throw new PolicyError("malformed-policy", "", "not an object");
  for (const name of Object.keys(value))
    if (!Object.hasOwn(RULES, name)) throw new PolicyError("unknown-field", name, "no member of a policy");
  for (const [name, rule] of Object.entries(RULES))
    if (!rule(value[name])) throw new PolicyError("malformed-policy", name, "missing or not of its type");
  return value as unknown as ValidationPolicy;
}

/** Members as they stand in JSON text; of equal names in one object a parser keeps one. */
function namesWritten(text: string): number {
  let count = 0;
  for (const [, colon] of text.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?/g)) if (colon !== undefined) count++;
  return count;
}

function namesHeld(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  const own = Array.isArray(value) ? 0 : Object.keys(value).length;
  return Object.values(value).reduce<number>((sum, member) => sum + namesHeld(member), own);
}

/** What a new policy takes away from the old one's protection; any of these needs an explicit acceptance. */
export type Weakening =
  | "transparency"
  | "anchors"
  | "log"
  | "domains"
  | "schemes"
  | "cipher-suites"
  | "credential-types"
  | "handling"
  | "deadlines"
  | "retention"
  | "lifetimes"
  | "key-purposes"
  | "extensions"
  | "external-access"
  | "revocation"
  | "successor";

/** Compares a policy with its successor. @throws PolicyError when `next` does not follow `previous`. */
export function weakenings(previous: Uint8Array, next: Uint8Array): readonly Weakening[] {
  const before = readPolicy(previous);
  const after = readPolicy(next);
  if (after.sequence !== before.sequence + 1)
    throw new PolicyError("broken-chain", "sequence", `${after.sequence} after ${before.sequence}`);
  if (after.previous !== toBase64Url(policyDigest(previous)))
    throw new PolicyError("broken-chain", "previous", "not the digest of the policy before");
  const found = new Set<Weakening>();
  const strength = { required: 2, stapled: 2, advisory: 0 };
  if (strength[after.transparency] < strength[before.transparency]) found.add("transparency");
  compareDomains(before, after, found);
  if (after.signatureSchemes.some((scheme) => !before.signatureSchemes.includes(scheme))) found.add("schemes");
  if (after.credentialTypes.some((type) => !before.credentialTypes.includes(type))) found.add("credential-types");
  for (const kind of ["expired", "revoked", "unlogged"] as const)
    if (
      leniency(after.members[kind]) > leniency(before.members[kind]) ||
      leniency(handlingOf(after, kind)) > leniency(handlingOf(before, kind))
    )
      found.add("handling");
  for (const name of DEADLINES) if (after[name] > before[name]) found.add("deadlines");
  // What the log may drop can no longer be missed.
  if (after.retention < before.retention) found.add("retention");
  compareRules(before, after, found);
  return [...found];
}

/** The longer, the later something is noticed. */
const DEADLINES = [
  "evidenceDeadline",
  "oldestStaple",
  "longestStay",
  "clockSkew",
  "keyOnlyRenewals",
  "joinWindow",
  "removalWindow",
] as const;
const OPENNESS = { refuse: 0, x509: 1, members: 1, any: 2 };

function compareRules(before: ValidationPolicy, after: ValidationPolicy, found: Set<Weakening>): void {
  const added = <T>(old: readonly T[], next: readonly T[]): boolean => next.some((each) => !old.includes(each));
  if (added(before.cipherSuites, after.cipherSuites)) found.add("cipher-suites");
  if (added(after.keyPurposes, before.keyPurposes)) found.add("key-purposes");
  if (added(after.mandatoryExtensions, before.mandatoryExtensions)) found.add("extensions");
  if (added(after.forbiddenExtensions, before.forbiddenExtensions)) found.add("extensions");
  for (const what of ["certificate", "keyPackage"] as const)
    if (after.maximumLifetime[what] > before.maximumLifetime[what]) found.add("lifetimes");
  for (const what of ["externalSenders", "externalJoins"] as const)
    if (OPENNESS[after[what]] > OPENNESS[before[what]]) found.add("external-access");
  if (before.revocation === "log-and-crl" && after.revocation === "log") found.add("revocation");
  if (before.successor === "continuity" && after.successor === "same-client") found.add("successor");
}

function compareDomains(before: ValidationPolicy, after: ValidationPolicy, found: Set<Weakening>): void {
  for (const domain of Object.keys(after.domains)) if (!(domain in before.domains)) found.add("domains");
  for (const [domain, trust] of Object.entries(before.domains)) {
    const next = after.domains[domain];
    if (next === undefined) continue;
    if ([...next.anchors].sort().join() !== [...trust.anchors].sort().join()) found.add("anchors");
    if (next.logId !== trust.logId) found.add("log");
  }
}

/** What a policy comes to: `required` refuses what is unlogged, whatever else is written. */
function handlingOf({ transparency, members }: ValidationPolicy, kind: keyof ValidationPolicy["members"]): Handling {
  return kind === "unlogged" && transparency === "required" ? "reject" : members[kind];
}

function leniency(handling: Handling): number {
  if (handling === "reject") return 0;
  return handling === "warn" ? Number.POSITIVE_INFINITY : handling.grace;
}
