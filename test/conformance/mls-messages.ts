import {
  Add,
  Commit,
  cipherSuite,
  ExtensionType,
  ExternalInit,
  ExternalPub,
  findExtension,
  GroupContextExtensions,
  type GroupInfo,
  GroupSecrets,
  type KeyPackage,
  type LeafPosition,
  type LeafNode,
  MLSMessage,
  PreSharedKey,
  RatchetTree,
  ReInit,
  Remove,
  Update,
  verifyGroupInfoSignature,
  verifyKeyPackageSignature,
  verifyLeafNodeSignature,
} from "@mls-as/mls-core";
import { nodeProvider } from "@mls-as/mls-core/node";
import { decode } from "@mls-as/tls-codec";
import type { Case, CaseKind } from "./mls-case.js";

type WireFormat = MLSMessage["wireFormat"];
type MessageOf<W extends WireFormat> = Extract<MLSMessage, { readonly wireFormat: W }>;

/** Decodes an MLSMessage of the wire format that a field promises. */
export function message<W extends WireFormat>(vector: Case, field: string, wireFormat: W): MessageOf<W> {
  const decoded = vector.decoded(field, MLSMessage);
  vector.equal(`${field} wire_format`, decoded.wireFormat, wireFormat);
  return decoded as MessageOf<W>;
}

/** Both signatures of a KeyPackage. */
export async function keyPackageSignatures(vector: Case, what: string, keyPackage: KeyPackage): Promise<void> {
  const { signatureScheme } = cipherSuite(keyPackage.cipherSuite);
  vector.equal(`${what} leaf_node_source`, keyPackage.leafNode.leafNodeSource, "keyPackage");
  await vector.holds(
    `${what} leaf signature`,
    verifyLeafNodeSignature(nodeProvider, signatureScheme, keyPackage.leafNode),
  );
  await vector.holds(`${what} signature`, verifyKeyPackageSignature(nodeProvider, keyPackage));
}

/** A leaf's own signature. */
export async function leafSignature(
  vector: Case,
  what: string,
  suite: number,
  leaf: LeafNode,
  position?: LeafPosition,
): Promise<void> {
  const { signatureScheme } = cipherSuite(suite);
  await vector.holds(`${what} signature`, verifyLeafNodeSignature(nodeProvider, signatureScheme, leaf, position));
}

function leafAt(tree: RatchetTree, index: number): LeafNode {
  const node = tree[2 * index];
  if (node?.nodeType !== "leaf") throw new Error(`leaf ${index} is blank`);
  return node.leafNode;
}

/** The signature of a GroupInfo that carries its tree. */
async function groupInfoSignature(vector: Case, groupInfo: GroupInfo): Promise<void> {
  const extension = findExtension(groupInfo.extensions, ExtensionType.ratchetTree);
  if (extension === undefined) throw new Error("mls_group_info has no ratchet_tree");
  const signer = leafAt(decode(RatchetTree, extension), groupInfo.signer);
  const { signatureScheme } = cipherSuite(groupInfo.groupContext.cipherSuite);
  await vector.holds(
    "mls_group_info signature",
    verifyGroupInfoSignature(nodeProvider, signatureScheme, groupInfo, signer.signatureKey),
  );
  const externalPub = findExtension(groupInfo.extensions, ExtensionType.externalPub);
  if (externalPub !== undefined) vector.decodedBytes("external_pub", ExternalPub, externalPub);
}

/** `messages`: every type decodes and encodes to the same bytes; signatures of KeyPackages, GroupInfos and leaves. */
export const messages: CaseKind = {
  fields: [
    "mls_welcome",
    "mls_group_info",
    "mls_key_package",
    "ratchet_tree",
    "group_secrets",
    "add_proposal",
    "update_proposal",
    "remove_proposal",
    "pre_shared_key_proposal",
    "re_init_proposal",
    "external_init_proposal",
    "group_context_extensions_proposal",
    "commit",
    "public_message_application",
    "public_message_proposal",
    "public_message_commit",
    "private_message",
  ],
  async check(vector) {
    message(vector, "mls_welcome", "welcome");
    const { groupInfo } = message(vector, "mls_group_info", "groupInfo");
    const { keyPackage } = message(vector, "mls_key_package", "keyPackage");
    const tree = vector.decoded("ratchet_tree", RatchetTree);
    vector.decoded("group_secrets", GroupSecrets);
    const add = vector.decoded("add_proposal", Add);
    vector.decoded("update_proposal", Update);
    vector.decoded("remove_proposal", Remove);
    vector.decoded("pre_shared_key_proposal", PreSharedKey);
    vector.decoded("re_init_proposal", ReInit);
    vector.decoded("external_init_proposal", ExternalInit);
    vector.decoded("group_context_extensions_proposal", GroupContextExtensions);
    vector.decoded("commit", Commit);
    message(vector, "private_message", "privateMessage");
    for (const contentType of ["application", "proposal", "commit"]) {
      const field = `public_message_${contentType}`;
      const { publicMessage } = message(vector, field, "publicMessage");
      vector.equal(`${field} content_type`, publicMessage.content.contentType, contentType);
    }
    await keyPackageSignatures(vector, "mls_key_package", keyPackage);
    await keyPackageSignatures(vector, "add_proposal", add.keyPackage);
    await groupInfoSignature(vector, groupInfo);
    const suite = groupInfo.groupContext.cipherSuite;
    const { groupId } = groupInfo.groupContext;
    for (const [index, node] of tree.entries())
      if (node?.nodeType === "leaf")
        await leafSignature(vector, `ratchet_tree[${index}]`, suite, node.leafNode, { groupId, leafIndex: index / 2 });
  },
};
