import { type Codec, type Decoded, opaqueV, struct, tryDecode, uint16, vectorV } from "@mls-as/tls-codec";
import { Credential } from "./credential.js";
import { type Extension, findExtension } from "./extension.js";

/** RFC 9420, "Required Capabilities". */
export interface RequiredCapabilities {
  readonly extensionTypes: readonly number[];
  readonly proposalTypes: readonly number[];
  readonly credentialTypes: readonly number[];
}
export const RequiredCapabilities: Codec<RequiredCapabilities> = struct({
  extensionTypes: vectorV(uint16),
  proposalTypes: vectorV(uint16),
  credentialTypes: vectorV(uint16),
});

/** RFC 9420, "External Senders Extension". */
export interface ExternalSender {
  readonly signatureKey: Uint8Array;
  readonly credential: Credential;
}
export const ExternalSender: Codec<ExternalSender> = struct({ signatureKey: opaqueV(), credential: Credential });
/** Content of an `external_senders` extension. */
export const ExternalSenders: Codec<readonly ExternalSender[]> = vectorV(ExternalSender);

/** Content of an `external_pub` extension (RFC 9420, "Joining via External Commits"). */
export interface ExternalPub {
  readonly externalPub: Uint8Array;
}
export const ExternalPub: Codec<ExternalPub> = struct({ externalPub: opaqueV() });

/** Content of an `application_id` extension (RFC 9420, "Uniquely Identifying Clients"). */
export const ApplicationId: Codec<Uint8Array> = opaqueV();

/** Reads the first extension of a type; undefined when there is none. */
export function tryDecodeExtension<T>(
  extensions: readonly Extension[],
  type: number,
  content: Codec<T>,
): Decoded<T> | undefined {
  const data = findExtension(extensions, type);
  return data === undefined ? undefined : tryDecode(content, data);
}
