import { KeyPackage, SignatureScheme } from "@mls-as/mls-core";
import { concatBytes, encode } from "@mls-as/tls-codec";
import type { CorpusCase } from "./corpus.js";
import { keyPackageOf, type Member, signed, unsignedLeaf } from "./members.js";

/** Octets of a coordinate. */
export const NIST_FIELD_LENGTHS: Readonly<Record<number, number>> = {
  [SignatureScheme.ecdsa_secp256r1_sha256]: 32,
  [SignatureScheme.ecdsa_secp384r1_sha384]: 48,
  [SignatureScheme.ecdsa_secp521r1_sha512]: 66,
};

interface Fault {
  readonly name: string;
  readonly description: string;
  readonly key: Uint8Array;
  readonly code: string;
}

function nistFaults(key: Uint8Array, fieldLength: number): Fault[] {
  const x = key.slice(1, 1 + fieldLength);
  const y = key.slice(1 + fieldLength);
  const offCurve = key.slice();
  offCurve[key.length - 1] = (offCurve.at(-1) as number) ^ 1;
  const ones = new Uint8Array(fieldLength).fill(0xff);
  if (fieldLength === 66) ones.set([1, 0xff]);
  const sign = (y.at(-1) as number) & 1;
  return [
    {
      name: "compressed",
      description: "as a compressed point",
      key: concatBytes(Uint8Array.of(2 + sign), x),
      code: "compressed-key",
    },
    { name: "off-curve", description: "as a point off the curve", key: offCurve, code: "off-curve-key" },
    {
      name: "unreduced",
      description: "with an x that is not below p",
      key: concatBytes(Uint8Array.of(4), ones, y),
      code: "non-canonical-key",
    },
    { name: "short", description: "without its last octet", key: key.slice(0, -1), code: "key-length" },
    { name: "bare", description: "without the form octet", key: key.slice(1), code: "key-length" },
  ];
}

function ed25519Faults(key: Uint8Array): Fault[] {
  const from = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, "hex"));
  const small = "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a";
  return [
    {
      name: "identity",
      description: "as the point of order 1",
      key: from(`01${"00".repeat(31)}`),
      code: "small-order-key",
    },
    { name: "order-8", description: "as a point of order 8", key: from(small), code: "small-order-key" },
    {
      name: "off-curve",
      description: "as a y that no point has",
      key: from(`02${"00".repeat(31)}`),
      code: "off-curve-key",
    },
    {
      name: "unreduced",
      description: "with a y of 2^255 - 16",
      key: from(`f0${"ff".repeat(30)}7f`),
      code: "non-canonical-key",
    },
    { name: "short", description: "without its last octet", key: key.slice(0, -1), code: "key-length" },
  ];
}

/** KeyPackages whose signature key, or (NIST) init key, is not a public key of the suite. */
export async function faultyKeyCases(who: Member): Promise<CorpusCase[]> {
  const fieldLength = NIST_FIELD_LENGTHS[who.key.scheme];
  const { publicKey } = who.key;
  const cases: CorpusCase[] = [];
  for (const fault of fieldLength === undefined ? ed25519Faults(publicKey) : nistFaults(publicKey, fieldLength)) {
    const leaf = await signed(who, unsignedLeaf(who, { signatureKey: fault.key }));
    cases.push({
      name: `signature-key-${fault.name}`,
      description: `signature_key ${fault.description}`,
      structure: "KeyPackage",
      bytes: encode(KeyPackage, await keyPackageOf(who, leaf)),
      codes: [fault.code, "invalid-signature"],
    });
  }
  if (fieldLength === undefined) return cases;
  const leaf = await signed(who, unsignedLeaf(who));
  const { initKey } = await keyPackageOf(who, leaf);
  for (const fault of nistFaults(initKey, fieldLength)) {
    cases.push({
      name: `init-key-${fault.name}`,
      description: `init_key ${fault.description}`,
      structure: "KeyPackage",
      bytes: encode(KeyPackage, await keyPackageOf(who, leaf, { initKey: fault.key })),
      codes: [fault.code],
    });
  }
  return cases;
}
