import { equalBytes } from "@mls-as/tls-codec";
import { KeytransError } from "../errors.js";
import type { Suite } from "../suite/index.js";
import { parentValue, rootValue } from "./hashing.js";
import { fullSubtrees, leftHalf, rightHalf, type Subtree, subtreeEnd, subtreeKey, subtreeStart } from "./subtrees.js";

const SECTION = "Log Tree (Tree Proofs)";

/** What a batch proof is about. Draft section "Log Tree" of "Tree Proofs" and the `inclusion` field of "Combined Tree". */
export interface BatchShape {
  /** Entries in the log. */
  readonly size: number;
  /** Positions of the leaves whose values are known, ascending. */
  readonly leaves: readonly number[];
  /** Size of the tree whose full subtrees the verifier retained. */
  readonly retained?: number | undefined;
  /** A second size, at most `size`, whose root must be computable: the auditor's. */
  readonly additional?: number | undefined;
}

type Step = "leaf" | "retained" | "element" | "split";

/** How the value of one subtree is obtained: the one rule that prover and verifier share. */
class BatchRules {
  readonly #shape: BatchShape;
  readonly #retained: ReadonlySet<string>;

  constructor(shape: BatchShape) {
    this.#shape = shape;
    this.#retained = new Set(shape.retained === undefined ? [] : fullSubtrees(shape.retained).map(subtreeKey));
  }

  step(subtree: Subtree): Step {
    const start = subtreeStart(subtree);
    const end = subtreeEnd(subtree);
    const known = this.#hasLeaf(start, end);
    if (subtree.level === 0 && known) return "leaf";
    const { retained, additional } = this.#shape;
    // A subtree that an additional root cuts in two is split even when retained, so that the retained value is recomputed
    // from both halves and ties the additional root to it.
    const cut = additional !== undefined && start < additional && additional < end;
    if (known || cut) return "split";
    if (this.#retained.has(subtreeKey(subtree))) return "retained";
    return retained !== undefined && start < retained && retained < end ? "split" : "element";
  }

  #hasLeaf(start: number, end: number): boolean {
    const { leaves } = this.#shape;
    let low = 0;
    let high = leaves.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((leaves[middle] as number) < start) low = middle + 1;
      else high = middle;
    }
    return low < leaves.length && (leaves[low] as number) < end;
  }
}

/** The subtrees whose values make up `InclusionProof.elements`, left to right. */
export function batchProofElements(shape: BatchShape): Subtree[] {
  const rules = new BatchRules(shape);
  const elements: Subtree[] = [];
  const visit = (subtree: Subtree): void => {
    const step = rules.step(subtree);
    if (step === "element") elements.push(subtree);
    else if (step === "split") {
      visit(leftHalf(subtree));
      visit(rightHalf(subtree));
    }
  };
  for (const subtree of fullSubtrees(shape.size)) visit(subtree);
  return elements;
}

/** Values of the log tree that a verified batch proof establishes, provided its root is the signed one. */
export class EvaluatedLogTree {
  readonly size: number;
  readonly root: Uint8Array;
  /** Full subtree values at `size`, left to right. */
  readonly heads: readonly Uint8Array[];
  readonly #suite: Suite;
  readonly #values: ReadonlyMap<string, Uint8Array>;

  constructor(suite: Suite, size: number, heads: readonly Uint8Array[], values: ReadonlyMap<string, Uint8Array>) {
    this.#suite = suite;
    this.size = size;
    this.heads = heads;
    this.root = rootValue(suite, size, heads);
    this.#values = values;
  }

  /** Full subtree values when the log had `size` entries; undefined where the proof does not reach them. */
  headsAt(size: number): readonly Uint8Array[] | undefined {
    const heads: Uint8Array[] = [];
    for (const subtree of fullSubtrees(size)) {
      const value = this.#values.get(subtreeKey(subtree));
      if (value === undefined) return undefined;
      heads.push(value);
    }
    return heads;
  }

  /** Every size at which the log's root can be computed. */
  reachableSizes(): number[] {
    const ends = new Set<number>();
    for (const key of this.#values.keys()) {
      const [level, index] = key.split("/").map(Number) as [number, number];
      ends.add(subtreeEnd({ level, index }));
    }
    return [...ends].filter((size) => this.headsAt(size) !== undefined);
  }

  /** Root when the log had `size` entries; undefined where the proof does not reach it. */
  rootAt(size: number): Uint8Array | undefined {
    const heads = this.headsAt(size);
    return heads && rootValue(this.#suite, size, heads);
  }
}

/**
 * Computes the log tree's values from a batch proof. `leafValues` belong to `shape.leaves`, `retainedHeads` to the full
 * subtrees of `shape.retained`. Where retained heads are recomputed they must match.
 * @throws KeytransError unexpected-count, retained-subtree-mismatch
 */
export function evaluateBatchProof(
  suite: Suite,
  shape: BatchShape,
  leafValues: readonly Uint8Array[],
  retainedHeads: readonly Uint8Array[],
  elements: readonly Uint8Array[],
  violated: (violation: KeytransError) => void = refuse,
): EvaluatedLogTree {
  const rules = new BatchRules(shape);
  const values = new Map<string, Uint8Array>();
  const retained = new Map<string, Uint8Array>();
  if (shape.retained !== undefined)
    fullSubtrees(shape.retained).forEach((subtree, i) => {
      retained.set(subtreeKey(subtree), retainedHeads[i] as Uint8Array);
    });
  const leaves = new Map(shape.leaves.map((position, i) => [position, leafValues[i] as Uint8Array]));
  let used = 0;
  const visit = (subtree: Subtree): Uint8Array => {
    const key = subtreeKey(subtree);
    const value = compute(subtree, key);
    const expected = retained.get(key);
    if (expected !== undefined && !equalBytes(value, expected))
      violated(new KeytransError("retained-subtree-mismatch", `subtree ${key} differs from the retained one`, SECTION));
    values.set(key, value);
    return value;
  };
  const compute = (subtree: Subtree, key: string): Uint8Array => {
    switch (rules.step(subtree)) {
      case "leaf":
        return leaves.get(subtree.index) as Uint8Array;
      case "retained":
        return retained.get(key) as Uint8Array;
      case "element": {
        const element = elements[used++];
        if (element === undefined) throw countError(used, elements.length);
        return element;
      }
      case "split": {
        const left = visit(leftHalf(subtree));
        const right = visit(rightHalf(subtree));
        return parentValue(suite, left, subtree.level - 1, right, subtree.level - 1);
      }
    }
  };
  const heads = fullSubtrees(shape.size).map(visit);
  if (used !== elements.length) throw countError(used, elements.length);
  return new EvaluatedLogTree(suite, shape.size, heads, values);
}

function refuse(violation: KeytransError): never {
  throw violation;
}

function countError(expected: number, actual: number): KeytransError {
  return new KeytransError(
    "unexpected-count",
    `${actual} inclusion elements where at least ${expected} or exactly that many are due`,
    SECTION,
    "inclusion.elements",
  );
}
