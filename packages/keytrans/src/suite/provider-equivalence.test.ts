import { ed25519 } from "@noble/curves/ed25519.js";
import { p256 } from "@noble/curves/nist.js";
import { sha512 } from "@noble/hashes/sha2.js";
import { concatBytes } from "@mls-as/tls-codec";
import * as fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { challengeInput, outputInput } from "./edwards25519-vrf.js";
import { KT_128_SHA256_Ed25519, KT_128_SHA256_P256, nobleSuite, type Suite, SuiteError } from "./index.js";
import { nodeSuite } from "./node.js";

const { Point } = ed25519;
const { Fn } = Point;
type Point = InstanceType<typeof Point>;
const ORDER = Fn.ORDER;
const P = Point.Fp.ORDER;

const reference = nobleSuite(KT_128_SHA256_Ed25519);
const noble = { ed25519: reference, "ed25519 in WebAssembly": reference, p256: nobleSuite(KT_128_SHA256_P256) };
let node: Record<keyof typeof noble, Suite>;
beforeAll(async () => {
  node = {
    ed25519: await nodeSuite(KT_128_SHA256_Ed25519),
    "ed25519 in WebAssembly": await nodeSuite(KT_128_SHA256_Ed25519, { native: false }),
    p256: await nodeSuite(KT_128_SHA256_P256),
  };
});
/** All that do the Ed25519 suite. */
const ed25519Suites = (): Suite[] => [noble.ed25519, node.ed25519, node["ed25519 in WebAssembly"]];

/** What a call comes to: its bytes, or its refusal; anything else fails the test. */
function verdict(call: () => Uint8Array): string {
  try {
    return Buffer.from(call()).toString("hex");
  } catch (error) {
    if (error instanceof SuiteError) return `${error.code} ${error.message}`;
    throw error;
  }
}

