import {
  cipherSuite,
  type KeyPackage,
  MLSMessage,
  RatchetTree,
  referenceOf,
  signatureKeyFault,
  type Welcome,
} from "@mls-as/mls-core";
import { nodeProvider } from "@mls-as/mls-core/node";
import { Case, type CaseKind, hex, unhex } from "./mls-case.js";
import { encryptionPublicKey, signaturePublicKeyOf } from "./mls-keys.js";
import { keyPackageSignatures, leafSignature, message } from "./mls-messages.js";

/** The Welcome is for this KeyPackage: suite, reference, one entry, exactly once. */
function addressed(vector: Case, welcome: Welcome, keyPackage: KeyPackage): void {
  vector.equal("welcome cipher_suite", welcome.cipherSuite, vector.integer("cipher_suite"));
  vector.equal("key_package cipher_suite", keyPackage.cipherSuite, vector.integer("cipher_suite"));
  const reference = hex(referenceOf(nodeProvider, keyPackage));
  const entries = welcome.secrets.filter(({ newMember }) => hex(newMember) === reference);
  vector.equal("entries of the welcome for the key_package", entries.length, 1);
}

/** `welcome`: what can be read without the group's secrets. */
export const welcome: CaseKind = {
  fields: ["cipher_suite", "init_priv", "key_package", "signer_pub", "welcome"],
  async check(vector) {
    const suite = vector.integer("cipher_suite");
    const { keyPackage } = message(vector, "key_package", "keyPackage");
    addressed(vector, message(vector, "welcome", "welcome").welcome, keyPackage);
    vector.equalBytes("init_key", keyPackage.initKey, encryptionPublicKey(suite, vector.bytes("init_priv")));
    const { signatureScheme } = cipherSuite(suite);
    vector.equal("fault of signer_pub", signatureKeyFault(signatureScheme, vector.bytes("signer_pub")), undefined);
    await keyPackageSignatures(vector, "key_package", keyPackage);
  },
};

/** Leaves that need no group identifier to be verified, and with one also the others. */
async function treeSignatures(vector: Case, suite: number, tree: RatchetTree, groupId?: Uint8Array): Promise<void> {
  for (const [index, node] of tree.entries()) {
    if (node?.nodeType !== "leaf") continue;
    const position = groupId === undefined ? undefined : { groupId, leafIndex: index / 2 };
    if (position === undefined && node.leafNode.leafNodeSource !== "keyPackage") continue;
    await leafSignature(vector, `ratchet_tree[${index}]`, suite, node.leafNode, position);
  }
}

/** A handshake message of an epoch: bytes, and the signatures of what it brings along. */
async function handshake(vector: Case, what: string, suite: number, bytes: Uint8Array): Promise<Uint8Array> {
  const decoded = vector.decodedBytes(what, MLSMessage, bytes);
  if (decoded.wireFormat === "privateMessage") return decoded.privateMessage.groupId;
  if (decoded.wireFormat !== "publicMessage") throw new Error(`${what} is a ${decoded.wireFormat}`);
  const { content } = decoded.publicMessage;
  const { groupId, sender } = content;
  const position = sender.senderType === "member" ? { groupId, leafIndex: sender.leafIndex } : undefined;
  const proposals =
    content.contentType === "proposal"
      ? [content.proposal]
      : content.contentType === "commit"
        ? content.commit.proposals.flatMap((entry) => (entry.type === "proposal" ? [entry.proposal] : []))
        : [];
  for (const proposal of proposals) {
    if (proposal.proposalType === "add") await keyPackageSignatures(vector, `${what} add`, proposal.keyPackage);
    if (proposal.proposalType === "update" && position !== undefined)
      await leafSignature(vector, `${what} update`, suite, proposal.leafNode, position);
  }
  if (content.contentType === "commit" && content.commit.path !== undefined && position !== undefined)
    await leafSignature(vector, `${what} path`, suite, content.commit.path.leafNode, position);
  return groupId;
}

/** `passive-client-*`: keys, signatures and every message, as far as they can be read without the group's secrets. */
export const passiveClient: CaseKind = {
  fields: [
    "cipher_suite",
    "external_psks",
    "key_package",
    "signature_priv",
    "encryption_priv",
    "init_priv",
    "welcome",
    "ratchet_tree",
    "initial_epoch_authenticator",
    "epochs",
  ],
  async check(vector) {
    const suite = vector.integer("cipher_suite");
    const { signatureScheme } = cipherSuite(suite);
    const { keyPackage } = message(vector, "key_package", "keyPackage");
    const { leafNode, initKey } = keyPackage;
    const signatureKey = signaturePublicKeyOf(signatureScheme, vector.bytes("signature_priv"));
    vector.equalBytes("signature_key", leafNode.signatureKey, signatureKey);
    const encryptionKey = encryptionPublicKey(suite, vector.bytes("encryption_priv"));
    vector.equalBytes("encryption_key", leafNode.encryptionKey, encryptionKey);
    vector.equalBytes("init_key", initKey, encryptionPublicKey(suite, vector.bytes("init_priv")));
    await keyPackageSignatures(vector, "key_package", keyPackage);
    addressed(vector, message(vector, "welcome", "welcome").welcome, keyPackage);
    const groupIds = new Set<string>();
    for (const [index, fields] of vector.list("epochs").entries()) {
      const epoch = new Case(fields, ["proposals", "commit", "epoch_authenticator"]);
      const parts = [...epoch.list("proposals"), epoch.value("commit")];
      for (const [part, bytes] of parts.entries()) {
        const what = `epochs[${index}] message ${part}`;
        groupIds.add(hex(await handshake(vector, what, suite, unhex(bytes, what))));
      }
    }
    if (groupIds.size > 0) vector.equal("group_ids of the messages", groupIds.size, 1);
    if (!vector.has("ratchet_tree")) return;
    const tree = vector.decoded("ratchet_tree", RatchetTree);
    const [groupId] = groupIds;
    await treeSignatures(vector, suite, tree, groupId === undefined ? undefined : unhex(groupId, "group_id"));
    const own = tree.filter(
      (node) => node?.nodeType === "leaf" && hex(node.leafNode.signatureKey) === hex(signatureKey),
    );
    vector.equal("leaves of the client in ratchet_tree", own.length, 1);
  },
};
