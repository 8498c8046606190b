import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nodeSuite } from "@mls-as/keytrans/node";
import { type DeviceList, userOfClient } from "@mls-as/mls-credentials";
import {
  ClientError,
  Device,
  type DeviceOptions,
  type KeyStore,
  memoryKeyStore,
  memoryStateStore,
  openLog,
  readDirectory,
  type ServiceDirectory,
  type StateStore,
} from "@mls-as/mls-credentials/client";
import { fileKeyStore, fileStateStore } from "@mls-as/mls-credentials/client/node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Service, startAuthenticationService, startLog } from "../e2e/services.js";
import { Killed, KillSwitch } from "./crashes.js";

const suite = (id: 1 | 2) => nodeSuite(id);
let folder: string;
let log: Service;
let as: Service;
let directory: ServiceDirectory;
let admin: string;
let count = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "mls-as-client-"));
  log = await startLog(join(folder, "kt-log"));
  as = await startAuthenticationService(join(folder, "as"), { url: log.url, dataDir: join(folder, "kt-log") });
  directory = await readDirectory(as.url);
  admin = (await readFile(join(folder, "as", "admin-token"), "utf8")).trim();
}, 120_000);
afterAll(async () => {
  await as.stop();
  await log.stop();
  await rm(folder, { recursive: true });
});

/** A client name nobody has had. */
const newClient = (): string => `mimi://${directory.domain}/d/user${count++}/phone`;

async function tokenFor(client: string): Promise<string> {
  const answer = await fetch(`${as.url}/v1/admin/tokens`, {
    method: "POST",
    headers: { authorization: `Bearer ${admin}`, "content-type": "application/json" },
    body: JSON.stringify({ user: userOfClient(client), client }),
  });
  return ((await answer.json()) as { token: string }).token;
}

interface Stores {
  readonly keys: KeyStore;
  readonly store: StateStore;
}
const newStores = (): Stores => ({ keys: memoryKeyStore(), store: memoryStateStore() });

function open(
  client: string,
  stores: Stores,
  kill = new KillSwitch(),
  more: Partial<DeviceOptions> = {},
): Promise<Device> {
  return Device.open({
    service: as.url,
    log: directory.log,
    client,
    keys: kill.keys(stores.keys),
    store: kill.store(stores.store),
    fetch: kill.fetch(),
    suite,
    ...more,
  });
}

async function listOf(client: string): Promise<DeviceList> {
  const { lookup } = await openLog({ ...directory.log, suite });
  return (await lookup(userOfClient(client))).list;
}

const recordsOf = (list: DeviceList, client: string) =>
  list.devices.find((device) => device.client === client)?.credentials ?? [];

/** Runs `work` with a kill at every step in turn, until it gets through; `check` sees what is left after each. */
async function killedEverywhere(
  work: (kill: KillSwitch, when: string) => Promise<{ run: () => Promise<unknown>; check: () => Promise<void> }>,
): Promise<number> {
  for (let at = 0; ; at++) {
    let through = false;
    for (const when of ["before", "after"] as const) {
      const kill = new KillSwitch(at, when);
      const { run, check } = await work(kill, when);
      try {
        await run();
        through = true;
      } catch (error) {
        // A killed fetch is told as an unreachable service; the device ends there all the same.
        const killed =
          error instanceof Killed || (error instanceof ClientError && error.code === "service-unreachable");
        if (!killed && !String(error).includes("no answer")) throw error;
      }
      await check();
    }
    if (through) return at;
  }
}

