import { p256 } from "@noble/curves/nist.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { commit } from "./commitment.js";
import { edwards25519ProofToOutput, edwards25519VrfPrivateKey, edwards25519VrfPublicKey } from "./edwards25519-vrf.js";
import { SuiteError } from "./errors.js";
import { p256ProofToOutput, p256VrfPrivateKey, p256VrfPublicKey } from "./p256-vrf.js";
import { ed25519Key, ed25519Signer, p256Key, p256Signer } from "./signatures.js";
import {
  type Hash,
  KT_128_SHA256_Ed25519,
  KT_128_SHA256_P256,
  PRIVATE_KEY_LENGTH,
  type RandomSource,
  type Suite,
  type SuiteId,
} from "./suite.js";

export interface SuiteOptions {
  /** A faster SHA-256 where the platform has one. */
  readonly hash?: Hash;
}

const SECTION = "Key Transparency Protocol, KT Cipher Suites";

function brokenSource(reason: string): SuiteError {
  return new SuiteError("invalid-randomness", "random", SECTION, reason);
}

function privateKey(random: RandomSource, usable: (key: Uint8Array) => boolean): Uint8Array {
  // A P-256 scalar is refused once in 2^32 draws: 16 in a row are a broken source.
  for (let attempt = 0; attempt < 16; attempt++) {
    const key = Uint8Array.from(random(PRIVATE_KEY_LENGTH));
    if (key.length !== PRIVATE_KEY_LENGTH)
      throw brokenSource(`${key.length} bytes where ${PRIVATE_KEY_LENGTH} are due`);
    if (usable(key)) return key;
  }
  throw brokenSource("no private key in 16 draws");
}

/**
 * The reference provider: @noble/curves and @noble/hashes, on every platform, nothing to load.
 *
 * @throws SuiteError `unsupported-suite` for a value that is not registered
 */
export function nobleSuite(id: SuiteId, options: SuiteOptions = {}): Suite {
  const hash = options.hash ?? sha256;
  const shared = {
    signatureLength: 64,
    hash,
    commitment: (opening: Uint8Array, label: Uint8Array, version: number, update: Uint8Array) =>
      commit(hash, opening, label, version, update),
  } as const;
  switch (id) {
    case KT_128_SHA256_Ed25519:
      return {
        ...shared,
        id,
        name: "KT_128_SHA256_Ed25519",
        vrfProofLength: 80,
        importVrfPublicKey: edwards25519VrfPublicKey,
        importVrfPrivateKey: edwards25519VrfPrivateKey,
        vrfProofToOutput: edwards25519ProofToOutput,
        importSignatureKey: ed25519Key,
        importSigner: ed25519Signer,
        generatePrivateKey: (random) => privateKey(random, () => true),
      };
    case KT_128_SHA256_P256:
      return {
        ...shared,
        id,
        name: "KT_128_SHA256_P256",
        vrfProofLength: 81,
        importVrfPublicKey: p256VrfPublicKey,
        importVrfPrivateKey: p256VrfPrivateKey,
        vrfProofToOutput: p256ProofToOutput,
        importSignatureKey: p256Key,
        importSigner: p256Signer,
        generatePrivateKey: (random) => privateKey(random, (key) => p256.utils.isValidSecretKey(key)),
      };
    default:
      throw new SuiteError(
        "unsupported-suite",
        "ciphersuite",
        SECTION,
        `${String(id)} is not a registered cipher suite`,
      );
  }
}
