import {
  type Credential,
  type CryptoProvider,
  cipherSuite,
  GroupContext,
  type LeafNode,
  RatchetTree,
} from "@mls-as/mls-core";
import { CodecError, decode, equalBytes } from "@mls-as/tls-codec";
import type { DeviceEvidence, ReferenceIdentifier } from "../acceptance-basis.js";
import { bytesKey } from "../bytes-key.js";
import { CertificateError, mlsNames, parseCertificate, SignatureMemo } from "../certificate/index.js";
import type { GhostEvent, SightedLeaf } from "../ghost/index.js";
import type { PreparedPolicy } from "../prepared-policy.js";
import { sightOther, sightX509 } from "../sighting.js";
import { externalSendersOf, groupContextReasons, leafReasons } from "../group-policy.js";
import type { Acceptance, Reason, VerifierReasonCode } from "../verdict.js";
import { judgeAcceptance } from "../verifier.js";

/** The app's word on who is expected: by presented names, undefined for strangers. */
export type GroupRoster = (presented: {
  readonly user: string;
  readonly client: string;
}) => ReferenceIdentifier | undefined;

/** A group of any MLS library. */
export interface GroupInput {
  /** The `ratchet_tree` extension's bytes: `optional<Node> ratchet_tree<V>`. */
  readonly ratchetTree: Uint8Array;
  readonly groupId: Uint8Array;
  readonly epoch: bigint;
  /** MLS cipher suite number. */
  readonly cipherSuite: number;
  /** The encoded GroupContext: with it the policy on extensions and external senders is applied too. */
  readonly groupContext?: Uint8Array;
}

export interface GroupBasis {
  readonly policy: PreparedPolicy;
  readonly provider: CryptoProvider;
  readonly roster: GroupRoster;
  readonly devices: (user: string) => DeviceEvidence | undefined;
  readonly time: number;
  readonly timeSource: "pin" | "stated" | "local";
}

/** The decision about one credential of a group. */
export interface JudgedCredential {
  readonly accepted: boolean;
  readonly refused?: "not-x509" | "malformed-certificate" | "no-identity" | "not-on-roster";
  readonly acceptance?: Acceptance;
  /** What the policy says besides: about the leaf's or KeyPackage's extensions and times. */
  readonly reasons?: readonly Reason[];
}

/** The decision about one member. */
export interface GroupMember extends JudgedCredential {
  readonly leafIndex: number;
}

export interface JudgedMembers {
  /** Every member, every external sender and the group as such. */
  readonly accepted: boolean;
  readonly members: readonly GroupMember[];
  /** What the policy says about the group as such. */
  readonly reasons: readonly Reason[];
  /** In the order of the `external_senders` extension; empty without a GroupContext. */
  readonly externalSenders: readonly JudgedCredential[];
}

/**
 * Judges every member of a group from the bytes of its tree, on one basis and with shared work; with the GroupContext also
 * what the policy says about the group and its external senders.
 *
 * The tree's own integrity (hashes, signatures of leaves) is the MLS library's part, or `checkRatchetTree` of mls-core.
 *
 * @throws CodecError when the bytes are no ratchet tree or GroupContext, MlsError for an unknown cipher suite
 */
export async function verifyGroup(group: GroupInput, basis: GroupBasis): Promise<JudgedMembers> {
  const memo = new SignatureMemo();
  const { signatureScheme } = cipherSuite(group.cipherSuite);
  const { policy } = basis.policy;
  const members: GroupMember[] = [];
  for (const [leafIndex, leaf] of leavesOf(group.ratchetTree)) {
    const judged = await judgeCredential(leaf, signatureScheme, basis, memo);
    members.push({ leafIndex, ...withReasons(judged, leafReasons(leaf, policy, basis.time)) });
  }
  const { reasons, externalSenders } = await judgeContext(group, signatureScheme, basis, memo);
  const accepted = !reasons.some(isRefusal) && members.every(isAccepted) && externalSenders.every(isAccepted);
  return { accepted, members, reasons, externalSenders };
}

const isAccepted = ({ accepted }: JudgedCredential): boolean => accepted;
const isRefusal = ({ severity }: Reason): boolean => severity === "refusal";

/** Adds what else is to be said; a refusal there refuses. */
export function withReasons(judged: JudgedCredential, reasons: readonly Reason[]): JudgedCredential {
  if (reasons.length === 0) return judged;
  return { ...judged, accepted: judged.accepted && !reasons.some(isRefusal), reasons };
}

