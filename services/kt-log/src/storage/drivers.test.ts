import { randomBytes } from "node:crypto";
import { Configuration, type Suite } from "@mls-as/keytrans";
import { nodeSuite } from "@mls-as/keytrans/node";
import { type LabelChange, type LogEntryWrites, sequence, type SequenceContext } from "@mls-as/keytrans/prover";
import { encode } from "@mls-as/tls-codec";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { postgresDriver, sqliteDriver } from "../../fixtures/drivers.js";
import { fsck } from "../fsck/fsck.js";
import { HeadMovedError, type LogStore } from "./store.js";

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
describe.each([sqliteDriver(), postgresDriver()])("storage contract on $name", (driver) => {
  describe.skipIf(!driver.available)("every driver", () => {
    let suite: Suite;
    let keys: Omit<SequenceContext, "store">;
    let store: LogStore;
    let other: LogStore;
    let places = 0;
    let now = 1_000_000;

    beforeAll(async () => {
      await driver.setUp();
      suite = await nodeSuite(2);
      const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));
      const signer = suite.importSigner(suite.generatePrivateKey(random));
      const vrfPrivateKey = suite.importVrfPrivateKey(suite.generatePrivateKey(random));
      const configuration: Configuration = {
        ciphersuite: 2,
        mode: "contactMonitoring",
        signaturePublicKey: signer.publicKey,
        vrfPublicKey: vrfPrivateKey.publicKey,
        maxAhead: 60_000n,
        maxBehind: 60_000n,
        reasonableMonitoringWindow: 1000n,
        maximumLifetime: undefined,
      };
      keys = { suite, configuration, vrfPrivateKey, signer, random };
    });
    afterAll(() => driver.tearDown());
    beforeEach(async () => {
      const place = `place${places++}`;
      store = await driver.open(place);
      await store.initialise(new Map([["configuration", encode(Configuration, keys.configuration)]]));
      other = await driver.open(place);
    });
    afterEach(async () => {
      await store.close();
      await other.close();
    });

    const change = (label: string, greatestVersion: number | undefined, ...values: string[]): LabelChange => ({
      label: utf8(label),
      greatestVersion,
      values: values.map((value) => ({ value: utf8(value) })),
    });
    const prepare = async (...changes: LabelChange[]): Promise<LogEntryWrites> =>
      (await sequence({ ...keys, store }, changes, now++)).writes;
    const append = async (...changes: LabelChange[]): Promise<void> => store.append(await prepare(...changes));

    test("an empty store has no head, and takes the genesis entry once", async () => {
      expect(await store.head()).toBeUndefined();
      const [mine, yours] = [await prepare(), await prepare()];
      await store.append(mine);
      await expect(other.append(yours)).rejects.toBeInstanceOf(HeadMovedError);
      expect(await other.head()).toMatchObject({ treeSize: 1, root: mine.head.root });
    });

    test("append is a compare-and-swap: the loser changes nothing", async () => {
      await append();
      const [mine, yours] = [
        await prepare(change("a", undefined, "mine")),
        await prepare(change("a", undefined, "yours")),
      ];
      const outcomes = await Promise.allSettled([store.append(mine), other.append(yours)]);
      expect(outcomes.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
      const lost = outcomes.find((outcome) => outcome.status === "rejected");
      expect(lost?.reason).toBeInstanceOf(HeadMovedError);
      expect((await other.head())?.treeSize).toBe(2);
      const checker = await driver.open(`place${places - 1}`);
      expect((await fsck(checker)).findings).toEqual([]);
      await checker.close();
    });

    test("an entry is never appended twice, nor with a gap", async () => {
      await append();
      const writes = await prepare(change("a", undefined, "one"));
      await store.append(writes);
      await expect(store.append(writes)).rejects.toBeInstanceOf(HeadMovedError);
      await expect(store.append({ ...writes, position: 7 })).rejects.toBeInstanceOf(HeadMovedError);
    });

    test("what was appended is read back byte for byte, from another connection, in the order asked", async () => {
      await append();
      await append(change("a", undefined, "a0", "a1"), change("b", undefined, "b0"));
      const writes = await prepare(change("a", 1, "a2"));
      await store.append(writes);
      const label = utf8("a");
      expect(await other.head()).toEqual(writes.head);
      expect(await other.entries([2, 0])).toEqual([writes.entry, ...(await store.entries([0]))]);
      for (const { level, index, hash } of writes.logNodes)
        expect(await other.logNodes([{ level, index }])).toEqual([hash]);
      const ids = writes.prefixNodes.map(({ id }) => id).toReversed();
      expect(await other.prefixNodes(ids)).toEqual(writes.prefixNodes.map(({ bytes }) => bytes).toReversed());
      expect(await other.greatestVersions(label, [2, 0, 1])).toEqual([2, undefined, 1]);
      expect(await other.versions(label, [3, 2])).toEqual([undefined, writes.versions[0]]);
      expect(await other.opening(label, 2)).toMatchObject({ value: utf8("a2") });
      expect(await other.opening(label, 3)).toBeUndefined();
      expect(await other.commitmentOpening(label, 2)).toEqual((await other.opening(label, 2))?.opening);
      expect(await other.commitmentOpening(label, 3)).toBeUndefined();
      expect(await other.vrfProofs(label, [9, 2])).toEqual([undefined, expect.objectContaining({ version: 2 })]);
      const superseded = [...writes.superseded].sort((x, y) => x - y);
      expect(await other.supersededFrom(2, 9)).toEqual([{ position: 2, ids: superseded }]);
    });

    test("missing rows are errors where the contract says so", async () => {
      await append();
      await expect((async () => store.entries([5]))()).rejects.toThrow(/log entry 5/);
      await expect((async () => store.prefixNodes([5]))()).rejects.toThrow(/node 5/);
      await expect((async () => store.logNodes([{ level: 3, index: 0 }]))()).rejects.toThrow(/3\/0/);
    });

    test("VRF proofs are kept once, by whoever computes them first", async () => {
      const proof = { label: utf8("a"), version: 0, output: new Uint8Array(32).fill(1), proof: new Uint8Array(80) };
      await store.saveVrfProofs([proof]);
      await other.saveVrfProofs([{ ...proof, output: new Uint8Array(32).fill(2) }]);
      expect(await store.vrfProofs(utf8("a"), [0])).toEqual([proof]);
    });

    test("settings are set once", async () => {
      await expect(other.initialise(new Map([["configuration", utf8("x")]]))).rejects.toThrow();
      expect(await store.setting("configuration")).toEqual(encode(Configuration, keys.configuration));
      expect(await store.setting("nothing")).toBeUndefined();
    });

    test("values are erased on their own; the trees stay whole", async () => {
      await append();
      await append(change("a", undefined, "a0", "a1", "a2"), change("b", undefined, "b0"));
      expect(await store.eraseOpenings(utf8("a"), 1)).toBe(2);
      expect(await other.opening(utf8("a"), 1)).toBeUndefined();
      expect(await other.opening(utf8("a"), 2)).toMatchObject({ value: utf8("a2") });
      const checker = await driver.open(`place${places - 1}`);
      expect(await fsck(checker)).toMatchObject({ findings: [], erased: 2 });
      await checker.close();
    });

    test("a frozen store keeps seeing the log as it was", async () => {
      await append();
      await other.freeze();
      await append(change("a", undefined, "one"));
      expect((await other.head())?.treeSize).toBe(1);
      expect(await other.rowCounts()).toMatchObject({ entries: 1, versions: 0 });
      expect(await store.rowCounts()).toMatchObject({ entries: 2, versions: 1, openings: 1 });
    });

    test("random batches by two writers agree with everything that can be derived again", async () => {
      await append();
      for (let round = 0; round < 12; round++) {
        const labels = Array.from({ length: 1 + (round % 4) }, (_, i) => `label ${(round * 3 + i) % 7}`);
        const size = (await store.head())?.treeSize ?? 0;
        const changes = await Promise.all(
          labels.map(async (label) =>
            change(label, (await store.greatestVersions(utf8(label), [size - 1]))[0], `v${round}`),
          ),
        );
        await (round % 2 === 0 ? store : other).append(await prepare(...changes));
      }
      const checker = await driver.open(`place${places - 1}`);
      const result = await fsck(checker);
      await checker.close();
      expect(result).toMatchObject({ findings: [], treeSize: 13, erased: 0 });
    });
  });
});
