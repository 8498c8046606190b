import { decode, encode } from "@mls-as/tls-codec";
import { describe, expect, it } from "vitest";
import { createAuditor } from "../auditor/index.js";
import { createClient } from "../client/index.js";
import { keyedHashSuite } from "../fixtures/keyed-hash-suite.js";
import { MemoryLog } from "../fixtures/memory-log.js";
import { createProver } from "../prover/index.js";
import { Configuration, validateConfiguration } from "./index.js";

const suite = keyedHashSuite();
const log = new MemoryLog({ suite, mode: "thirdPartyAuditing", window: 1000n });
const refused = expect.objectContaining({ code: "invalid-configuration" });

describe("configurations", () => {
  it("need a maximum lifetime greater than the monitoring window, and than zero", () => {
    for (const [window, lifetime, valid] of [
      [1000n, undefined, true],
      [1000n, 1001n, true],
      [1000n, 1000n, false],
      [1000n, 999n, false],
      [0n, 0n, false],
      [0n, 1n, true],
    ] as const) {
      const configuration: Configuration = {
        ...log.configuration,
        reasonableMonitoringWindow: window,
        maximumLifetime: lifetime,
      };
      const makers = [
        () => validateConfiguration(configuration),
        () => createClient({ suite, configuration }),
        () => createAuditor({ suite, configuration }),
        () => createProver({ suite, configuration, store: log.store, vrfPrivateKey: log.vrfPrivateKey }),
      ];
      for (const make of makers)
        if (valid) expect(make).not.toThrow();
        else expect(make).toThrow(refused);
    }
  });

  it("belong to the suite in use, have a key, and fit the wire", () => {
    const { configuration } = log;
    for (const wrong of [
      { ...configuration, ciphersuite: 1 },
      { ...configuration, signaturePublicKey: new Uint8Array() },
      { ...configuration, maxAhead: -1n },
      { ...configuration, maxBehind: 2n ** 64n },
    ] as Configuration[])
      expect(() => createClient({ suite, configuration: wrong })).toThrow(refused);
    expect(decode(Configuration, encode(Configuration, configuration))).toEqual(configuration);
  });
});
