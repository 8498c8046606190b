import { concatBytes } from "@mls-as/tls-codec";
import { sha256 } from "@noble/hashes/sha2.js";
import { beforeAll, describe, expect, it } from "vitest";
import { seededRandom } from "../fixtures/memory-log.js";
import { KT_128_SHA256_Ed25519, nobleSuite, type Signer } from "../suite/index.js";
import {
  addCheckpoint,
  consistencyProof,
  cosignedAt,
  EMPTY_TREE,
  formatAddCheckpoint,
  formatCheckpoint,
  formatVerifierKey,
  hashLeaf,
  hashNode,
  inclusionProof,
  inclusionRoot,
  isConsistent,
  LOG_KEY,
  parseAddCheckpoint,
  parseSignedNote,
  parseVerifierKey,
  signNote,
  type SubtreeSource,
  treeRoot,
  verifierKey,
  WITNESS_KEY,
  type WitnessSetting,
} from "./index.js";

const suite = nobleSuite(KT_128_SHA256_Ed25519);
const signerOf = (seed: number): Signer => suite.importSigner(suite.generatePrivateKey(seededRandom(seed)));
const leaves = (count: number, tag = 0): Uint8Array[] =>
  Array.from({ length: count }, (_, i) => hashLeaf(Uint8Array.of(tag, i)));

/** RFC 6962, "Merkle Hash Trees", from its definition. */
function rootOf(hashes: readonly Uint8Array[]): Uint8Array {
  const [first] = hashes;
  if (first === undefined) return sha256(new Uint8Array(0));
  if (hashes.length === 1) return first;
  let split = 1;
  while (split * 2 < hashes.length) split *= 2;
  return hashNode(rootOf(hashes.slice(0, split)), rootOf(hashes.slice(split)));
}

const sourceOf =
  (hashes: readonly Uint8Array[]): SubtreeSource =>
  (keys) =>
    keys.map(({ level, index }) => rootOf(hashes.slice(index * 2 ** level, (index + 1) * 2 ** level)));

describe("RFC 6962 trees", () => {
  it("roots, inclusion and consistency proofs of all trees up to 20 leaves fit the definition", async () => {
    const all = leaves(20);
    for (let size = 0; size <= 20; size++) {
      const tree = all.slice(0, size);
      const root = rootOf(tree);
      expect(await treeRoot(size, sourceOf(tree))).toEqual(root);
      for (let index = 0; index < size; index++) {
        const path = await inclusionProof(index, size, sourceOf(tree));
        expect(inclusionRoot(index, size, tree[index] as Uint8Array, path)).toEqual(root);
        expect(inclusionRoot(index, size, tree[index] as Uint8Array, [...path, root])).toBeUndefined();
      }
      for (let old = 0; old <= size; old++) {
        const before = { size: old, root: rootOf(all.slice(0, old)) };
        const proof = await consistencyProof(old, size, sourceOf(tree));
        expect(isConsistent(before, { size, root }, proof)).toBe(true);
        if (old === 0) continue;
        expect(isConsistent({ ...before, root: sha256(before.root) }, { size, root }, proof)).toBe(false);
        expect(isConsistent(before, { size, root: sha256(root) }, proof)).toBe(false);
        expect(isConsistent(before, { size, root }, [...proof, root])).toBe(false);
        if (proof.length > 0) expect(isConsistent(before, { size, root }, proof.slice(0, -1))).toBe(false);
      }
    }
  });

  it("the empty tree is the hash of nothing; a smaller tree continues no larger one", () => {
    expect(EMPTY_TREE).toEqual(sha256(new Uint8Array(0)));
    expect(isConsistent({ size: 2, root: EMPTY_TREE }, { size: 1, root: EMPTY_TREE }, [])).toBe(false);
    expect(isConsistent({ size: 0, root: EMPTY_TREE }, { size: 1, root: EMPTY_TREE }, [EMPTY_TREE])).toBe(false);
  });
});

it("verifier keys and the bodies of requests survive a round trip; damaged ones do not", () => {
  const key = verifierKey("log.example/kt", LOG_KEY, signerOf(1).publicKey);
  expect(parseVerifierKey(formatVerifierKey(key))).toEqual(key);
  expect(() => parseVerifierKey(formatVerifierKey(key).replace("log.example", "log.exampl3"))).toThrow(/key id/);
  expect(() => verifierKey("a b", LOG_KEY, signerOf(1).publicKey)).toThrow(/spaces/);
  const body = { oldSize: 3, proof: leaves(2), checkpoint: "x\n\n\u2014 y AAAAAAA=\n" };
  expect(parseAddCheckpoint(formatAddCheckpoint(body))).toEqual(body);
  expect(parseAddCheckpoint(formatAddCheckpoint({ ...body, proof: [] }))).toEqual({ ...body, proof: [] });
});

