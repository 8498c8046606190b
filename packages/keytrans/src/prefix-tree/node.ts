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

const LEAF_LENGTH = 65;
const PARENT_LENGTH = 81;

/** The row of a node, as {@link PrefixNode} encodes it. */
export function encodePrefixNode(node: PrefixNode): Uint8Array {
  if (node.type === "leaf") return encode(PrefixNode, node);
  const row = new Uint8Array(PARENT_LENGTH);
  row[0] = 1;
  setChild(row, 1, node.left);
  setChild(row, 41, node.right);
  return row;
}

function setChild(row: Uint8Array, offset: number, { id, value }: PrefixChild): void {
  let rest = id;
  for (let i = offset + 7; rest > 0; i--) {
    row[i] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  row.set(value, offset + 8);
}

/**
 * Reads a stored node. The log's own rows are read once for each step of each search, so this goes without the general
 * codec; anything but a row of the right length and tag is left to it to refuse.
 */
export function decodePrefixNode(stored: Uint8Array): PrefixNode {
  if (stored[0] === 1 && stored.length === PARENT_LENGTH)
    return { type: "parent", left: childAt(stored, 1), right: childAt(stored, 41) };
  if (stored[0] === 0 && stored.length === LEAF_LENGTH)
    return { type: "leaf", vrfOutput: copyOf(stored, 1), commitment: copyOf(stored, 33) };
  return decode(PrefixNode, stored);
}

function childAt(stored: Uint8Array, offset: number): PrefixChild {
  let id = 0;
  for (let i = offset; i < offset + 8; i++) id = id * 256 + (stored[i] as number);
  return { id, value: copyOf(stored, offset + 8) };
}

/** A copy of 32 bytes; never a view, also where the row is a node Buffer. */
function copyOf(stored: Uint8Array, offset: number): Uint8Array {
  const copy = new Uint8Array(32);
  copy.set(stored.subarray(offset, offset + 32));
  return copy;
}

/** Where nodes come from. Answers in the order asked. */
export interface PrefixNodeSource {
  prefixNodes(ids: readonly number[]): Promise<readonly Uint8Array[]> | readonly Uint8Array[];
}
