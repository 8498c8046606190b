import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MlsCoreError } from "../errors.js";
import { nobleProvider, signaturePublicKey } from "./noble-provider.js";
import { nodeProvider } from "./node-provider.js";
import { checkSignaturePublicKey, signatureKeyFault } from "./public-key-check.js";
import { SignatureScheme } from "./signature-scheme.js";
import { webCryptoProvider } from "./web-provider.js";

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "hex"));
const PROVIDERS = { noble: nobleProvider, node: nodeProvider, web: webCryptoProvider };
const PRIVATE_KEYS: readonly [string, number, Uint8Array][] = [
  ["ed25519", SignatureScheme.ed25519, new Uint8Array(32).fill(7)],
  ["ed448", SignatureScheme.ed448, new Uint8Array(57).fill(7)],
  ["P-256", SignatureScheme.ecdsa_secp256r1_sha256, new Uint8Array(32).fill(7)],
  ["P-384", SignatureScheme.ecdsa_secp384r1_sha384, new Uint8Array(48).fill(7)],
  ["P-521", SignatureScheme.ecdsa_secp521r1_sha512, new Uint8Array(66).fill(7).fill(0, 0, 2)],
];

async function verdicts(scheme: number, key: Uint8Array, message: Uint8Array, signature: Uint8Array) {
  return await Promise.all(Object.values(PROVIDERS).map(async (p) => await p.verify(scheme, key, message, signature)));
}

describe.each(PRIVATE_KEYS)("%s", (_, scheme, privateKey) => {
  const publicKey = signaturePublicKey(scheme, privateKey);
  const message = new TextEncoder().encode("message");

  it("what any provider signs, every provider verifies", async () => {
    for (const signer of Object.values(PROVIDERS)) {
      const signature = await signer.sign(scheme, privateKey, message);
      expect(await verdicts(scheme, publicKey, message, signature)).toEqual([true, true, true]);
      expect(await verdicts(scheme, publicKey, hex("00"), signature)).toEqual([false, false, false]);
    }
  });

  it("providers agree on mutated keys and signatures", async () => {
    const signature = nobleProvider.sign(scheme, privateKey, message);
    const mutation = fc.record({ at: fc.nat(200), xor: fc.integer({ min: 1, max: 255 }), key: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(mutation, async ({ at, xor, key }) => {
        const [k, s] = [publicKey.slice(), signature.slice()];
        const target = key ? k : s;
        target[at % target.length] = (target[at % target.length] as number) ^ xor;
        const [first, ...rest] = await verdicts(scheme, k, message, s);
        for (const verdict of rest) expect(verdict).toBe(first);
        expect(first).toBe(false);
      }),
      { numRuns: 40 },
    );
  });

  it("providers refuse the same private keys", async () => {
    for (const bad of [new Uint8Array(0), new Uint8Array(31), new Uint8Array(80)])
      for (const provider of Object.values(PROVIDERS))
        await expect((async () => await provider.sign(scheme, bad, message))()).rejects.toThrow(MlsCoreError);
  });
});

describe("strange keys", () => {
  const cases: readonly [string, number, Uint8Array, string][] = [
    ["the neutral point", SignatureScheme.ed25519, hex(`01${"00".repeat(31)}`), "small-order-key"],
    [
      "a point of order 8",
      SignatureScheme.ed25519,
      hex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa"),
      "small-order-key",
    ],
    ["an unreduced y", SignatureScheme.ed25519, hex(`f0${"ff".repeat(30)}7f`), "non-canonical-key"],
    ["no point", SignatureScheme.ed25519, hex(`02${"00".repeat(31)}`), "off-curve-key"],
    ["a short key", SignatureScheme.ed25519, new Uint8Array(31), "key-length"],
    ["the neutral point", SignatureScheme.ed448, hex(`01${"00".repeat(56)}`), "small-order-key"],
    ["a compressed point", SignatureScheme.ecdsa_secp256r1_sha256, hex(`02${"11".repeat(32)}`), "compressed-key"],
    ["a hybrid point", SignatureScheme.ecdsa_secp256r1_sha256, hex(`06${"11".repeat(64)}`), "compressed-key"],
    ["no point", SignatureScheme.ecdsa_secp384r1_sha384, hex(`04${"11".repeat(96)}`), "off-curve-key"],
    ["unreduced", SignatureScheme.ecdsa_secp521r1_sha512, hex(`04${"ff".repeat(132)}`), "non-canonical-key"],
    ["the point at infinity", SignatureScheme.ecdsa_secp256r1_sha256, hex("00"), "key-length"],
    ["another scheme", 0x0804, new Uint8Array(32), "unsupported-signature-scheme"],
  ];
  it.each(cases)("%s under 0x%s has its own code", async (_, scheme, key, code) => {
    expect(signatureKeyFault(scheme, key)).toBe(code);
    expect(() => checkSignaturePublicKey(scheme, key)).toThrow(MlsCoreError);
    if (code !== "unsupported-signature-scheme")
      expect(await verdicts(scheme, key, hex("00"), new Uint8Array(64))).toEqual([false, false, false]);
  });

  it("a signature by a point of order 2 with zero s does not verify anywhere", async () => {
    const key = hex(`ec${"ff".repeat(30)}7f`);
    const signature = hex(`01${"00".repeat(63)}`);
    expect(await verdicts(SignatureScheme.ed25519, key, hex("00"), signature)).toEqual([false, false, false]);
  });

  it("a key with a torsion part is judged alike", async () => {
    const { ed25519 } = await import("@noble/curves/ed25519.js");
    const torsion = ed25519.Point.fromHex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa");
    const [secret, nonce] = [12_345n, 67_890n];
    const key = ed25519.Point.BASE.multiply(secret).add(torsion).toBytes();
    const r = ed25519.Point.BASE.multiply(nonce).toBytes();
    const { sha512 } = await import("@noble/hashes/sha2.js");
    const little = (bytes: Uint8Array): bigint => bytes.reduceRight((n, byte) => (n << 8n) | BigInt(byte), 0n);
    const outcomes = new Set<boolean>();
    for (let i = 0; i < 24; i++) {
      const message = Uint8Array.of(i);
      const k = little(sha512(Uint8Array.from([...r, ...key, ...message]))) % ed25519.Point.Fn.ORDER;
      let s = (nonce + k * secret) % ed25519.Point.Fn.ORDER;
      const signature = new Uint8Array(64);
      signature.set(r);
      for (let j = 32; j < 64; j++, s >>= 8n) signature[j] = Number(s & 0xffn);
      const [a, b, c] = await verdicts(SignatureScheme.ed25519, key, message, signature);
      expect([b, c]).toEqual([a, a]);
      outcomes.add(a as boolean);
    }
    expect(outcomes.has(false)).toBe(true);
  });
});

describe("ECDSA signatures are strict DER", () => {
  it.each([
    ["a long-form length", "3081080203010001020100"],
    ["a padded integer", "300702020001020101"],
    ["a negative integer", "3006020180020101"],
    ["a zero", "3006020100020101"],
    ["trailing bytes", "300602010102010100"],
  ])("%s", async (_, der) => {
    const scheme = SignatureScheme.ecdsa_secp256r1_sha256;
    const key = signaturePublicKey(scheme, new Uint8Array(32).fill(7));
    expect(await verdicts(scheme, key, hex("00"), hex(der))).toEqual([false, false, false]);
  });
});