describe("a device that is killed between any two steps", () => {
  test("of its enrolment has one credential in the end, and the log one record of it", {
    timeout: 300_000,
  }, async () => {
    const steps = await killedEverywhere(async (kill) => {
      const client = newClient();
      const stores = newStores();
      const token = await tokenFor(client);
      const device = await open(client, stores, kill);
      return {
        run: () => device.enrol({ token }),
        async check() {
          const again = await open(client, stores);
          if (again.pending === null && again.credentials.length === 0) await again.enrol({ token });
          else await again.resume();
          expect(again.pending).toBeNull();
          expect(again.credentials).toHaveLength(1);
          expect((await again.current()).certificates).toHaveLength(2);
          expect(recordsOf(await listOf(client), client)).toHaveLength(1);
        },
      };
    });
    expect(steps).toBeGreaterThanOrEqual(6);
  });

  test("of a renewal has one more credential, vouched for by the one before", { timeout: 300_000 }, async () => {
    const steps = await killedEverywhere(async (kill) => {
      const client = newClient();
      const stores = newStores();
      const first = await (await open(client, stores)).enrol({ token: await tokenFor(client) });
      const id = first[0]?.id ?? "";
      const device = await open(client, stores, kill);
      return {
        run: () => device.renew(id),
        async check() {
          const again = await open(client, stores);
          if (again.pending === null && again.credentials.length === 1) await again.renew(id);
          else await again.resume();
          expect(again.credentials.map(({ replacedBy }) => replacedBy)).toEqual([again.credentials[1]?.id, undefined]);
          const records = recordsOf(await listOf(client), client);
          expect(records).toHaveLength(2);
          expect(records.filter(({ continuity }) => continuity !== undefined)).toHaveLength(1);
        },
      };
    });
    expect(steps).toBeGreaterThanOrEqual(6);
  });

  test("of a revocation of itself, or a report of compromise, is revoked in the end", {
    timeout: 300_000,
  }, async () => {
    for (const work of ["revoke", "reportCompromise"] as const)
      await killedEverywhere(async (kill) => {
        const client = newClient();
        const stores = newStores();
        const [credential] = await (await open(client, stores)).enrol({ token: await tokenFor(client) });
        const device = await open(client, stores, kill);
        const finish = (each: Device) =>
          work === "revoke" ? each.revoke(credential?.id ?? "", "superseded") : each.reportCompromise();
        return {
          run: () => finish(device),
          async check() {
            const again = await open(client, stores);
            if (again.pending === null && again.credentials[0]?.revokedAt === undefined) await finish(again);
            else await again.resume();
            expect(again.credentials[0]?.revokedAt).toBeTypeOf("number");
            await expect(again.current()).rejects.toMatchObject({ code: "not-enrolled" });
            await expect
              .poll(async () => recordsOf(await listOf(client), client)[0]?.status, { timeout: 30_000 })
              .toBe("revoked");
          },
        };
      });
  });
});

