import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AuditorUpdate, Configuration, type PrefixLeaf, TreeHead } from "@mls-as/keytrans";
import { type AuditorState, createAuditor, encodeAuditorState } from "@mls-as/keytrans/auditor";
import { INITIAL_STATE } from "@mls-as/keytrans/client";
import { connectLog, type LogConnection } from "@mls-as/kt-client";
import { nodeSuite } from "@mls-as/keytrans/node";
import { decode, encode } from "@mls-as/tls-codec";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { callKt, type Run } from "./kt-process.js";
import { type Branch, MaliciousLog } from "./malicious-log.js";
import { leafValue } from "../../../packages/keytrans/src/log-tree/hashing.js";
import { ALICE, AliceHistory } from "./users.js";

let folder: string;
let log: MaliciousLog;
let branch: Branch;
let connection: LogConnection;
let start: number;
const base64Url = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64url");

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kt-framing-"));
});
afterAll(() => rm(folder, { recursive: true }));

/** An honest, audited log. */
beforeEach(async () => {
  log = await MaliciousLog.create({ audited: true });
  start = Date.now() - 600_000;
  const alice = new AliceHistory(log.logId, Math.floor(start / 1000));
  branch = log.branch();
  await branch.heartbeat(start);
  await branch.put(ALICE, alice.enrol(), start + 1000);
  await branch.put(ALICE, await alice.addLaptop(), start + 2000);
  branch.store.setAuditorTreeHead(await log.auditorHead(branch));
  connection = await connectLog({ url: "http://log", fetch: log.fetch({ branch: () => branch }), suite: nodeSuite });
});

const head = (): { treeSize: number; root: string; signature: string } => {
  const { treeSize, root, signature } = branch.store.head() as TreeHead & { root: Uint8Array };
  return { treeSize, root: base64Url(root), signature: base64Url(signature) };
};
const configuration = (): string => base64Url(encode(Configuration, log.configuration));

async function judge(bundle: object): Promise<Run> {
  const file = join(folder, "bundle.json");
  await writeFile(file, JSON.stringify({ format: "kt-evidence/1", ...bundle }));
  return callKt(["evidence", file, "--json"], { home: join(folder, "nobody") });
}

async function walk(): Promise<Record<string, unknown>> {
  const { exchange } = await connection.distinguished(INITIAL_STATE);
  const { operation, recent, now } = exchange;
  const [state, request] = [exchange.state, exchange.request].map(base64Url);
  return {
    operation,
    configuration: configuration(),
    recent,
    state,
    request,
    responses: exchange.responses.map(base64Url),
    now,
  };
}

/** The auditor's states after each entry. */
function states(): AuditorState[] {
  const auditor = createAuditor({ suite: log.suite, configuration: log.configuration });
  const all = [auditor.initialState()];
  for (const update of branch.auditorUpdates) all.push(auditor.process(all.at(-1) as AuditorState, update).state);
  return all;
}

describe("an honest log cannot be accused with its own bytes", () => {
  test("two of its heads, however they are put together", async () => {
    const [small, firstWalk] = [head(), await walk()];
    await branch.heartbeat(start + 60_000);
    const [large, secondWalk] = [head(), await walk()];
    const heads = (states()[3] as AuditorState).heads.map(base64Url);
    const treeHeads = { kind: "tree-heads", configuration: configuration(), small, large };
    const bent = [base64Url(new Uint8Array(32).fill(1)), ...heads.slice(1)];
    for (const bundle of [
      { ...treeHeads, heads, appended: [] },
      { ...treeHeads, heads, appended: [base64Url(new Uint8Array(32))] },
      { ...treeHeads, heads: bent, appended: [base64Url(new Uint8Array(32))] },
      { ...treeHeads, large: small, heads: [], appended: [] },
      { ...treeHeads, large: { ...small, root: large.root }, heads: [], appended: [] },
      { ...treeHeads, small: { ...small, treeSize: 4 }, heads: [], appended: [] },
      { kind: "fork", exchanges: [firstWalk, secondWalk] },
      { kind: "fork", exchanges: [secondWalk, firstWalk] },
      { kind: "signed-root", head: small, exchange: secondWalk },
      { kind: "signed-root", head: { ...small, root: large.root }, exchange: secondWalk },
    ]) {
      const run = await judge(bundle);
      expect([run.code, run.json["verdict"]], run.stdout).toEqual([0, "unfounded"]);
    }
  });

  test("a head of a tree, with octets that are no part of any hash", async () => {
    for (let i = 0; i < 5; i++) await branch.heartbeat(start + 10_000 + i);
    const small = head();
    const [root] = (states()[8] as AuditorState).heads as [Uint8Array];
    for (let i = 0; i < 3; i++) await branch.heartbeat(start + 20_000 + i);
    const entries = branch.store.entries([8, 9, 10]) as readonly { timestamp: number; prefixRoot: Uint8Array }[];
    const appended = entries.map(({ timestamp, prefixRoot }) =>
      base64Url(leafValue(log.suite, { timestamp, prefixTree: prefixRoot })),
    );
    const bundle = { kind: "tree-heads", configuration: configuration(), small, large: head(), appended };
    const honest = await judge({ ...bundle, heads: [base64Url(root)] });
    expect([honest.code, honest.json["verdict"]], honest.stdout).toEqual([0, "unfounded"]);
    for (const bent of [Uint8Array.of(...root, 7), root.subarray(0, 31), new Uint8Array()]) {
      const framed = await judge({ ...bundle, heads: [base64Url(bent)] });
      expect([framed.code, framed.json.error?.code], framed.stdout).toEqual([2, "file-malformed"]);
    }
    const leaf = Buffer.from(appended[0] as string, "base64url");
    const leaves = [base64Url(Uint8Array.of(...leaf, 0)), ...appended.slice(1)];
    expect((await judge({ ...bundle, heads: [base64Url(root)], appended: leaves })).code).toBe(2);
    const longer = base64Url(Uint8Array.of(...Buffer.from(small.root, "base64url"), 0));
    expect((await judge({ ...bundle, heads: [], small: { ...small, root: longer } })).code).toBe(2);
  });

  test("its updates after a state that was made up", async () => {
    const [, one, two] = states() as [AuditorState, AuditorState, AuditorState];
    const updates = branch.auditorUpdates.slice(2).map(base64Url);
    const after = { treeSize: head().treeSize, signature: head().signature };
    const audit = (state: AuditorState, list: readonly string[]): object => ({
      kind: "audit",
      configuration: configuration(),
      state: base64Url(encodeAuditorState(state)),
      updates: list,
      after,
    });
    expect((await judge(audit(two, updates))).code).toBe(0);
    const late = await judge(audit({ ...two, timestamp: two.timestamp + 3_600_000 }, updates));
    expect([late.code, late.json["verdict"]]).toEqual([3, "confirmed"]);
    // The removal of a leaf that is really there, which the log never made.
    const added = decode(AuditorUpdate, branch.auditorUpdates[1] as Uint8Array).added as PrefixLeaf[];
    const forged = branch.fork(2);
    const removal = encode(AuditorUpdate, {
      ...((await forged.removal(start + 2000, added)) as AuditorUpdate),
      added: [],
    });
    const removed = await judge(audit(one, [base64Url(branch.auditorUpdates[1] as Uint8Array), base64Url(removal)]));
    expect([removed.code, removed.json["verdict"]], removed.stdout).toEqual([3, "confirmed"]);
  });
});

