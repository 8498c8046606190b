import {
  cipherSuite,
  ExternalPub,
  GroupInfo,
  groupInfoTbs,
  type Node,
  nobleProvider,
  parentHash,
  RatchetTree,
  SignatureLabel,
  signWithLabel,
  Tree,
  treeHash,
  treeHashes,
} from "@mls-as/mls-core";
import { encode } from "@mls-as/tls-codec";
import { octets } from "./certificates.js";
import type { CorpusCase } from "./corpus.js";
import { flipped } from "./key-package-cases.js";
import { asSource, encryptionKey, GROUP_ID, type Member, member, signed, unsignedLeaf } from "./members.js";

const BLANK = new Uint8Array();
type Nodes = (Node | undefined)[];

function parent(suite: number, name: string, above: Uint8Array, unmergedLeaves: number[] = []): Node {
  const parentNode = { encryptionKey: encryptionKey(suite, name), parentHash: above, unmergedLeaves };
  return { nodeType: "parent", parentNode };
}

/** Members of a group of which the first has committed: leaves 0, 1, 2, parents at 1 and 3; leaf 3 came after the commit. */
class Group {
  readonly suite: number;
  readonly members: readonly Member[];

  constructor(members: readonly Member[]) {
    this.members = members;
    this.suite = (members[0] as Member).suite;
  }

  async leaf(index: number, changes: object = {}): Promise<Node> {
    const who = this.members[index] as Member;
    return { nodeType: "leaf", leafNode: await signed(who, unsignedLeaf(who, changes)) };
  }

  /** @param changes to the leaf that index 1 brought in its KeyPackage, before the commit */
  async tree(changes: object = {}): Promise<Nodes> {
    const committer = this.members[0] as Member;
    const nodes: Nodes = [await this.leaf(0), undefined, await this.leaf(1, changes), undefined, await this.leaf(2)];
    const hashes = treeHashes(nobleProvider, this.suite, Tree.open(nodes));
    const root = { encryptionKey: encryptionKey(this.suite, "root"), parentHash: BLANK };
    const above = parentHash(nobleProvider, this.suite, root, hashes[5] as Uint8Array);
    const lower = { encryptionKey: encryptionKey(this.suite, "node 1"), parentHash: above };
    const first = parentHash(nobleProvider, this.suite, lower, hashes[2] as Uint8Array);
    const leaf = asSource(unsignedLeaf(committer), "commit", first);
    nodes[0] = { nodeType: "leaf", leafNode: await signed(committer, leaf, { groupId: GROUP_ID, leafIndex: 0 }) };
    nodes[1] = parent(this.suite, "node 1", above);
    nodes[3] = parent(this.suite, "root", BLANK);
    return nodes;
  }

  /** A GroupInfo that is signed as it is, over the hash of the tree as it is. */
  async info(nodes: RatchetTree, changes: object = {}, context: object = {}, by = 0): Promise<GroupInfo> {
    const signer = this.members[by] as Member;
    const { kem, hashLength } = cipherSuite(this.suite);
    const externalPub = encryptionKey(this.suite, `external, ${kem}`);
    const fields = {
      groupContext: {
        version: 1,
        cipherSuite: this.suite,
        groupId: GROUP_ID,
        epoch: 4n,
        treeHash: treeHash(nobleProvider, this.suite, nodes),
        confirmedTranscriptHash: octets("transcript", hashLength),
        extensions: [],
        ...context,
      },
      extensions: [
        { extensionType: 2, extensionData: encode(RatchetTree, nodes) },
        { extensionType: 4, extensionData: encode(ExternalPub, { externalPub }) },
      ],
      confirmationTag: octets("confirmation tag", hashLength),
      signer: 0,
      ...changes,
    };
    const { scheme, privateKey } = signer.key;
    const content = groupInfoTbs(fields);
    const signature = await signWithLabel(nobleProvider, scheme, privateKey, SignatureLabel.groupInfo, content);
    return { ...fields, signature };
  }
}

