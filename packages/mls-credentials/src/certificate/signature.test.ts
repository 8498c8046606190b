import { nodeProvider } from "@mls-as/mls-core/node";
import { concatBytes } from "@mls-as/tls-codec";
import { ed448 } from "@noble/curves/ed448.js";
import { shake256 } from "@noble/hashes/sha3.js";
import { describe, expect, it } from "vitest";
import { verifySignature } from "./signature.js";

const IDENTIFIER = { oid: "1.3.101.113", parameters: undefined, der: new Uint8Array(0) };
const MESSAGE = new TextEncoder().encode("certificate");
const ORDER = ed448.Point.Fn.ORDER;
const FIELD = ed448.Point.Fp.ORDER;

function littleEndian(value: bigint): Uint8Array {
  return Uint8Array.from({ length: 57 }, (_, index) => Number((value >> BigInt(8 * index)) & 0xffn));
}

function fromLittleEndian(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, octet) => (value << 8n) | BigInt(octet), 0n);
}

/** A signature whose R is the neutral point, written with the ordinate given. */
function signedWith(ordinate: bigint): { key: Uint8Array; signature: Uint8Array } {
  const { scalar, pointBytes: key } = ed448.utils.getExtendedPublicKey(new Uint8Array(57).fill(7));
  const r = littleEndian(ordinate);
  const domain = concatBytes(new TextEncoder().encode("SigEd448"), Uint8Array.of(0, 0));
  const challenge = fromLittleEndian(shake256(concatBytes(domain, r, key, MESSAGE), { dkLen: 114 })) % ORDER;
  return { key, signature: concatBytes(r, littleEndian((challenge * scalar) % ORDER)) };
}

describe("Ed448 signatures", () => {
  const verify = ({ key, signature }: { key: Uint8Array; signature: Uint8Array }) =>
    verifySignature(nodeProvider, IDENTIFIER, { kind: "ed448", key }, MESSAGE, signature);

  it("holds with R in its one encoding", async () => {
    expect(await verify(signedWith(1n))).toBeUndefined();
  });

  it("refuses R whose ordinate is not below the field's order", async () => {
    expect(await verify(signedWith(1n + FIELD))).toMatchObject({ code: "bad-signature" });
  });
});
