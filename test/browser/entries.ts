/** What an app loads in a browser, as esbuild entries. Sizes are gzip -9 of the minified bundle, in bytes. */
export const BUNDLES = {
  "MLS codecs and types": {
    limit: 25_000,
    code: `export { LeafNode, KeyPackage, RatchetTree, GroupInfo, MLSMessage } from "@mls-as/mls-core";
           export { decode, encode } from "@mls-as/tls-codec";`,
  },
  "KEYTRANS client with noble": {
    limit: 45_000,
    code: `export { Configuration, nobleSuite } from "@mls-as/keytrans";
           export { createClient } from "@mls-as/keytrans/client";
           export { decode } from "@mls-as/tls-codec";`,
  },
  "SDK with its client toolkit": {
    limit: 90_000,
    code: `export * from "@mls-as/mls-credentials"; export * as client from "@mls-as/mls-credentials/client";
           export * as tsMls from "@mls-as/mls-credentials/ts-mls"; export { webCryptoProvider } from "@mls-as/mls-core";`,
  },
} as const;
