import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KT_128_SHA256_Ed25519, LogEntry, type Configuration } from "@mls-as/keytrans";
import { nodeSuite } from "@mls-as/keytrans/node";
import { sequence } from "@mls-as/keytrans/prover";
import { hashLeaf, hashNode, treeRoot } from "@mls-as/keytrans/witness";
import { decode } from "@mls-as/tls-codec";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { rootAt } from "../log-tree.js";
import { SqliteLogStore } from "../storage/sqlite.js";
import { ParallelTree, subtreeSource } from "./parallel-tree.js";
import { parseTilePath, readTile } from "./tiles.js";

const SIZE = 600;

let folder: string;
let store: SqliteLogStore;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kt-tiles-"));
  store = new SqliteLogStore(join(folder, "log.sqlite"));
  const suite = await nodeSuite(KT_128_SHA256_Ed25519);
  const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));
  const signer = suite.importSigner(random(32));
  const vrfPrivateKey = suite.importVrfPrivateKey(random(32));
  const configuration: Configuration = {
    ciphersuite: suite.id,
    signaturePublicKey: signer.publicKey,
    vrfPublicKey: vrfPrivateKey.publicKey,
    maxAhead: 1000n,
    maxBehind: 3_600_000n,
    reasonableMonitoringWindow: 86_400_000n,
    maximumLifetime: undefined,
    mode: "contactMonitoring",
  };
  for (let i = 0; i < SIZE; i++) {
    const context = { suite, configuration, vrfPrivateKey, signer, random, store };
    await store.append((await sequence(context, [], 1_000_000 + i)).writes);
  }
  // In two steps that are no multiple of anything.
  await new ParallelTree(store, 0).grow(301);
  await new ParallelTree(store, 301).grow(SIZE);
});
afterAll(async () => {
  await store.close();
  await rm(folder, { recursive: true });
});

const tile = async (path: string, size = SIZE): Promise<Uint8Array> => {
  const parsed = parseTilePath(path);
  const bytes = parsed === undefined ? undefined : await readTile(store, parsed, size);
  if (bytes === undefined) throw new Error(`no tile ${path}`);
  return bytes;
};

function split(bytes: Uint8Array, width: number): Uint8Array[] {
  return Array.from({ length: bytes.length / width }, (_, i) => bytes.slice(i * width, (i + 1) * width));
}

/** RFC 6962 from its definition. */
function rootOf(hashes: readonly Uint8Array[]): Uint8Array {
  if (hashes.length === 1) return hashes[0] as Uint8Array;
  let middle = 1;
  while (middle * 2 < hashes.length) middle *= 2;
  return hashNode(rootOf(hashes.slice(0, middle)), rootOf(hashes.slice(middle)));
}

test("who fetches all bundles and tiles finds the checkpoint's root, and the log's own roots in the leaves", async () => {
  const entries = [await tile("entries/000"), await tile("entries/001"), await tile("entries/002.p/88")];
  const leaves = entries.flatMap((bundle) =>
    split(bundle, 74).map((row) => {
      expect([...row.slice(0, 2)]).toEqual([0, 72]);
      return row.slice(2);
    }),
  );
  expect(leaves).toHaveLength(SIZE);
  for (const position of [0, 1, 255, 256, 300, 599]) {
    const leaf = leaves[position] as Uint8Array;
    expect(decode(LogEntry, leaf.slice(0, 40)).timestamp).toBe(1_000_000 + position);
    expect(leaf.slice(40)).toEqual(await rootAt(store, position + 1));
  }
  const level0 = [await tile("0/000"), await tile("0/001"), await tile("0/002.p/88")].flatMap((t) => split(t, 32));
  expect(level0).toEqual(leaves.map(hashLeaf));
  const level1 = split(await tile("1/000.p/2"), 32);
  expect(level1).toEqual([rootOf(level0.slice(0, 256)), rootOf(level0.slice(256, 512))]);
  expect(await treeRoot(SIZE, subtreeSource(store))).toEqual(rootOf(level0));
});

test("a tile of a tree that no checkpoint shows is not served", async () => {
  for (const [path, size] of [
    ["0/000", 255],
    ["0/000.p/200", 199],
    ["0/002.p/89", SIZE],
    ["1/000.p/3", SIZE],
    ["1/000", SIZE],
    ["2/000.p/1", SIZE],
    ["entries/003.p/1", SIZE],
  ] as const)
    expect(
      await readTile(store, parseTilePath(path) as NonNullable<ReturnType<typeof parseTilePath>>, size),
    ).toBeUndefined();
  expect(await tile("0/000.p/200", 200)).toHaveLength(6400);
});

describe("paths", () => {
  test.each([
    ["0/000", { level: 0, index: 0, width: 256 }],
    ["63/x001/x234/067", { level: 63, index: 1_234_067, width: 256 }],
    ["entries/x001/234.p/255", { level: undefined, index: 1234, width: 255 }],
  ])("%s", (path, parsed) => {
    expect(parseTilePath(path)).toEqual(parsed);
  });
  test.each(["", "00/000", "64/000", "-1/000", "0/0", "0/00", "0/0000", "0/x000/000", "0/1/000", "0/001/x000"])(
    "refused: %s",
    (path) => expect(parseTilePath(path)).toBeUndefined(),
  );
  test.each(["0/000.p/0", "0/000.p/256", "0/000.p/01", "0/000.p/", "entries/000/", "0/000?x", "data/000"])(
    "refused: %s",
    (path) => expect(parseTilePath(path)).toBeUndefined(),
  );
});
