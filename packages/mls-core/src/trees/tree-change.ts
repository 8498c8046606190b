import type { LeafNode } from "../types/leaf-node.js";
import type { Node, RatchetTree } from "../types/ratchet-tree.js";
import { leafCountFor, parentOf } from "./tree-math.js";

/** Blanks the parents of a leaf, up to the root. */
function blankPath(nodes: (Node | undefined)[], leafIndex: number): void {
  const leafCount = leafCountFor(nodes.length);
  for (let x = parentOf(2 * leafIndex, leafCount); x !== undefined; x = parentOf(x, leafCount))
    if (x < nodes.length) nodes[x] = undefined;
}

/** The tree without a leaf: it and its direct path blank, blank nodes at the end gone (RFC 9420, "Adding and Removing Leaves"). */
export function withoutLeaf(tree: RatchetTree, leafIndex: number): RatchetTree {
  const nodes = [...tree];
  nodes[2 * leafIndex] = undefined;
  blankPath(nodes, leafIndex);
  while (nodes.length > 0 && nodes.at(-1) === undefined) nodes.pop();
  return nodes;
}

/** The leftmost blank leaf, or the first beyond the tree. */
export function leftmostFreeLeaf(tree: RatchetTree): number {
  let leafIndex = 0;
  while (tree[2 * leafIndex] !== undefined) leafIndex++;
  return leafIndex;
}

/** The tree with a leaf set and its direct path blank, as before a path is written to it. */
export function withFreshLeaf(tree: RatchetTree, leafIndex: number, leafNode: LeafNode): RatchetTree {
  const nodes = [...tree];
  while (nodes.length < 2 * leafIndex) nodes.push(undefined);
  nodes[2 * leafIndex] = { nodeType: "leaf", leafNode };
  blankPath(nodes, leafIndex);
  return nodes;
}
