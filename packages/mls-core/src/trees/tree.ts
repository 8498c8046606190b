import { MlsCoreError } from "../errors.js";
import type { LeafNode } from "../types/leaf-node.js";
import { type Node, type ParentNode, type RatchetTree, ratchetTreeFault } from "../types/ratchet-tree.js";
import { leafCountFor, leftOf, nodeWidth, rightOf } from "./tree-math.js";

/** A leaf that is not blank, and where it stands. */
export interface OccupiedLeaf {
  readonly leafIndex: number;
  readonly leafNode: LeafNode;
}

/** A ratchet tree of known shape, extended to its full width: every index below `width` is a node, perhaps a blank one. */
export class Tree {
  readonly leafCount: number;
  readonly width: number;
  readonly #nodes: RatchetTree;

  private constructor(nodes: RatchetTree) {
    this.#nodes = nodes;
    this.leafCount = leafCountFor(nodes.length);
    this.width = nodeWidth(this.leafCount);
  }

  /** @throws MlsCoreError `invalid-argument` when the nodes do not have the shape of a ratchet tree */
  static open(nodes: RatchetTree): Tree {
    const fault = ratchetTreeFault(nodes);
    if (fault !== undefined)
      throw new MlsCoreError("invalid-argument", "tree", "RFC 9420, Ratchet Tree Extension", fault);
    return new Tree(nodes);
  }

  /** Undefined when blank or out of range. */
  node(nodeIndex: number): Node | undefined {
    return this.#nodes[nodeIndex];
  }

  /** Undefined when blank or out of range. */
  leaf(leafIndex: number): LeafNode | undefined {
    const node = this.#nodes[2 * leafIndex];
    return node?.nodeType === "leaf" ? node.leafNode : undefined;
  }

  /** Undefined when blank, out of range or a leaf. */
  parentNode(nodeIndex: number): ParentNode | undefined {
    const node = this.#nodes[nodeIndex];
    return node?.nodeType === "parent" ? node.parentNode : undefined;
  }

  /** Leaves that are not blank, by ascending index. */
  leaves(): OccupiedLeaf[] {
    const occupied: OccupiedLeaf[] = [];
    for (let i = 0; i < this.#nodes.length; i += 2) {
      const leafNode = this.leaf(i / 2);
      if (leafNode !== undefined) occupied.push({ leafIndex: i / 2, leafNode });
    }
    return occupied;
  }

  /** Indices of the parent nodes that are not blank, ascending. */
  parents(): number[] {
    const occupied: number[] = [];
    for (let i = 1; i < this.#nodes.length; i += 2) if (this.#nodes[i] !== undefined) occupied.push(i);
    return occupied;
  }
}

/** The resolution of a node, as node indices in order (RFC 9420, "Ratchet Tree Nodes"). */
export function resolution(tree: Tree, nodeIndex: number): number[] {
  const resolved: number[] = [];
  const pending = [nodeIndex];
  for (let x = pending.pop(); x !== undefined; x = pending.pop()) {
    const node = tree.node(x);
    if (node !== undefined) {
      resolved.push(x);
      if (node.nodeType === "parent") for (const leaf of node.parentNode.unmergedLeaves) resolved.push(2 * leaf);
      continue;
    }
    const [left, right] = [leftOf(x), rightOf(x)];
    if (left !== undefined && right !== undefined) pending.push(right, left);
  }
  return resolved;
}
