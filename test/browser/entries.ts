/** What an app loads in a browser, as esbuild entries. Sizes are gzip -9 of what loads at once, minified, in bytes; CRLs and OCSP load when asked for. */
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
  "SDK: verdicts, ghost detector, adapter": {
    limit: 90_000,
    code: `export { verifyCredential, verifyCredentials, verifySignedPolicy, preparePolicy, compareCredentials, validSuccessor,
             GhostDetector, verifyGroup, sightGroup, safetyNumber, checkDeviceList, labelledSigner, encodeAuthPins,
             decodeAuthPins } from "@mls-as/mls-credentials";
           export { createTsMlsAuthenticationService, rosterOf, sightTsMlsGroup } from "@mls-as/mls-credentials/ts-mls";
           export { webCryptoProvider } from "@mls-as/mls-core";`,
  },
  // With the KEYTRANS client and everything that enrols and asks the log: beyond 90,000, and not to grow.
  "SDK with its client toolkit": {
    limit: 100_000,
    code: `export { verifyCredential, verifyCredentials, verifySignedPolicy, preparePolicy, compareCredentials, validSuccessor,
             GhostDetector, verifyGroup, sightGroup, safetyNumber, checkDeviceList, labelledSigner, encodeAuthPins,
             decodeAuthPins } from "@mls-as/mls-credentials";
           export { enrol, resumeEnrolment, approveDevice, openLog, readDirectory, policyOf } from "@mls-as/mls-credentials/client";
           export { createTsMlsAuthenticationService, rosterOf, sightTsMlsGroup } from "@mls-as/mls-credentials/ts-mls";
           export { webCryptoProvider } from "@mls-as/mls-core";`,
  },
} as const;
