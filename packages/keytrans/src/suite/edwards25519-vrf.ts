import { ed25519 } from "@noble/curves/ed25519.js";
import { interleavedMSMUnsafe, mulAddUnsafe } from "@noble/curves/abstract/curve.js";
import { sha512 } from "@noble/hashes/sha2.js";
import { concatBytes, equalBytes } from "@mls-as/tls-codec";
import {
  challengeMismatch,
  invalidProof,
  invalidVrfPrivateKey,
  invalidVrfPublicKey,
  noPointForInput,
} from "./errors.js";
import { HASH_LENGTH, PRIVATE_KEY_LENGTH, type VrfEvaluation, type VrfPrivateKey, type VrfPublicKey } from "./suite.js";

// ECVRF-EDWARDS25519-SHA512-TAI, RFC 9381, "ECVRF Ciphersuites"; the draft truncates its output to 32 bytes.
const { Point } = ed25519;
const { Fn } = Point;
type Point = InstanceType<typeof Point>;

export const SUITE_STRING = 0x03;
export const POINT_LENGTH = 32;
export const CHALLENGE_LENGTH = 16;
export const PROOF_LENGTH = 80;
/** Bits of the window of a key\'s table: 16 multiples a point. */
const TABLE_WINDOW = 6;

/** `string_to_point` of RFC 8032, "Decoding": y < p, on the curve, no negative zero. */
function decodePoint(bytes: Uint8Array): Point | undefined {
  try {
    return Point.fromBytes(bytes, false);
  } catch {
    return undefined;
  }
}

function littleEndian(bytes: Uint8Array): bigint {
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i] as number);
  return value;
}

/** A scalar from a 64-byte hash: the value modulo q. */
const reduce = (bytes: Uint8Array): bigint => Fn.create(littleEndian(bytes));

/** What is hashed at attempt `counter`: RFC 9381, "ECVRF_encode_to_curve_try_and_increment". */
export function candidateInput(salt: Uint8Array, input: Uint8Array, counter: number): Uint8Array {
  return concatBytes(Uint8Array.of(SUITE_STRING, 0x01), salt, input, Uint8Array.of(counter, 0x00));
}

function encodeToCurve(salt: Uint8Array, input: Uint8Array): Point {
  for (let counter = 0; counter < 256; counter++) {
    const point = decodePoint(sha512(candidateInput(salt, input, counter)).subarray(0, POINT_LENGTH))?.clearCofactor();
    if (point !== undefined && !point.is0()) return point;
  }
  throw noPointForInput();
}

/** What the challenge is the hash of: RFC 9381, "ECVRF Challenge Generation". The points arrive encoded. */
export function challengeInput(...points: readonly Uint8Array[]): Uint8Array {
  return concatBytes(Uint8Array.of(SUITE_STRING, 0x02), ...points, Uint8Array.of(0x00));
}

function challenge(...points: readonly Uint8Array[]): Uint8Array {
  return sha512(challengeInput(...points)).slice(0, CHALLENGE_LENGTH);
}

/** What the output is the hash of: RFC 9381, "ECVRF Proof to Hash". `point` is the encoding of 8*Gamma. */
export function outputInput(point: Uint8Array): Uint8Array {
  return concatBytes(Uint8Array.of(SUITE_STRING, 0x03), point, Uint8Array.of(0x00));
}

function outputOf(gamma: Point): Uint8Array {
  return sha512(outputInput(gamma.clearCofactor().toBytes())).slice(0, HASH_LENGTH);
}

export interface EncodedProof {
  readonly gamma: Uint8Array;
  readonly c: Uint8Array;
  readonly s: Uint8Array;
  /** `s` as an integer. */
  readonly scalar: bigint;
}

/** The parts of a proof, still encoded; refuses a wrong length and s >= q. RFC 9381, "ECVRF Decode Proof". */
export function splitProof(proof: Uint8Array): EncodedProof {
  if (proof.length !== PROOF_LENGTH) throw invalidProof(`${proof.length} bytes where ${PROOF_LENGTH} are due`);
  const gamma = proof.slice(0, POINT_LENGTH);
  const c = proof.slice(POINT_LENGTH, POINT_LENGTH + CHALLENGE_LENGTH);
  const s = proof.slice(POINT_LENGTH + CHALLENGE_LENGTH);
  const scalar = littleEndian(s);
  if (scalar >= Fn.ORDER) throw invalidProof("s is not below the group order");
  return { gamma, c, s, scalar };
}

function decodeGamma(bytes: Uint8Array): Point {
  const gamma = decodePoint(bytes);
  if (gamma === undefined) throw invalidProof("Gamma is not the canonical encoding of a point");
  return gamma;
}

export function edwards25519ProofToOutput(proof: Uint8Array): Uint8Array {
  return outputOf(decodeGamma(splitProof(proof).gamma));
}

export function edwards25519VrfPublicKey(encoded: Uint8Array): VrfPublicKey {
  if (encoded.length !== POINT_LENGTH)
    throw invalidVrfPublicKey(`${encoded.length} bytes where ${POINT_LENGTH} are due`);
  const bytes = Uint8Array.from(encoded);
  const key = decodePoint(bytes);
  if (key === undefined) throw invalidVrfPublicKey("not the canonical encoding of a point");
  if (key.isSmallOrder()) throw invalidVrfPublicKey("a point of small order");
  const negated = key.negate();
  // A key verifies many proofs: its multiples and those of the generator are tabulated at the first.
  let combine: ((scalars: bigint[]) => Point) | undefined;
  return {
    bytes,
    verify(input, proof) {
      const { gamma: gammaBytes, c, scalar: s } = splitProof(proof);
      const gamma = decodeGamma(gammaBytes);
      const h = encodeToCurve(bytes, input);
      const e = littleEndian(c);
      combine ??= interleavedMSMUnsafe(Point, [Point.BASE, negated], TABLE_WINDOW);
      const u = combine([s, e]);
      const v = mulAddUnsafe(Point, [h, gamma.negate()], [s, e]);
      const expected = challenge(bytes, h.toBytes(), gammaBytes, u.toBytes(), v.toBytes());
      if (!equalBytes(c, expected)) throw challengeMismatch();
      return outputOf(gamma);
    },
  };
}

export function edwards25519VrfPrivateKey(seed: Uint8Array): VrfPrivateKey {
  if (seed.length !== PRIVATE_KEY_LENGTH)
    throw invalidVrfPrivateKey(`${seed.length} bytes where ${PRIVATE_KEY_LENGTH} are due`);
  const { scalar: x, prefix, pointBytes: publicKey } = ed25519.utils.getExtendedPublicKey(seed);
  return {
    publicKey,
    output: (input) => outputOf(encodeToCurve(publicKey, input).multiply(x)),
    prove(input): VrfEvaluation {
      const h = encodeToCurve(publicKey, input);
      const hBytes = h.toBytes();
      const gamma = h.multiply(x);
      const gammaBytes = gamma.toBytes();
      // RFC 9381, "ECVRF Nonce Generation from RFC 8032".
      const k = reduce(sha512(concatBytes(prefix, hBytes)));
      const c = challenge(publicKey, hBytes, gammaBytes, Point.BASE.multiply(k).toBytes(), h.multiply(k).toBytes());
      const s = Fn.create(k + littleEndian(c) * x);
      return { output: outputOf(gamma), proof: concatBytes(gammaBytes, c, Fn.toBytes(s)) };
    },
  };
}
