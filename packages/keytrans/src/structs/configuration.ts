import {
  type Codec,
  encode,
  enumeration,
  type Infer,
  opaque,
  optional,
  sequence,
  sequence as flat,
  struct,
  tagged,
  uint8,
  uint16,
  uint64,
} from "@mls-as/tls-codec";
import { KeytransError } from "../errors.js";

const SECTION = "Tree Head Signature";
const key = opaque(0, 2 ** 16 - 1);

/** Who besides the Service Operator takes part. */
export const DeploymentMode = enumeration(uint8, {
  contactMonitoring: 1,
  thirdPartyManagement: 2,
  thirdPartyAuditing: 3,
});
export type DeploymentMode = Infer<typeof DeploymentMode>;

const keys = struct({ signaturePublicKey: key, vrfPublicKey: key });

/**
 * What never changes in the life of a log, and is signed with every tree head. Durations are milliseconds.
 * Draft section "Tree Head Signature".
 */
export const Configuration = flat(
  struct({ ciphersuite: uint16 }),
  tagged("mode", DeploymentMode, {
    contactMonitoring: keys,
    thirdPartyManagement: sequence(keys, struct({ leafPublicKey: key })),
    thirdPartyAuditing: sequence(
      keys,
      struct({ maxAuditorLag: uint64, auditorStartPos: uint64, auditorPublicKey: key }),
    ),
  }),
  struct({
    maxAhead: uint64,
    maxBehind: uint64,
    reasonableMonitoringWindow: uint64,
    maximumLifetime: optional(uint64),
  }),
);
export type Configuration = Infer<typeof Configuration>;

/** Checks the draft's rules on a configuration's fields. @throws KeytransError invalid-configuration */
export function validateConfiguration(configuration: Configuration): void {
  const { maximumLifetime, reasonableMonitoringWindow } = configuration;
  if (maximumLifetime !== undefined && maximumLifetime <= reasonableMonitoringWindow)
    throw new KeytransError(
      "invalid-configuration",
      "the maximum lifetime must be greater than zero and than the Reasonable Monitoring Window",
      "Maximum Lifetime",
      "maximumLifetime",
    );
  if (configuration.signaturePublicKey.length === 0)
    throw new KeytransError("invalid-configuration", "no signature key", SECTION, "signaturePublicKey");
  try {
    encode(Configuration as Codec<Configuration>, configuration);
  } catch (error) {
    throw new KeytransError("invalid-configuration", String(error), SECTION);
  }
}
