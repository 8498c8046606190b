import { type CryptoProvider, cipherSuite, type LeafNode, RatchetTree } from "@mls-as/mls-core";
import { CodecError, decode } from "@mls-as/tls-codec";
import type { DeviceEvidence, ReferenceIdentifier } from "../acceptance-basis.js";
import { bytesKey } from "../bytes-key.js";
import { CertificateError, mlsNames, parseCertificate, SignatureMemo } from "../certificate/index.js";
import type { GhostEvent, SightedLeaf } from "../ghost/index.js";
import type { PreparedPolicy } from "../prepared-policy.js";
import { sightOther, sightX509 } from "../sighting.js";
import type { Acceptance } from "../verdict.js";
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
}

export interface GroupBasis {
  readonly policy: PreparedPolicy;
  readonly provider: CryptoProvider;
  readonly roster: GroupRoster;
  readonly devices: (user: string) => DeviceEvidence | undefined;
  readonly time: number;
  readonly timeSource: "pin" | "stated" | "local";
}

/** The decision about one member. */
export interface GroupMember {
  readonly leafIndex: number;
  readonly accepted: boolean;
  readonly refused?: "not-x509" | "malformed-certificate" | "no-identity" | "not-on-roster";
  readonly acceptance?: Acceptance;
}

/**
 * Judges every member of a group from the bytes of its tree, on one basis and with shared work.
 *
 * The tree's own integrity (hashes, signatures of leaves) is the MLS library's part, or `checkRatchetTree` of mls-core.
 *
 * @throws CodecError when the bytes are no ratchet tree, MlsError for an unknown cipher suite
 */
export async function verifyGroup(
  group: GroupInput,
  basis: GroupBasis,
): Promise<{ readonly accepted: boolean; readonly members: readonly GroupMember[] }> {
  const memo = new SignatureMemo();
  const { signatureScheme } = cipherSuite(group.cipherSuite);
  const members: GroupMember[] = [];
  for (const [leafIndex, leaf] of leavesOf(group.ratchetTree)) {
    const expected = expect(leaf, basis.roster);
    if (typeof expected === "string") {
      members.push({ leafIndex, accepted: false, refused: expected });
      continue;
    }
    const devices = basis.devices(expected.reference.user);
    const { certificates } = expected;
    const acceptance = await judgeAcceptance(
      { certificates, signatureKey: leaf.signatureKey, signatureScheme },
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
    members.push({ leafIndex, accepted: acceptance.accepted, acceptance });
  }
  const { cipherSuites } = basis.policy.policy;
  const accepted = cipherSuites.includes(group.cipherSuite) && members.every((member) => member.accepted);
  return { accepted, members };
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
  leaf: LeafNode,
  roster: GroupRoster,
): { reference: ReferenceIdentifier; certificates: readonly Uint8Array[] } | NonNullable<GroupMember["refused"]> {
  if (leaf.credential.credentialType !== "x509") return "not-x509";
  const { certificates } = leaf.credential;
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
    const expected = expect(leaf, roster);
    const reference = typeof expected === "string" ? "" : expected.reference.user;
    return { ...sightX509(credential.certificates, leaf.signatureKey, reference), ...place };
  });
  return { type: "tree", at, group: bytesKey(group.groupId), epoch: Number(group.epoch), current, leaves };
}
