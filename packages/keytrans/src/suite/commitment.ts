import { bytes, concatBytes, encode, opaque, struct, uint32 } from "@mls-as/tls-codec";
import { type Hash, OPENING_LENGTH } from "./suite.js";

const VrfInput = struct({ label: opaque(0, 255), version: uint32 });

/** The VRF's input for a label-version pair: an encoded `VrfInput`. Draft, "Verifiable Random Function". @throws CodecError */
export function vrfInput(label: Uint8Array, version: number): Uint8Array {
  return encode(VrfInput, { label, version });
}

/** `Kc` of both suites. Draft, "KT Cipher Suites". */
const KC = [0xd8, 0x21, 0xf8, 0x79, 0x0d, 0x97, 0x70, 0x97, 0x96, 0xb4, 0xd7, 0x90, 0x33, 0x57, 0xc3, 0xf5];
const SHA256_BLOCK = 64;

/** HMAC's key block, RFC 2104: `Kc` zero-padded to a block, every byte combined with `pad`. */
function keyBlock(pad: number): Uint8Array {
  return Uint8Array.from({ length: SHA256_BLOCK }, (_, i) => (KC[i] ?? 0) ^ pad);
}
const INNER = keyBlock(0x36);
const OUTER = keyBlock(0x5c);

/** `CommitmentValue` up to its last field, whose shape depends on the deployment mode and which arrives encoded. */
const CommitmentValue = struct({ opening: bytes(OPENING_LENGTH), label: opaque(0, 255), version: uint32 });

/** `HMAC(Kc, CommitmentValue)`. Draft, "Commitment". */
export function commit(
  hash: Hash,
  opening: Uint8Array,
  label: Uint8Array,
  version: number,
  update: Uint8Array,
): Uint8Array {
  const value = encode(CommitmentValue, { opening, label, version });
  return hash(concatBytes(OUTER, hash(concatBytes(INNER, value, update))));
}