function littleEndian(value: bigint): Uint8Array {
  return Uint8Array.from({ length: 32 }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));
}
function number(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

/** The eight points whose order divides 8. */
const SMALL_ORDER: readonly Point[] = (() => {
  const torsion = Point.fromBytes(
    littleEndian(2707385501144840649318225287225658788936804267575313519463743609750303402022n),
  );
  const points = [Point.ZERO];
  for (let i = 1; i < 8; i++) points.push((points[i - 1] as Point).add(torsion));
  return points;
})();

/** Every encoding with y >= p, either sign. */
const NON_CANONICAL: readonly Uint8Array[] = Array.from({ length: 19 }, (_, i) => littleEndian(P + BigInt(i))).flatMap(
  (y) => [y, Uint8Array.from(y, (byte, i) => (i === 31 ? byte | 0x80 : byte))],
);
const NEGATIVE_ZERO: readonly Uint8Array[] = [1n, P - 1n].map((y) =>
  Uint8Array.from(littleEndian(y), (byte, i) => (i === 31 ? byte | 0x80 : byte)),
);

test("the small-order points are eight and of small order", () => {
  expect(new Set(SMALL_ORDER.map((point) => point.toHex())).size).toBe(8);
  expect(SMALL_ORDER.every((point) => point.isSmallOrder())).toBe(true);
});

const seeds = fc.uint8Array({ minLength: 32, maxLength: 32 });
const inputs = fc.uint8Array({ maxLength: 300 });

describe.each(["ed25519", "ed25519 in WebAssembly", "p256"] as const)("%s: both providers", (curve) => {
  const runs = curve !== "p256" ? 30 : 8;

  test("prove, verify and refuse alike", () => {
    fc.assert(
      fc.property(seeds, inputs, fc.nat(), fc.integer({ min: 1, max: 255 }), (seed, input, at, change) => {
        const [a, b] = [noble[curve].importVrfPrivateKey(seed), node[curve].importVrfPrivateKey(seed)];
        expect(b.publicKey).toEqual(a.publicKey);
        const evaluation = a.prove(input);
        expect(b.prove(input)).toEqual(evaluation);
        expect(a.output(input)).toEqual(evaluation.output);
        expect(b.output(input)).toEqual(evaluation.output);
        const keys = [
          noble[curve].importVrfPublicKey(a.publicKey),
          node[curve].importVrfPublicKey(a.publicKey),
        ] as const;
        for (const key of keys) expect(key.verify(input, evaluation.proof)).toEqual(evaluation.output);
        const changed = Uint8Array.from(evaluation.proof);
        const i = at % changed.length;
        changed[i] = (changed[i] as number) ^ change;
        expect(verdict(() => keys[1].verify(input, changed))).toBe(verdict(() => keys[0].verify(input, changed)));
        expect(() => keys[0].verify(input, changed)).toThrow(SuiteError);
      }),
      { numRuns: runs },
    );
  });

  test("import the same public keys", () => {
    const length = curve !== "p256" ? 32 : 33;
    const signatureLength = curve !== "p256" ? 32 : 65;
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: length, maxLength: length }),
        fc.uint8Array({ minLength: signatureLength, maxLength: signatureLength }),
        fc.boolean(),
        (bytes, signatureBytes, plausible) => {
          if (plausible && curve === "p256") {
            bytes[0] = 2;
            signatureBytes[0] = 4;
          }
          expect(verdict(() => node[curve].importVrfPublicKey(bytes).bytes)).toBe(
            verdict(() => noble[curve].importVrfPublicKey(bytes).bytes),
          );
          expect(verdict(() => node[curve].importSignatureKey(signatureBytes).bytes)).toBe(
            verdict(() => noble[curve].importSignatureKey(signatureBytes).bytes),
          );
        },
      ),
      { numRuns: 100 },
    );
  });

  test("verify each other's signatures and refuse every changed byte", async () => {
    const seed = new Uint8Array(32).fill(9);
    const message = Uint8Array.of(1, 2, 3);
    for (const signing of [noble[curve], node[curve]]) {
      const signer = signing.importSigner(seed);
      const signature = await signer.sign(message);
      expect(signature).toHaveLength(64);
      for (const suite of [noble[curve], node[curve]]) {
        const key = suite.importSignatureKey(signer.publicKey);
        expect(key.bytes).toHaveLength(curve !== "p256" ? 32 : 65);
        expect(await key.verify(message, signature)).toBe(true);
        expect(await key.verify(Uint8Array.of(1, 2), signature)).toBe(false);
        for (const length of [0, 63, 65]) expect(await key.verify(message, new Uint8Array(length))).toBe(false);
        for (let i = 0; i < 64; i += 7) {
          const changed = Uint8Array.from(signature);
          changed[i] = (changed[i] as number) ^ 1;
          expect(await key.verify(message, changed)).toBe(false);
        }
      }
    }
  });

  test("hash and commit alike", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 16, maxLength: 16 }),
        inputs,
        fc.integer({ min: 0, max: 0xffffffff }),
        (opening, value, version) => {
          expect(node[curve].hash(value)).toEqual(noble[curve].hash(value));
          const label = value.subarray(0, 255);
          expect(node[curve].commitment(opening, label, version, value)).toEqual(
            noble[curve].commitment(opening, label, version, value),
          );
        },
      ),
    );
  });
});

describe("edwards25519: keys that deserve suspicion", () => {
  test("small order, non-canonical and negative zero are refused, for the VRF and for signatures", () => {
    const refused = [
      ...SMALL_ORDER.map((point) => point.toBytes()),
      ...NON_CANONICAL,
      ...NEGATIVE_ZERO,
      new Uint8Array(31),
    ];
    for (const suite of ed25519Suites())
      for (const bytes of refused) {
        expect(() => suite.importVrfPublicKey(bytes)).toThrow(
          expect.objectContaining({ code: "invalid-vrf-public-key" }),
        );
        expect(() => suite.importSignatureKey(bytes)).toThrow(
          expect.objectContaining({ code: "invalid-signature-public-key" }),
        );
      }
  });
});

/** H for a salt and input, by the steps of RFC 9381. */
function hashToCurve(salt: Uint8Array, input: Uint8Array): Point {
  for (let counter = 0; ; counter++) {
    const digest = sha512(concatBytes(Uint8Array.of(3, 1), salt, input, Uint8Array.of(counter, 0)));
    try {
      const point = Point.fromBytes(digest.slice(0, 32)).clearCofactor();
      if (!point.is0()) return point;
    } catch {
      // not a point: next counter
    }
  }
}

/**
 * A proof by someone who knows the key but adds points of small order to the key and to Gamma. It holds when the challenge
 * cancels them, so nonces are tried until it does.
 */
