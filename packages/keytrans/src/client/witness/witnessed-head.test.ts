import { concatBytes, encode } from "@mls-as/tls-codec";
import { sha256 } from "@noble/hashes/sha2.js";
import { describe, expect, it } from "vitest";
import { seededRandom } from "../../fixtures/memory-log.js";
import { LogEntry } from "../../structs/index.js";
import { KT_128_SHA256_Ed25519, nobleSuite } from "../../suite/index.js";
import type { KnownDistinguished } from "../state.js";
import { parseTlogPolicy, verifyWitnessedHead } from "./index.js";
import { noteKeyId } from "../../witness/signed-note.js";

const suite = nobleSuite(KT_128_SHA256_Ed25519);
const utf8 = new TextEncoder();
const base64 = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes));
const hash = (tag: number, ...parts: Uint8Array[]): Uint8Array => sha256(concatBytes(Uint8Array.of(tag), ...parts));
const origin = "log.example/keytrans";

function key(seed: number, name: string, type: number) {
  const signer = suite.importSigner(suite.generatePrivateKey(seededRandom(seed)));
  const keyId = noteKeyId(name, type, signer.publicKey);
  const hex = [...keyId].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return { signer, name, keyId, vkey: `${name}+${hex}+${base64(Uint8Array.of(type, ...signer.publicKey))}` };
}

const log = key(1, origin, 1);
const witnesses = [2, 3, 4].map((seed) => key(seed, `witness${seed}.example`, 4));

/** RFC 6962 from its definition. */
function tree(leaves: readonly Uint8Array[]): Uint8Array {
  if (leaves.length === 1) return leaves[0] as Uint8Array;
  let split = 1;
  while (split * 2 < leaves.length) split *= 2;
  return hash(1, tree(leaves.slice(0, split)), tree(leaves.slice(split)));
}
function auditPath(index: number, leaves: readonly Uint8Array[]): Uint8Array[] {
  if (leaves.length === 1) return [];
  let split = 1;
  while (split * 2 < leaves.length) split *= 2;
  return index < split
    ? [...auditPath(index, leaves.slice(0, split)), tree(leaves.slice(split))]
    : [...auditPath(index - split, leaves.slice(split)), tree(leaves.slice(0, split))];
}

async function checkpoint(root: Uint8Array, size: number, by: readonly (typeof log)[]): Promise<string> {
  const text = `${origin}\n${size}\n${base64(root)}\n`;
  const line = (signer: typeof log, signature: Uint8Array): string =>
    `\u2014 ${signer.name} ${base64(concatBytes(signer.keyId, signature))}\n`;
  let note = `${text}\n${line(log, await log.signer.sign(utf8.encode(text)))}`;
  for (const witness of by) {
    const time = new Uint8Array(8);
    new DataView(time.buffer).setBigUint64(0, 1_700_000_000n);
    const message = utf8.encode(`cosignature/v1\ntime 1700000000\n${text}`);
    note += line(witness, concatBytes(time, await witness.signer.sign(message)));
  }
  return note;
}

const policyFile = (quorum: string, threshold = "2"): string =>
  `# policy\nlog ${log.vkey}\n${witnesses.map(({ vkey }, i) => `witness w${i} ${vkey} https://example`).join("\n")}\ngroup these ${threshold} w0 w1\ngroup two 2 these w2\nquorum ${quorum}\n`;

function head(position: number): KnownDistinguished {
  const prefixRoot = sha256(Uint8Array.of(position));
  const root = sha256(Uint8Array.of(position, 1));
  return { position, timestamp: 1000 + position, prefixRoot, root, heads: [], frontier: [] };
}
const leafOf = ({ timestamp, prefixRoot, root }: KnownDistinguished): Uint8Array =>
  hash(0, encode(LogEntry, { timestamp, prefixTree: prefixRoot }), root);

