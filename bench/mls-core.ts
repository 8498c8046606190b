import { createPublicKey, verify } from "node:crypto";
import {
  checkKeyPackage,
  checkRatchetTree,
  KeyPackage,
  keyPackageTbs,
  leafNodeTbs,
  RatchetTree,
  SignatureLabel,
  signContent,
  treeHash,
} from "@mls-as/mls-core";
import { nodeProvider } from "@mls-as/mls-core/node";
import { decode, encode } from "@mls-as/tls-codec";
import { getCiphersuiteFromName, getCiphersuiteImpl } from "ts-mls";
import { validateRatchetTree } from "ts-mls/clientState.js";
import { decodeKeyPackage, verifyKeyPackage } from "ts-mls/keyPackage.js";
import { verifyLeafNodeSignatureKeyPackage } from "ts-mls/leafNode.js";
import { decodeRatchetTree } from "ts-mls/ratchetTree.js";
import type { Benchmark, Measurement } from "./main.js";
import { fullTree, GROUP_ID, keyPackage } from "./mls-tree.js";

const TS_MLS = "ts-mls 1.6.4";
const SUITE_NAME = "MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519";

/** Median of `samples` runs of each function in milliseconds; the functions take turns, so that all see the same machine. */
async function inTurns(samples: number, ...runs: (() => unknown)[]): Promise<number[]> {
  const times = runs.map((): number[] => []);
  for (let i = -1; i < samples; i++)
    for (const [at, run] of runs.entries()) {
      const start = performance.now();
      await run();
      if (i >= 0) times[at]?.push(performance.now() - start); // the first round warms up
    }
  return times.map((list) => list.sort((a, b) => a - b)[list.length >> 1] as number);
}

function repeat(count: number, run: () => unknown): () => Promise<void> {
  return async () => {
    for (let i = 0; i < count; i++) await run();
  };
}

function must<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`${what} was refused`);
  return value;
}

/** A bare node:crypto verification with a KeyObject that is there already. */
function bareVerification(
  publicKey: Uint8Array,
  label: string,
  content: Uint8Array,
  signature: Uint8Array,
): () => void {
  const x = Buffer.from(publicKey).toString("base64url");
  const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
  const message = signContent(label, content);
  return () => {
    if (!verify(null, message, key, signature)) throw new Error("a signature does not hold");
  };
}

const tsMlsSuite = () => getCiphersuiteImpl(getCiphersuiteFromName(SUITE_NAME));

const keyPackages: Benchmark = {
  name: "mls-core/key-package",
  async run() {
    const value = await keyPackage("bench");
    const bytes = encode(KeyPackage, value);
    const { signature } = await tsMlsSuite();
    const { leafNode } = value;
    const bare = [
      bareVerification(leafNode.signatureKey, SignatureLabel.leafNode, leafNodeTbs(leafNode), leafNode.signature),
      bareVerification(leafNode.signatureKey, SignatureLabel.keyPackage, keyPackageTbs(value), value.signature),
    ];
    const [decodes, checks, samples] = [5000, 100, 15];
    const [ours = 0, theirs = 0] = await inTurns(
      samples,
      () => {
        for (let i = 0; i < decodes; i++) decode(KeyPackage, bytes);
      },
      () => {
        for (let i = 0; i < decodes; i++) must(decodeKeyPackage(bytes, 0), "the KeyPackage");
      },
    );
    const rule = { now: 1n };
    const [validate = 0, tsMls = 0, verifications = 0] = await inTurns(
      samples,
      repeat(checks, async () => {
        const violations = await checkKeyPackage(nodeProvider, decode(KeyPackage, bytes), rule);
        if (violations.length > 0) throw new Error("the KeyPackage is not valid");
      }),
      repeat(checks, async () => {
        const [decoded] = must(decodeKeyPackage(bytes, 0), "the KeyPackage");
        if (!(await verifyKeyPackage(decoded, signature))) throw new Error("signature");
        if (!(await verifyLeafNodeSignatureKeyPackage(decoded.leafNode, signature))) throw new Error("leaf signature");
      }),
      repeat(checks, () => {
        for (const run of bare) run();
      }),
    );
    const perDecode = 1000 / decodes;
    const perCheck = 1000 / checks;
    const params = { bytes: bytes.length, suite: 1 };
    return [
      { name: "KeyPackage decode", unit: "µs", value: ours * perDecode, samples, params },
      { name: `KeyPackage decode, ${TS_MLS}`, unit: "µs", value: theirs * perDecode, samples, params },
      { name: "KeyPackage decode, ratio", unit: "x", value: ours / theirs, samples, params: { baseline: TS_MLS } },
      { name: "KeyPackage decode and check", unit: "µs", value: validate * perCheck, samples, params },
      {
        name: `KeyPackage decode and both signatures, ${TS_MLS}`,
        unit: "µs",
        value: tsMls * perCheck,
        samples,
        params: { ...params, crypto: "its default, Web Crypto" },
      },
      { name: "both signatures, node:crypto alone", unit: "µs", value: verifications * perCheck, samples, params },
      {
        name: "KeyPackage decode and check, ratio",
        unit: "x",
        value: validate / verifications,
        samples,
        params: { baseline: "both signatures, node:crypto alone" },
      },
    ];
  },
};