function torsionProof(x: bigint, keyTorsion: Point, gammaTorsion: Point, input: Uint8Array, firstNonce: bigint) {
  const publicKey = Point.BASE.multiply(x).add(keyTorsion).toBytes();
  const h = hashToCurve(publicKey, input);
  const gamma = h.multiply(x).add(gammaTorsion);
  for (let k = firstNonce; ; k++) {
    const points = [gamma, k === 0n ? Point.ZERO : Point.BASE.multiply(k), k === 0n ? Point.ZERO : h.multiply(k)];
    const c = sha512(challengeInput(publicKey, h.toBytes(), ...points.map((point) => point.toBytes()))).slice(0, 16);
    const torsionFree = keyTorsion.is0() && gammaTorsion.is0();
    if (!torsionFree && number(c) % 8n !== 0n) {
      if (k === 0n) return undefined;
      continue;
    }
    const s = Fn.create(k + number(c) * x);
    const output = sha512(outputInput(gamma.clearCofactor().toBytes())).slice(0, 32);
    return { publicKey, proof: concatBytes(gamma.toBytes(), c, littleEndian(s)), output, s, c, gamma };
  }
}

describe("edwards25519: proofs at the edges of RFC 9381", () => {
  const input = new TextEncoder().encode("edge");
  const x = 0x1234567890abcdefn;

  test.each([0, 1, 2, 4, 7])(
    "a key with torsion part %i: proofs that hold are accepted, others refused, alike",
    (torsion) => {
      for (const gammaTorsion of [0, 3, 4]) {
        const made = torsionProof(x, SMALL_ORDER[torsion] as Point, SMALL_ORDER[gammaTorsion] as Point, input, 77n);
        if (made === undefined) throw new Error("no proof");
        for (const suite of ed25519Suites()) {
          const key = suite.importVrfPublicKey(made.publicKey);
          expect(key.verify(input, made.proof)).toEqual(made.output);
          expect(suite.vrfProofToOutput(made.proof)).toEqual(made.output);
          const otherGamma = made.gamma.add(SMALL_ORDER[1] as Point).toBytes();
          expect(() => key.verify(input, concatBytes(otherGamma, made.proof.slice(32)))).toThrow(SuiteError);
        }
      }
    },
  );

  test("a nonce of zero, which makes U and V the neutral element", () => {
    const made = torsionProof(x, Point.ZERO, Point.ZERO, input, 0n);
    if (made === undefined) throw new Error("no proof");
    for (const suite of ed25519Suites())
      expect(suite.importVrfPublicKey(made.publicKey).verify(input, made.proof)).toEqual(made.output);
  });

  test("s at or above the group order", () => {
    const made = torsionProof(x, Point.ZERO, Point.ZERO, input, 5n);
    if (made === undefined) throw new Error("no proof");
    for (const suite of ed25519Suites())
      for (const s of [made.s + ORDER, ORDER, 2n ** 256n - 1n])
        expect(() =>
          suite.importVrfPublicKey(made.publicKey).verify(input, concatBytes(made.proof.slice(0, 48), littleEndian(s))),
        ).toThrow(expect.objectContaining({ code: "invalid-vrf-proof" }));
  });

  test("strange Gammas, zero challenges and zero scalars: the same verdict", () => {
    const publicKey = Point.BASE.multiply(x).toBytes();
    const gammas = [
      ...SMALL_ORDER.map((point) => point.toBytes()),
      ...NON_CANONICAL.slice(0, 6),
      ...NEGATIVE_ZERO,
      new Uint8Array(32).fill(2),
    ];
    const [first, ...others] = ed25519Suites().map((suite) => suite.importVrfPublicKey(publicKey));
    for (const gamma of gammas)
      for (const c of [0n, 1n, 8n])
        for (const s of [0n, 1n, ORDER - 1n]) {
          const proof = concatBytes(gamma, littleEndian(c).slice(0, 16), littleEndian(s));
          const expected = verdict(() => first?.verify(input, proof) ?? new Uint8Array());
          for (const key of others) expect(verdict(() => key.verify(input, proof))).toBe(expected);
          expect(() => first?.verify(input, proof)).toThrow(SuiteError);
        }
  });
});

