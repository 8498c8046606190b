import { equalBytes } from "@mls-as/tls-codec";
import {
  CHALLENGE_LENGTH,
  candidateInput,
  challengeInput,
  edwards25519VrfPrivateKey,
  edwards25519VrfPublicKey,
  outputInput,
  POINT_LENGTH,
  splitProof,
} from "./edwards25519-vrf.js";
import { challengeMismatch, noPointForInput, SuiteError } from "./errors.js";
import { HASH_LENGTH, type Hash, type VrfPrivateKey, type VrfPublicKey } from "./suite.js";

/** What is used of libsodium's sumo build. Functions throw where libsodium reports failure. */
export interface Sodium {
  crypto_core_ed25519_is_valid_point(point: Uint8Array): boolean;
  crypto_core_ed25519_add(p: Uint8Array, q: Uint8Array): Uint8Array;
  crypto_core_ed25519_sub(p: Uint8Array, q: Uint8Array): Uint8Array;
  crypto_core_ed25519_scalar_reduce(scalar: Uint8Array): Uint8Array;
  crypto_core_ed25519_scalar_add(x: Uint8Array, y: Uint8Array): Uint8Array;
  crypto_core_ed25519_scalar_mul(x: Uint8Array, y: Uint8Array): Uint8Array;
  crypto_scalarmult_ed25519_noclamp(scalar: Uint8Array, point: Uint8Array): Uint8Array;
  crypto_scalarmult_ed25519_base_noclamp(scalar: Uint8Array): Uint8Array;
}

/** ECVRF-EDWARDS25519-SHA512-TAI with libsodium's point arithmetic and the reference's verdicts. */
export interface SodiumVrf {
  importVrfPublicKey(bytes: Uint8Array): VrfPublicKey;
  importVrfPrivateKey(seed: Uint8Array): VrfPrivateKey;
}

/** Encoding of the neutral element: y = 1. */
const IDENTITY = Uint8Array.from({ length: POINT_LENGTH }, (_, i) => (i === 0 ? 1 : 0));

/** Whether the y coordinate is below 2^255-19. libsodium's additions accept encodings where it is not. */
function isCanonical(point: Uint8Array): boolean {
  if (((point[31] as number) & 0x7f) !== 0x7f) return true;
  for (let i = 30; i > 0; i--) if (point[i] !== 0xff) return true;
  return (point[0] as number) < 0xed;
}

function scalarOf(challenge: Uint8Array): Uint8Array {
  const scalar = new Uint8Array(32);
  scalar.set(challenge);
  return scalar;
}

/**
 * libsodium multiplies only non-zero scalars with points of the prime-order subgroup and throws otherwise. RFC 9381
 * accepts more: keys and Gammas with a torsion part, zero scalars. So whatever libsodium will not compute is left to the
 * reference, and both accept and refuse exactly the same.
 *
 * @param sha512 64 bytes
 */
export function sodiumVrf(sodium: Sodium, sha512: Hash): SodiumVrf {
  /** Multiplies by the cofactor with additions, which take points that `scalarmult` refuses. */
  const timesEight = (point: Uint8Array): Uint8Array => {
    const two = sodium.crypto_core_ed25519_add(point, point);
    const four = sodium.crypto_core_ed25519_add(two, two);
    return sodium.crypto_core_ed25519_add(four, four);
  };

  const encodeToCurve = (salt: Uint8Array, input: Uint8Array): Uint8Array => {
    for (let counter = 0; counter < 256; counter++) {
      const candidate = sha512(candidateInput(salt, input, counter)).subarray(0, POINT_LENGTH);
      if (!isCanonical(candidate)) continue;
      let point: Uint8Array;
      try {
        point = timesEight(candidate);
      } catch {
        continue; // not on the curve
      }
      if (!equalBytes(point, IDENTITY)) return point;
    }
    throw noPointForInput();
  };

  const challenge = (...points: readonly Uint8Array[]): Uint8Array =>
    sha512(challengeInput(...points)).slice(0, CHALLENGE_LENGTH);
  const hashToOutput = (eightGamma: Uint8Array): Uint8Array => sha512(outputInput(eightGamma)).slice(0, HASH_LENGTH);
  const outputOf = (gamma: Uint8Array): Uint8Array => hashToOutput(timesEight(gamma));

  const importVrfPublicKey = (encoded: Uint8Array): VrfPublicKey => {
    const reference = edwards25519VrfPublicKey(encoded);
    const { bytes } = reference;
    if (!sodium.crypto_core_ed25519_is_valid_point(bytes)) return reference;
    return {
      bytes,
      verify(input, proof) {
        const { gamma, c, s } = splitProof(proof);
        let matches: boolean;
        let output: Uint8Array;
        try {
          const h = encodeToCurve(bytes, input);
          const e = scalarOf(c);
          const u = sodium.crypto_core_ed25519_sub(
            sodium.crypto_scalarmult_ed25519_base_noclamp(s),
            sodium.crypto_scalarmult_ed25519_noclamp(e, bytes),
          );
          const v = sodium.crypto_core_ed25519_sub(
            sodium.crypto_scalarmult_ed25519_noclamp(s, h),
            sodium.crypto_scalarmult_ed25519_noclamp(e, gamma),
          );
          matches = equalBytes(c, challenge(bytes, h, gamma, u, v));
          output = outputOf(gamma);
        } catch (error) {
          if (error instanceof SuiteError) throw error;
          return reference.verify(input, proof);
        }
        if (!matches) throw challengeMismatch();
        return output;
      },
    };
  };

  const importVrfPrivateKey = (seed: Uint8Array): VrfPrivateKey => {
    const { publicKey } = edwards25519VrfPrivateKey(seed);
    const expanded = sha512(seed);
    const prefix = expanded.slice(32, 64);
    const clamped = new Uint8Array(64);
    clamped.set(expanded.subarray(0, 32));
    clamped[0] = (clamped[0] as number) & 0xf8;
    clamped[31] = ((clamped[31] as number) & 0x7f) | 0x40;
    const x = sodium.crypto_core_ed25519_scalar_reduce(clamped);
    // The point hashed to lies in the prime-order subgroup: the cofactor can be multiplied into the key beforehand.
    const eightX = sodium.crypto_core_ed25519_scalar_mul(scalarOf(Uint8Array.of(8)), x);
    return {
      publicKey,
      output: (input) =>
        hashToOutput(sodium.crypto_scalarmult_ed25519_noclamp(eightX, encodeToCurve(publicKey, input))),
      prove(input) {
        const h = encodeToCurve(publicKey, input);
        const gamma = sodium.crypto_scalarmult_ed25519_noclamp(x, h);
        const nonceInput = new Uint8Array(64);
        nonceInput.set(prefix);
        nonceInput.set(h, 32);
        const k = sodium.crypto_core_ed25519_scalar_reduce(sha512(nonceInput));
        const kB = sodium.crypto_scalarmult_ed25519_base_noclamp(k);
        const kH = sodium.crypto_scalarmult_ed25519_noclamp(k, h);
        const c = challenge(publicKey, h, gamma, kB, kH);
        const cx = sodium.crypto_core_ed25519_scalar_mul(scalarOf(c), x);
        const proof = new Uint8Array(POINT_LENGTH + CHALLENGE_LENGTH + 32);
        proof.set(gamma);
        proof.set(c, POINT_LENGTH);
        proof.set(sodium.crypto_core_ed25519_scalar_add(k, cx), POINT_LENGTH + CHALLENGE_LENGTH);
        return { output: outputOf(gamma), proof };
      },
    };
  };

  return { importVrfPublicKey, importVrfPrivateKey };
}
