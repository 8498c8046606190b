import { nodeProvider } from "@mls-as/mls-core/node";
import {
  decodeAuthPins,
  type DeviceEvidence,
  encodePolicy,
  type JudgedCredential,
  pinChangeFaults,
  policyDigest,
  preparePolicy,
  type Reason,
  toBase64Url,
  userOfClient,
  type ValidationPolicy,
  verifyGroup,
} from "@mls-as/mls-credentials";
import { type EvidenceCase, readEvidence } from "./verdict-evidence.js";
import { refuseUnknown, unhex } from "./wire-json.js";

/** What is expected of one credential of a group: exact sets of codes. */
interface ExpectedCredential {
  readonly accepted: boolean;
  /** Why there was nothing to judge: `not-x509`, `malformed-certificate`, `no-identity`, `not-on-roster`. */
  readonly refused?: string;
  readonly refusals?: readonly string[];
  readonly warnings?: readonly string[];
}

/** A group by its bytes. Format: docs/conformance.md. */
export interface GroupCase {
  readonly name: string;
  readonly comment?: string;
  readonly policy?: Partial<ValidationPolicy>;
  readonly cipher_suite: number;
  readonly group_id: string;
  readonly epoch: number;
  readonly ratchet_tree: string;
  readonly group_context?: string;
  /** User URIs that are expected in the group. */
  readonly roster: readonly string[];
  readonly time: number;
  readonly time_source?: "pin" | "stated" | "local";
  /** Evidence by user. */
  readonly devices?: Readonly<Record<string, EvidenceCase>>;
  readonly expect: {
    readonly accepted: boolean;
    /** Codes about the group as such. */
    readonly reasons?: readonly string[];
    readonly members: readonly (ExpectedCredential & { readonly leaf_index: number })[];
    readonly external_senders?: readonly ExpectedCredential[];
  };
}

const GROUP = [
  "name",
  "comment",
  "policy",
  "cipher_suite",
  "group_id",
  "epoch",
  "ratchet_tree",
  "group_context",
  "roster",
  "time",
  "time_source",
  "devices",
  "expect",
];

const sorted = (codes: readonly string[]): string => [...new Set(codes)].sort().join(", ");

function reasonsOf({ acceptance, reasons = [] }: JudgedCredential): readonly Reason[] {
  return [...(acceptance?.reasons ?? []), ...reasons];
}

function differs(judged: JudgedCredential, expected: ExpectedCredential, where: string): string | undefined {
  refuseUnknown(expected, ["leaf_index", "accepted", "refused", "refusals", "warnings"], where);
  if (judged.accepted !== expected.accepted) return `${where}: accepted is ${judged.accepted}`;
  if (judged.refused !== expected.refused) return `${where}: refused is ${judged.refused ?? "absent"}`;
  for (const [name, severity] of [
    ["refusals", "refusal"],
    ["warnings", "warning"],
  ] as const) {
    const actual = sorted(reasonsOf(judged).flatMap((each) => (each.severity === severity ? [each.code] : [])));
    const wanted = expected[name];
    if (wanted !== undefined && actual !== sorted(wanted)) return `${where}: ${name} are ${actual || "none"}`;
  }
  return undefined;
}

/** Judges every member of a group; returns the reason it fails, or undefined. */
export async function checkGroup(vector: GroupCase, base: ValidationPolicy): Promise<string | undefined> {
  refuseUnknown(vector, GROUP, "group");
  const { expect } = vector;
  refuseUnknown(expect, ["accepted", "reasons", "members", "external_senders"], "expect");
  const devices = new Map<string, DeviceEvidence>();
  for (const [user, given] of Object.entries(vector.devices ?? {})) devices.set(user, readEvidence(given, user));
  const judged = await verifyGroup(
    {
      ratchetTree: unhex(vector.ratchet_tree, "ratchet_tree"),
      groupId: unhex(vector.group_id, "group_id"),
      epoch: BigInt(vector.epoch),
      cipherSuite: vector.cipher_suite,
      ...(vector.group_context === undefined ? {} : { groupContext: unhex(vector.group_context, "group_context") }),
    },
    {
      policy: preparePolicy(encodePolicy({ ...base, ...vector.policy })),
      provider: nodeProvider,
      roster: ({ client }) => {
        const user = userOfClient(client);
        return vector.roster.includes(user) ? { user } : undefined;
      },
      devices: (user) => devices.get(user),
      time: vector.time,
      timeSource: vector.time_source ?? "pin",
    },
  );
  if (judged.accepted !== expect.accepted) return `accepted is ${judged.accepted}`;
  const reasons = sorted(judged.reasons.map(({ code }) => code));
  if (expect.reasons !== undefined && reasons !== sorted(expect.reasons)) return `reasons are ${reasons || "none"}`;
  if (judged.members.length !== expect.members.length) return `${judged.members.length} members`;
  for (const expected of expect.members) {
    const member = judged.members.find(({ leafIndex }) => leafIndex === expected.leaf_index);
    const where = `leaf ${expected.leaf_index}`;
    const wrong = member === undefined ? `${where} is empty` : differs(member, expected, where);
    if (wrong !== undefined) return wrong;
  }
  const senders = expect.external_senders ?? [];
  if (judged.externalSenders.length !== senders.length) return `${judged.externalSenders.length} external senders`;
  for (const [i, sender] of judged.externalSenders.entries()) {
    const wrong = differs(sender, senders[i] as ExpectedCredential, `external sender ${i}`);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

/** A change of a group's pins. Format: docs/conformance.md. */
export interface PinCase {
  readonly name: string;
  readonly comment?: string;
  /** Encoded `AuthPins`; null where a group has none. */
  readonly before: string | null;
  readonly after: string | null;
  /** The policies known to this device, as their JSON. */
  readonly policies: readonly ValidationPolicy[];
  /** Indexes into `policies`: accepted by a person though weaker. */
  readonly accepted?: readonly number[];
  readonly expect: { readonly faults: readonly string[]; readonly weakenings?: readonly string[] };
}

/** Compares what is wrong with a change of pins. */
export function checkPins(vector: PinCase): Promise<string | undefined> {
  refuseUnknown(vector, ["name", "comment", "before", "after", "policies", "accepted", "expect"], "pins");
  refuseUnknown(vector.expect, ["faults", "weakenings"], "expect");
  const payloads = vector.policies.map(encodePolicy);
  const digests = payloads.map((payload) => toBase64Url(policyDigest(payload)));
  const policies = new Map(payloads.map((payload, i) => [digests[i] as string, payload]));
  const pinsOf = (given: string | null) => (given === null ? undefined : decodeAuthPins(unhex(given, "pins")));
  const accepted = new Set((vector.accepted ?? []).map((i) => digests[i] as string));
  const faults = pinChangeFaults(pinsOf(vector.before), pinsOf(vector.after), { policies, accepted });
  const actual = sorted(faults.map(({ fault }) => fault));
  if (actual !== sorted(vector.expect.faults)) return Promise.resolve(`faults are ${actual || "none"}`);
  const weakened = sorted(faults.flatMap((each) => ("weakenings" in each ? (each.weakenings ?? []) : [])));
  if (vector.expect.weakenings !== undefined && weakened !== sorted(vector.expect.weakenings))
    return Promise.resolve(`weakenings are ${weakened || "none"}`);
  return Promise.resolve(undefined);
}
