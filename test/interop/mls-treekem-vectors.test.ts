import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MLSMessage, type UpdatePath, UpdatePath as UpdatePathCodec } from "@mls-as/mls-core";
import { decode, encode } from "@mls-as/tls-codec";
import {
  type CiphersuiteImpl,
  type ClientState,
  createCommit,
  createGroup,
  defaultCapabilities,
  defaultLifetime,
  encodeMlsMessage,
  generateKeyPackage,
  getCiphersuiteFromName,
  getCiphersuiteImpl,
} from "ts-mls";
import { encodeRatchetTree } from "ts-mls/ratchetTree.js";
import { expect, test } from "vitest";
import type { Outcome } from "../conformance/main.js";
import { runMls } from "../conformance/mls.js";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

async function client(name: string, suite: CiphersuiteImpl) {
  const credential = { credentialType: "basic" as const, identity: new TextEncoder().encode(name) };
  return await generateKeyPackage(credential, defaultCapabilities(), defaultLifetime, [], suite);
}

/** A group of `names`, of which the first commits again and again; one case of the `treekem` format for the last commit. */
async function treekemCase(names: readonly string[], suite: CiphersuiteImpl) {
  const founder = await client(names[0] as string, suite);
  const groupId = new TextEncoder().encode("group");
  let state = await createGroup(groupId, founder.publicPackage, founder.privatePackage, [], suite);
  for (const name of names.slice(1)) {
    const { publicPackage } = await client(name, suite);
    const extraProposals = [{ proposalType: "add" as const, add: { keyPackage: publicPackage } }];
    ({ newState: state } = await createCommit({ state, cipherSuite: suite }, { extraProposals }));
  }
  const before: ClientState = state;
  const { commit, newState } = await createCommit({ state, cipherSuite: suite }, { wireAsPublicMessage: true });
  const message = decode(MLSMessage, encodeMlsMessage(commit));
  if (message.wireFormat !== "publicMessage" || message.publicMessage.content.contentType !== "commit")
    throw new Error("not a commit in the open");
  const path = message.publicMessage.content.commit.path as UpdatePath;
  return {
    cipher_suite: 1,
    group_id: hex(groupId),
    epoch: Number(before.groupContext.epoch),
    confirmed_transcript_hash: hex(before.groupContext.confirmedTranscriptHash),
    ratchet_tree: hex(encodeRatchetTree(before.ratchetTree)),
    leaves_private: [
      {
        index: 0,
        encryption_priv: hex(before.privatePath.privateKeys[0] as Uint8Array),
        signature_priv: hex(before.signaturePrivateKey.slice(-32)), // PKCS#8 ends with the seed,
        path_secrets: [],
      },
    ],
    update_paths: [
      {
        sender: 0,
        update_path: hex(encode(UpdatePathCodec, path)),
        path_secrets: [],
        commit_secret: "",
        tree_hash_after: hex(newState.groupContext.treeHash),
      },
    ],
  };
}

test("files of the treekem format that ts-mls makes pass, and fail with any changed field", async () => {
  const suite = await getCiphersuiteImpl(getCiphersuiteFromName("MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519"));
  const names = ["a", "b", "c", "d", "e", "f", "g"];
  const cases = [];
  for (const count of [2, 3, 5, 7]) cases.push(await treekemCase(names.slice(0, count), suite));
  const [first] = cases.slice(-1);
  if (first === undefined) throw new Error("no case");
  const [path] = first.update_paths;
  const flip = (text: string): string => `${text.slice(0, -1)}${text.endsWith("0") ? "1" : "0"}`;
  // The first octets after the length are the leaf's encryption key; the last ones are ciphertext, which nobody here can judge.
  const withOtherKey = (text: string): string => text.slice(0, 2) + flip(text.slice(2, 66)) + text.slice(66);
  const changed = [
    { ...first, group_id: flip(first.group_id) },
    { ...first, ratchet_tree: flip(first.ratchet_tree) },
    { ...first, leaves_private: [{ ...first.leaves_private[0], index: 1 }] },
    { ...first, update_paths: [{ ...path, sender: 2 }] },
    { ...first, update_paths: [{ ...path, update_path: withOtherKey(path?.update_path ?? "") }] },
    { ...first, update_paths: [{ ...path, tree_hash_after: flip(path?.tree_hash_after ?? "") }] },
  ];
  const folder = mkdtempSync(join(tmpdir(), "treekem-"));
  try {
    const outcomes: Outcome[] = [];
    writeFileSync(join(folder, "treekem.json"), JSON.stringify([...cases, ...changed]));
    await runMls([join(folder, "treekem.json")], (outcome) => outcomes.push(outcome));
    expect(outcomes.slice(0, cases.length).filter(({ ok }) => ok !== true)).toEqual([]);
    expect(outcomes.slice(cases.length).map(({ ok }) => ok)).toEqual(changed.map(() => false));
  } finally {
    rmSync(folder, { recursive: true });
  }
});
