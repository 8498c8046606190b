import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  Commit,
  type CryptoProvider,
  checkKeyPackage,
  checkRatchetTree,
  findExtension,
  GroupInfo,
  GroupSecrets,
  KeyPackage,
  LeafNode,
  MLSMessage,
  preflightExternalCommit,
  preflightGroupInfo,
  preflightKeyPackage,
  RatchetTree,
} from "@mls-as/mls-core";
import { nodeProvider } from "@mls-as/mls-core/node";
import { type Codec, decode, encode, equalBytes, tryDecode } from "@mls-as/tls-codec";
import * as fc from "fast-check";
import { expect, test } from "vitest";

const LONG = process.env["MLS_AS_LONG"] === "1";
const ROOT = fileURLToPath(new URL("../../", import.meta.url));

interface Seed {
  readonly name: string;
  readonly codec: Codec<unknown>;
  readonly bytes: Uint8Array;
}

const unhex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "hex"));

/** Structures of the published corpus, and those of the working group's vectors where they are at hand. */
function collectSeeds(): Seed[] {
  const seeds: Seed[] = [];
  const add = (name: string, codec: Codec<never>, bytes: Uint8Array): void => {
    if (bytes.length <= 4096) seeds.push({ name, codec: codec as unknown as Codec<unknown>, bytes });
  };
  const codecs = { KeyPackage, LeafNode, GroupInfo } as const;
  const folder = join(ROOT, "test/vectors/mls-x509");
  for (const file of readdirSync(folder).filter((name) => name.endsWith(".json")))
    for (const entry of JSON.parse(readFileSync(join(folder, file), "utf8")) as {
      name: string;
      structure: keyof typeof codecs;
      encoded: string;
    }[]) {
      add(entry.name, codecs[entry.structure] as unknown as Codec<never>, unhex(entry.encoded));
      const group = entry.structure === "GroupInfo" ? tryDecode(GroupInfo, unhex(entry.encoded)) : undefined;
      const tree = group?.ok === true ? findExtension(group.value.extensions, 2) : undefined;
      if (tree !== undefined) add(`${entry.name} tree`, RatchetTree as unknown as Codec<never>, tree);
    }
  const messages = join(process.env["CONFORMANCE_VECTORS"] ?? join(ROOT, "../shared/vectors"), "mls/messages.json");
  if (existsSync(messages)) {
    const fields = { ratchet_tree: RatchetTree, group_secrets: GroupSecrets, commit: Commit } as const;
    for (const entry of (JSON.parse(readFileSync(messages, "utf8")) as Record<string, string>[]).slice(0, 60))
      for (const [field, value] of Object.entries(entry)) {
        const known = field in fields ? fields[field as keyof typeof fields] : undefined;
        const codec = known ?? (/^(mls_|public_message|private_message)/.test(field) ? MLSMessage : undefined);
        if (codec !== undefined) add(field, codec as unknown as Codec<never>, unhex(value));
      }
  }
  return seeds;
}

const SEEDS = collectSeeds();

/** One change: what, where (as a fraction of the length), how much, and with which octets. */
const change = fc.record({
  kind: fc.constantFrom("flip", "set", "delete", "insert", "repeat", "truncate", "splice"),
  at: fc.nat({ max: 0xffff }),
  length: fc.integer({ min: 1, max: 64 }),
  octets: fc.uint8Array({ minLength: 1, maxLength: 8 }),
  other: fc.nat({ max: 0xffff }),
});
type Change = typeof change extends fc.Arbitrary<infer T> ? T : never;

function mutate(bytes: Uint8Array, { kind, at, length, octets, other }: Change): Uint8Array {
  const offset = Math.floor((at * (bytes.length + 1)) / 0x10000);
  const [head, tail] = [bytes.slice(0, offset), bytes.slice(offset)];
  const join3 = (...parts: Uint8Array[]): Uint8Array => Uint8Array.from(parts.flatMap((part) => [...part]));
  switch (kind) {
    case "flip":
      if (tail.length > 0) tail[0] = (tail[0] as number) ^ (1 << (length % 8));
      return join3(head, tail);
    case "set":
      return join3(head, octets, tail.slice(octets.length));
    case "delete":
      return join3(head, tail.slice(length));
    case "insert":
      return join3(head, octets, tail);
    case "repeat":
      return join3(head, tail.slice(0, length), tail);
    case "truncate":
      return head;
    default: {
      const { bytes: donor } = SEEDS[other % SEEDS.length] as Seed;
      const from = (at * 31) % donor.length;
      return join3(head, donor.slice(from, from + length), tail.slice(length));
    }
  }
}

