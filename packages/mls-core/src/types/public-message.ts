import { type Codec, encode, opaqueV, refined, sequence, struct, uint16, uint64 } from "@mls-as/tls-codec";
import type { CryptoProvider } from "../crypto/provider.js";
import type { SignatureScheme } from "../crypto/signature-scheme.js";
import { proposalRef } from "../ref-hash.js";
import { SignatureLabel, verifyWithLabel } from "../sign-with-label.js";
import { ContentType, FramedContent, framedContentTbs, WireFormat } from "./framed-content.js";
import type { GroupContext } from "./group-context.js";

/** RFC 9420, "Content Authentication". */
export interface FramedContentAuthData {
  readonly signature: Uint8Array;
  /** Present exactly in commits. */
  readonly confirmationTag: Uint8Array | undefined;
}

interface Authenticated {
  readonly content: FramedContent;
  readonly auth: FramedContentAuthData;
}
const Opaque = opaqueV();

// The content's type decides whether a confirmation tag follows, so the two are read together.
const Authenticated: Codec<Authenticated> = {
  minSize: FramedContent.minSize + 1,
  write(writer, { content, auth }) {
    FramedContent.write(writer, content);
    Opaque.write(writer, auth.signature);
    if (content.contentType === "commit") Opaque.write(writer, auth.confirmationTag as Uint8Array);
  },
  read(reader) {
    const content = FramedContent.read(reader);
    const signature = Opaque.read(reader);
    const confirmationTag = content.contentType === "commit" ? Opaque.read(reader) : undefined;
    return { content, auth: { signature, confirmationTag } };
  },
};

/** RFC 9420, "Content Authentication". */
export interface AuthenticatedContent extends Authenticated {
  readonly wireFormat: number;
}
export const AuthenticatedContent: Codec<AuthenticatedContent> = sequence(
  struct({
    wireFormat: refined(uint16, (value) => (value === 1 || value === 2 ? undefined : `wire format ${value}`)),
  }),
  Authenticated,
);

/** RFC 9420, "Encoding and Decoding a Public Message". */
export interface PublicMessage extends Authenticated {
  /** Present exactly when the sender is a member. */
  readonly membershipTag: Uint8Array | undefined;
}
export const PublicMessage: Codec<PublicMessage> = {
  minSize: Authenticated.minSize,
  write(writer, message) {
    Authenticated.write(writer, message);
    if (message.content.sender.senderType === "member") Opaque.write(writer, message.membershipTag as Uint8Array);
  },
  read(reader) {
    const { content, auth } = Authenticated.read(reader);
    const membershipTag = content.sender.senderType === "member" ? Opaque.read(reader) : undefined;
    return { content, auth, membershipTag };
  },
};

/** RFC 9420, "Encoding and Decoding a Private Message": opaque to anyone outside the group. */
export interface PrivateMessage {
  readonly groupId: Uint8Array;
  readonly epoch: bigint;
  readonly contentType: "application" | "proposal" | "commit";
  readonly authenticatedData: Uint8Array;
  readonly encryptedSenderData: Uint8Array;
  readonly ciphertext: Uint8Array;
}
export const PrivateMessage: Codec<PrivateMessage> = struct({
  groupId: opaqueV(),
  epoch: uint64,
  contentType: ContentType,
  authenticatedData: opaqueV(),
  encryptedSenderData: opaqueV(),
  ciphertext: opaqueV(),
});

/**
 * Whether the signature over a message's content holds.
 *
 * @param signatureKey of the sender: the member's leaf, the external sender, or the leaf that the message itself brings
 * @param context GroupContext of the message's epoch; needed for members and external commits
 * @throws MlsCoreError `unsupported-signature-scheme`, `invalid-argument`
 */
export function verifyPublicMessageSignature(
  provider: CryptoProvider,
  scheme: SignatureScheme,
  { content, auth }: PublicMessage,
  signatureKey: Uint8Array,
  context?: GroupContext,
): boolean | Promise<boolean> {
  const tbs = framedContentTbs(WireFormat.publicMessage, content, context);
  return verifyWithLabel(provider, scheme, signatureKey, SignatureLabel.framedContent, tbs, auth.signature);
}

/** ProposalRef of a proposal that was sent as a PublicMessage. @throws MlsCoreError `unsupported-cipher-suite` */
export function publicProposalRef(provider: CryptoProvider, suite: number, message: PublicMessage): Uint8Array {
  const { content, auth } = message;
  return proposalRef(
    provider,
    suite,
    encode(AuthenticatedContent, { wireFormat: WireFormat.publicMessage, content, auth }),
  );
}
