import type { PrefixLeaf } from "../structs/index.js";
import type { Suite } from "../suite/index.js";

/** Draft section "Prefix Tree" of "Cryptographic Computations". */
export function prefixLeafValue(suite: Suite, leaf: PrefixLeaf): Uint8Array {
  const input = new Uint8Array(65);
  input[0] = 2;
  input.set(leaf.vrfOutput, 1);
  input.set(leaf.commitment, 33);
  return suite.hash(input);
}

/** A missing child's value is all zeros. */
export function prefixParentValue(suite: Suite, left: Uint8Array, right: Uint8Array): Uint8Array {
  const input = new Uint8Array(65);
  input[0] = 3;
  input.set(left, 1);
  input.set(right, 33);
  return suite.hash(input);
}