describe("a witness", () => {
  const origin = "log.example/kt";
  const logSigner = signerOf(2);
  const logKey = verifierKey(origin, LOG_KEY, logSigner.publicKey);
  const witnessSigner = signerOf(3);
  const key = verifierKey("witness.example/w", WITNESS_KEY, witnessSigner.publicKey);
  const setting: WitnessSetting = { key, signer: witnessSigner, logs: [logKey] };
  const now = 1_800_000_000;
  const honest = leaves(12);

  async function note(size: number, hashes: readonly Uint8Array[], signer = logSigner, name = origin): Promise<string> {
    const text = formatCheckpoint({ origin: name, size, root: rootOf(hashes.slice(0, size)) });
    return `${text}\n${await signNote(text, verifierKey(name, LOG_KEY, signer.publicKey), signer)}`;
  }
  async function body(oldSize: number, size: number, hashes = honest): Promise<string> {
    const proof = await consistencyProof(oldSize, size, sourceOf(hashes.slice(0, size)));
    return formatAddCheckpoint({ oldSize, proof, checkpoint: await note(size, hashes) });
  }
  const answer = (stored: string | undefined, text: string) => addCheckpoint(setting, () => stored, text, now);

  let atFive: string;
  beforeAll(async () => {
    const { next } = await answer(undefined, await body(0, 5));
    atFive = next?.checkpoint ?? "";
  });

  it("cosigns what continues its last checkpoint, the same size again, and the first it ever sees", async () => {
    for (const [stored, text, size] of [
      [undefined, await body(0, 5), 5],
      [atFive, await body(5, 12), 12],
      [atFive, await body(5, 5), 5],
    ] as const) {
      const { status, body: line, next } = await answer(stored, text);
      expect(status).toBe(200);
      const cosigned = parseSignedNote(next?.checkpoint ?? "");
      expect(cosigned.text.split("\n")[1]).toBe(String(size));
      expect(cosigned.signatures).toHaveLength(2);
      expect(await cosignedAt(cosigned, key)).toBe(now);
      expect(next?.checkpoint.endsWith(line)).toBe(true);
    }
  });

  it("answers an old size that is not its own with that, before it looks at the proof", async () => {
    for (const text of [await body(0, 12), await body(4, 12), (await body(5, 12)).replace("old 5", "old 7")])
      expect(await answer(atFive, text)).toEqual({ status: 409, contentType: "text/x.tlog.size", body: "5\n" });
    expect(await answer(undefined, await body(5, 12))).toMatchObject({ status: 409, body: "0\n" });
  });

  it("refuses another tree, an older one, a proof where none is due, and a wrong empty root", async () => {
    const other = [...honest.slice(0, 4), ...leaves(8, 1)];
    expect((await answer(atFive, await body(5, 12, other))).status).toBe(422);
    expect((await answer(atFive, await body(5, 5, other))).status).toBe(422);
    expect((await answer(atFive, (await body(0, 4)).replace("old 0", "old 5"))).status).toBe(400);
    const idle = formatAddCheckpoint({ oldSize: 0, proof: leaves(1), checkpoint: await note(5, honest) });
    expect((await answer(undefined, idle)).status).toBe(422);
    const text = formatCheckpoint({ origin, size: 0, root: new Uint8Array(32) });
    const empty = `old 0\n\n${text}\n${await signNote(text, logKey, logSigner)}`;
    expect((await answer(undefined, empty)).status).toBe(422);
    for (const { next } of [await answer(atFive, await body(5, 12, other)), await answer(undefined, idle)])
      expect(next).toBeUndefined();
  });

  it("refuses unknown logs, keys it does not trust, and a trusted key's signature that does not verify", async () => {
    const stranger = signerOf(9);
    const submit = (checkpoint: string) =>
      answer(undefined, formatAddCheckpoint({ oldSize: 0, proof: [], checkpoint }));
    expect((await submit(await note(5, honest, stranger, "other.example"))).status).toBe(404);
    expect((await submit(await note(5, honest, stranger))).status).toBe(403);
    const good = await note(5, honest);
    const signature = parseSignedNote(good).signatures[0]?.signature ?? new Uint8Array();
    const forged = btoa(String.fromCharCode(...concatBytes(logKey.keyId, sha256(signature), sha256(signature))));
    expect((await submit(`${good}\u2014 ${origin} ${forged}\n`)).status).toBe(403);
    expect((await submit(`${good}\u2014 unknown.example AAAAAAAA\n`)).status).toBe(200);
  });

  it.each([
    ["", "nothing"],
    ["old 5\n", "no checkpoint"],
    ["old 05\n\nx\n", "a leading zero"],
    ["old -1\n\nx\n", "a negative size"],
    ["old 9007199254740993\n\nx\n", "a size beyond 2^53"],
    ["old 5\nAAAA\n\nx\n1\nx\n", "a short hash"],
    [`old 5\n${`${btoa("x".repeat(32))}\n`.repeat(64)}\nx\n`, "64 proof lines"],
    ["old 5\n\nlog.example/kt\n5\n", "a checkpoint without signatures"],
    ["old 5\n\nlog.example/kt\n5\nAAAA\n\n\u2014 log.example/kt AAAAAAAA\n", "a short root"],
    ["old 5\n\nlog.example/kt\r\n5\nAAAA\n\n\u2014 log.example/kt AAAAAAAA\n", "a control character"],
  ])("refuses a malformed body: %#", async (text) => {
    expect((await answer(atFive, text)).status).toBe(400);
  });
});