const mutatedOf = (seeds: readonly Seed[]) =>
  fc
    .record({ seed: fc.nat({ max: seeds.length - 1 }), changes: fc.array(change, { minLength: 1, maxLength: 3 }) })
    .map(({ seed, changes }) => {
      const { name, codec, bytes } = seeds[seed] as Seed;
      return { name, codec, bytes: changes.reduce(mutate, bytes) };
    });
const mutated = mutatedOf(SEEDS);

/** Least milliseconds of up to three runs: one slow run on a busy machine says nothing about the input. */
function milliseconds(run: () => unknown, bound: number): number {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 3 && least > bound; i++) {
    const start = performance.now();
    run();
    least = Math.min(least, performance.now() - start);
  }
  return least;
}

test(`mutated structures decode canonically or are refused with CodecError (${LONG ? "1,000,000" : "10,000"} inputs)`, {
  timeout: 3_600_000,
}, () => {
  const slowest = { milliseconds: 0, bytes: 0, name: "" };
  const tally = { accepted: 0, refused: 0 };
  fc.assert(
    fc.property(mutated, ({ name, codec, bytes }) => {
      const time = milliseconds(() => tryDecode(codec, bytes), 5); // throws what is not a CodecError
      if (time > slowest.milliseconds) Object.assign(slowest, { milliseconds: time, bytes: bytes.length, name });
      expect(time).toBeLessThan(50);
      const decoded = tryDecode(codec, bytes);
      if (decoded.ok) {
        tally.accepted++;
        if (!equalBytes(encode(codec, decoded.value), bytes)) throw new Error(`${name} is not canonical`);
      } else {
        tally.refused++;
        const { offset } = decoded.error;
        if (offset < 0 || offset > bytes.length) throw new Error(`offset ${offset} of ${bytes.length} bytes`);
      }
    }),
    { numRuns: LONG ? 1_000_000 : 10_000 },
  );
  console.info("decoded", tally, "slowest", slowest);
  expect(tally.accepted).toBeGreaterThan(0);
  expect(tally.refused).toBeGreaterThan(0);
});

const MESSAGE = MLSMessage as unknown as Codec<unknown>;
const JUDGED = SEEDS.filter(({ codec }) =>
  [MESSAGE, KeyPackage as unknown as Codec<unknown>, GroupInfo as unknown as Codec<unknown>].includes(codec),
);

/** Real hashes; signatures hold or not by their last bit, so that both outcomes are met without the cost. */
const coinProvider: CryptoProvider = {
  ...nodeProvider,
  verify: (_scheme, _key, _message, signature) => ((signature.at(-1) ?? 0) & 1) === 1,
};

const CORPUS_TREE: RatchetTree = (() => {
  const seed = SEEDS.find(({ name }) => name === "group-valid");
  const carried = findExtension((decode(GroupInfo, (seed as Seed).bytes) as GroupInfo).extensions, 2);
  return decode(RatchetTree, carried as Uint8Array);
})();
const CORPUS_CONTEXT = decode(GroupInfo, (SEEDS.find(({ name }) => name === "group-valid") as Seed).bytes).groupContext;

test(`preflights of mutated structures return a verdict (${LONG ? "100,000" : "2,000"} inputs)`, {
  timeout: 3_600_000,
}, async () => {
  const codes = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(mutatedOf(JUDGED), async ({ bytes, codec }) => {
      const framing = codec === MESSAGE ? "mls-message" : "raw";
      const rule = { framing, now: 1_798_761_600n, maximumLifetime: 7_776_000n } as const;
      const verdicts = [
        await preflightKeyPackage(coinProvider, bytes, rule),
        await preflightGroupInfo(coinProvider, bytes, { ...rule, externalCommit: true }),
        await preflightGroupInfo(coinProvider, bytes, { ...rule, ratchetTree: bytes }),
        await preflightExternalCommit(coinProvider, bytes, { ...rule, tree: CORPUS_TREE, context: CORPUS_CONTEXT }),
      ];
      for (const { ok, violations } of verdicts) {
        expect(ok).toBe(violations.length === 0);
        for (const { code, section } of violations) {
          codes.set(code, (codes.get(code) ?? 0) + 1);
          expect(section.startsWith("RFC 9420, ")).toBe(true);
          expect(code).not.toBe("provider-failure"); // nothing of ours may have thrown
        }
      }
    }),
    { numRuns: LONG ? 100_000 : 2000 },
  );
  console.info("violations", Object.fromEntries([...codes].toSorted((a, b) => b[1] - a[1])));
  expect(codes.size).toBeGreaterThan(5);
});

