import { compareBytes, equalBytes } from "@mls-as/tls-codec";
import { KeytransError } from "../errors.js";
import type { PrefixLeaf } from "../structs/index.js";
import type { Suite } from "../suite/index.js";
import { splitByBit } from "./bits.js";
import { prefixLeafValue, prefixParentValue } from "./hashing.js";
import { encodePrefixNode, NO_CHILD, type PrefixChild, type PrefixNode, type PrefixNodeSource } from "./node.js";
import { type LoadedPaths, loadPaths } from "./paths.js";

/** The next version of a prefix tree, and what storing it takes. */
export interface InsertedLeaves {
  readonly root: PrefixChild;
  /** New nodes, ids ascending and consecutive. */
  readonly nodes: readonly { readonly id: number; readonly bytes: Uint8Array }[];
  /** Nodes of the version before that the new version no longer contains. */
  readonly superseded: readonly number[];
  /** First id not used yet. */
  readonly nextId: number;
}

const keyOf = (leaf: PrefixLeaf): Uint8Array => leaf.vrfOutput;

interface Placed {
  readonly leaf: PrefixLeaf;
  /** Set where the leaf already is in the tree: it is moved down, not rewritten. */
  readonly existing?: PrefixChild;
}

/**
 * Adds leaves to a tree without touching the version before: new nodes on the paths, everything else shared, common
 * ancestors of the batch hashed once.
 * @throws KeytransError invalid-argument where a key is already present or given twice
 */
export async function insertLeaves(
  suite: Suite,
  source: PrefixNodeSource,
  root: PrefixChild,
  leaves: readonly PrefixLeaf[],
  nextId: number,
): Promise<InsertedLeaves> {
  const sorted = [...leaves].sort((a, b) => compareBytes(a.vrfOutput, b.vrfOutput));
  sorted.forEach((leaf, i) => {
    if (i > 0 && equalBytes(keyOf(sorted[i - 1] as PrefixLeaf), keyOf(leaf))) throw duplicate();
  });
  const paths = await loadPaths(source, root, sorted.map(keyOf));
  const insertion = new Insertion(suite, paths, nextId);
  const next = insertion.into(root, sorted, 0);
  return { root: next, nodes: insertion.nodes, superseded: insertion.superseded, nextId: insertion.nextId };
}

class Insertion {
  readonly nodes: { id: number; bytes: Uint8Array }[] = [];
  readonly superseded: number[] = [];
  nextId: number;
  readonly #suite: Suite;
  readonly #paths: LoadedPaths;

  constructor(suite: Suite, paths: LoadedPaths, nextId: number) {
    this.#suite = suite;
    this.#paths = paths;
    this.nextId = nextId;
  }

  into(child: PrefixChild, leaves: readonly PrefixLeaf[], depth: number): PrefixChild {
    if (leaves.length === 0) return child;
    if (child.id === 0)
      return this.#build(
        leaves.map((leaf) => ({ leaf })),
        depth,
      );
    const node = this.#paths.get(child.id) as PrefixNode;
    if (node.type === "leaf") return this.#build(this.#beside(node, child, leaves), depth);
    const middle = splitByBit(leaves, keyOf, 0, leaves.length, depth);
    const left = this.into(node.left, leaves.slice(0, middle), depth + 1);
    const right = this.into(node.right, leaves.slice(middle), depth + 1);
    this.superseded.push(child.id);
    return this.#parent(left, right);
  }

  #beside(node: PrefixLeaf, existing: PrefixChild, leaves: readonly PrefixLeaf[]): Placed[] {
    const placed: Placed[] = leaves.map((leaf) => ({ leaf }));
    const at = leaves.findIndex((leaf) => compareBytes(leaf.vrfOutput, node.vrfOutput) >= 0);
    if (at >= 0 && equalBytes(keyOf(leaves[at] as PrefixLeaf), node.vrfOutput)) throw duplicate();
    placed.splice(at < 0 ? leaves.length : at, 0, { leaf: node, existing });
    return placed;
  }

  #build(placed: readonly Placed[], depth: number): PrefixChild {
    if (placed.length === 0) return NO_CHILD;
    if (placed.length === 1) return this.#leaf(placed[0] as Placed);
    const middle = splitByBit(placed, ({ leaf }) => leaf.vrfOutput, 0, placed.length, depth);
    const left = this.#build(placed.slice(0, middle), depth + 1);
    const right = this.#build(placed.slice(middle), depth + 1);
    return this.#parent(left, right);
  }

  #leaf({ leaf, existing }: Placed): PrefixChild {
    if (existing !== undefined) return existing;
    const { vrfOutput, commitment } = leaf;
    return this.#store({ type: "leaf", vrfOutput, commitment }, prefixLeafValue(this.#suite, leaf));
  }

  #parent(left: PrefixChild, right: PrefixChild): PrefixChild {
    return this.#store({ type: "parent", left, right }, prefixParentValue(this.#suite, left.value, right.value));
  }

  #store(node: PrefixNode, value: Uint8Array): PrefixChild {
    const id = this.nextId++;
    this.nodes.push({ id, bytes: encodePrefixNode(node) });
    return { id, value };
  }
}

function duplicate(): KeytransError {
  return new KeytransError("invalid-argument", "a search key is inserted twice", "Prefix Tree");
}
