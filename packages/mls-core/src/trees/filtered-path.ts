import { parentOf, siblingOf } from "./tree-math.js";
import { resolution, type Tree } from "./tree.js";

/** A node of a leaf's filtered direct path. */
export interface PathStep {
  readonly nodeIndex: number;
  /** Its child that is not on the path. */
  readonly copathChild: number;
  /** Node indices that a path secret for this node is encrypted to. */
  readonly recipients: readonly number[];
}

/** The filtered direct path of a leaf, from its parent to the root (RFC 9420, "Paths through a Ratchet Tree"). */
export function filteredDirectPath(tree: Tree, leafIndex: number): PathStep[] {
  const steps: PathStep[] = [];
  let x = 2 * leafIndex;
  for (;;) {
    const parent = parentOf(x, tree.leafCount);
    if (parent === undefined) return steps;
    const copathChild = siblingOf(x, tree.leafCount) as number;
    const recipients = resolution(tree, copathChild);
    if (recipients.length > 0) steps.push({ nodeIndex: parent, copathChild, recipients });
    x = parent;
  }
}