/** Inputs built to be expensive, by their size. */
const HOSTILE: Readonly<Record<string, (size: number) => () => unknown>> = {
  "a KeyPackage of many extensions": (size) => {
    const value = decode(KeyPackage, (SEEDS.find(({ name }) => name === "valid") as Seed).bytes);
    const extensions = Array.from({ length: size / 8 }, (_, i) => ({
      extensionType: i & 0xffff,
      extensionData: new Uint8Array(4),
    }));
    const bytes = encode(KeyPackage, { ...value, extensions });
    return () => checkKeyPackage(coinProvider, decode(KeyPackage, bytes));
  },
  "capabilities of many entries": (size) => {
    const value = decode(KeyPackage, (SEEDS.find(({ name }) => name === "valid") as Seed).bytes);
    const list = Array.from({ length: size / 4 }, (_, i) => i & 0xffff);
    const extensions = list.slice(0, size / 16).map((extensionType) => ({
      extensionType,
      extensionData: new Uint8Array(),
    }));
    const capabilities = { ...value.leafNode.capabilities, extensions: list, proposals: list };
    const bytes = encode(KeyPackage, { ...value, leafNode: { ...value.leafNode, capabilities, extensions } });
    return () => checkKeyPackage(coinProvider, decode(KeyPackage, bytes), { groupExtensions: extensions });
  },
  "a tree of blanks": (size) => {
    const tree: (RatchetTree[number] | undefined)[] = Array.from({ length: size & ~1 }, () => undefined);
    tree.push(CORPUS_TREE[0]);
    const bytes = encode(RatchetTree, tree);
    return () => decode(RatchetTree, bytes);
  },
  "a tree in which every leaf is unmerged everywhere": (size) => {
    let leaves = 2;
    while (leaves * (400 + 4 * Math.log2(leaves)) < size) leaves *= 2;
    const tree = Array.from({ length: 2 * leaves - 1 }, (_, x): RatchetTree[number] => {
      if (x % 2 === 0) return CORPUS_TREE[0];
      let span = 1;
      while (Math.floor(x / span) % 2 === 1) span *= 2;
      const first = (x - span + 1) / 2;
      const unmergedLeaves = Array.from({ length: span }, (_unused, i) => first + i);
      return {
        nodeType: "parent",
        parentNode: { encryptionKey: new Uint8Array(32), parentHash: new Uint8Array(32), unmergedLeaves },
      };
    });
    const bytes = encode(RatchetTree, tree);
    const rule = { cipherSuite: 1, groupId: new Uint8Array(8) };
    return () => checkRatchetTree(coinProvider, { ...rule, tree: decode(RatchetTree, bytes) });
  },
  "nothing but presence octets": (size) => {
    const body = new Uint8Array(size).fill(1);
    body.set([0x80, (size - 4) >> 16, ((size - 4) >> 8) & 0xff, (size - 4) & 0xff]);
    return () => tryDecode(RatchetTree, body);
  },
};

test.each(Object.keys(HOSTILE))("%s: time grows with size, not with its square", async (name) => {
  const build = HOSTILE[name] as (size: number) => () => unknown;
  const timeOf = async (size: number): Promise<number> => {
    const run = build(size);
    let least = Number.POSITIVE_INFINITY;
    for (let i = 0; i < 5; i++) {
      const start = performance.now();
      await run();
      least = Math.min(least, performance.now() - start);
    }
    return least;
  };
  const [small, large] = [await timeOf(40_000), await timeOf(640_000)];
  console.info(`${name}: ${small.toFixed(1)} ms for 40 kB, ${large.toFixed(1)} ms for 640 kB`);
  expect(large).toBeLessThan(128 * Math.max(small, 1)); // linear is 16, quadratic 256
});
