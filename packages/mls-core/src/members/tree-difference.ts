import { encode, equalBytes } from "@mls-as/tls-codec";
import { keyString } from "../checks/key-uniqueness-check.js";
import { Tree } from "../trees/tree.js";
import { LeafNode } from "../types/leaf-node.js";
import type { RatchetTree } from "../types/ratchet-tree.js";
import type { Sender } from "../types/framed-content.js";
import type { Proposal } from "../types/proposal.js";
import { type Member, memberOf } from "./members.js";

/** A proposal that a commit covers, and who made it; by-reference ones are resolved by the caller. */
export interface CommittedProposal {
  readonly proposal: Proposal;
  readonly sender: Sender;
}

/** The commit that led from one tree to the other, when it is at hand. */
export interface CommitContext {
  readonly committer: Sender;
  /** In the order of the commit. */
  readonly proposals: readonly CommittedProposal[];
}

/** Who did it: the proposal's sender, and the committer who made it so. */
export interface Attribution {
  readonly proposer: Sender;
  readonly committer: Sender;
}

export interface MemberAdded {
  readonly member: Member;
  readonly by: Attribution | undefined;
}
export interface MemberRemoved {
  readonly member: Member;
  readonly by: Attribution | undefined;
}
export interface MemberUpdated {
  readonly before: Member;
  readonly after: Member;
  readonly by: Attribution | undefined;
}

/** What happened to the members between two trees, each list by ascending leaf index. */
export interface TreeDifference {
  readonly added: readonly MemberAdded[];
  readonly removed: readonly MemberRemoved[];
  readonly updated: readonly MemberUpdated[];
}

/**
 * The difference of two trees of one group.
 *
 * A changed leaf that came from a KeyPackage is a client added in the place of one removed. Any other change in place counts as
 * an update (a renewal changes key and credential at once; whether it is the same client is for the caller to say), unless the
 * commit at hand removes the leaf.
 *
 * @throws MlsCoreError `invalid-argument` when either has not the shape of a ratchet tree
 */
export function diffMembers(before: RatchetTree, after: RatchetTree, commit?: CommitContext): TreeDifference {
  const [old, current] = [Tree.open(before), Tree.open(after)];
  const blame = new Blame(commit);
  const added: MemberAdded[] = [];
  const removed: MemberRemoved[] = [];
  const updated: MemberUpdated[] = [];
  const leafCount = Math.max(old.leafCount, current.leafCount);
  for (let leafIndex = 0; leafIndex < leafCount; leafIndex++) {
    const [was, is] = [old.leaf(leafIndex), current.leaf(leafIndex)];
    if (was !== undefined && is !== undefined) {
      if (was === is || equalBytes(encode(LeafNode, was), encode(LeafNode, is))) continue;
      if (!blame.removes(leafIndex) && is.leafNodeSource !== "keyPackage") {
        const by = blame.update(leafIndex);
        updated.push({ before: memberOf(leafIndex, was), after: memberOf(leafIndex, is), by });
        continue;
      }
    }
    if (was !== undefined) removed.push({ member: memberOf(leafIndex, was), by: blame.removal(leafIndex) });
    if (is !== undefined) added.push({ member: memberOf(leafIndex, is), by: blame.addition(is) });
  }
  return { added, removed, updated };
}

/** Finds the proposal that accounts for a change. */
class Blame {
  readonly #committer: Sender | undefined;
  readonly #removals = new Map<number, Sender>();
  readonly #updates = new Map<number, Sender>();
  readonly #additions = new Map<string, Sender>();

  constructor(commit: CommitContext | undefined) {
    this.#committer = commit?.committer;
    for (const { proposal, sender } of commit?.proposals ?? []) {
      if (proposal.proposalType === "remove") this.#removals.set(proposal.removed, sender);
      if (proposal.proposalType === "selfRemove" && sender.senderType === "member")
        this.#removals.set(sender.leafIndex, sender);
      if (proposal.proposalType === "update" && sender.senderType === "member")
        this.#updates.set(sender.leafIndex, sender);
      if (proposal.proposalType === "add")
        this.#additions.set(keyString(proposal.keyPackage.leafNode.signatureKey), sender);
    }
  }

  #by(proposer: Sender | undefined): Attribution | undefined {
    return proposer === undefined || this.#committer === undefined
      ? undefined
      : { proposer, committer: this.#committer };
  }

  removes(leafIndex: number): boolean {
    return this.#removals.has(leafIndex);
  }

  removal(leafIndex: number): Attribution | undefined {
    return this.#by(this.#removals.get(leafIndex));
  }

  update(leafIndex: number): Attribution | undefined {
    const committer = this.#committer;
    const own = committer?.senderType === "member" && committer.leafIndex === leafIndex ? committer : undefined;
    return this.#by(this.#updates.get(leafIndex) ?? own);
  }

  addition(leaf: LeafNode): Attribution | undefined {
    const proposer = this.#additions.get(keyString(leaf.signatureKey));
    const joiner = this.#committer?.senderType === "newMemberCommit" ? this.#committer : undefined;
    return this.#by(proposer ?? (leaf.leafNodeSource === "commit" ? joiner : undefined));
  }
}
