import { decode, encode } from "@mls-as/tls-codec";
import { beforeAll, describe, expect, it } from "vitest";
import { nodeProvider } from "../crypto/node-provider.js";
import type { CryptoProvider } from "../crypto/provider.js";
import { listMembers } from "../members/members.js";
import { diffMembers } from "../members/tree-difference.js";
import { leftOf, levelOf, parentOf, rightOf, rootOf, siblingOf } from "../trees/tree-math.js";
import type { LeafNode } from "../types/leaf-node.js";
import { type Node, RatchetTree } from "../types/ratchet-tree.js";
import { checkRatchetTree } from "./ratchet-tree-check.js";

const LEAVES = 100_000;

/** A provider for which every signature holds: what is measured is everything else. */
const trusting: CryptoProvider = { ...nodeProvider, verify: () => true };

function key(seed: number): Uint8Array {
  const bytes = new Uint8Array(32).fill(0x42);
  new DataView(bytes.buffer).setUint32(0, seed + 1);
  return bytes;
}

function leaf(index: number): Node {
  const leafNode: LeafNode = {
    encryptionKey: key(2 * index),
    signatureKey: key(2 * index + 1),
    credential: { credentialType: "basic", identity: key(index) },
    capabilities: { versions: [1], cipherSuites: [1], extensions: [], proposals: [], credentials: [1] },
    leafNodeSource: "keyPackage",
    lifetime: { notBefore: 0n, notAfter: 2n ** 64n - 1n },
    extensions: [],
    signature: new Uint8Array(64),
  };
  return { nodeType: "leaf", leafNode };
}

describe(`a tree of ${LEAVES} leaves`, () => {
  let nodes: (Node | undefined)[];
  beforeAll(() => {
    nodes = Array.from({ length: 2 * LEAVES - 1 }, () => undefined);
    for (let i = 0; i < LEAVES; i++) nodes[2 * i] = leaf(i);
  });

  it("parses, checks, lists and compares without recursion", async () => {
    const tree = decode(RatchetTree, encode(RatchetTree, nodes));
    const rule = { cipherSuite: 1, groupId: new Uint8Array(4) };
    expect(await checkRatchetTree(trusting, { ...rule, tree })).toEqual([]);
    expect(listMembers(tree)).toHaveLength(LEAVES);
    const changed = tree.with(2 * (LEAVES - 1), leaf(LEAVES));
    expect(diffMembers(tree, changed).added.map(({ member }) => member.leafIndex)).toEqual([LEAVES - 1]);
  });

  it("a parent over half of it that claims everyone as unmerged is refused in reasonable time", async () => {
    const claim = (count: number): Node => ({
      nodeType: "parent",
      parentNode: {
        encryptionKey: key(900_000 + count),
        parentHash: new Uint8Array(),
        unmergedLeaves: Array.from({ length: count }, (_, i) => i),
      },
    });
    const hostile = [...nodes];
    for (let span = 2; span <= 65_536; span *= 2) hostile[span - 1] = claim(span);
    const started = performance.now();
    const rule = { cipherSuite: 1, groupId: new Uint8Array(4), tree: hostile };
    const codes = new Set((await checkRatchetTree(trusting, rule)).map(({ code }) => code));
    expect(codes).toEqual(new Set(["invalid-parent-hash"]));
    expect(performance.now() - started).toBeLessThan(30_000);
  });

  it("a signature that does not hold is found at its leaf", async () => {
    const few = nodes.slice(0, 5);
    const violations = await checkRatchetTree(nodeProvider, { cipherSuite: 1, groupId: new Uint8Array(4), tree: few });
    expect(violations.filter(({ code }) => code === "invalid-signature")).toHaveLength(3);
  });
});

describe("tree arithmetic beyond 32 bits", () => {
  const leafCount = 2 ** 32;
  it.each([0, 2 ** 32 - 2, 2 ** 32 - 1, 2 ** 32, 2 ** 33 - 2, 2 ** 33 - 3, 2 ** 31 + 5])("node %i", (x) => {
    const parent = parentOf(x, leafCount);
    if (x === rootOf(leafCount)) expect(parent).toBeUndefined();
    else {
      expect([leftOf(parent as number), rightOf(parent as number)]).toContain(x);
      expect([leftOf(parent as number), rightOf(parent as number)]).toContain(siblingOf(x, leafCount));
      expect(levelOf(parent as number)).toBe(levelOf(x) + 1);
    }
  });
});
