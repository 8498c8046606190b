import { encode, opaqueV, struct } from "@mls-as/tls-codec";
import { cipherSuite } from "./cipher-suites.js";
import type { CryptoProvider } from "./crypto/provider.js";

const RefHashInput = struct({ label: opaqueV(), value: opaqueV() });

/** Labels of RFC 9420, "Hash-Based Identifiers". */
export const RefHashLabel = {
  keyPackage: "MLS 1.0 KeyPackage Reference",
  proposal: "MLS 1.0 Proposal Reference",
} as const;

/**
 * RefHash of RFC 9420, "Hash-Based Identifiers".
 *
 * @param suite number of the cipher suite whose hash is used
 * @param label the whole label, prefix included
 * @throws MlsCoreError `unsupported-cipher-suite`
 */
export function refHash(provider: CryptoProvider, suite: number, label: string, value: Uint8Array): Uint8Array {
  return provider.hash(
    cipherSuite(suite).hash,
    encode(RefHashInput, { label: new TextEncoder().encode(label), value }),
  );
}

/** KeyPackageRef of an encoded KeyPackage. @throws MlsCoreError `unsupported-cipher-suite` */
export function keyPackageRef(provider: CryptoProvider, suite: number, keyPackage: Uint8Array): Uint8Array {
  return refHash(provider, suite, RefHashLabel.keyPackage, keyPackage);
}

/** ProposalRef of an encoded AuthenticatedContent. @throws MlsCoreError `unsupported-cipher-suite` */
export function proposalRef(provider: CryptoProvider, suite: number, authenticatedContent: Uint8Array): Uint8Array {
  return refHash(provider, suite, RefHashLabel.proposal, authenticatedContent);
}
