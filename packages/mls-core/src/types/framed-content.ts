import {
  type Codec,
  concatBytes,
  encode,
  enumeration,
  opaqueV,
  sequence,
  struct,
  tagged,
  uint16,
  uint32,
  uint64,
  uint8,
} from "@mls-as/tls-codec";
import { MlsCoreError } from "../errors.js";
import { MLS10 } from "./capabilities.js";
import { Commit } from "./commit.js";
import { GroupContext } from "./group-context.js";
import { Proposal } from "./proposal.js";

/** RFC 9420, "MLS Wire Formats". */
export const WireFormat = { publicMessage: 1, privateMessage: 2, welcome: 3, groupInfo: 4, keyPackage: 5 } as const;

/** ContentType of RFC 9420, "Message Framing". */
export const ContentType = enumeration(uint8, { application: 1, proposal: 2, commit: 3 });

/** RFC 9420, "Message Framing". */
export type Sender =
  | { readonly senderType: "member"; readonly leafIndex: number }
  | { readonly senderType: "external"; readonly senderIndex: number }
  | { readonly senderType: "newMemberProposal" }
  | { readonly senderType: "newMemberCommit" };
export const Sender: Codec<Sender> = tagged(
  "senderType",
  enumeration(uint8, { member: 1, external: 2, newMemberProposal: 3, newMemberCommit: 4 }),
  {
    member: struct({ leafIndex: uint32 }),
    external: struct({ senderIndex: uint32 }),
    newMemberProposal: struct({}),
    newMemberCommit: struct({}),
  },
);

interface Envelope {
  readonly groupId: Uint8Array;
  readonly epoch: bigint;
  readonly sender: Sender;
  readonly authenticatedData: Uint8Array;
}
type Body =
  | { readonly contentType: "application"; readonly applicationData: Uint8Array }
  | { readonly contentType: "proposal"; readonly proposal: Proposal }
  | { readonly contentType: "commit"; readonly commit: Commit };

/** RFC 9420, "Message Framing". */
export type FramedContent = Envelope & Body;
export const FramedContent: Codec<FramedContent> = sequence(
  struct({ groupId: opaqueV(), epoch: uint64, sender: Sender, authenticatedData: opaqueV() }),
  tagged("contentType", ContentType, {
    application: struct({ applicationData: opaqueV() }),
    proposal: struct({ proposal: Proposal }),
    commit: struct({ commit: Commit }),
  }) as Codec<Body>,
);

/**
 * Encoded FramedContentTBS of RFC 9420, "Content Authentication".
 *
 * @param context GroupContext of the message's epoch; needed when the sender is a member or joins by external commit
 * @throws MlsCoreError `invalid-argument` when it is needed and missing
 */
export function framedContentTbs(wireFormat: number, content: FramedContent, context?: GroupContext): Uint8Array {
  const head = encode(struct({ version: uint16, wireFormat: uint16, content: FramedContent }), {
    version: MLS10,
    wireFormat,
    content,
  });
  const { senderType } = content.sender;
  if (senderType === "external" || senderType === "newMemberProposal") return head;
  if (context === undefined)
    throw new MlsCoreError(
      "invalid-argument",
      "context",
      "RFC 9420, Content Authentication",
      `a message of sender type ${senderType} is signed for a GroupContext`,
    );
  return concatBytes(head, encode(GroupContext, context));
}
