import { decode, encode } from "@mls-as/tls-codec";
import { describe, expect, it } from "vitest";
import type { KeytransErrorCode } from "../errors.js";
import { keyedHashSuite } from "../fixtures/keyed-hash-suite.js";
import { MemoryLog, text } from "../fixtures/memory-log.js";
import { CredentialRequest, type PrefixProof, wireFormat } from "../structs/index.js";
import { type Suite, SuiteError } from "../suite/index.js";
import { type ClientState, createClient, decodeClientState, encodeClientState, INITIAL_STATE } from "./index.js";

const START = 1_000_000;
const NOW = START + 60_000;
const label = text("label");
const refusal = (code: KeytransErrorCode, path: string) => ({ name: "KeytransError", code, path });

/** A log with versions 0 to 4 of a label, the last of them right of every distinguished entry. */
async function setting() {
  const log = new MemoryLog({ suite: keyedHashSuite(), window: 5_000n });
  for (let i = 0; i < 9; i++)
    if (i % 2 === 0 && i < 8) await log.put(label, [text(`${i}`)], START + i * 4_000);
    else await log.append([], START + i * 4_000);
  const client = createClient(log);
  const walk = client.prepareDistinguished(INITIAL_STATE);
  const walked = await log.prover.distinguished(walk.request);
  const { state } = await walk.verify(walked, NOW);
  return { log, client, wire: wireFormat(log.suite, log.configuration), walk, walked, state };
}

