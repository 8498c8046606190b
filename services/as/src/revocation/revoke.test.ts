import { decodeDeviceList } from "@mls-as/mls-credentials";
import { expect, test } from "vitest";
import { ALICE, FEED_TOKEN, LAPTOP, PHONE, TestService } from "../../fixtures/service-fixture.js";
import { firstBrokenEntry, NO_PREVIOUS_ENTRY } from "../audit.js";
import { Resumer } from "../issuance/resume.js";
import { LogError } from "../log/log.js";

const latest = (service: TestService) => decodeDeviceList(service.log.values.get(ALICE)?.at(-1) ?? new Uint8Array());

test("an operator revokes a device: at once here, and in the next version of the list", async () => {
  const service = await TestService.create();
  await service.enrol(PHONE);
  const { body: enrolled } = await service.enrol(LAPTOP);
  const answer = await service.admin("POST", "/devices/revocation", { client: LAPTOP, reason: "cessationOfOperation" });
  expect([answer.status, answer.body.version]).toEqual([200, 2]);
  expect(answer.body.revoked).toMatchObject([
    { id: enrolled.credentials?.[0]?.id, logged: true, reason: "cessationOfOperation" },
  ]);
  const list = latest(service);
  expect(list.origin).toBe("operatorRevocation");
  expect(list.devices.map(({ client, credentials }) => [client, credentials[0]?.status])).toEqual([
    [LAPTOP, "revoked"],
    [PHONE, "active"],
  ]);
});

test("a revocation does not wait for the log: 202, then 200 once it is logged", async () => {
  const service = await TestService.create();
  const { body } = await service.enrol(PHONE);
  const id = body.credentials?.[0]?.id ?? "";
  service.log.fault = { when: "before", error: new LogError("unavailable", "injected") };
  const early = await service.admin("POST", `/credentials/${id}/revocation`, { reason: "superseded" });
  expect([early.status, early.body.version, early.body.revoked?.[0]?.logged]).toEqual([202, null, false]);
  expect((await service.store.credential(id))?.state).toBe("revoked");
  service.log.fault = undefined;
  await new Resumer(service.context).runOnce();
  const late = await service.admin("POST", `/credentials/${id}/revocation`, { reason: "superseded" });
  expect([late.status, late.body.version]).toEqual([200, 1]);
  expect(latest(service).devices[0]?.credentials[0]?.status).toBe("revoked");
});

test("an issuance that comes first carries the revocation that the log had missed", async () => {
  const service = await TestService.create();
  await service.enrol(PHONE);
  const all = await service.store.credentials({ limit: 10 });
  await service.store.revoke(
    all.map(({ id }) => id),
    { reason: 0, origin: "operatorRevocation", block: false },
    service.clock,
    { actor: "test", action: "test" },
  );
  const answer = await service.enrol(LAPTOP);
  expect(answer.status).toBe(201);
  expect(latest(service).devices.map(({ credentials }) => credentials[0]?.status)).toEqual(["active", "revoked"]);
  expect(await service.store.labelsToRevoke()).toEqual([]);
});

test("a user who lost all devices comes back as a recovery", async () => {
  const service = await TestService.create();
  await service.enrol(PHONE);
  await service.admin("POST", "/devices/revocation", { client: PHONE, reason: "unspecified" });
  await service.enrol(LAPTOP);
  expect(latest(service).origin).toBe("recovery");
});

test("the audit log is an unbroken chain that shows every decision", async () => {
  const service = await TestService.create();
  await service.enrol(PHONE);
  await service.admin("POST", "/devices/revocation", { client: PHONE, reason: "unspecified" });
  const entries = await service.store.auditEntries({ after: 0, limit: 100 });
  expect(entries.map(({ action }) => action)).toEqual([
    "token-issued",
    "issuance-decided",
    "credentials-issued",
    "credentials-revoked",
    "revocation-journaled",
    "revocations-logged",
  ]);
  expect(firstBrokenEntry(entries, NO_PREVIOUS_ENTRY, 0)).toBeUndefined();
  const forged = entries.map((entry, i) => (i === 2 ? { ...entry, actor: "nobody" } : entry));
  expect(firstBrokenEntry(forged, NO_PREVIOUS_ENTRY, 0)).toBe(3);
  expect(
    firstBrokenEntry(
      entries.filter((_, i) => i !== 3),
      NO_PREVIOUS_ENTRY,
      0,
    ),
  ).toBe(5);
});

test("credentials are listed in pages", async () => {
  const service = await TestService.create();
  await service.enrol(PHONE);
  await service.enrol(LAPTOP);
  const first = await service.admin("GET", "/credentials?limit=1");
  const second = await service.admin("GET", `/credentials?limit=1&after=${first.body.credentials?.[0]?.id}`);
  expect(first.body["next"]).toBe(first.body.credentials?.[0]?.id);
  expect(second.body["next"]).toBeNull();
  expect(
    (await service.admin("GET", `/credentials?client=${encodeURIComponent(LAPTOP)}&status=active`)).body.credentials
      ?.length,
  ).toBe(1);
});

test("the feed tells which clients to remove, once each, to those who hold its token", async () => {
  const service = await TestService.create();
  await service.enrol(PHONE);
  await service.enrol(LAPTOP);
  expect((await service.send("GET", "/v1/revocations")).body.code).toBe("unauthorized");
  const read = async (since: number) =>
    (await service.send("GET", `/v1/revocations?since=${since}`, undefined, { authorization: `Bearer ${FEED_TOKEN}` }))
      .body;
  expect(await read(0)).toEqual({ revocations: [], next: 0 });
  await service.admin("POST", "/devices/revocation", { client: LAPTOP, reason: "superseded" });
  await service.admin("POST", "/devices/revocation", { client: LAPTOP, reason: "superseded" });
  const first = await read(0);
  expect(first).toMatchObject({
    revocations: [{ sequence: 1, client: LAPTOP, user: ALICE, reason: "superseded" }],
    next: 1,
  });
  await service.admin("POST", "/devices/revocation", { client: PHONE, reason: "keyCompromise" });
  expect(await read(1)).toMatchObject({ revocations: [{ client: PHONE, reason: "keyCompromise" }] });
});
