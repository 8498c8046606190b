import {
  checkRatchetTree,
  leftOf,
  type Node,
  nodeWidth,
  parentOf,
  Proposal,
  RatchetTree,
  resolution,
  rightOf,
  rootOf,
  siblingOf,
  Tree,
  treeHash,
  treeHashes,
} from "@mls-as/mls-core";
import { nodeProvider } from "@mls-as/mls-core/node";
import { encode } from "@mls-as/tls-codec";
import { type Case, type CaseKind, unhex } from "./mls-case.js";

/** `tree-math`: every relation of every node. */
export const treeMath: CaseKind = {
  fields: ["n_leaves", "n_nodes", "root", "left", "right", "parent", "sibling"],
  async check(vector) {
    const leafCount = vector.integer("n_leaves");
    const width = nodeWidth(leafCount);
    vector.equal("n_nodes", width, vector.integer("n_nodes"));
    vector.equal("root", rootOf(leafCount), vector.integer("root"));
    const relations = { left: leftOf, right: rightOf, parent: parentOf, sibling: siblingOf } as const;
    for (const [name, relation] of Object.entries(relations)) {
      const expected = vector.list(name);
      vector.equal(`${name} entries`, expected.length, width);
      for (let x = 0; x < width; x++) vector.equal(`${name}[${x}]`, relation(x, leafCount) ?? null, expected[x]);
    }
  },
};

/** `tree-validation`: all tree hashes, all resolutions, and the checks of a joiner, of which none may find a fault. */
export const treeValidation: CaseKind = {
  fields: ["cipher_suite", "tree", "group_id", "tree_hashes", "resolutions"],
  async check(vector) {
    const suite = vector.integer("cipher_suite");
    const nodes = vector.decoded("tree", RatchetTree);
    const tree = Tree.open(nodes);
    const hashes = treeHashes(nodeProvider, suite, tree);
    const expected = vector.list("tree_hashes");
    vector.equal("tree_hashes entries", hashes.length, expected.length);
    for (const [x, hash] of hashes.entries())
      vector.equalBytes(`tree_hashes[${x}]`, hash, unhex(expected[x], `tree_hashes[${x}]`));
    const resolutions = vector.list("resolutions");
    vector.equal("resolutions entries", tree.width, resolutions.length);
    for (const [x, list] of resolutions.entries())
      vector.equal(`resolutions[${x}]`, JSON.stringify(resolution(tree, x)), JSON.stringify(list));
    await joinable(vector, nodes, suite, vector.bytes("group_id"));
  },
};

/** Leaf signatures, parent hashes, unmerged leaves, uniqueness, capabilities. */
export async function joinable(vector: Case, tree: RatchetTree, suite: number, groupId: Uint8Array): Promise<void> {
  const violations = await checkRatchetTree(nodeProvider, { tree, cipherSuite: suite, groupId });
  vector.equal("violations", violations.map(({ code, path }) => `${code} at ${path}`).join(", "), "");
}

type Nodes = (Node | undefined)[];

function blankPath(nodes: Nodes, leafIndex: number, leafCount: number): void {
  for (let x = parentOf(2 * leafIndex, leafCount); x !== undefined; x = parentOf(x, leafCount)) nodes[x] = undefined;
}

/** RFC 9420, "Add", "Update" and "Remove", on a tree of full width. */
function apply(nodes: Nodes, proposal: Proposal, sender: number): Nodes {
  let leafCount = (nodes.length + 1) / 2;
  if (proposal.proposalType === "update") {
    nodes[2 * sender] = { nodeType: "leaf", leafNode: proposal.leafNode };
    blankPath(nodes, sender, leafCount);
  } else if (proposal.proposalType === "remove") {
    nodes[2 * proposal.removed] = undefined;
    blankPath(nodes, proposal.removed, leafCount);
    while (leafCount > 1 && nodes.slice(leafCount).every((node) => node === undefined)) {
      leafCount /= 2;
      nodes.length = 2 * leafCount - 1;
    }
  } else if (proposal.proposalType === "add") {
    let free = 0;
    while (free < leafCount && nodes[2 * free] !== undefined) free++;
    while (free >= leafCount) {
      leafCount *= 2;
      while (nodes.length < 2 * leafCount - 1) nodes.push(undefined);
    }
    nodes[2 * free] = { nodeType: "leaf", leafNode: proposal.keyPackage.leafNode };
    for (let x = parentOf(2 * free, leafCount); x !== undefined; x = parentOf(x, leafCount)) {
      const node = nodes[x];
      if (node?.nodeType !== "parent") continue;
      const unmergedLeaves = [...node.parentNode.unmergedLeaves, free].toSorted((a, b) => a - b);
      nodes[x] = { nodeType: "parent", parentNode: { ...node.parentNode, unmergedLeaves } };
    }
  } else throw new Error(`a ${proposal.proposalType} does not change the tree`);
  return nodes;
}

/** A tree of full width. */
export function fullWidth(tree: RatchetTree): Nodes {
  return Array.from({ length: Tree.open(tree).width }, (_, x) => tree[x]);
}

/** The inverse of {@link fullWidth}. */
export function withoutTrailingBlanks(nodes: Nodes): RatchetTree {
  return nodes.slice(0, nodes.findLastIndex((node) => node !== undefined) + 1);
}

/** `tree-operations`: one proposal, the tree before and after it, byte for byte, and both tree hashes. */
export const treeOperations: CaseKind = {
  fields: [
    "cipher_suite",
    "proposal",
    "proposal_sender",
    "tree_before",
    "tree_after",
    "tree_hash_before",
    "tree_hash_after",
  ],
  async check(vector) {
    const suite = vector.integer("cipher_suite");
    const before = vector.decoded("tree_before", RatchetTree);
    vector.decoded("tree_after", RatchetTree);
    vector.equalBytes("tree_hash_before", treeHash(nodeProvider, suite, before), vector.bytes("tree_hash_before"));
    const proposal = vector.decoded("proposal", Proposal);
    const changed = apply(fullWidth(before), proposal, vector.integer("proposal_sender"));
    const after = withoutTrailingBlanks(changed);
    vector.equalBytes("tree_after", encode(RatchetTree, after), vector.bytes("tree_after"));
    vector.equalBytes("tree_hash_after", treeHash(nodeProvider, suite, after), vector.bytes("tree_hash_after"));
  },
};
