import {
  findCipherSuite,
  GroupContext,
  type JudgedExternalCommit,
  type JudgedGroup,
  type KeyPackage,
  type LeafNode,
  preflightExternalCommit,
  preflightGroupInfo,
  preflightKeyPackage,
  RatchetTree,
  type Violation,
} from "@mls-as/mls-core";
import { encode } from "@mls-as/tls-codec";
import { SignatureMemo } from "../certificate/index.js";
import { keyPackageReasons } from "../group-policy.js";
import { compareCredentials, successorFault } from "../identity/same-client.js";
import { recordOf } from "../transparency.js";
import type { Reason } from "../verdict.js";
import {
  type GroupBasis,
  type JudgedCredential,
  type JudgedMembers,
  judgeCredential,
  verifyGroup,
  withReasons,
} from "./group.js";

/** What is known of bytes before an MLS library sees them. */
export interface Preflight<T> {
  /** Nothing is wrong with the bytes, and everybody in them is who they should be. */
  readonly accepted: boolean;
  /** Rules of RFC 9420 that the bytes break. */
  readonly violations: readonly Violation[];
  readonly judged: T | undefined;
}

export interface BytesFrame {
  /** `mls-message` when the bytes are an MLSMessage. */
  readonly framing?: "raw" | "mls-message";
}

/**
 * Before a member is added: its KeyPackage, by RFC 9420 and by the policy, and who it is. Never throws on hostile input.
 *
 * @param context of the group that it is to be added to
 */
export async function preflightAdd(
  bytes: Uint8Array,
  basis: GroupBasis,
  { context, framing = "mls-message" }: BytesFrame & { readonly context?: GroupContext } = {},
): Promise<Preflight<{ readonly keyPackage: KeyPackage; readonly member: JudgedCredential }>> {
  const { policy } = basis.policy;
  const { violations, value } = await preflightKeyPackage(basis.provider, bytes, {
    framing,
    now: BigInt(basis.time),
    ...(context === undefined ? {} : { cipherSuite: context.cipherSuite, groupExtensions: context.extensions }),
  });
  if (value === undefined) return { accepted: false, violations, judged: undefined };
  const scheme = schemeOf(value.cipherSuite);
  const member =
    scheme === undefined
      ? ({ accepted: false } as const)
      : await judgeCredential(value.leafNode, scheme, basis, new SignatureMemo());
  const judged = withReasons(member, keyPackageReasons(value, policy));
  return {
    accepted: violations.length === 0 && judged.accepted,
    violations,
    judged: { keyPackage: value, member: judged },
  };
}

/**
 * Before a group is joined, by Welcome or by external commit: its GroupInfo and tree, by RFC 9420 and by the policy, and
 * who is in it. Never throws on hostile input.
 *
 * @param rule.ratchetTree the encoded tree, when it comes beside the GroupInfo
 */
export async function preflightJoin(
  bytes: Uint8Array,
  basis: GroupBasis,
  rule: BytesFrame & { readonly ratchetTree?: Uint8Array; readonly externalCommit?: boolean } = {},
): Promise<Preflight<JudgedGroup & JudgedMembers>> {
  const { violations, value } = await preflightGroupInfo(basis.provider, bytes, rule);
  if (value?.tree === undefined || schemeOf(value.groupInfo.groupContext.cipherSuite) === undefined)
    return { accepted: false, violations, judged: undefined };
  const { groupContext } = value.groupInfo;
  const members = await verifyGroup(
    {
      ratchetTree: encode(RatchetTree, value.tree),
      groupId: groupContext.groupId,
      epoch: groupContext.epoch,
      cipherSuite: groupContext.cipherSuite,
      groupContext: encode(GroupContext, groupContext),
    },
    basis,
  );
  return {
    accepted: violations.length === 0 && members.accepted,
    violations,
    judged: { ...value, ...members },
  };
}

