import {
  type Codec,
  enumeration,
  opaqueV,
  optional,
  refined,
  struct,
  tagged,
  uint32,
  uint8,
  vectorV,
} from "@mls-as/tls-codec";
import { LeafNode } from "./leaf-node.js";

/** RFC 9420, "Parent Node Contents". */
export interface ParentNode {
  readonly encryptionKey: Uint8Array;
  readonly parentHash: Uint8Array;
  /** Leaf indices (not node indices). */
  readonly unmergedLeaves: readonly number[];
}
export const ParentNode: Codec<ParentNode> = struct({
  encryptionKey: opaqueV(),
  parentHash: opaqueV(),
  unmergedLeaves: vectorV(uint32),
});

/** RFC 9420, "Ratchet Tree Extension", with `node_type` as the discriminator. */
export type Node =
  | { readonly nodeType: "leaf"; readonly leafNode: LeafNode }
  | { readonly nodeType: "parent"; readonly parentNode: ParentNode };
export const Node: Codec<Node> = tagged("nodeType", enumeration(uint8, { leaf: 1, parent: 2 }), {
  leaf: struct({ leafNode: LeafNode }),
  parent: struct({ parentNode: ParentNode }),
});

/** Nodes in array order, leaves at even positions; blank nodes are undefined, blank nodes at the end are left out. */
export type RatchetTree = readonly (Node | undefined)[];

/** Why a list of nodes is no ratchet tree; undefined when it is one. */
export function ratchetTreeFault(nodes: RatchetTree): string | undefined {
  if (nodes.at(-1) === undefined) return nodes.length === 0 ? "a tree without nodes" : "the last node is blank";
  // Leaf indices are 32 bits wide.
  if (nodes.length > 2 ** 33 - 1) return "more leaves than indices";
  for (let i = 0; i < nodes.length; i++) {
    const due = i % 2 === 0 ? "leaf" : "parent";
    const kind = nodes[i]?.nodeType ?? due;
    if (kind !== due) return `node ${i} is a ${kind} where a ${due} is due`;
  }
  return undefined;
}

/** RFC 9420, "Ratchet Tree Extension": not empty, not ending in a blank node, leaves and parents in their places. */
export const RatchetTree: Codec<RatchetTree> = refined(vectorV(optional(Node)), ratchetTreeFault);