describe("witnessed heads", () => {
  it("accepts a head in a checkpoint that meets the policy, at every position and size", async () => {
    const policy = parseTlogPolicy(policyFile("two", "any"));
    for (let size = 1; size <= 9; size += 2) {
      const leaves = Array.from({ length: size }, (_, i) => leafOf(head(i)));
      const note = await checkpoint(tree(leaves), size, witnesses.slice(1));
      for (let position = 0; position < size; position++) {
        const proof = { checkpoint: note, inclusion: auditPath(position, leaves) };
        await expect(verifyWitnessedHead(head(position), proof, policy, origin)).resolves.toBeUndefined();
        const other = { ...head(position), root: new Uint8Array(32) };
        await expect(verifyWitnessedHead(other, proof, policy, origin)).rejects.toMatchObject({ path: "inclusion" });
      }
    }
  }, 60_000);

  it("refuses too few witnesses, foreign logs, changed text and malformed policies", async () => {
    const leaves = [0, 1, 2].map((i) => leafOf(head(i)));
    const note = await checkpoint(tree(leaves), 3, witnesses.slice(0, 2));
    const proof = { checkpoint: note, inclusion: auditPath(1, leaves) };
    const verify = (quorum: string, shown = proof, name = origin) =>
      verifyWitnessedHead(head(1), shown, parseTlogPolicy(policyFile(quorum)), name);
    await expect(verify("these")).resolves.toBeUndefined();
    await expect(verify("none")).resolves.toBeUndefined();
    await expect(verify("two")).rejects.toMatchObject({ code: "unwitnessed-head" });
    await expect(verify("these", proof, "other.example")).rejects.toMatchObject({ path: "checkpoint.origin" });
    // Cosigned by all, and not signed by the log, or by another that the policy names.
    const lines = note.split("\n");
    const unsigned = { ...proof, checkpoint: lines.filter((line) => !line.startsWith(`\u2014 ${origin} `)).join("\n") };
    await expect(verify("none", unsigned)).rejects.toMatchObject({ code: "unwitnessed-head", path: "checkpoint" });
    const foreign = policyFile("none").replace(`log ${log.vkey}`, `log ${key(9, "other.example", 1).vkey}`);
    await expect(verifyWitnessedHead(head(1), proof, parseTlogPolicy(foreign), origin)).rejects.toMatchObject({
      code: "unwitnessed-head",
      path: "checkpoint",
    });
    // A key that the policy takes for another log does not sign for this one, even under its origin.
    const stranger = key(9, "other.example", 1);
    const signature = await stranger.signer.sign(utf8.encode(lines.slice(0, 3).join("\n").concat("\n")));
    const line = `\u2014 ${stranger.name} ${base64(concatBytes(stranger.keyId, signature))}\n`;
    const both = parseTlogPolicy(
      policyFile("none").replace(`log ${log.vkey}`, `log ${log.vkey}\nlog ${stranger.vkey}`),
    );
    await expect(verifyWitnessedHead(head(1), proof, both, origin)).resolves.toBeUndefined();
    const signedByOther = { ...unsigned, checkpoint: unsigned.checkpoint.concat(line) };
    await expect(verifyWitnessedHead(head(1), signedByOther, both, origin)).rejects.toMatchObject({
      code: "unwitnessed-head",
      path: "checkpoint",
    });
    // A path of the wrong length, and a head beyond the tree, lead nowhere.
    for (const [at, inclusion] of [
      [1, proof.inclusion.slice(1)],
      [1, [...proof.inclusion, new Uint8Array(32)]],
      [3, []],
    ] as const)
      await expect(
        verifyWitnessedHead(head(at), { ...proof, inclusion }, parseTlogPolicy(policyFile("none")), origin),
      ).rejects.toMatchObject({ code: "unwitnessed-head", path: "inclusion" });
    const grown = { ...proof, checkpoint: note.replace("\n3\n", "\n4\n") };
    await expect(verify("these", grown)).rejects.toMatchObject({ code: "unwitnessed-head" });
    for (const file of [
      "",
      "quorum nobody\n",
      `${policyFile("two")}quorum two\n`,
      "group g 1 w0\nquorum g\n",
      "x y\n",
      policyFile("two").replace("these w2", "these w0"),
    ])
      expect(() => parseTlogPolicy(file)).toThrow();
  }, 60_000);
});
