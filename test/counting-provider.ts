import type { CryptoProvider } from "@mls-as/mls-core";
import { nodeProvider } from "@mls-as/mls-core/node";

/** A provider that remembers the messages whose signatures it was asked to verify, by object. */
export function countingProvider(): { readonly provider: CryptoProvider; readonly verified: readonly Uint8Array[] } {
  const verified: Uint8Array[] = [];
  const provider: CryptoProvider = {
    ...nodeProvider,
    verify: (...args) => {
      verified.push(args[2]);
      return nodeProvider.verify(...args);
    },
  };
  return { provider, verified };
}
