import { expect, test } from "vitest";
import { ALICE, LAPTOP, PHONE, TestService } from "../fixtures/service-fixture.js";
import { compareWithLog } from "./fsck.js";
import { Resumer } from "./issuance/resume.js";

const kinds = async (service: TestService, repair = false): Promise<string[]> =>
  (await compareWithLog(service.store, service.log, repair, service.clock)).discrepancies.map(({ kind }) => kind);

test("store and log agree after issuance and revocation", async () => {
  const service = await TestService.create();
  await service.enrol(PHONE);
  await service.enrol("mimi://mls.example/d/bob/phone");
  await service.admin("POST", "/devices/revocation", { client: PHONE, reason: "unspecified" });
  const report = await compareWithLog(service.store, service.log, false, service.clock);
  expect(report).toEqual({ labels: 2, credentials: 2, discrepancies: [] });
});

test("a revocation that the store lost is taken over from the log, and never undone", async () => {
  const [service, restored] = [await TestService.create(), await TestService.create()];
  Object.assign(restored.context, { log: service.log });
  // The store as a backup from before the revocation would have it.
  const { body } = await service.enrol(PHONE);
  const id = body.credentials?.[0]?.id ?? "";
  const label = await service.store.label(ALICE);
  await service.admin("POST", "/devices/revocation", { client: PHONE, reason: "superseded" });
  await service.store.adoptRevocation(id, { revokedAt: 1, reason: 1 }, service.clock, {
    actor: "test",
    action: "test",
  });
  expect((await service.store.credential(id))?.revocation?.reason).toBe(4);
  const original = service.store.credentials.bind(service.store);
  service.store.credentials = async (query) =>
    (await original(query)).map((one) => ({ ...one, state: "active" as const, revocation: undefined }));
  service.store.label = async () => label;
  expect(await kinds(service)).toEqual(["log-ahead", "revoked-in-log"]);
});

test("what the log lost is seen, and a revocation is logged again", async () => {
  const service = await TestService.create();
  await service.enrol(PHONE);
  await service.enrol(LAPTOP);
  await service.admin("POST", "/devices/revocation", { client: PHONE, reason: "superseded" });
  const versions = service.log.values.get(ALICE) ?? [];
  service.log.values.set(ALICE, versions.slice(0, 1));
  expect((await kinds(service)).sort()).toEqual(["list-differs", "revocation-not-logged", "unlogged"]);
  service.log.values.set(ALICE, versions.slice(0, 2));
  expect((await kinds(service, true)).sort()).toEqual(["list-differs", "revocation-not-logged"]);
  expect(await service.store.labelsToRevoke()).toEqual([ALICE]);
  service.log.values.set(ALICE, versions);
  await new Resumer(service.context).runOnce();
  expect(await kinds(service)).toEqual([]);
});
