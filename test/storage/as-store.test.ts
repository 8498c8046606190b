import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  type PostgresServer,
  postgresBinaries,
  startPostgres,
} from "../../services/kt-log/fixtures/postgres-server.js";
import { firstBrokenEntry, NO_PREVIOUS_ENTRY } from "../../services/as/src/audit.js";
import { PostgresStore } from "../../services/as/src/storage/postgres.js";
import { Sealing } from "../../services/as/src/storage/sealing.js";
import { SqliteStore } from "../../services/as/src/storage/sqlite.js";
import type { AuditEvent, NewIntent, Store } from "../../services/as/src/storage/store.js";

const NOW = 1_795_000_000;
const ALICE = "mimi://mls.example/u/alice";
const PHONE = "mimi://mls.example/d/alice/phone";
const LAPTOP = "mimi://mls.example/d/alice/laptop";
const BOB = "mimi://mls.example/u/bob";
const audit: AuditEvent = { actor: "operator", action: "test", subject: ALICE, detail: { why: "because" } };
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const id = (n: number, width = 64): string => n.toString(16).padStart(width, "0");

interface Driver {
  readonly name: string;
  readonly available: boolean;
  setUp(): Promise<void>;
  tearDown(): void;
  open(place: string, sealing: Sealing): Promise<Store>;
}

function sqliteDriver(): Driver {
  const folder = mkdtempSync(join(tmpdir(), "as-store-"));
  return {
    name: "SQLite",
    available: true,
    setUp: async () => {},
    tearDown: () => rmSync(folder, { recursive: true }),
    open: async (place, sealing) => new SqliteStore(join(folder, place), sealing),
  };
}

function postgresDriver(): Driver {
  const binaries = postgresBinaries();
  let server: PostgresServer | undefined;
  const urls = new Map<string, string>();
  return {
    name: binaries === undefined ? "PostgreSQL (not installed here)" : "PostgreSQL",
    available: binaries !== undefined,
    setUp: async () => {
      if (binaries !== undefined) server = await startPostgres(binaries);
    },
    tearDown: () => server?.stop(),
    open: async (place, sealing) => {
      const url = urls.get(place) ?? server?.database(place) ?? "";
      urls.set(place, url);
      return await PostgresStore.open(url, sealing, 4);
    },
  };
}

test("in the file of a store stands nobody's name", async () => {
  const folder = mkdtempSync(join(tmpdir(), "as-store-"));
  const store = new SqliteStore(join(folder, "as.sqlite"), new Sealing(new Uint8Array(32)));
  await store.addToken({ hash: "token", user: ALICE, client: PHONE, expiresAt: NOW }, NOW, audit);
  await store.audit({ ...audit, actor: PHONE }, NOW);
  await store.close();
  const content = readdirSync(folder).map((name) => readFileSync(join(folder, name), "latin1"));
  rmSync(folder, { recursive: true });
  expect(content.join("")).toContain("token");
  expect(content.join("")).not.toContain("alice");
});

