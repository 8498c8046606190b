import { encode, opaque, struct, uint16 } from "@mls-as/tls-codec";
import { sha256 } from "@noble/hashes/sha2.js";
import type { Configuration } from "./structs/index.js";

const Identity = struct({
  ciphersuite: uint16,
  signaturePublicKey: opaque(0, 2 ** 16 - 1),
  vrfPublicKey: opaque(0, 2 ** 16 - 1),
});

/** 32 bytes that name a log: SHA-256 over its suite and keys. It survives a change of auditor. */
export function logId(configuration: Configuration): Uint8Array {
  return sha256(encode(Identity, configuration));
}
