import { createHash } from "node:crypto";
import {
  type KeyPackage,
  keyPackageTbs,
  LeafNode,
  type LeafPosition,
  leafNodeTbs,
  type Node,
  ParentNode,
  parentHash,
  type RatchetTree,
  SignatureLabel,
  SignatureScheme,
  signaturePublicKey,
  signWithLabel,
  type UnsignedLeafNode,
} from "@mls-as/mls-core";
import { nodeProvider } from "@mls-as/mls-core/node";
import { encode, opaqueV, optional, struct, uint32, uint8 } from "@mls-as/tls-codec";

const SUITE = 1;
export const GROUP_ID = new TextEncoder().encode("bench group");
const MISSING = new Uint8Array();

const octets = (name: string): Uint8Array => new Uint8Array(createHash("sha256").update(name).digest());

function unsignedLeaf(name: string, publicKey: Uint8Array): UnsignedLeafNode {
  return {
    encryptionKey: octets(`encryption key of ${name}`),
    signatureKey: publicKey,
    credential: {
      credentialType: "basic",
      identity: new TextEncoder().encode(`mimi://example.org/d/${name}/phone`),
    },
    capabilities: { versions: [1], cipherSuites: [1, 2, 3], extensions: [0xf0a5], proposals: [], credentials: [1, 2] },
    leafNodeSource: "keyPackage",
    lifetime: { notBefore: 0n, notAfter: 4_000_000_000n },
    extensions: [],
  };
}

async function signedLeaf(
  name: string,
  parentHashOfLeaf: Uint8Array | undefined,
  position: LeafPosition,
): Promise<Node> {
  const privateKey = octets(`signature key of ${name}`);
  const plain = unsignedLeaf(name, signaturePublicKey(SignatureScheme.ed25519, privateKey));
  const { encryptionKey, signatureKey, credential, capabilities, extensions } = plain;
  const leaf: UnsignedLeafNode =
    parentHashOfLeaf === undefined
      ? plain
      : {
          encryptionKey,
          signatureKey,
          credential,
          capabilities,
          extensions,
          leafNodeSource: "commit",
          parentHash: parentHashOfLeaf,
        };
  const label = SignatureLabel.leafNode;
  const signature = await signWithLabel(
    nodeProvider,
    SignatureScheme.ed25519,
    privateKey,
    label,
    leafNodeTbs(leaf, position),
  );
  return { nodeType: "leaf", leafNode: { ...leaf, signature } };
}

const LeafHashInput = struct({ nodeType: uint8, leafIndex: uint32, leafNode: optional(LeafNode) });
const ParentHashInput = struct({
  nodeType: uint8,
  parentNode: optional(ParentNode),
  left: opaqueV(),
  right: opaqueV(),
});

/**
 * A ratchet tree of `count` Ed25519 members with every parent set. Each parent was set by the leftmost leaf below it, so that
 * all parent hashes are due: from every right child (and the root) a chain of them leads down to the left.
 */
export async function fullTree(count: number): Promise<RatchetTree> {
  let leafCount = 1;
  while (leafCount < count) leafCount *= 2;
  const nodes: (Node | undefined)[] = Array.from({ length: 2 * leafCount - 1 }, () => undefined);
  const hashes: Uint8Array[] = [];
  const hash = (data: Uint8Array): Uint8Array => nodeProvider.hash("SHA-256", data);
  for (let half = 1; half <= leafCount; half *= 2)
    for (let x = half - 1; x < nodes.length; x += 2 * half) {
      if (half < leafCount && ((x - half + 1) / (2 * half)) % 2 === 0) continue; // a left child
      let above: Uint8Array | undefined;
      let at = x;
      for (let step = half / 2; step >= 1; step /= 2) {
        if (at + 1 < 2 * count) {
          const parentNode = { encryptionKey: octets(`node ${at}`), parentHash: above ?? MISSING, unmergedLeaves: [] };
          nodes[at] = { nodeType: "parent", parentNode };
          above = parentHash(nodeProvider, SUITE, parentNode, hashes[at + step] as Uint8Array);
        }
        at -= step;
      }
      const leafIndex = at / 2;
      if (leafIndex < count)
        nodes[at] = await signedLeaf(`member ${leafIndex}`, above, { groupId: GROUP_ID, leafIndex });
      const leaf = nodes[at];
      const leafNode = leaf?.nodeType === "leaf" ? leaf.leafNode : undefined;
      hashes[at] = hash(encode(LeafHashInput, { nodeType: 1, leafIndex, leafNode }));
      for (let step = 1; step < half; step *= 2) {
        const left = hashes[at] as Uint8Array;
        at += step;
        const node = nodes[at];
        const parentNode = node?.nodeType === "parent" ? node.parentNode : undefined;
        const right = hashes[at + step] as Uint8Array;
        hashes[at] = hash(encode(ParentHashInput, { nodeType: 2, parentNode, left, right }));
      }
    }
  return nodes.slice(0, 2 * count - 1);
}

/** A valid KeyPackage. */
export async function keyPackage(name: string): Promise<KeyPackage> {
  const leaf = await signedLeaf(name, undefined, { groupId: GROUP_ID, leafIndex: 0 });
  if (leaf.nodeType !== "leaf") throw new Error("not a leaf");
  const initKey = octets(`init key of ${name}`);
  const fields = { version: 1, cipherSuite: SUITE, initKey, leafNode: leaf.leafNode, extensions: [] };
  const privateKey = octets(`signature key of ${name}`);
  const content = keyPackageTbs(fields);
  const { ed25519 } = SignatureScheme;
  return {
    ...fields,
    signature: await signWithLabel(nodeProvider, ed25519, privateKey, SignatureLabel.keyPackage, content),
  };
}
