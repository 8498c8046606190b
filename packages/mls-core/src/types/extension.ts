import { type Codec, opaqueV, struct, uint16, vectorV } from "@mls-as/tls-codec";

/** RFC 9420, "MLS Extension Types", and draft-ietf-mls-extensions, "MLS Extension Types". */
export const ExtensionType = {
  applicationId: 1,
  ratchetTree: 2,
  requiredCapabilities: 3,
  externalPub: 4,
  externalSenders: 5,
  appDataDictionary: 6,
  supportedWireFormats: 7,
  requiredWireFormats: 8,
  /** Marks a KeyPackage that may be used more than once. */
  lastResort: 10,
} as const;

/** RFC 9420, "Extensions": the content stays as it came; `findExtension` and the codecs beside it read it. */
export interface Extension {
  readonly extensionType: number;
  readonly extensionData: Uint8Array;
}
export const Extension: Codec<Extension> = struct({ extensionType: uint16, extensionData: opaqueV() });
export const Extensions: Codec<readonly Extension[]> = vectorV(Extension);

/** Content of the first extension of a type; undefined when there is none. */
export function findExtension(extensions: readonly Extension[], type: number): Uint8Array | undefined {
  return extensions.find(({ extensionType }) => extensionType === type)?.extensionData;
}