/** GroupInfos with their trees: `codes` empty when valid. */
export async function groupInfoCases(suite: number): Promise<CorpusCase[]> {
  const members = await Promise.all(["alice", "bob", "carol", "dave"].map((name) => member(suite, name)));
  const group = new Group(members);
  const cases: CorpusCase[] = [];
  const add = (name: string, description: string, info: GroupInfo, ...codes: string[]): void => {
    const bytes = encode(GroupInfo, info);
    cases.push({ name: `group-${name}`, description, structure: "GroupInfo", bytes, codes });
  };
  const nodes = await group.tree();
  const withNode = (index: number, node: Node | undefined): Nodes => nodes.with(index, node);
  const valid = await group.info(nodes);
  add("valid", "Three members, of which the first has committed", valid);

  const late: Nodes = [...nodes, undefined, await group.leaf(3)];
  late[3] = parent(suite, "root", BLANK, [3]);
  add("unmerged", "A fourth member came after the commit", await group.info(late));

  add(
    "signature",
    "One bit of the signature is flipped",
    { ...valid, signature: flipped(valid.signature) },
    "invalid-signature",
  );
  add("other-signer", "Signed by another member than it says", await group.info(nodes, {}, {}, 1), "invalid-signature");
  add(
    "signer-out-of-range",
    "signer is far beyond the tree",
    await group.info(nodes, { signer: 2 ** 32 - 1 }),
    "unknown-signer",
  );
  add("signer-blank", "signer is a blank leaf", await group.info(nodes, { signer: 3 }), "unknown-signer");
  add(
    "tree-hash",
    "The tree hash is of another tree",
    await group.info(nodes, {}, { treeHash: treeHash(nobleProvider, suite, late) }),
    "tree-hash-mismatch",
  );
  add("no-tree", "No ratchet_tree extension", await group.info(nodes, { extensions: [] }), "missing-tree");
  add(
    "trailing-blank",
    "The ratchet_tree ends with a blank node",
    await group.info(nodes, { extensions: [{ extensionType: 2, extensionData: encodeWithBlank(nodes) }] }),
    "malformed",
  );
  add(
    "duplicate-extension",
    "Two ratchet_tree extensions",
    await group.info(nodes, { extensions: [...valid.extensions, valid.extensions[0]] }),
    "duplicate-extension",
  );

  const lower = nodes[1];
  const root = nodes[3];
  if (lower?.nodeType !== "parent" || root?.nodeType !== "parent") throw new Error("the group has no parents");
  const changedKey: Node = {
    ...lower,
    parentNode: { ...lower.parentNode, encryptionKey: encryptionKey(suite, "another") },
  };
  add(
    "parent-key",
    "The key of a parent was exchanged after the commit",
    await group.info(withNode(1, changedKey)),
    "invalid-parent-hash",
  );
  const cut: Node = { ...lower, parentNode: { ...lower.parentNode, parentHash: BLANK } };
  add(
    "parent-hash",
    "The parent hash of a parent is cleared",
    await group.info(withNode(1, cut)),
    "invalid-parent-hash",
  );
  const claim = (leaves: number[]): Nodes => withNode(3, parent(suite, "root", BLANK, leaves));
  add("unmerged-blank", "A blank leaf is listed as unmerged", await group.info(claim([3])), "unmerged-leaf-stray");
  add(
    "unmerged-far",
    "A leaf beyond the tree is listed as unmerged",
    await group.info(claim([2 ** 32 - 1])),
    "unmerged-leaf-stray",
  );
  const twice: Nodes = [...late];
  twice[3] = parent(suite, "root", BLANK, [3, 3]);
  add("unmerged-twice", "A leaf is listed twice as unmerged", await group.info(twice), "unmerged-leaf-order");

  const key = (nodes[4] as Extract<Node, { nodeType: "leaf" }>).leafNode.encryptionKey;
  add(
    "duplicate-encryption-key",
    "Two members have one encryption key",
    await group.info(await group.tree({ encryptionKey: key })),
    "duplicate-encryption-key",
  );
  const clone = new Group([members[0], members[2], members[2], members[3]] as Member[]);
  const cloned = await clone.tree({ encryptionKey: encryptionKey(suite, "clone") });
  add(
    "duplicate-signature-key",
    "Two members have one signature key",
    await clone.info(cloned),
    "duplicate-signature-key",
  );
  const leaf = nodes[4] as Extract<Node, { nodeType: "leaf" }>;
  const forged: Node = { ...leaf, leafNode: { ...leaf.leafNode, signature: flipped(leaf.leafNode.signature) } };
  add(
    "leaf-signature",
    "One bit of a member's leaf signature is flipped, which the parent hash covers too",
    await group.info(withNode(4, forged)),
    "invalid-signature",
    "invalid-parent-hash",
  );
  const moved = await group.tree();
  const away: Nodes = [undefined, undefined, moved[2], undefined, moved[4], undefined, moved[0]];
  add(
    "moved-leaf",
    "A leaf that was signed for another position",
    await group.info(away, { signer: 3 }),
    "invalid-signature",
  );
  add(
    "context-extension",
    "An extension of the group that no member supports",
    await group.info(nodes, {}, { extensions: [{ extensionType: 0xf0a5, extensionData: BLANK }] }),
    "unsupported-extension",
  );
  const required = { extensionType: 3, extensionData: Uint8Array.of(0, 0, 2, 0, 1) };
  add(
    "required-credential",
    "The group requires support of basic credentials, which no member states",
    await group.info(nodes, {}, { extensions: [required] }),
    "unsupported-credential-type",
  );
  return cases;
}

/** The encoding of the nodes and one blank after them, which no encoder of this project makes. */
function encodeWithBlank(nodes: RatchetTree): Uint8Array {
  const encoded = encode(RatchetTree, nodes);
  if ((encoded[0] as number) >> 6 !== 1) throw new Error("a length of two octets is expected");
  const longer = new Uint8Array(encoded.length + 1);
  longer.set(encoded);
  const length = encoded.length - 2 + 1;
  longer.set([0x40 | (length >> 8), length & 0xff]);
  return longer;
}