describe("refusals say what is wrong, and where", () => {
  it("with a tree head", async () => {
    const { walk, walked, client, state, log, wire } = await setting();
    const head = decode(wire.DistinguishedResponse, walked);
    const again = encode(wire.DistinguishedResponse, { ...head, fullTreeHead: { headType: "same" } });
    await expect(walk.verify(again, NOW)).rejects.toMatchObject(refusal("invalid-tree-size", "fullTreeHead.headType"));
    await expect(walk.verify(new Uint8Array(), NOW)).rejects.toMatchObject({
      code: "malformed",
      path: expect.stringMatching(/^response/),
    });
    const second = client.prepareDistinguished(state);
    await expect(second.verify(walked, NOW)).rejects.toMatchObject(
      refusal("invalid-tree-size", "fullTreeHead.treeHead.treeSize"),
    );
    if (head.fullTreeHead.headType !== "updated") throw new Error("a first answer has a head");
    const { treeHead } = head.fullTreeHead;
    const signature = treeHead.signature.with(0, (treeHead.signature[0] as number) ^ 1);
    const fullTreeHead = { ...head.fullTreeHead, treeHead: { ...treeHead, signature } };
    await expect(walk.verify(encode(wire.DistinguishedResponse, { ...head, fullTreeHead }), NOW)).rejects.toMatchObject(
      refusal("invalid-tree-head-signature", "fullTreeHead.treeHead.signature"),
    );
    const late = NOW + Number(log.configuration.maxBehind);
    await expect(walk.verify(walked, late)).rejects.toMatchObject(refusal("timestamp-out-of-bounds", "timestamps"));
  });

  it("with a standard credential", async () => {
    const { log, client, wire, state } = await setting();
    const position = state.distinguished.at(-1)?.position;
    const bytes = await log.prover.credential(encode(CredentialRequest, { label, position }));
    const credential = decode(wire.Credential, bytes);
    if (credential.credentialType !== "standard") throw new Error("a standard credential is due");
    expect((await client.verifyCredential(state, bytes)).final).toBe(true);
    const attempt = (change: object) =>
      client.verifyCredential(state, encode(wire.Credential, { ...credential, ...change }));
    const { distinguished, binaryLadder } = credential;
    const withResults = (results: PrefixProof["results"]) => attempt({ distinguished: { ...distinguished, results } });
    const { results } = distinguished;
    const count = refusal("unexpected-count", "distinguished.results");
    await expect(withResults(results.slice(0, -1))).rejects.toMatchObject(count);
    await expect(withResults([...results, ...results.slice(-1)])).rejects.toMatchObject(count);
    const flipped = results.map((result, i) =>
      i === results.length - 1 ? { resultType: "inclusion" as const, depth: result.depth } : result,
    );
    await expect(withResults(flipped)).rejects.toMatchObject({ name: "KeytransError" });
    const commitment = new Uint8Array(32);
    for (const [i, step] of binaryLadder.entries()) {
      const other = { ...step, commitment: step.commitment === undefined ? commitment : undefined };
      await expect(attempt({ binaryLadder: binaryLadder.with(i, other) })).rejects.toMatchObject(
        refusal("unexpected-field", `binaryLadder[${i}].commitment`),
      );
    }
    await expect(client.verifyCredential(INITIAL_STATE, bytes)).rejects.toMatchObject(
      refusal("unknown-distinguished-head", "position"),
    );
    const forked: ClientState = {
      ...state,
      distinguished: state.distinguished.map((known) => ({ ...known, prefixRoot: commitment })),
    };
    await expect(client.verifyCredential(forked, bytes)).rejects.toMatchObject(
      refusal("distinguished-head-mismatch", "distinguished"),
    );
    await expect(client.verifyCredential(state, new Uint8Array())).rejects.toMatchObject({
      code: "malformed",
      path: expect.stringMatching(/^credential/),
    });
  });

  it("with a clock, to the millisecond", async () => {
    const { walk, walked, log } = await setting();
    const newest = log.store.head()?.timestamp as number;
    const { maxAhead, maxBehind } = log.configuration;
    for (const now of [newest - Number(maxAhead), newest, newest + Number(maxBehind)])
      await expect(walk.verify(walked, now)).resolves.toBeDefined();
    for (const now of [newest - Number(maxAhead) - 1, newest + Number(maxBehind) + 1])
      await expect(walk.verify(walked, now)).rejects.toMatchObject(refusal("timestamp-out-of-bounds", "timestamps"));
  });

  it("with labels that nothing is to be monitored of", async () => {
    const { log, client, state } = await setting();
    const owned = client.prepareOwnerInit(state, { label });
    const { state: owner } = await owned.verify(await log.prover.ownerInit(owned.request), NOW);
    expect(owner.labels).toMatchObject([{ monitoring: [] }]);
    for (const known of [state, owner])
      expect(() => client.prepareContactMonitor(known, { label })).toThrow(
        expect.objectContaining(refusal("missing-state", "label")),
      );
    expect(() => client.prepareOwnerMonitor(state, { label })).toThrow(
      expect.objectContaining(refusal("missing-state", "label")),
    );
  });

  it("with a state whose versions were learned in another order: it is stored the same", async () => {
    const { state } = await setting();
    const versions = [0, 1, 3, 7, 5].map((version) => {
      const bytes = new Uint8Array(32).fill(version);
      return [version, { vrfOutput: bytes, commitment: version < 5 ? bytes : undefined }] as const;
    });
    const known = { label, monitoring: [{ position: 1, version: 5 }], owner: undefined, versions: new Map(versions) };
    const found: ClientState = { ...state, labels: [known] };
    const ascending = [...known.versions].sort(([a], [b]) => a - b);
    const having = (order: typeof ascending): ClientState => ({
      ...state,
      labels: [{ ...known, versions: new Map(order) }],
    });
    const [sorted, reversed] = [having(ascending), having(ascending.toReversed())];
    expect(encodeClientState(reversed)).toEqual(encodeClientState(found));
    expect(encodeClientState(sorted)).toEqual(encodeClientState(found));
    const stored = decodeClientState(encodeClientState(reversed)).labels[0]?.versions.keys() ?? [];
    expect([...stored]).toEqual([...known.versions.keys()].sort((a, b) => a - b));
  });

  it("with arguments, stored states and configurations", async () => {
    const { log, client } = await setting();
    const long = { label: new Uint8Array(300) };
    expect(() => client.prepareSearch(INITIAL_STATE, long)).toThrow(
      expect.objectContaining({ code: "invalid-argument" }),
    );
    expect(() => decodeClientState(new Uint8Array())).toThrow(
      expect.objectContaining({ code: "malformed", path: expect.stringMatching(/^state/), section: "User Operations" }),
    );
    const stored = encodeClientState(INITIAL_STATE);
    expect(decodeClientState(stored)).toEqual(INITIAL_STATE);
    expect(() => decodeClientState(stored.with(1, 77))).toThrow(/unknown state format/);
    const { suite, configuration } = log;
    const create = (change: Partial<Suite>) => createClient({ suite: { ...suite, ...change }, configuration });
    const refuse = (error: Error) => () => {
      throw error;
    };
    expect(() => create({ id: 1 })).toThrow(expect.objectContaining(refusal("invalid-configuration", "ciphersuite")));
    const bad = new SuiteError("invalid-vrf-public-key", "signaturePublicKey", "RFC 8032", "no key");
    expect(() => create({ importSignatureKey: refuse(bad) })).toThrow(
      expect.objectContaining(refusal("invalid-configuration", "signaturePublicKey")),
    );
    // What is no fault of the key is not called one.
    const fault = new TypeError("no memory");
    expect(() => create({ importVrfPublicKey: refuse(fault) })).toThrow(fault);
  });
});