/** A group as its members know it, before an external commit. */
export interface GroupBefore {
  readonly tree: RatchetTree;
  readonly context: GroupContext;
}

/**
 * The rejoin guard: before an external commit is processed. Whether the policy lets the joiner in this way, who it is, and
 * that a leaf which it removes was its own, as a successor by the policy's rule (RFC 9420, "Joining via External Commits").
 * Never throws on hostile input.
 */
export async function preflightRejoin(
  bytes: Uint8Array,
  group: GroupBefore,
  basis: GroupBasis,
  { framing = "mls-message" }: BytesFrame = {},
): Promise<Preflight<JudgedExternalCommit & { readonly joiner: JudgedCredential }>> {
  const sameClient = (removed: LeafNode, joiner: LeafNode): boolean =>
    ["same-credential", "same-client"].includes(compareCredentials(removed.credential, joiner.credential));
  const rule = { ...group, framing, sameClient, now: BigInt(basis.time) };
  const { violations, value } = await preflightExternalCommit(basis.provider, bytes, rule);
  const scheme = schemeOf(group.context.cipherSuite);
  const leaf =
    value?.message.content.contentType === "commit" ? value.message.content.commit.path?.leafNode : undefined;
  if (value === undefined || leaf === undefined || scheme === undefined)
    return { accepted: false, violations, judged: undefined };
  const judged = await judgeCredential(leaf, scheme, basis, new SignatureMemo());
  const joiner = withReasons(judged, rejoinReasons(leaf, value.removed, group, judged, basis));
  return { accepted: violations.length === 0 && joiner.accepted, violations, judged: { ...value, joiner } };
}

function rejoinReasons(
  joiner: LeafNode,
  removed: number | undefined,
  { tree }: GroupBefore,
  judged: JudgedCredential,
  basis: GroupBasis,
): Reason[] {
  const { externalJoins, successor } = basis.policy.policy;
  const leaves = tree.flatMap((node) => (node?.nodeType === "leaf" ? [node.leafNode] : []));
  const relations = leaves.map((leaf) => compareCredentials(leaf.credential, joiner.credential));
  const ofMember = relations.some((relation) => relation !== "different");
  const reasons: Reason[] = [];
  const refuse = (code: "external-join-not-allowed" | "invalid-successor", path: string, detail: string): void =>
    void reasons.push({ code, severity: "refusal", section: "Validation policy", path, detail });
  if (externalJoins === "refuse") refuse("external-join-not-allowed", "externalJoins", "nobody may join this way");
  else if (externalJoins === "members" && !ofMember)
    refuse("external-join-not-allowed", "externalJoins", "only users who are members may join this way");
  const old = removed === undefined ? undefined : tree[2 * removed];
  if (old?.nodeType !== "leaf") {
    // Who is in the group already takes their former leaf along, or would stand there twice.
    if (relations.some((relation) => relation === "same-client" || relation === "same-credential"))
      refuse("invalid-successor", "proposals", "the joiner's former leaf would stay");
    return reasons;
  }
  const record = recordFor(judged, basis);
  const fault = successorFault(old.leafNode.credential, joiner.credential, "external-rejoin", successor, record);
  if (fault !== undefined) refuse("invalid-successor", "path.leafNode.credential", fault);
  return reasons;
}

function recordFor({ acceptance }: JudgedCredential, { devices }: GroupBasis): ReturnType<typeof recordIn> {
  const evidence = acceptance?.user === undefined ? undefined : devices(acceptance.user);
  return acceptance?.tbsCertificateHash === undefined || evidence === undefined
    ? undefined
    : recordIn(evidence.list, acceptance.tbsCertificateHash);
}

function recordIn(list: Parameters<typeof recordOf>[0], hash: string) {
  const bytes = Uint8Array.from(hash.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
  return recordOf(list, bytes)?.record;
}

function schemeOf(suite: number): number | undefined {
  return findCipherSuite(suite)?.signatureScheme;
}