describe("a device", () => {
  test("keeps keys and state in files, with and without a passphrase", async () => {
    for (const passphrase of [undefined, "correct horse"]) {
      const client = newClient();
      const place = join(folder, `device${count}`);
      const stores = (): Stores => ({
        keys: fileKeyStore(join(place, "keys"), passphrase),
        store: fileStateStore(join(place, "state.json")),
      });
      const device = await open(client, stores());
      await device.enrol({ token: await tokenFor(client) });
      const again = await open(client, stores());
      const { key, held } = await again.current();
      expect(held).toEqual(device.credentials[0]);
      expect((await key.sign(new Uint8Array(3))).length).toBe(64);
      if (passphrase === undefined) continue;
      const wrong = await open(client, { ...stores(), keys: fileKeyStore(join(place, "keys"), "wrong") });
      await expect(wrong.current()).rejects.toMatchObject({ code: "key-missing" });
    }
  });

  test("enrols, renews and revokes with every scheme that WebCrypto and files make", { timeout: 120_000 }, async () => {
    for (const [i, scheme] of [0x0807, 0x0403, 0x0503, 0x0603].entries()) {
      const client = newClient();
      const keys = i % 2 === 0 ? memoryKeyStore() : fileKeyStore(join(folder, `keys${scheme}`));
      const device = await open(client, { keys, store: memoryStateStore() }, undefined, { scheme });
      const [first] = await device.enrol({ token: await tokenFor(client) });
      const [second] = await device.renew(first?.id ?? "");
      await device.revoke(first?.id ?? "", "superseded");
      expect((await device.current()).held.id).toBe(second?.id);
    }
  });

  test("renews when its moment in the service's window has come, and not before", async () => {
    const client = newClient();
    const stores = newStores();
    const token = await tokenFor(client);
    const early = await open(client, stores, undefined, { random: () => 0 });
    const [credential] = await early.enrol({ token });
    expect(await early.renewIfDue()).toEqual([]);
    const due = early.nextRenewal() ?? 0;
    expect(due).toBeGreaterThan(credential?.notBefore ?? 0);
    expect(due).toBeLessThan(credential?.notAfter ?? 0);
    // The clock of the log's proof stays: only the device's idea of what is due moves.
    const late = await open(client, stores, undefined, { random: () => 0.5, now: () => Date.now() });
    expect(late.nextRenewal()).toBe(due);
    expect(await late.renewIfDue()).toEqual([]);
    expect(late.nextRenewal()).toBe(due);
  });

  test("spreads renewals over the window", async () => {
    const { defaultRenewalWindow, renewalMoment } = await import("@mls-as/mls-credentials/client");
    const window = defaultRenewalWindow({ notBefore: 0, notAfter: 900 });
    expect(window).toEqual({ start: 600, end: 810 });
    expect([0, 0.5, 0.999].map((random) => renewalMoment(window, () => random))).toEqual([600, 705, 809]);
  });

  test("approves another device of its user, which enrols with that alone", async () => {
    const client = newClient();
    const first = await open(client, newStores());
    await first.enrol({ token: await tokenFor(client) });
    const laptop = client.replace("/phone", "/laptop");
    const stores = newStores();
    const key = await stores.keys.generate("probe", 0x0807);
    const { version } = await listOf(client);
    const foreign = first.approve({
      client: newClient(),
      subjectPublicKeyInfo: key.subjectPublicKeyInfo,
      afterVersion: version,
    });
    await expect(foreign).rejects.toMatchObject({ code: "wrong-certificate" });
    // The key comes first: it is what is approved.
    const second = await open(laptop, { ...stores, keys: { ...stores.keys, generate: async () => key } });
    const approval = await first.approve({
      client: laptop,
      subjectPublicKeyInfo: key.subjectPublicKeyInfo,
      afterVersion: version,
    });
    await second.enrol({ approval });
    expect(recordsOf(await listOf(client), laptop)[0]?.approval).toBeDefined();
    // Either device may revoke the other.
    await first.revoke(second.credentials[0]?.id ?? "", "privilegeWithdrawn");
  });

  test("gives up what the service refuses for good, and can then do something else", async () => {
    const client = newClient();
    const device = await open(client, newStores());
    await expect(device.enrol({ token: "wrong" })).rejects.toMatchObject({ code: "refused" });
    expect(device.pending).toBeNull();
    await device.enrol({ token: await tokenFor(client) });
    await expect(device.enrol({ token: "again" })).rejects.toMatchObject({ code: "already-enrolled" });
  });

  test("refuses state that is damaged, another device's, or changed by another process", async () => {
    const client = newClient();
    const damaged = memoryStateStore(new TextEncoder().encode('{"format":1}'));
    await expect(open(client, { keys: memoryKeyStore(), store: damaged })).rejects.toMatchObject({
      code: "invalid-state",
    });
    const stores = newStores();
    await (await open(client, stores)).enrol({ token: await tokenFor(client) });
    await expect(open(newClient(), stores)).rejects.toMatchObject({ code: "invalid-state" });
    const [one, two] = [await open(client, stores), await open(client, stores)];
    await one.renew(one.credentials[0]?.id ?? "");
    await expect(two.renew(two.credentials[0]?.id ?? "")).rejects.toMatchObject({ code: "state-conflict" });
  });
});
