import { type Codec, enumeration, opaqueV, optional, struct, tagged, uint32, uint8, vectorV } from "@mls-as/tls-codec";
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
/** RFC 9420, "Ratchet Tree Extension". That kinds match positions is for the checks to say. */
export const RatchetTree: Codec<RatchetTree> = vectorV(optional(Node));
