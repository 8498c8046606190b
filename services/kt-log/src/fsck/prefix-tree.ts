import { sha256 } from "../log-tree.js";

const ZERO = new Uint8Array(32);
const HASH = 32;

/** A leaf as a log entry inserts it. */
export interface Leaf {
  readonly vrfOutput: Uint8Array;
  readonly commitment: Uint8Array;
}

interface Node {
  readonly id: number;
  readonly value: Uint8Array;
  readonly leaf?: Leaf;
  readonly left?: Node | undefined;
  readonly right?: Node | undefined;
}

/** What one log entry adds to the stored tree. */
export interface DerivedNodes {
  readonly nodes: ReadonlyMap<number, Uint8Array>;
  readonly superseded: ReadonlySet<number>;
}

const bit = (key: Uint8Array, depth: number): number => ((key[depth >> 3] ?? 0) >> (7 - (depth & 7))) & 1;

/** A child as its parent's row holds it: id in 64 bits, then the value; nothing but zeros for no child. */
function childBytes(node: Node | undefined): Uint8Array {
  const bytes = new Uint8Array(8 + HASH);
  if (node !== undefined) {
    new DataView(bytes.buffer).setBigUint64(0, BigInt(node.id));
    bytes.set(node.value, 8);
  }
  return bytes;
}

/** The row that holds a node. */
function rowOf({ leaf, left, right }: Pick<Node, "leaf" | "left" | "right">): Uint8Array {
  return leaf === undefined
    ? new Uint8Array([1, ...childBytes(left), ...childBytes(right)])
    : new Uint8Array([0, ...leaf.vrfOutput, ...leaf.commitment]);
}

/**
 * The prefix tree, derived from leaves alone (draft section "Prefix Tree"), with the rows that storing it takes. Shares
 * no code with the prover: where both agree, neither the stored bytes nor the prover are wrong.
 */
export class DerivedPrefixTree {
  #root: Node | undefined;
  #nextId = 1;
  #nodes = new Map<number, Uint8Array>();
  #superseded = new Set<number>();

  /** Root id; 0 for the empty tree. */
  get rootId(): number {
    return this.#root?.id ?? 0;
  }
  get rootValue(): Uint8Array {
    return this.#root?.value ?? ZERO;
  }
  get nextId(): number {
    return this.#nextId;
  }

  /** Inserts the leaves of one log entry. @throws RangeError where a search key is inserted twice */
  insert(leaves: readonly Leaf[]): DerivedNodes {
    this.#nodes = new Map();
    this.#superseded = new Set();
    const sorted = [...leaves].sort((a, b) => Buffer.compare(a.vrfOutput, b.vrfOutput));
    this.#root = this.#into(this.#root, sorted, 0);
    return { nodes: this.#nodes, superseded: this.#superseded };
  }

  /** All nodes of the present tree with their rows, ids ascending. */
  *nodes(): Generator<[id: number, bytes: Uint8Array]> {
    const ids: Node[] = [];
    const stack = [this.#root];
    while (stack.length > 0) {
      const node = stack.pop();
      if (node === undefined) continue;
      ids.push(node);
      stack.push(node.left, node.right);
    }
    ids.sort((a, b) => a.id - b.id);
    for (const node of ids) yield [node.id, rowOf(node)];
  }

  #into(node: Node | undefined, leaves: readonly Leaf[], depth: number): Node | undefined {
    const [first, second] = leaves;
    if (first === undefined) return node;
    if (node === undefined && second === undefined) return this.#leaf(first);
    if (depth === 8 * HASH) throw new RangeError("a search key is inserted twice");
    const zeros = leaves.filter(({ vrfOutput }) => bit(vrfOutput, depth) === 0);
    const ones = leaves.slice(zeros.length);
    const below = node?.leaf === undefined ? [node?.left, node?.right] : this.#moved(node, node.leaf, depth);
    const left = this.#into(below[0], zeros, depth + 1);
    const right = this.#into(below[1], ones, depth + 1);
    if (node !== undefined && node.leaf === undefined) this.#superseded.add(node.id);
    return this.#parent(left, right);
  }

  /** A leaf in the way of another moves down to where they part; it is not written again. */
  #moved(node: Node, leaf: Leaf, depth: number): [Node | undefined, Node | undefined] {
    return bit(leaf.vrfOutput, depth) === 0 ? [node, undefined] : [undefined, node];
  }

  #leaf(leaf: Leaf): Node {
    const { vrfOutput, commitment } = leaf;
    return { ...this.#store(rowOf({ leaf }), sha256(Uint8Array.of(2), vrfOutput, commitment)), leaf };
  }

  #parent(left: Node | undefined, right: Node | undefined): Node {
    const value = sha256(Uint8Array.of(3), left?.value ?? ZERO, right?.value ?? ZERO);
    return { ...this.#store(rowOf({ left, right }), value), left, right };
  }

  #store(bytes: Uint8Array, value: Uint8Array): { id: number; value: Uint8Array } {
    const id = this.#nextId++;
    this.#nodes.set(id, bytes);
    return { id, value };
  }
}