describe("Ed25519 signatures at the edges of RFC 8032", () => {
  const message = new TextEncoder().encode("tree head");
  const a = 0xfedcba9876543210n;

  function sign(publicKey: Uint8Array, r: bigint, rTorsion: Point): { signature: Uint8Array; k: bigint; s: bigint } {
    const encodedR = Point.BASE.multiply(r).add(rTorsion).toBytes();
    const k = Fn.create(number(sha512(concatBytes(encodedR, publicKey, message))));
    const s = Fn.create(r + k * a);
    return { signature: concatBytes(encodedR, littleEndian(s)), k, s };
  }

  test("points with a torsion part: the equation without the cofactor decides, on both providers", async () => {
    const publicKey = Point.BASE.multiply(a)
      .add(SMALL_ORDER[1] as Point)
      .toBytes();
    const accepted = new Set<boolean>();
    for (let r = 1n; r < 40n; r++) {
      const { signature, k } = sign(publicKey, r, Point.ZERO);
      const holds = k % 8n === 0n;
      accepted.add(holds);
      for (const suite of ed25519Suites())
        expect(await suite.importSignatureKey(publicKey).verify(message, signature)).toBe(holds);
    }
    expect(accepted.size).toBe(2);
    const clean = Point.BASE.multiply(a).toBytes();
    for (const suite of ed25519Suites())
      expect(
        await suite.importSignatureKey(clean).verify(message, sign(clean, 3n, SMALL_ORDER[2] as Point).signature),
      ).toBe(false);
  });

  test("s at or above the group order, non-canonical R", async () => {
    const publicKey = Point.BASE.multiply(a).toBytes();
    const { signature, s } = sign(publicKey, 3n, Point.ZERO);
    for (const suite of ed25519Suites()) {
      const key = suite.importSignatureKey(publicKey);
      expect(await key.verify(message, signature)).toBe(true);
      expect(await key.verify(message, concatBytes(signature.slice(0, 32), littleEndian(s + ORDER)))).toBe(false);
      for (const r of [...NON_CANONICAL, ...NEGATIVE_ZERO])
        expect(await key.verify(message, concatBytes(r, signature.slice(32)))).toBe(false);
    }
  });
});

const bigEndian = (value: bigint): Uint8Array => littleEndian(value).toReversed();

describe("P-256 at the edges", () => {
  const order = p256.Point.Fn.ORDER;

  test("keys: infinity, hybrid, wrong form for the use, off the curve", () => {
    const compressed = p256.Point.BASE.toBytes(true);
    const uncompressed = p256.Point.BASE.toBytes(false);
    const offCurve = Uint8Array.from(uncompressed);
    offCurve[64] = (offCurve[64] as number) ^ 1;
    const hybrid = Uint8Array.from(uncompressed);
    hybrid[0] = 6 + ((uncompressed[64] as number) & 1);
    for (const suite of [noble.p256, node.p256]) {
      for (const bytes of [Uint8Array.of(0), new Uint8Array(33), uncompressed, compressed.slice(0, 32)])
        expect(() => suite.importVrfPublicKey(bytes)).toThrow(
          expect.objectContaining({ code: "invalid-vrf-public-key" }),
        );
      for (const bytes of [Uint8Array.of(0), compressed, offCurve, hybrid, new Uint8Array(65)])
        expect(() => suite.importSignatureKey(bytes)).toThrow(
          expect.objectContaining({ code: "invalid-signature-public-key" }),
        );
    }
  });

  test("signatures: r or s zero, at or above the order; high s is accepted", async () => {
    const signer = noble.p256.importSigner(new Uint8Array(32).fill(4));
    const message = Uint8Array.of(7);
    const signature = await signer.sign(message);
    const [r, s] = [signature.slice(0, 32), signature.slice(32)];
    const mirrored = order - BigInt(`0x${Buffer.from(s).toString("hex")}`);
    for (const suite of [noble.p256, node.p256]) {
      const key = suite.importSignatureKey(signer.publicKey);
      expect(await key.verify(message, concatBytes(r, bigEndian(mirrored)))).toBe(true);
      for (const bad of [0n, order, 2n ** 256n - 1n]) {
        expect(await key.verify(message, concatBytes(bigEndian(bad), s))).toBe(false);
        expect(await key.verify(message, concatBytes(r, bigEndian(bad)))).toBe(false);
      }
    }
  });
});

describe("private keys from randomness", () => {
  test("P-256 draws again when a draw is no scalar; a broken source is refused", () => {
    const draws = [new Uint8Array(32), new Uint8Array(32).fill(0xff), new Uint8Array(32).fill(1)];
    const key = noble.p256.generatePrivateKey(() => draws.shift() as Uint8Array);
    expect(key).toEqual(new Uint8Array(32).fill(1));
    const refusal = expect.objectContaining({ code: "invalid-randomness" });
    expect(() => node.p256.generatePrivateKey(() => new Uint8Array(32))).toThrow(refusal);
    expect(() => node.ed25519.generatePrivateKey(() => new Uint8Array(16))).toThrow(refusal);
  });
});
