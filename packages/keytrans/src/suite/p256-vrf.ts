import { p256 } from "@noble/curves/nist.js";
import { interleavedMSMUnsafe, mulAddUnsafe } from "@noble/curves/abstract/curve.js";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { concatBytes, equalBytes } from "@mls-as/tls-codec";
import {
  challengeMismatch,
  invalidProof,
  invalidVrfPrivateKey,
  invalidVrfPublicKey,
  noPointForInput,
} from "./errors.js";
import { PRIVATE_KEY_LENGTH, type VrfEvaluation, type VrfPrivateKey, type VrfPublicKey } from "./suite.js";

// ECVRF-P256-SHA256-TAI, RFC 9381, "ECVRF Ciphersuites". Cofactor 1; integers are big-endian.
const { Point } = p256;
const { Fn } = Point;
type Point = InstanceType<typeof Point>;

const SUITE_STRING = 0x01;
const POINT_LENGTH = 33;
const CHALLENGE_LENGTH = 16;
const PROOF_LENGTH = 81;
/** Bits of the window of a key\'s table: 16 multiples a point. */
const TABLE_WINDOW = 6;

function bigEndian(bytes: Uint8Array): bigint {
  let value = 0n;
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  return value;
}

/** `string_to_point`: SEC 1, compressed, x < p, on the curve. */
function decodePoint(bytes: Uint8Array): Point | undefined {
  if (bytes.length !== POINT_LENGTH) return undefined;
  try {
    return Point.fromBytes(bytes);
  } catch {
    return undefined;
  }
}

/** `point_to_string`: SEC 1, compressed; the point at infinity, which only a key's owner can produce, is one zero byte. */
function encodePoint(point: Point): Uint8Array {
  return point.is0() ? Uint8Array.of(0x00) : point.toBytes(true);
}

function encodeToCurve(salt: Uint8Array, input: Uint8Array): Point {
  for (let counter = 0; counter < 256; counter++) {
    const digest = sha256(concatBytes(Uint8Array.of(SUITE_STRING, 0x01), salt, input, Uint8Array.of(counter, 0x00)));
    const point = decodePoint(concatBytes(Uint8Array.of(0x02), digest));
    if (point !== undefined) return point;
  }
  throw noPointForInput();
}

function challenge(...points: readonly Point[]): Uint8Array {
  const encoded = points.map(encodePoint);
  return sha256(concatBytes(Uint8Array.of(SUITE_STRING, 0x02), ...encoded, Uint8Array.of(0x00))).slice(
    0,
    CHALLENGE_LENGTH,
  );
}

function outputOf(gamma: Point): Uint8Array {
  return sha256(concatBytes(Uint8Array.of(SUITE_STRING, 0x03), encodePoint(gamma), Uint8Array.of(0x00)));
}

function decodeProof(proof: Uint8Array): { gamma: Point; c: Uint8Array; s: bigint } {
  if (proof.length !== PROOF_LENGTH) throw invalidProof(`${proof.length} bytes where ${PROOF_LENGTH} are due`);
  const gamma = decodePoint(proof.slice(0, POINT_LENGTH));
  if (gamma === undefined) throw invalidProof("Gamma is not the compressed encoding of a point");
  const s = bigEndian(proof.subarray(POINT_LENGTH + CHALLENGE_LENGTH));
  if (s >= Fn.ORDER) throw invalidProof("s is not below the group order");
  return { gamma, c: proof.slice(POINT_LENGTH, POINT_LENGTH + CHALLENGE_LENGTH), s };
}

export function p256ProofToOutput(proof: Uint8Array): Uint8Array {
  return outputOf(decodeProof(proof).gamma);
}

export function p256VrfPublicKey(encoded: Uint8Array): VrfPublicKey {
  const bytes = Uint8Array.from(encoded);
  const key = decodePoint(bytes);
  if (key === undefined) throw invalidVrfPublicKey("not the compressed encoding of a point on P-256");
  const negated = key.negate();
  // A key verifies many proofs: its multiples and those of the generator are tabulated at the first.
  let combine: ((scalars: bigint[]) => Point) | undefined;
  return {
    bytes,
    verify(input, proof) {
      const { gamma, c, s } = decodeProof(proof);
      const h = encodeToCurve(bytes, input);
      const e = bigEndian(c);
      combine ??= interleavedMSMUnsafe(Point, [Point.BASE, negated], TABLE_WINDOW);
      const u = combine([s, e]);
      const v = mulAddUnsafe(Point, [h, gamma.negate()], [s, e]);
      if (!equalBytes(c, challenge(key, h, gamma, u, v))) throw challengeMismatch();
      return outputOf(gamma);
    },
  };
}

/** The nonce of RFC 6979, "Generation of k", for a message that is hashed once more; RFC 9381, "ECVRF Nonce Generation from RFC 6979". */
function nonce(secret: Uint8Array, message: Uint8Array): bigint {
  const seed = concatBytes(secret, Fn.toBytes(Fn.create(bigEndian(sha256(message)))));
  let key: Uint8Array = new Uint8Array(32);
  let v: Uint8Array = new Uint8Array(32).fill(0x01);
  const update = (separator: number, data: Uint8Array): void => {
    key = hmac(sha256, key, concatBytes(v, Uint8Array.of(separator), data));
    v = hmac(sha256, key, v);
  };
  update(0x00, seed);
  update(0x01, seed);
  for (;;) {
    v = hmac(sha256, key, v);
    const k = bigEndian(v);
    if (k > 0n && k < Fn.ORDER) return k;
    update(0x00, new Uint8Array(0));
  }
}

export function p256VrfPrivateKey(secret: Uint8Array): VrfPrivateKey {
  if (secret.length !== PRIVATE_KEY_LENGTH)
    throw invalidVrfPrivateKey(`${secret.length} bytes where ${PRIVATE_KEY_LENGTH} are due`);
  const x = bigEndian(secret);
  if (x === 0n || x >= Fn.ORDER) throw invalidVrfPrivateKey("not a scalar in 1..q-1");
  const secretBytes = Uint8Array.from(secret);
  const key = Point.BASE.multiply(x);
  const publicKey = encodePoint(key);
  return {
    publicKey,
    output: (input) => outputOf(encodeToCurve(publicKey, input).multiply(x)),
    prove(input): VrfEvaluation {
      const h = encodeToCurve(publicKey, input);
      const gamma = h.multiply(x);
      const k = nonce(secretBytes, encodePoint(h));
      const c = challenge(key, h, gamma, Point.BASE.multiply(k), h.multiply(k));
      const s = Fn.create(k + bigEndian(c) * x);
      return { output: outputOf(gamma), proof: concatBytes(encodePoint(gamma), c, Fn.toBytes(s)) };
    },
  };
}
