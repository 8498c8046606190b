import { decode, encode } from "@mls-as/tls-codec";
import { describe, expect, it } from "vitest";
import { greatestVersionSearch } from "../algorithms/index.js";
import { SearchLadder } from "../binary-ladder.js";
import { keyedHashSuite } from "../fixtures/keyed-hash-suite.js";
import { MemoryLog, text } from "../fixtures/memory-log.js";
import { provePrefixSearch } from "../prefix-tree/search.js";
import { Answer, currentHead, type ProverSetting } from "../prover/answer.js";
import { LabelVrf } from "../prover/label-vrf.js";
import type { StoredEntry } from "../prover/index.js";
import { CredentialRequest, type PrefixProof, wireFormat } from "../structs/index.js";
import { type ClientState, createClient } from "./index.js";

// Credentials whose every hash is the log's own, made by an operator that wants another version believed.

const START = 1_000_000;
const label = text("label");

/** Every entry is distinguished; version `v` comes with entry `v + 1`, and nothing with the last one. */
async function setting() {
  const log = new MemoryLog({ suite: keyedHashSuite(), window: 0n });
  await log.append([], START);
  for (let version = 0; version < 4; version++) await log.put(label, [text(`${version}`)], START + 10 * (version + 1));
  await log.append([], START + 60);
  const client = createClient(log);
  const walk = client.prepareDistinguished(client.initialState());
  const { state } = await walk.verify(await log.prover.distinguished(walk.request), START + 100);
  expect(state.distinguished.map(({ position }) => position)).toEqual([0, 1, 2, 3, 4, 5]);
  const wire = wireFormat(log.suite, log.configuration);
  const honest = async (position: number) =>
    decode(wire.Credential, await log.prover.credential(encode(CredentialRequest, { label, position })));
  const verify = (from: ClientState, credential: Parameters<typeof wire.Credential.write>[1]) =>
    client.verifyCredential(from, encode(wire.Credential, credential));
  return { log, client, state, wire, honest, verify };
}

/** The lookups of a ladder for `target` in the prefix tree of an entry whose greatest version is `greatest`. */
async function ladderIn(log: MemoryLog, position: number, target: number, greatest: number): Promise<PrefixProof> {
  const ladder = new SearchLadder(target);
  const versions: number[] = [];
  for (let version = ladder.next(); version !== undefined; version = ladder.next()) {
    versions.push(version);
    ladder.answer(version <= greatest);
  }
  const entry = log.store.entries([position])[0] as StoredEntry;
  const keys = await new LabelVrf(log.store, log.vrfPrivateKey, label).outputs(versions);
  return provePrefixSearch(log.store, { id: entry.prefixNode, value: entry.prefixRoot }, keys);
}

describe("a standard credential", () => {
  it("for a version that its distinguished entry does not hold yet is refused", async () => {
    const { log, state, honest, verify } = await setting();
    const credential = await honest(4);
    if (credential.credentialType !== "standard") throw new Error("a standard credential is due");
    expect(credential.distinguished).toEqual(await ladderIn(log, 4, 3, 3));
    await expect(verify(state, credential)).resolves.toMatchObject({ version: 3, final: true });
    for (const [position, greatest] of [
      [3, 2],
      [2, 1],
      [1, 0],
    ] as const) {
      const distinguished = await ladderIn(log, position, 3, greatest);
      await expect(verify(state, { ...credential, position, distinguished })).rejects.toMatchObject({
        code: "inconsistent-ladder",
        path: "distinguished",
      });
    }
  });

  it("for a version that its distinguished entry has superseded is refused", async () => {
    const { log, state, verify } = await setting();
    const early = new MemoryLog({ suite: log.suite, window: 0n });
    await early.append([], START);
    for (let version = 0; version < 3; version++)
      await early.put(label, [text(`${version}`)], START + 10 * (version + 1));
    const wire = wireFormat(log.suite, log.configuration);
    const old = decode(
      wire.Credential,
      await early.prover.credential(encode(CredentialRequest, { label, position: 3 })),
    );
    if (old.credentialType !== "standard") throw new Error("a standard credential is due");
    await expect(verify(state, old)).resolves.toMatchObject({ version: 2, final: true });
    const distinguished = await ladderIn(log, 4, 2, 3);
    await expect(verify(state, { ...old, position: 4, distinguished })).rejects.toMatchObject({
      name: "KeytransError",
    });
  });
});

describe("a provisional credential", () => {
  it("whose search ends at its own distinguished entry is refused", async () => {
    const { log, state, wire, honest, verify } = await setting();
    const { suite, configuration, store, vrfPrivateKey } = log;
    const prover: ProverSetting = { suite, configuration, store, vrfPrivateKey, recent: 7, wire };
    const credential = await honest(4);
    const head = await currentHead(prover);
    const { treeSize, signature } = head;
    const position = 5;
    const answer = await Answer.at(prover, head, position + 1, label);
    expect((await greatestVersionSearch(answer.view, 3)).position).toBe(position);
    const search = await answer.unsignedProof();
    const { distinguished: _, ...common } = credential as Extract<typeof credential, { credentialType: "standard" }>;
    const provisional = { ...common, credentialType: "provisional" as const, position, search };
    await expect(verify(state, { ...provisional, treeHead: { treeSize, signature } })).rejects.toMatchObject({
      code: "invalid-position",
      path: "search",
    });
  });
});