test("evidence that was altered anywhere no longer convicts", async () => {
  const other = branch.fork();
  await other.heartbeat(start + 60_000);
  await branch.heartbeat(start + 61_000);
  const [mine, theirs] = [head(), other.store.head() as TreeHead & { root: Uint8Array }];
  const large = { treeSize: theirs.treeSize, root: base64Url(theirs.root), signature: base64Url(theirs.signature) };
  const bundle = { kind: "tree-heads", configuration: configuration(), small: mine, large, heads: [], appended: [] };
  expect((await judge(bundle)).code).toBe(1);
  const text = await readFile(join(folder, "bundle.json"), "utf8");
  for (const field of ["root", "signature", "treeSize"] as const) {
    const value = mine[field];
    const bent = typeof value === "number" ? value + 1 : `${value[0] === "A" ? "B" : "A"}${value.slice(1)}`;
    expect((await judge({ ...bundle, small: { ...mine, [field]: bent } })).code, field).toBe(0);
  }
  expect((await judge({ ...bundle, configuration: `${configuration()}AA` })).code).toBe(2);
  expect((await judge({ ...bundle, kind: "nonsense" })).code).toBe(2);
  for (const broken of [text.slice(1), "null", "[]", "{}", '{"format":"kt-evidence/1","kind":"fork","exchanges":[]}']) {
    await writeFile(join(folder, "broken.json"), broken);
    expect((await callKt(["evidence", join(folder, "broken.json")], { home: folder })).code, broken).toBe(2);
  }
});

test("a finding of the ghost detector is judged from its bytes: a split view, and one that was made up", async () => {
  const other = branch.fork();
  await other.heartbeat(start + 60_000);
  await branch.heartbeat(start + 61_000);
  const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
  const seen = (each: Branch, source: string) => {
    const { treeSize, root, signature } = each.store.head() as TreeHead & { root: Uint8Array };
    const signed = {
      configuration: hex(encode(Configuration, log.configuration)),
      treeHead: hex(encode(TreeHead, { treeSize, signature })),
    };
    return { position: treeSize - 1, root: hex(root), source, signed };
  };
  const finding = {
    ...{ id: "x", kind: "VIEW_SPLIT", severity: "critical", life: "confirmed", user: ALICE },
    ...{ since: 1, changedAt: 1, detail: "two heads" },
    evidence: { heads: [seen(branch, "lookup"), seen(other, "gossip")] },
  };
  const file = join(folder, "finding.json");
  const verdict = async (value: object): Promise<Run> => {
    await writeFile(file, JSON.stringify(value));
    return callKt(["evidence", file, "--json"], { home: join(folder, "nobody") });
  };
  const split = await verdict(finding);
  expect([split.code, split.json["verdict"], split.json["log"]], split.stdout).toEqual([1, "proven", hex(log.logId)]);
  const [first] = finding.evidence.heads;
  const forged = { ...first, root: "00".repeat(32) };
  const framed = await verdict({ ...finding, evidence: { heads: [first, forged] } });
  expect(framed.code, framed.stdout).not.toBe(1);
  const alone = await verdict({ ...finding, evidence: { heads: [first] } });
  expect([alone.code, alone.json["verdict"]], alone.stdout).toEqual([0, "unfounded"]);
});
