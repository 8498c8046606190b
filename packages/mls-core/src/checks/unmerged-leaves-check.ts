import { leavesBelow, parentOf } from "../trees/tree-math.js";
import type { Tree } from "../trees/tree.js";
import type { ParentNode } from "../types/ratchet-tree.js";
import type { Violations } from "./violation.js";

const SECTION = "Joining via Welcome Message";

/**
 * Verifies that every entry of `unmerged_leaves` is a leaf below its node that every parent in between knows of as well.
 *
 * @returns whether all lists are in order, so that parent hashes can be computed from them
 */
export function checkUnmergedLeaves(tree: Tree, violations: Violations): boolean {
  const before = violations.list.length;
  const sets = new Map<number, ReadonlySet<number>>();
  for (const x of tree.parents()) sets.set(x, new Set((tree.parentNode(x) as ParentNode).unmergedLeaves));
  for (const [x, entries] of sets) {
    const { first, last } = leavesBelow(x);
    const path = `tree[${x}].parent_node.unmerged_leaves`;
    const { unmergedLeaves } = tree.parentNode(x) as ParentNode;
    if (unmergedLeaves.some((leaf, i) => i > 0 && leaf <= (unmergedLeaves[i - 1] as number)))
      violations.add("unmerged-leaf-order", path, "Parent Node Contents", "entries must be strictly ascending");
    for (const leaf of entries) {
      if (leaf < first || leaf > last || tree.leaf(leaf) === undefined) {
        violations.add("unmerged-leaf-stray", path, SECTION, `leaf ${leaf} is blank or not below this node`);
        continue;
      }
      for (let y = parentOf(2 * leaf, tree.leafCount) as number; y !== x; y = parentOf(y, tree.leafCount) as number) {
        const between = sets.get(y);
        if (between === undefined || between.has(leaf)) continue;
        violations.add("unmerged-leaf-missing", path, SECTION, `node ${y} below lacks leaf ${leaf}`);
        break;
      }
    }
  }
  return violations.list.length === before;
}