async function judgeContext(
  group: GroupInput,
  signatureScheme: number,
  basis: GroupBasis,
  memo: SignatureMemo,
): Promise<Pick<JudgedMembers, "reasons" | "externalSenders">> {
  const { policy } = basis.policy;
  const refuse = (code: VerifierReasonCode, path: string, detail: string): Reason => ({
    code,
    severity: "refusal",
    section: "Validation policy",
    path,
    detail,
  });
  if (group.groupContext === undefined) {
    const allowed = policy.cipherSuites.includes(group.cipherSuite);
    const reasons = allowed ? [] : [refuse("cipher-suite-not-allowed", "cipherSuite", `suite ${group.cipherSuite}`)];
    return { reasons, externalSenders: [] };
  }
  const context = decode(GroupContext, group.groupContext);
  const reasons = groupContextReasons(context, policy);
  if (
    context.epoch !== group.epoch ||
    context.cipherSuite !== group.cipherSuite ||
    !equalBytes(context.groupId, group.groupId)
  )
    reasons.push(refuse("group-context-mismatch", "groupContext", "of another group, epoch or cipher suite"));
  const senders = externalSendersOf(context);
  if (senders === undefined) {
    reasons.push(refuse("external-senders-not-allowed", "groupContext.extensions", "external_senders does not decode"));
    return { reasons, externalSenders: [] };
  }
  const externalSenders: JudgedCredential[] = [];
  for (const sender of senders) externalSenders.push(await judgeCredential(sender, signatureScheme, basis, memo));
  return { reasons, externalSenders };
}

/** Judges one credential beside its signature key, wherever in a group it stands. */
export async function judgeCredential(
  presented: { readonly credential: Credential; readonly signatureKey: Uint8Array },
  signatureScheme: number,
  basis: GroupBasis,
  memo: SignatureMemo,
): Promise<JudgedCredential> {
  const expected = expect(presented.credential, basis.roster);
  if (typeof expected === "string") return { accepted: false, refused: expected };
  const devices = basis.devices(expected.reference.user);
  const { certificates } = expected;
  const acceptance = await judgeAcceptance(
    { certificates, signatureKey: presented.signatureKey, signatureScheme },
    expected.reference,
    {
      policy: basis.policy,
      provider: basis.provider,
      time: basis.time,
      timeSource: basis.timeSource,
      memo,
      ...(devices === undefined ? {} : { devices }),
    },
  );
  return { accepted: acceptance.accepted, acceptance };
}

function leavesOf(ratchetTree: Uint8Array): [number, LeafNode][] {
  const nodes = decode(RatchetTree, ratchetTree);
  const leaves: [number, LeafNode][] = [];
  nodes.forEach((node, i) => {
    if (node?.nodeType !== "leaf") return;
    if (i % 2 !== 0) throw new CodecError("invalid-value", "a leaf in a parent's place", 0).within(`[${i}]`);
    leaves.push([i / 2, node.leafNode]);
  });
  return leaves;
}

function expect(
  credential: Credential,
  roster: GroupRoster,
): { reference: ReferenceIdentifier; certificates: readonly Uint8Array[] } | NonNullable<JudgedCredential["refused"]> {
  if (credential.credentialType !== "x509") return "not-x509";
  const { certificates } = credential;
  if (certificates[0] === undefined) return "malformed-certificate";
  try {
    const names = mlsNames(parseCertificate(certificates[0]));
    if (names === undefined) return "no-identity";
    const reference = roster(names);
    return reference === undefined ? "not-on-roster" : { reference, certificates };
  } catch (error) {
    if (error instanceof CertificateError) return "malformed-certificate";
    throw error;
  }
}

const SOURCES = { keyPackage: "key_package", update: "update", commit: "commit" } as const;

/** The same members as a `tree` event for the ghost detector. @throws CodecError */
export function sightGroup(
  group: GroupInput,
  { roster, at, current }: { readonly roster: GroupRoster; readonly at: number; readonly current: boolean },
): Extract<GhostEvent, { type: "tree" }> {
  const leaves = leavesOf(group.ratchetTree).map(([leafIndex, leaf]): SightedLeaf => {
    const encryptionKey = bytesKey(leaf.encryptionKey);
    const place = { leafIndex, source: SOURCES[leaf.leafNodeSource], encryptionKey };
    const { credential } = leaf;
    if (credential.credentialType !== "x509")
      return {
        ...sightOther(credential.credentialType === "basic" ? "basic" : "other", leaf.signatureKey, ""),
        ...place,
      };
    const expected = expect(credential, roster);
    const reference = typeof expected === "string" ? "" : expected.reference.user;
    return { ...sightX509(credential.certificates, leaf.signatureKey, reference), ...place };
  });
  return { type: "tree", at, group: bytesKey(group.groupId), epoch: Number(group.epoch), current, leaves };
}
