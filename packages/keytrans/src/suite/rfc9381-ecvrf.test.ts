import { describe, expect, test } from "vitest";
import { KT_128_SHA256_Ed25519, KT_128_SHA256_P256, nobleSuite, SuiteError, type SuiteId } from "./index.js";
import { nodeSuite, nodeVrfProvider } from "./node.js";

const unhex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "hex"));

// RFC 9381, "ECVRF Test Vectors"; the Ed25519 suite's outputs are truncated to 32 bytes as the draft says.
const VECTORS: { id: SuiteId; sk: string; pk: string; alpha: string; beta: string; pi: string }[] = [
  {
    id: KT_128_SHA256_P256,
    sk: "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721",
    pk: "0360fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6",
    alpha: "73616d706c65",
    beta: "a3ad7b0ef73d8fc6655053ea22f9bede8c743f08bbed3d38821f0e16474b505e",
    pi: "035b5c726e8c0e2c488a107c600578ee75cb702343c153cb1eb8dec77f4b5071b4a53f0a46f018bc2c56e58d383f2305e0975972c26feea0eb122fe7893c15af376b33edf7de17c6ea056d4d82de6bc02f",
  },
  {
    id: KT_128_SHA256_P256,
    sk: "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721",
    pk: "0360fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6",
    alpha: "74657374",
    beta: "a284f94ceec2ff4b3794629da7cbafa49121972671b466cab4ce170aa365f26d",
    pi: "034dac60aba508ba0c01aa9be80377ebd7562c4a52d74722e0abae7dc3080ddb56c19e067b15a8a8174905b13617804534214f935b94c2287f797e393eb0816969d864f37625b443f30f1a5a33f2b3c854",
  },
  {
    id: KT_128_SHA256_Ed25519,
    sk: "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
    pk: "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    alpha: "",
    beta: "90cf1df3b703cce59e2a35b925d411164068269d7b2d29f3301c03dd757876ff",
    pi: "8657106690b5526245a92b003bb079ccd1a92130477671f6fc01ad16f26f723f26f8a57ccaed74ee1b190bed1f479d9727d2d0f9b005a6e456a35d4fb0daab1268a1b0db10836d9826a528ca76567805",
  },
  {
    id: KT_128_SHA256_Ed25519,
    sk: "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
    pk: "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
    alpha: "72",
    beta: "eb4440665d3891d668e7e0fcaf587f1b4bd7fbfe99d0eb2211ccec90496310eb",
    pi: "f3141cd382dc42909d19ec5110469e4feae18300e94f304590abdced48aed5933bf0864a62558b3ed7f2fea45c92a465301b3bbf5e3e54ddf2d935be3b67926da3ef39226bbc355bdc9850112c8f4b02",
  },
];

const PROVIDERS = [
  { provider: "noble", load: (id: SuiteId) => Promise.resolve(nobleSuite(id)) },
  { provider: "node", load: (id: SuiteId) => nodeSuite(id) },
  { provider: "node without native code", load: (id: SuiteId) => nodeSuite(id, { native: false }) },
] as const;

test("the Node provider runs on native libsodium here", async () => {
  expect(await nodeVrfProvider()).toBe("libsodium, native");
});

describe.each(PROVIDERS)("ECVRF with the $provider provider", ({ load }) => {
  test.each(VECTORS)("suite $id, alpha '$alpha'", async ({ id, sk, pk, alpha, beta, pi }) => {
    const suite = await load(id);
    const key = suite.importVrfPrivateKey(unhex(sk));
    expect(key.publicKey).toEqual(unhex(pk));
    expect(key.prove(unhex(alpha))).toEqual({ output: unhex(beta), proof: unhex(pi) });
    expect(suite.importVrfPublicKey(unhex(pk)).verify(unhex(alpha), unhex(pi))).toEqual(unhex(beta));
    expect(suite.vrfProofToOutput(unhex(pi))).toEqual(unhex(beta));
    expect(unhex(pi)).toHaveLength(suite.vrfProofLength);
  });

  test.each(VECTORS)("suite $id, alpha '$alpha': any other input, key or bit is refused", async (vector) => {
    const suite = await load(vector.id);
    const key = suite.importVrfPublicKey(unhex(vector.pk));
    const proof = unhex(vector.pi);
    const input = unhex(vector.alpha);
    const refusal = expect.objectContaining({ code: "invalid-vrf-proof", path: "proof" });
    expect(() => key.verify(Uint8Array.of(...input, 0), proof)).toThrow(refusal);
    const otherKey = suite.importVrfPrivateKey(new Uint8Array(32).fill(5)).publicKey;
    expect(() => suite.importVrfPublicKey(otherKey).verify(input, proof)).toThrow(refusal);
    expect(() => key.verify(input, proof.subarray(1))).toThrow(refusal);
    expect(() => key.verify(input, Uint8Array.of(...proof, 0))).toThrow(refusal);
    for (let i = 0; i < proof.length; i++) {
      const changed = Uint8Array.from(proof);
      changed[i] = (changed[i] as number) ^ (1 << (i % 8));
      expect(() => key.verify(input, changed)).toThrow(refusal);
    }
  });

  test.each([KT_128_SHA256_P256, KT_128_SHA256_Ed25519] as const)(
    "suite %i refuses private keys that are none",
    async (id) => {
      const suite = await load(id);
      const refusal = expect.objectContaining({ code: "invalid-vrf-private-key" });
      expect(() => suite.importVrfPrivateKey(new Uint8Array(31).fill(1))).toThrow(refusal);
      expect(() => suite.importVrfPrivateKey(new Uint8Array(33).fill(1))).toThrow(refusal);
      if (id === KT_128_SHA256_Ed25519) return;
      expect(() => suite.importVrfPrivateKey(new Uint8Array(32))).toThrow(refusal);
      const order = unhex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
      expect(() => suite.importVrfPrivateKey(order)).toThrow(refusal);
      expect(() => suite.importSigner(order)).toThrow(SuiteError);
    },
  );

  test("an unregistered suite is refused", async () => {
    await expect((async () => load(3 as SuiteId))()).rejects.toThrow(
      expect.objectContaining({ code: "unsupported-suite" }),
    );
  });
});
