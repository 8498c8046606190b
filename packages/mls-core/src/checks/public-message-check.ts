import { equalBytes } from "@mls-as/tls-codec";
import { type CipherSuite, findCipherSuite } from "../cipher-suites.js";
import type { CryptoProvider } from "../crypto/provider.js";
import { SignatureLabel } from "../sign-with-label.js";
import { type RatchetTree, ratchetTreeFault } from "../types/ratchet-tree.js";
import { Tree } from "../trees/tree.js";
import { ExtensionType } from "../types/extension.js";
import { ExternalSenders, tryDecodeExtension } from "../types/extension-content.js";
import { type FramedContent, framedContentTbs, type Sender, WireFormat } from "../types/framed-content.js";
import type { GroupContext } from "../types/group-context.js";
import type { Proposal } from "../types/proposal.js";
import type { PublicMessage } from "../types/public-message.js";
import { checkSignature } from "./leaf-node-check.js";
import { type Violation, Violations } from "./violation.js";

const FRAMING = "Content Authentication";
/** Types that an external sender may propose (RFC 9420, "External Proposals"; app data by draft-ietf-mls-extensions). */
const EXTERNAL_PROPOSALS: ReadonlySet<Proposal["proposalType"]> = new Set([
  "add",
  "remove",
  "psk",
  "reinit",
  "groupContextExtensions",
  "appDataUpdate",
  "appEphemeral",
]);

/** The group as it was when the message was sent. */
export interface GroupState {
  readonly tree: RatchetTree;
  readonly context: GroupContext;
}

/**
 * Whether a PublicMessage belongs to the group's epoch, its sender may send it, and its signature holds. The membership and
 * confirmation tags are for members, who hold the secrets.
 */
export async function checkPublicMessage(
  provider: CryptoProvider,
  message: PublicMessage,
  { tree: nodes, context }: GroupState,
): Promise<Violation[]> {
  const violations = new Violations();
  const { content } = message;
  if (!equalBytes(content.groupId, context.groupId))
    violations.add("wrong-group", "content.group_id", "Message Framing", "another group");
  if (content.epoch !== context.epoch)
    violations.add("wrong-epoch", "content.epoch", "Message Framing", `${content.epoch}, not ${context.epoch}`);
  const suite = findCipherSuite(context.cipherSuite);
  const fault = ratchetTreeFault(nodes);
  if (suite === undefined)
    violations.add("unsupported-cipher-suite", "context.cipher_suite", "MLS Cipher Suites", `${context.cipherSuite}`);
  if (fault !== undefined) violations.add("malformed", "tree", "Ratchet Tree Extension", fault);
  if (suite === undefined || fault !== undefined) return violations.list;
  checkSenderRights(content, violations);
  const key = senderKey(content, Tree.open(nodes), context, violations);
  if (key !== undefined) await checkMessageSignature(provider, suite, message, context, key, violations);
  return violations.list;
}

/** The signature of a message's content under its sender's key. */
export async function checkMessageSignature(
  provider: CryptoProvider,
  suite: CipherSuite,
  { content, auth }: PublicMessage,
  context: GroupContext,
  key: Uint8Array,
  violations: Violations,
): Promise<void> {
  const tbs = framedContentTbs(WireFormat.publicMessage, content, context);
  const signed = { key, keyPath: "content.sender", label: SignatureLabel.framedContent, content: tbs };
  await checkSignature(provider, suite, signed, auth.signature, violations.at("auth"));
}

/** Which contents a sender of each type may frame (RFC 9420, "Message Framing", "External Proposals"). */
function checkSenderRights(content: FramedContent, violations: Violations): void {
  const { senderType } = content.sender;
  const due = { member: undefined, external: "proposal", newMemberProposal: "proposal", newMemberCommit: "commit" };
  const only = due[senderType];
  if (only !== undefined && content.contentType !== only)
    violations.add(
      "proposal-not-allowed",
      "content.content_type",
      "Message Framing",
      `${senderType} sends ${only}s only`,
    );
  if (content.contentType === "application")
    violations.add(
      "proposal-not-allowed",
      "content.content_type",
      "Encoding and Decoding a Public Message",
      "application data is never sent in the clear",
    );
  if (content.contentType !== "proposal") return;
  const { proposalType } = content.proposal;
  const allowed =
    senderType === "external"
      ? EXTERNAL_PROPOSALS.has(proposalType)
      : senderType === "member" || proposalType === "add";
  if (!allowed || (senderType === "member" && proposalType === "externalInit"))
    violations.add(
      "proposal-not-allowed",
      "content.proposal",
      "External Proposals",
      `${proposalType} by ${senderType}`,
    );
}

function senderKey(
  content: FramedContent,
  tree: Tree,
  context: GroupContext,
  violations: Violations,
): Uint8Array | undefined {
  const { sender } = content;
  const unknown = (detail: string): undefined => {
    violations.add("unknown-sender", "content.sender", FRAMING, detail);
    return undefined;
  };
  switch (sender.senderType) {
    case "member":
      return tree.leaf(sender.leafIndex)?.signatureKey ?? unknown(`leaf ${sender.leafIndex} is blank or out of range`);
    case "external":
      return externalSenderKey(sender, context) ?? unknown(`there is no external sender ${sender.senderIndex}`);
    case "newMemberProposal":
      if (content.contentType !== "proposal" || content.proposal.proposalType !== "add") return undefined;
      return content.proposal.keyPackage.leafNode.signatureKey;
    case "newMemberCommit":
      break;
  }
  // An external commit is signed with the key that its path brings.
  if (content.contentType !== "commit") return undefined;
  if (content.commit.path === undefined)
    violations.add("missing-path", "content.commit.path", "Joining via External Commits", "no path");
  return content.commit.path?.leafNode.signatureKey;
}

function externalSenderKey(
  { senderIndex }: Extract<Sender, { senderType: "external" }>,
  { extensions }: GroupContext,
): Uint8Array | undefined {
  const senders = tryDecodeExtension(extensions, ExtensionType.externalSenders, ExternalSenders);
  return senders?.ok === true ? senders.value[senderIndex]?.signatureKey : undefined;
}
