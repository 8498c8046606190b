import { type Infer, struct, tagged, decode, encode, enumeration, bytes, uint8, uint64Number } from "@mls-as/tls-codec";
import { PrefixLeaf, ZERO_HASH } from "../structs/index.js";

/** A child as its parent stores it: node id (0: no child) and value (all zeros: no child). Ids are never reused. */
export const PrefixChild = struct({ id: uint64Number, value: bytes(32) });
export type PrefixChild = Infer<typeof PrefixChild>;

export const NO_CHILD: PrefixChild = { id: 0, value: ZERO_HASH };

/** A stored, immutable node. Nodes are shared by all tree versions that contain them. */
export const PrefixNode = tagged("type", enumeration(uint8, { leaf: 0, parent: 1 }), {
  leaf: PrefixLeaf,
  parent: struct({ left: PrefixChild, right: PrefixChild }),
});
export type PrefixNode = Infer<typeof PrefixNode>;
export type PrefixParent = Extract<PrefixNode, { type: "parent" }>;

export const encodePrefixNode = (node: PrefixNode): Uint8Array => encode(PrefixNode, node);
export const decodePrefixNode = (stored: Uint8Array): PrefixNode => decode(PrefixNode, stored);

/** Where nodes come from. Answers in the order asked. */
export interface PrefixNodeSource {
  prefixNodes(ids: readonly number[]): Promise<readonly Uint8Array[]> | readonly Uint8Array[];
}
