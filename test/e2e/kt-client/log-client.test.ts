import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nodeSuite } from "@mls-as/keytrans/node";
import {
  connectLog,
  type Fetch,
  LogClientError,
  logClient,
  memoryStateStore,
  openLogClient,
  readStoredState,
  type StateStore,
} from "@mls-as/kt-client";
import { fileStateStore } from "@mls-as/kt-client/node";
import { equalBytes } from "@mls-as/tls-codec";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Service, startLog } from "../services.js";

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const alice = utf8("mimi://example.test/u/alice");
const suite = (id: 1 | 2) => nodeSuite(id);

let folder: string;
let log: Service;
let writerToken: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kt-client-e2e-"));
  log = await startLog(join(folder, "log"));
  writerToken = (await readFile(join(folder, "log", "writer-token"), "utf8")).trim();
});
afterAll(async () => {
  await log.stop();
  await rm(folder, { recursive: true });
});

const open = (store?: StateStore, fetch?: Fetch) => openLogClient({ url: log.url, suite, writerToken, store, fetch });

/** Passes requests on and bends the answers. */
function bending(bend: (answer: Uint8Array, path: string) => Uint8Array): Fetch {
  return async (url, init) => {
    const answer = await fetch(url, init as RequestInit);
    const bytes = new Uint8Array(await answer.arrayBuffer());
    const bent = answer.ok ? bend(bytes, new URL(url).pathname) : bytes;
    return new Response(bent.slice().buffer, { status: answer.status, headers: answer.headers });
  };
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => undefined,
    (caught: unknown) => caught,
  );
  expect(error).toBeInstanceOf(LogClientError);
  return (error as LogClientError).code;
}

describe("a client of the real log", () => {
  test("owns, updates, searches, monitors, walks and makes credentials", async () => {
    const owner = await open();
    expect((await owner.ownerInit({ label: alice })).result.greatestVersion).toBeUndefined();
    for (const value of ["zero", "one"]) {
      const { result } = await owner.update({ label: alice, values: [utf8(value)] });
      expect(result.created).toBe(true);
    }
    expect((await owner.ownerMonitor({ label: alice })).result.complete).toBe(true);

    const contact = await open();
    const { result, exchange } = await contact.search({ label: alice });
    expect([result.version, result.value]).toEqual([1, utf8("one")]);
    expect((await contact.search({ label: alice, version: 0 })).result.value).toEqual(utf8("zero"));
    expect(exchange).toMatchObject({ operation: "search", recent: 7 });
    const { result: heads } = await contact.distinguished();
    expect(heads.heads[0]?.position).toBe(0);
    const state = await contact.state();
    if (result.monitor) await contact.contactMonitor({ label: alice });

    const { kt } = contact.connection;
    const credential = await kt.verifyCredential(state, await contact.connection.credential({ label: alice }));
    expect([credential.version, credential.final]).toEqual([1, false]);
    expect((await contact.connection.treeHead()).treeSize).toBe(result.treeSize);
    expect(await contact.connection.auditorUpdates(0, 10)).toEqual([]);
  });

  test("refusals carry the log's problem document", async () => {
    const client = await open();
    const error: LogClientError = await client.search({ label: utf8("nobody") }).catch((caught) => caught);
    expect(error).toMatchObject({ code: "refused", status: 404, problem: { code: "label-unknown" } });
    expect(error.problem?.remedy).toBeTypeOf("string");
    const reader = await openLogClient({ url: log.url, suite });
    await reader.ownerInit({ label: alice });
    const refused = await reader.update({ label: alice, values: [utf8("mine")] }).catch((caught) => caught);
    expect(refused).toMatchObject({ code: "refused", status: 401 });
    expect(await codeOf(client.contactMonitor({ label: utf8("unseen") }))).toBe("invalid-argument");
  });

  test("another log than the trusted one, in configuration or state, is refused", async () => {
    const { connection } = await open();
    expect(await codeOf(connectLog({ url: log.url, logId: new Uint8Array(32) }))).toBe("wrong-log");
    const store = memoryStateStore();
    await logClient({ ...connection, logId: new Uint8Array(32) } as typeof connection, store).transact(
      async (state) => ({ result: 0, state: { ...state } }),
    );
    expect(await codeOf((await open(store)).search({ label: alice }))).toBe("wrong-log");
    expect(await codeOf((await open(memoryStateStore(utf8("junk")))).search({ label: alice }))).toBe("invalid-state");
  });
});

