import { KeytransError } from "../errors.js";
import { type Configuration, validateConfiguration } from "../structs/index.js";
import { type Suite, SuiteError } from "../suite/index.js";
import type { ClientSetting } from "./verified-tree.js";

/** Checks a configuration and imports its keys. @throws KeytransError invalid-configuration */
export function clientSetting(suite: Suite, configuration: Configuration, recent: number): ClientSetting {
  validateConfiguration(configuration);
  if (configuration.ciphersuite !== suite.id)
    throw new KeytransError("invalid-configuration", "another cipher suite", "Cipher Suites", "ciphersuite");
  try {
    const { mode } = configuration;
    return {
      suite,
      configuration,
      recent,
      vrfKey: suite.importVrfPublicKey(configuration.vrfPublicKey),
      signatureKey: suite.importSignatureKey(configuration.signaturePublicKey),
      auditorKey: mode === "thirdPartyAuditing" ? suite.importSignatureKey(configuration.auditorPublicKey) : undefined,
      leafKey: mode === "thirdPartyManagement" ? suite.importSignatureKey(configuration.leafPublicKey) : undefined,
    };
  } catch (error) {
    if (!(error instanceof SuiteError)) throw error;
    throw new KeytransError("invalid-configuration", error.message, "Tree Head Signature", error.path);
  }
}
