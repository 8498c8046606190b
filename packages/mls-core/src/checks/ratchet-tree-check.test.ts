import { existsSync, readFileSync } from "node:fs";
import { decode, encode, equalBytes } from "@mls-as/tls-codec";
import { describe, expect, it } from "vitest";
import { nodeProvider } from "../crypto/node-provider.js";
import { treeHashes } from "../trees/tree-hash.js";
import { rootOf } from "../trees/tree-math.js";
import { type OccupiedLeaf, resolution, Tree } from "../trees/tree.js";
import { type Node, RatchetTree } from "../types/ratchet-tree.js";
import { checkRatchetTree } from "./ratchet-tree-check.js";

interface TreeVector {
  readonly cipher_suite: number;
  readonly tree: string;
  readonly group_id: string;
  readonly tree_hashes: readonly string[];
  readonly resolutions: readonly (readonly number[])[];
}

const folder = process.env["CONFORMANCE_VECTORS"] ?? new URL("../../../../../shared/vectors", import.meta.url).pathname;
const path = `${folder}/mls/tree-validation.json`;
const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "hex"));

describe.skipIf(!existsSync(path))("trees of the working group (skipped without CONFORMANCE_VECTORS)", () => {
  const vectors = existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as readonly TreeVector[]) : [];
  const open = (vector: TreeVector) => ({
    tree: decode(RatchetTree, hex(vector.tree)),
    cipherSuite: vector.cipher_suite,
    groupId: hex(vector.group_id),
  });

  it("are valid, with the given hashes and resolutions", async () => {
    for (const vector of vectors) {
      const rule = open(vector);
      const tree = Tree.open(rule.tree);
      const hashes = treeHashes(nodeProvider, rule.cipherSuite, tree);
      expect(hashes.map((hash) => Buffer.from(hash).toString("hex"))).toEqual(vector.tree_hashes);
      expect(vector.resolutions.map((_, x) => resolution(tree, x))).toEqual(vector.resolutions);
      const treeHash = hashes[rootOf(tree.leafCount)] as Uint8Array;
      expect(await checkRatchetTree(nodeProvider, { ...rule, treeHash })).toEqual([]);
    }
  });

  it("any change to a node is noticed", async () => {
    const vector = vectors.find((v) => v.cipher_suite === 1 && v.resolutions.length > 14) as TreeVector;
    const rule = open(vector);
    const treeHash = hex(vector.tree_hashes[(vector.tree_hashes.length - 1) / 2] as string);
    for (let x = 0; x < rule.tree.length; x++) {
      const node = rule.tree[x];
      if (node === undefined) continue;
      const flip = (bytes: Uint8Array): Uint8Array => bytes.map((byte, i) => (i === 0 ? byte ^ 1 : byte));
      const changed: Node =
        node.nodeType === "leaf"
          ? { nodeType: "leaf", leafNode: { ...node.leafNode, encryptionKey: flip(node.leafNode.encryptionKey) } }
          : {
              nodeType: "parent",
              parentNode: { ...node.parentNode, encryptionKey: flip(node.parentNode.encryptionKey) },
            };
      const tree = rule.tree.with(x, changed);
      const codes = (await checkRatchetTree(nodeProvider, { ...rule, tree, treeHash })).map(({ code }) => code);
      expect(codes).toContain("tree-hash-mismatch");
      expect(codes).toContain(node.nodeType === "leaf" ? "invalid-signature" : "invalid-parent-hash");
    }
  });

  it("duplicated keys, stray and missing unmerged leaves are named", async () => {
    const vector = vectors.find(
      (v) =>
        v.cipher_suite === 1 &&
        open(v).tree.some((node) => node?.nodeType === "parent" && node.parentNode.unmergedLeaves.length > 0),
    ) as TreeVector;
    const rule = open(vector);
    const [first, second] = Tree.open(rule.tree).leaves() as [OccupiedLeaf, OccupiedLeaf, ...OccupiedLeaf[]];
    const twice = rule.tree.with(2 * second.leafIndex, rule.tree[2 * first.leafIndex]);
    const codes = async (tree: RatchetTree) =>
      (await checkRatchetTree(nodeProvider, { ...rule, tree })).map((v) => v.code);
    expect(await codes(twice)).toEqual(expect.arrayContaining(["duplicate-signature-key", "duplicate-encryption-key"]));
    const x = rule.tree.findIndex((node) => node?.nodeType === "parent" && node.parentNode.unmergedLeaves.length > 0);
    const node = rule.tree[x] as Extract<Node, { nodeType: "parent" }>;
    const withEntries = (unmergedLeaves: readonly number[]): RatchetTree =>
      rule.tree.with(x, { nodeType: "parent", parentNode: { ...node.parentNode, unmergedLeaves } });
    expect(await codes(withEntries([...node.parentNode.unmergedLeaves, 2 ** 32 - 1]))).toContain("unmerged-leaf-stray");
    const entry = node.parentNode.unmergedLeaves[0] as number;
    expect(await codes(withEntries([entry, entry]))).toContain("unmerged-leaf-order");
    expect(await codes(withEntries([]))).toContain("invalid-parent-hash");
  });

  it("re-encode to the same bytes", () => {
    for (const vector of vectors)
      expect(equalBytes(encode(RatchetTree, decode(RatchetTree, hex(vector.tree))), hex(vector.tree))).toBe(true);
  });
});