describe("the stored state", () => {
  test("changes only after verification: a bent answer leaves it as it was", async () => {
    const store = memoryStateStore();
    await (await open(store)).search({ label: alice });
    const before = await store.load();
    for (const part of [0, 0.1, 0.3, 0.6, 0.9]) {
      const client = await open(
        store,
        bending((answer, path) => {
          const bent = answer.slice();
          const at = Math.floor(part * bent.length);
          if (path === "/v1/search") bent[at] = (bent[at] as number) ^ 1;
          return bent;
        }),
      );
      const error: LogClientError = await client.search({ label: alice, version: 0 }).catch((caught) => caught);
      expect(error.code, String(part)).toBe("invalid-proof");
      expect(error.violation).toBeDefined();
      expect(error.exchange?.responses).toHaveLength(1);
      expect(await store.load()).toEqual(before);
    }
  });

  test("nothing is stored when the caller's own check throws", async () => {
    const store = memoryStateStore();
    const client = await open(store);
    const checked = client.transact(async (state, connection) => {
      await connection.search(state, { label: alice });
      throw new Error("not what I expected");
    });
    await expect(checked).rejects.toThrow("not what I expected");
    expect(await store.load()).toBeUndefined();
    expect((await client.search({ label: alice })).result.version).toBe(1);
  });

  test("operations of one client started at once make one history", async () => {
    const store = memoryStateStore();
    const client = await open(store);
    const versions = await Promise.all([1, 0, 1, 0].map((version) => client.search({ label: alice, version })));
    expect(versions.map(({ result }) => result.version)).toEqual([1, 0, 1, 0]);
  });

  test("two clients on one file take turns: neither forgets what the other saw", async () => {
    const path = join(folder, "shared-state");
    const clients = await Promise.all([open(fileStateStore(path)), open(fileStateStore(path))]);
    const bob = utf8("mimi://example.test/u/bob");
    const writer = await open();
    await writer.ownerInit({ label: bob });
    await writer.update({ label: bob, values: [utf8("b")] });
    const [a, b] = clients as [(typeof clients)[0], (typeof clients)[0]];
    await Promise.all([a.search({ label: alice }), b.search({ label: bob }), a.ownerInit({ label: bob })]);
    const stored = readStoredState((await fileStateStore(path).load())?.bytes as Uint8Array, a.connection.logId);
    const labels = stored.labels.map(({ label }) => new TextDecoder().decode(label)).sort();
    expect(labels).toContain("mimi://example.test/u/bob");
    expect(stored.labels.find(({ label }) => equalBytes(label, bob))?.owner).toBeDefined();
    expect(stored.view?.treeHead.treeSize).toBeGreaterThanOrEqual(4);
  });
});

test("another log behind the pinned configuration proves nothing and accuses nobody", async () => {
  const other = await startLog(join(folder, "other-log"));
  try {
    const honest = await connectLog({ url: log.url, suite });
    expect(honest.logId).not.toEqual((await connectLog({ url: other.url, suite })).logId);
    // Under the trusted configuration, the other log's signatures do not hold: nothing is proven, and nothing stored.
    const moved = logClient(
      await connectLog({ url: other.url, suite, configuration: honest.configurationBytes }),
      memoryStateStore(),
    );
    const error: LogClientError = await moved.distinguished().catch((caught) => caught);
    expect(error.code).toBe("invalid-proof");
    expect(error.violation?.evidence).toBeUndefined();
  } finally {
    await other.stop();
  }
});
