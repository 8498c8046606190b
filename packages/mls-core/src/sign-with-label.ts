import { concatBytes, encode, opaqueV, struct } from "@mls-as/tls-codec";
import type { CryptoProvider } from "./crypto/provider.js";
import type { SignatureScheme } from "./crypto/signature-scheme.js";

const LabeledContent = struct({ label: opaqueV(), content: opaqueV() });
const PREFIX = "MLS 1.0 ";

/** Labels of RFC 9420, "MLS Signature Labels". */
export const SignatureLabel = {
  framedContent: "FramedContentTBS",
  leafNode: "LeafNodeTBS",
  keyPackage: "KeyPackageTBS",
  groupInfo: "GroupInfoTBS",
  /** draft-ietf-mls-extensions, "Multi-Credentials". */
  credentialBinding: "CredentialBindingTBS",
} as const;

const text = new TextEncoder();
const PREFIX_BYTES = text.encode(PREFIX);
/** Labels of the standard, which are used for every leaf of a tree. */
const KNOWN_LABELS: ReadonlyMap<string, Uint8Array> = new Map(
  Object.values(SignatureLabel).map((label) => [label, text.encode(PREFIX + label)]),
);

/** `SignContent` of RFC 9420, "Signing": the bytes that a signature covers. */
export function signContent(label: string | Uint8Array, content: Uint8Array): Uint8Array {
  const whole =
    typeof label === "string"
      ? (KNOWN_LABELS.get(label) ?? text.encode(PREFIX + label))
      : concatBytes(PREFIX_BYTES, label);
  return encode(LabeledContent, { label: whole, content });
}

/**
 * SignWithLabel of RFC 9420, "Signing".
 *
 * @param label without the `MLS 1.0 ` prefix; bytes for labels that are not text
 * @throws MlsCoreError `unsupported-signature-scheme`, `invalid-private-key`
 */
export async function signWithLabel(
  provider: CryptoProvider,
  scheme: SignatureScheme,
  privateKey: Uint8Array,
  label: string | Uint8Array,
  content: Uint8Array,
): Promise<Uint8Array> {
  return await provider.sign(scheme, privateKey, signContent(label, content));
}

/**
 * VerifyWithLabel of RFC 9420, "Signing": false for malformed keys and signatures as well. Synchronous when the provider is.
 *
 * @throws MlsCoreError `unsupported-signature-scheme`
 */
export function verifyWithLabel(
  provider: CryptoProvider,
  scheme: SignatureScheme,
  publicKey: Uint8Array,
  label: string | Uint8Array,
  content: Uint8Array,
  signature: Uint8Array,
): boolean | Promise<boolean> {
  return provider.verify(scheme, publicKey, signContent(label, content), signature);
}