/** Decoding and validating a tree with all its parents. ts-mls is timed up to 1,000 leaves: its validation is quadratic. */
function trees(leaves: number, samples: number): Benchmark {
  return {
    name: `mls-core/tree-${leaves}`,
    async run() {
      const tree = await fullTree(leaves);
      const bytes = encode(RatchetTree, tree);
      const hash = treeHash(nodeProvider, 1, tree);
      const bare = tree.flatMap((node, i) => {
        if (node?.nodeType !== "leaf") return [];
        const { leafNode } = node;
        const content = leafNodeTbs(leafNode, { groupId: GROUP_ID, leafIndex: i / 2 });
        return [bareVerification(leafNode.signatureKey, SignatureLabel.leafNode, content, leafNode.signature)];
      });
      const params = { leaves, bytes: bytes.length, suite: 1 };
      const rule = { cipherSuite: 1, groupId: GROUP_ID, treeHash: hash, now: 1n };
      const [ours = 0, theirs = 0] = await inTurns(
        samples,
        () => decode(RatchetTree, bytes),
        () => must(decodeRatchetTree(bytes, 0), "the tree"),
      );
      const [validate = 0, alone = 0] = await inTurns(
        samples,
        async () => {
          const decoded = decode(RatchetTree, bytes);
          const violations = await checkRatchetTree(nodeProvider, { ...rule, tree: decoded });
          if (violations.length > 0) throw new Error(`the tree is not valid: ${violations[0]?.code}`);
        },
        () => {
          for (const run of bare) run();
        },
      );
      const label = `tree of ${leaves.toLocaleString("en")} leaves`;
      const measurements: Measurement[] = [
        { name: `${label}, decode`, unit: "ms", value: ours, samples, params },
        { name: `${label}, decode, ${TS_MLS}`, unit: "ms", value: theirs, samples, params },
        { name: `${label}, decode, ratio`, unit: "x", value: ours / theirs, samples, params: { baseline: TS_MLS } },
        { name: `${label}, decode and check`, unit: "ms", value: validate, samples, params },
        { name: `${label}, signatures, node:crypto alone`, unit: "ms", value: alone, samples, params },
        {
          name: `${label}, decode and check, ratio`,
          unit: "x",
          value: validate / alone,
          samples,
          params: { baseline: "signatures, node:crypto alone" },
        },
      ];
      if (leaves <= 1000) measurements.push(await tsMlsValidation(label, bytes, hash, params));
      return measurements;
    },
  };
}

async function tsMlsValidation(
  label: string,
  bytes: Uint8Array,
  hash: Uint8Array,
  params: Readonly<Record<string, string | number>>,
): Promise<Measurement> {
  const suite = await tsMlsSuite();
  const context = {
    version: "mls10",
    cipherSuite: SUITE_NAME,
    groupId: GROUP_ID,
    epoch: 1n,
    treeHash: hash,
    confirmedTranscriptHash: new Uint8Array(),
    extensions: [],
  } as const;
  const lifetime = { maximumTotalLifetime: 2n ** 62n, validateLifetimeOnReceive: false };
  const acceptAll = { validateCredential: () => Promise.resolve(true) };
  const [value = 0] = await inTurns(3, async () => {
    const [tree] = must(decodeRatchetTree(bytes, 0), "the tree");
    const error = await validateRatchetTree(tree, { ...context, extensions: [] }, lifetime, acceptAll, hash, suite);
    if (error !== undefined) throw error;
  });
  return {
    name: `${label}, decode and validate, ${TS_MLS}`,
    unit: "ms",
    value,
    samples: 3,
    params: { ...params, crypto: "its default, Web Crypto" },
  };
}

export const benchmarks: Benchmark[] = [keyPackages, trees(1000, 7), trees(10_000, 3)];