describe.each([sqliteDriver(), postgresDriver()])("store contract on $name", (driver) => {
  describe.skipIf(!driver.available)("every driver", () => {
    const sealing = new Sealing(new Uint8Array(32).fill(7));
    let store: Store;
    let other: Store;
    let places = 0;
    let made = 0;

    beforeAll(() => driver.setUp());
    afterAll(() => driver.tearDown());
    beforeEach(async () => {
      const place = `place${places++}`;
      store = await driver.open(place, sealing);
      other = await driver.open(place, sealing);
    });
    afterEach(async () => {
      await store.close();
      await other.close();
    });

    /** An issuance for a client with one credential. */
    const change = (client: string, parts: Partial<NewIntent> = {}, spkiHash = id(1000 + made)): NewIntent => {
      const n = ++made;
      const user = client.replace(/\/d\/([^/]+)\/.*/, "/u/$1");
      return {
        intent: {
          id: id(n, 32),
          kind: "issue",
          label: user,
          idempotencyKey: `key-${n}`,
          requestHash: id(n),
          origin: "enrolment",
          addition: bytes(`addition ${n}`),
          version: 0,
          value: bytes(`value ${n}`),
          createdAt: NOW + n,
        },
        view: { state: bytes(`state ${n}`), latest: undefined },
        credentials: [
          {
            id: id(n),
            serial: id(n, 32),
            issuer: id(1, 32),
            user,
            client,
            spkiHash,
            notBefore: NOW,
            notAfter: NOW + 1000,
            shard: 3,
            tbs: bytes(`tbs ${n}`),
            provedAt: NOW,
          },
        ],
        nonce: { hash: `nonce-${n}`, expiresAt: NOW + 300 },
        tokenHash: undefined,
        reliesOn: [],
        ...parts,
      };
    };
    const logged = async (one: NewIntent, revoked: readonly string[] = []): Promise<void> => {
      const view = { state: bytes("next"), latest: { version: one.intent.version, value: one.intent.value } };
      await store.markLogged(one.intent, view, 5, { request: bytes("q"), response: bytes("r") }, revoked, NOW);
    };
    const issue = async (client: string, parts: Partial<NewIntent> = {}, spkiHash?: string): Promise<NewIntent> => {
      const one = change(client, parts, spkiHash);
      expect(await store.journal(one, NOW, audit)).toBeUndefined();
      await logged(one);
      const certificates = one.credentials.map((credential) => ({
        id: credential.id,
        certificate: bytes(`certificate ${credential.id}`),
        thumbprint: `thumbprint ${credential.id}`,
      }));
      expect(await store.markDone(one.intent.id, certificates, NOW, audit)).toBe(true);
      return one;
    };
    const idOf = (one: NewIntent): string => one.credentials[0]?.id ?? "";
    const conflict = (one: NewIntent, at = NOW) => other.journal(one, at, audit);

    test("a value is claimed once, whoever asks", async () => {
      expect(await store.meta("a")).toBeUndefined();
      const claimed = await Promise.all([store.claimMeta("a", bytes("one")), other.claimMeta("a", bytes("two"))]);
      expect(claimed[0]).toEqual(claimed[1]);
      expect(await other.meta("a")).toEqual(claimed[0]);
    });

    test("of raised values the one of the highest rank is kept, whoever comes last", async () => {
      expect(await store.raisedMeta("tree")).toBeUndefined();
      const [low, high] = [bytes("low"), bytes("high")];
      await Promise.all([store.raiseMeta("tree", 300, high), other.raiseMeta("tree", 20, low)]);
      await other.raiseMeta("tree", 299, low);
      await store.raiseMeta("tree", 300, low);
      expect(Buffer.from((await other.raisedMeta("tree")) ?? [])).toEqual(Buffer.from(high));
      await other.raiseMeta("tree", 2 ** 40, low);
      expect(Buffer.from((await store.raisedMeta("tree")) ?? [])).toEqual(Buffer.from(low));
    });

    test("numbers grow for everybody, whatever the clock says", async () => {
      const given = await Promise.all([store, other, store, other].map((each) => each.nextNumber("n", 100)));
      expect([...given].sort((a, b) => a - b)).toEqual([100, 101, 102, 103]);
      expect(await other.nextNumber("n", 50)).toBe(104);
      expect(await store.nextNumber("n", 5000)).toBe(5000);
      expect(await store.nextNumber("another", 1)).toBe(1);
    });

    test("an intent goes from journaled to logged to done, and is read back byte for byte by everybody", async () => {
      const one = change(PHONE);
      expect(await store.journal(one, NOW, audit)).toBeUndefined();
      const journaled = { ...one.intent, state: "journaled", position: undefined, proof: undefined };
      expect(await other.intent(one.intent.id)).toEqual(journaled);
      expect(await other.openIntents()).toEqual([journaled]);
      expect(await other.openIntents(BOB)).toEqual([]);
      expect(await other.label(ALICE)).toEqual(one.view);
      await store.rebase(one.intent, { state: bytes("s"), latest: { version: 4, value: bytes("v") } }, 5, bytes("w"));
      expect(await other.label(ALICE)).toEqual({ state: bytes("s"), latest: { version: 4, value: bytes("v") } });
      await logged(one);
      expect(await other.intentByKey(one.intent.idempotencyKey)).toMatchObject({
        state: "logged",
        version: 5,
        value: bytes("w"),
        position: 5,
        proof: { request: bytes("q"), response: bytes("r") },
      });
      const certificate = { id: idOf(one), certificate: bytes("c"), thumbprint: "t" };
      expect(await store.markDone(one.intent.id, [certificate], NOW, audit)).toBe(true);
      expect(await other.openIntents()).toEqual([]);
      const { credentials } = one;
      const expected = {
        ...credentials[0],
        certificate: bytes("c"),
        thumbprint: "t",
        state: "active",
        revocation: undefined,
        intent: one.intent.id,
      };
      expect(await other.credentialsOf(one.intent.id)).toEqual([expected]);
      expect(await other.credential(idOf(one))).toEqual(expected);
      expect(await other.credentialByThumbprint("t")).toEqual(expected);
      expect(await other.credentialsOfKey(credentials[0]?.spkiHash ?? "")).toEqual([expected]);
      expect(await other.keyOwner(credentials[0]?.spkiHash ?? "")).toBe(PHONE);
    });

    test("steps that another process took are not taken again", async () => {
      const one = change(PHONE);
      await store.journal(one, NOW, audit);
      await logged(one);
      await logged(one);
      await expect(store.rebase(one.intent, one.view, 9, bytes("x"))).rejects.toThrow("not journaled");
      await expect(store.withdraw(one.intent, NOW, audit)).rejects.toThrow("not journaled");
      const certificate = { id: idOf(one), certificate: bytes("c"), thumbprint: "t" };
      const done = await Promise.all([
        store.markDone(one.intent.id, [certificate], NOW, audit),
        other.markDone(one.intent.id, [{ ...certificate, certificate: bytes("d") }], NOW, audit),
      ]);
      expect(done.filter(Boolean)).toHaveLength(1);
      expect((await store.credential(idOf(one)))?.certificate).toEqual(bytes(done[0] ? "c" : "d"));
      await expect(store.abandon(one.intent.id, NOW, audit)).rejects.toThrow("not logged");
    });

    test("what changed since a request was checked is a conflict, and nothing is written", async () => {
      await store.addToken({ hash: "token", user: ALICE, client: PHONE, expiresAt: NOW + 10 }, NOW, audit);
      const one = await issue(PHONE, { tokenHash: "token" });
      const before = (await store.auditEntries({ after: 0, limit: 100 })).length;
      expect(await conflict({ ...change(PHONE), intent: one.intent })).toBe("duplicate");
      expect(await conflict(change(PHONE, { nonce: one.nonce }))).toBe("nonce-used");
      expect(await conflict(change(PHONE, { tokenHash: "token" }))).toBe("token-spent");
      expect(await conflict(change(PHONE, { tokenHash: "no token" }))).toBe("token-spent");
      await store.addToken({ hash: "late", user: ALICE, client: PHONE, expiresAt: NOW + 10 }, NOW, audit);
      expect(await conflict(change(PHONE, { tokenHash: "late" }), NOW + 10)).toBe("token-expired");
      const key = one.credentials[0]?.spkiHash ?? "";
      expect(await conflict(change(LAPTOP, {}, key))).toBe("key-in-use");
      expect(await conflict(change(LAPTOP, { reliesOn: [id(999_999)] }))).toBe("signer-inactive");
      expect(await conflict(change(LAPTOP, { reliesOn: [idOf(one)] }), NOW + 1000)).toBe("signer-inactive");
      expect(await conflict(change(LAPTOP, { reliesOn: [idOf(one)] }))).toBeUndefined();
      expect(await conflict(change(PHONE))).toBe("label-busy");
      expect((await store.auditEntries({ after: 0, limit: 100 })).length).toBe(before + 2);
      expect(await store.nonceUsed(`nonce-${made}`)).toBe(false);
      expect((await store.token("late"))?.spentAt).toBeUndefined();
    });

    test("of many that race for a token, a nonce, a key or a label, over two connections, one wins", async () => {
      await store.addToken({ hash: "token", user: ALICE, client: PHONE, expiresAt: NOW + 10 }, NOW, audit);
      const race = async (make: (n: number) => NewIntent): Promise<(string | undefined)[]> =>
        await Promise.all(
          Array.from({ length: 12 }, (_, n) => (n % 2 === 0 ? store : other).journal(make(n), NOW, audit)),
        );
      const clientOf = (n: number): string => `mimi://mls.example/d/user${made}x${n}/phone`;
      const winners = (all: (string | undefined)[]): number => all.filter((one) => one === undefined).length;
      const tokens = await race((n) => change(clientOf(n), { tokenHash: "token" }));
      expect([winners(tokens), new Set(tokens)]).toEqual([1, new Set([undefined, "token-spent"])]);
      const nonces = await race((n) => change(clientOf(n), { nonce: { hash: "same", expiresAt: NOW } }));
      expect([winners(nonces), new Set(nonces)]).toEqual([1, new Set([undefined, "nonce-used"])]);
      const keys = await race((n) => change(clientOf(n), {}, "same key"));
      expect([winners(keys), new Set(keys)]).toEqual([1, new Set([undefined, "key-in-use"])]);
      const labels = await race(() => change(LAPTOP));
      expect([winners(labels), new Set(labels)]).toEqual([1, new Set([undefined, "label-busy"])]);
      const uses = await Promise.all(
        Array.from({ length: 8 }, (_, n) => (n % 2 ? store : other).useNonce("n", NOW, NOW)),
      );
      expect(uses.filter(Boolean)).toHaveLength(1);
      const entries = await store.auditEntries({ after: 0, limit: 100 });
      expect(firstBrokenEntry(entries, NO_PREVIOUS_ENTRY, 0)).toBeUndefined();
    });

    test("what is withdrawn frees its token and is remembered; what is abandoned is revoked", async () => {
      await store.addToken({ hash: "token", user: ALICE, client: PHONE, expiresAt: NOW + 10 }, NOW, audit);
      const one = change(PHONE, { tokenHash: "token" });
      await store.journal(one, NOW, audit);
      expect((await store.token("token"))?.spentAt).toBe(NOW);
      await store.withdraw(one.intent, NOW, audit);
      expect((await store.token("token"))?.spentAt).toBeUndefined();
      expect(await store.credential(idOf(one))).toBeUndefined();
      expect(await other.withdrawn(ALICE)).toEqual([{ id: idOf(one), withdrawnAt: NOW }]);
      expect([await other.withdrawnLabels(NOW), await other.withdrawnLabels(NOW + 1)]).toEqual([[ALICE], []]);
      const two = change(PHONE);
      await store.journal(two, NOW, audit);
      await logged(two);
      await store.abandon(two.intent.id, NOW, audit);
      expect(await other.credential(idOf(two))).toMatchObject({
        state: "revoked",
        revocation: { revokedAt: NOW, reason: 5, origin: "operatorRevocation", logged: false },
      });
      expect(await other.labelsToRevoke()).toEqual([ALICE]);
      expect((await other.revocationsToLog(ALICE)).map((credential) => credential.id)).toEqual([idOf(two)]);
    });

    test("a revocation counts at once, for pending credentials too, and once", async () => {
      const [one, two] = [await issue(PHONE), change(PHONE)];
      await store.journal(two, NOW, audit);
      const cause = { reason: 4, origin: "operatorRevocation", block: false } as const;
      const all = [idOf(one), idOf(two)];
      expect(await store.revoke(all, cause, NOW, audit)).toEqual(all);
      expect(await other.revoke(all, { ...cause, reason: 1 }, NOW + 5, audit)).toEqual(all);
      expect(await other.credential(idOf(one))).toMatchObject({ revocation: { reason: 4, revokedAt: NOW } });
      expect(await other.revokedEntries(id(1, 32), 3, NOW)).toHaveLength(2);
      expect([await other.countRevoked(id(1, 32), 3), await other.countRevoked(id(1, 32), 4)]).toEqual([2, 0]);
      expect(await other.revocationSequence()).toBe(2);
      expect((await other.revocationFeed(0, 10)).map(({ sequence, credential }) => [sequence, credential.id])).toEqual([
        [1, all[0]],
        [2, all[1]],
      ]);
      expect(await other.revocationFeed(2, 10)).toEqual([]);
      const [serial] = one.credentials.map((credential) => credential.serial);
      expect(await other.credentialStatus(id(1, 32), serial ?? "")).toEqual({
        revocation: { reason: 4, revokedAt: NOW },
      });
      await logged(two, all);
      expect(await other.labelsToRevoke()).toEqual([]);
      expect(await store.markDone(two.intent.id, [], NOW, audit)).toBe(false);
      await store.forgetLogged(idOf(one), NOW, audit);
      expect(await other.labelsToRevoke()).toEqual([ALICE]);
    });

    test("blocking keys takes all credentials of these keys, and no other", async () => {
      const [one, two, three] = [await issue(PHONE, {}, "k"), await issue(PHONE, {}, "k"), await issue(LAPTOP)];
      const cause = { reason: 1, origin: "ownerRevocation", block: true } as const;
      expect([...(await store.revoke([idOf(one)], cause, NOW, audit))].sort()).toEqual([idOf(one), idOf(two)].sort());
      expect([await other.keyBlocked("k"), await other.keyBlocked("other")]).toEqual([true, false]);
      expect((await other.credential(idOf(three)))?.state).toBe("active");
      expect(await conflict(change(PHONE, {}, "k"))).toBe("key-blocked");
      const [entry] = (await other.auditEntries({ after: 0, limit: 100 })).slice(-1);
      expect(entry?.detail?.["credentials"]).toEqual([idOf(one), idOf(two)]);
    });

    test("lists and counts", async () => {
      const made3 = [await issue(PHONE), await issue(LAPTOP), await issue("mimi://mls.example/d/bob/phone")];
      const ids = made3.map(idOf).sort();
      const page = await other.credentials({ limit: 2 });
      expect(page.map((one) => one.id)).toEqual(ids.slice(0, 2));
      expect((await other.credentials({ limit: 2, after: ids[1] })).map((one) => one.id)).toEqual(ids.slice(2));
      expect((await other.credentials({ user: ALICE, limit: 9 })).length).toBe(2);
      expect((await other.credentials({ client: PHONE, state: "active", limit: 9 })).length).toBe(1);
      expect(await other.countUnexpired(PHONE, NOW)).toBe(1);
      expect(await other.countUnexpired(PHONE, NOW + 1000)).toBe(0);
      expect([...(await other.activeClients(ALICE, NOW))].sort()).toEqual([LAPTOP, PHONE]);
      const first = await other.users("", 1);
      const rest = await other.users(first[0] ?? "", 5);
      expect([...first, ...rest].sort()).toEqual([ALICE, BOB]);
    });

    test("requests for approval: few at a time, decided once, gone when their time is over", async () => {
      const ask = (n: number) =>
        store.requestApproval(
          {
            id: id(n, 32),
            secretHash: `secret ${n}`,
            user: ALICE,
            client: LAPTOP,
            spkiHashes: ["a", "b"],
            expiresAt: NOW + 100,
            nonce: { hash: `ask ${n}`, expiresAt: NOW + 300 },
          },
          2,
          NOW,
          audit,
        );
      expect([await ask(1), await ask(1 + 1), await ask(3)]).toEqual([undefined, undefined, "too-many"]);
      expect(await other.approvalRequests({ user: ALICE, after: id(1, 32), limit: 5 })).toHaveLength(1);
      expect(await other.approvalRequests({ after: "", limit: 5 })).toHaveLength(2);
      expect(await other.approvalRequests({ user: BOB, after: "", limit: 5 })).toEqual([]);
      const decide = (by: Store, at: number, n = 1) =>
        by.decideApproval(
          id(n, 32),
          { state: "approved", decidedBy: PHONE, approvals: ["x", "y"] },
          n === 1 ? { hash: "secret", user: ALICE, client: LAPTOP, expiresAt: NOW + 100 } : undefined,
          at,
          audit,
        );
      expect((await Promise.all([decide(store, NOW), decide(other, NOW)])).filter(Boolean)).toHaveLength(1);
      expect(await decide(store, NOW + 100, 2)).toBe(false);
      expect(await other.approvalRequest(id(1, 32))).toMatchObject({
        state: "approved",
        decidedBy: PHONE,
        approvals: ["x", "y"],
        spkiHashes: ["a", "b"],
        client: LAPTOP,
      });
      expect(await other.token("secret")).toMatchObject({ client: LAPTOP, spentAt: undefined });
      expect(await ask(4)).toBeUndefined();
      expect(await ask(4)).toBe("too-many");
    });

    test("orders to renew are kept", async () => {
      const order = { id: id(1, 32), issuer: undefined, issuedBefore: NOW, start: NOW + 1, end: NOW + 2 };
      await store.addRenewalOrder(order, NOW, audit);
      expect(await other.renewalOrders()).toEqual([order]);
    });

    test("the audit log is one chain over both connections", async () => {
      await Promise.all(
        Array.from({ length: 20 }, (_, n) =>
          (n % 2 === 0 ? store : other).audit({ ...audit, subject: n % 3 === 0 ? BOB : ALICE, detail: { n } }, NOW),
        ),
      );
      const entries = await store.auditEntries({ after: 0, limit: 100 });
      expect(entries.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 20 }, (_, n) => n + 1));
      expect(firstBrokenEntry(entries, NO_PREVIOUS_ENTRY, 0)).toBeUndefined();
      expect((await store.auditEntries({ after: 0, limit: 100, subject: BOB })).length).toBe(7);
      expect((await store.auditEntries({ after: 18, limit: 100 })).length).toBe(2);
    });

    test("a user is erased once nothing depends on it, and nothing names it afterwards", async () => {
      const [one, bob] = [await issue(PHONE), await issue("mimi://mls.example/d/bob/phone")];
      expect(await store.erase(ALICE, NOW, { ...audit, subject: undefined } as unknown as AuditEvent)).toBe(false);
      await store.revoke([idOf(one)], { reason: 0, origin: "operatorRevocation", block: false }, NOW, audit);
      const next = change(PHONE, { credentials: [] });
      await store.journal(next, NOW, audit);
      await logged(next, [idOf(one)]);
      await store.markDone(next.intent.id, [], NOW, audit);
      const erased: AuditEvent = { actor: "operator", action: "user-erased" };
      expect(await store.erase(ALICE, NOW, erased)).toBe(true);
      expect(await other.credentials({ user: ALICE, limit: 9 })).toEqual([]);
      expect((await other.credentials({ limit: 9 })).map((credential) => credential.id)).toEqual([idOf(bob)]);
      expect([await other.label(ALICE), await other.intent(one.intent.id)]).toEqual([undefined, undefined]);
      expect(await other.users("", 9)).toEqual([BOB]);
      const serial = one.credentials[0]?.serial ?? "";
      expect(await other.credentialStatus(id(1, 32), serial)).toMatchObject({ revocation: { reason: 0 } });
      expect(await other.revokedEntries(id(1, 32), 3, NOW)).toHaveLength(1);
      expect(await conflict(change(LAPTOP, {}, one.credentials[0]?.spkiHash))).toBe("key-in-use");
      const entries = await other.auditEntries({ after: 0, limit: 100 });
      expect(entries.filter((entry) => entry.erased === true).length).toBeGreaterThan(0);
      expect(JSON.stringify(entries)).not.toContain("because");
      for (const [i, entry] of entries.entries())
        expect(entry.previousHash).toBe(entries[i - 1]?.hash ?? NO_PREVIOUS_ENTRY);
    });

    test("one label is worked on by one at a time", async () => {
      let inside = 0;
      const overlaps: number[] = [];
      const work = async (): Promise<void> => {
        overlaps.push(++inside);
        await new Promise((resolve) => setImmediate(resolve));
        inside--;
      };
      if (driver.name === "SQLite") return await store.exclusively(ALICE, work);
      // Within one process the queue of labels keeps order; between processes the database does.
      for (let round = 0; round < 5; round++)
        await Promise.all([store.exclusively(ALICE, work), other.exclusively(ALICE, work)]);
      expect(overlaps).toEqual(Array.from({ length: 10 }, () => 1));
    });

    test("what no longer matters is forgotten", async () => {
      await store.useNonce("n", NOW, NOW);
      await store.addToken({ hash: "token", user: ALICE, client: PHONE, expiresAt: NOW }, NOW, audit);
      await store.prune(NOW + 40 * 86_400);
      expect([await store.nonceUsed("n"), await store.token("token")]).toEqual([false, undefined]);
    });

    test("with another data key nothing that names people can be read", async () => {
      const one = await issue(PHONE);
      const stranger = await driver.open(`place${places - 1}`, new Sealing(new Uint8Array(32).fill(8)));
      await expect(stranger.credential(idOf(one))).rejects.toMatchObject({ code: "unsealable" });
      expect(await stranger.credentials({ user: ALICE, limit: 9 })).toEqual([]);
      await stranger.close();
    });
  });
});
