import { encode } from "@mls-as/tls-codec";
import { LogEntry } from "../structs/index.js";
import { HASH_LENGTH, type Suite } from "../suite/suite.js";
import { fullSubtrees } from "./subtrees.js";

/** The value of a log tree leaf. Draft section "Log Tree" of "Cryptographic Computations". */
export function leafValue(suite: Suite, entry: LogEntry): Uint8Array {
  return suite.hash(encode(LogEntry, entry));
}

/** The value of a parent; a child is a leaf where its subtree's level is 0. @throws RangeError for a child that is no hash */
export function parentValue(
  suite: Suite,
  left: Uint8Array,
  leftLevel: number,
  right: Uint8Array,
  rightLevel: number,
): Uint8Array {
  if (left.length !== HASH_LENGTH || right.length !== HASH_LENGTH) throw new RangeError("no hash value");
  const input = new Uint8Array(66);
  input[0] = leftLevel === 0 ? 0 : 1;
  input.set(left, 1);
  input[33] = rightLevel === 0 ? 0 : 1;
  input.set(right, 34);
  return suite.hash(input);
}

/**
 * Root of a log of `size` ≥ 1 entries from the values of its full subtrees, left to right.
 * @throws RangeError for values that are no hashes, or not as many as there are full subtrees
 */
export function rootValue(suite: Suite, size: number, heads: readonly Uint8Array[]): Uint8Array {
  const subtrees = fullSubtrees(size);
  if (heads.length !== subtrees.length || heads[0]?.length !== HASH_LENGTH) throw new RangeError("no hash values");
  let last = subtrees.length - 1;
  let value = heads[last] as Uint8Array;
  let level = (subtrees[last] as { level: number }).level;
  while (--last >= 0) {
    const leftLevel = (subtrees[last] as { level: number }).level;
    value = parentValue(suite, heads[last] as Uint8Array, leftLevel, value, level);
    level = leftLevel + 1;
  }
  return value;
}

/** A subtree whose head has just become final. */
export interface AppendedNode {
  readonly level: number;
  readonly index: number;
  readonly hash: Uint8Array;
}

/** The result of appending one leaf. */
export interface Appended {
  /** New full subtree values, left to right. */
  readonly heads: readonly Uint8Array[];
  /** The leaf and every subtree it completes, lowest first. */
  readonly nodes: readonly AppendedNode[];
}

/** Appends a leaf to a log of `size` entries given by its full subtree values: amortised one parent hash. */
export function appendLeaf(suite: Suite, size: number, heads: readonly Uint8Array[], leaf: Uint8Array): Appended {
  const rest = [...heads];
  const nodes: AppendedNode[] = [{ level: 0, index: size, hash: leaf }];
  let hash = leaf;
  let level = 0;
  for (let index = size; index % 2 === 1; index = (index - 1) / 2) {
    hash = parentValue(suite, rest.pop() as Uint8Array, level, hash, level);
    level++;
    nodes.push({ level, index: (index - 1) / 2, hash });
  }
  rest.push(hash);
  return { heads: rest, nodes };
}
