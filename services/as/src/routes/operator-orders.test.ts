import { expect, test } from "vitest";
import { Device } from "../../fixtures/device.js";
import { subjectKeyPair } from "../../fixtures/certificate-signing-request.js";
import { ALICE, PHONE, TestService } from "../../fixtures/service-fixture.js";

const DAY = 86_400;

async function windowOf(device: Device): Promise<{ start: number; end: number }> {
  const answer = await device.get(`/v1/credentials/${device.id}/renewal-info`);
  return answer.body["suggestedWindow"] as { start: number; end: number };
}

test("an order to renew pulls the windows of older credentials forward, of one issuer or of all", async () => {
  const service = await TestService.create();
  const [edwards, nist] = [
    await Device.enrol(service, PHONE),
    await Device.enrol(service, "mimi://mls.example/d/bob/phone", subjectKeyPair("P-256")),
  ];
  const usual = await windowOf(edwards);
  service.clock += DAY;
  const late = await Device.enrol(service, "mimi://mls.example/d/carol/phone");
  const issuer = (await service.store.credential(edwards.id))?.issuer;
  const order = { issuer, issuedBefore: service.clock, start: service.clock, end: service.clock + 7 * DAY };
  expect((await service.admin("POST", "/renewal-orders", order)).status).toBe(201);
  expect(await windowOf(edwards)).toEqual({ start: order.start, end: order.end });
  expect((await windowOf(nist)).start).toBe(usual.start);
  expect((await windowOf(late)).start).toBeGreaterThan(usual.start);
  const { issuer: _all, ...everybody } = { ...order, end: order.start + DAY };
  await service.admin("POST", "/renewal-orders", { ...everybody, start: order.start - 5 });
  expect(await windowOf(nist)).toEqual({ start: order.start - 5, end: order.start + DAY });
  const later = { ...everybody, start: order.start + 80 * DAY, end: order.start + 81 * DAY };
  await service.admin("POST", "/renewal-orders", later);
  expect((await windowOf(edwards)).start).toBe(order.start - 5);
  expect((await service.admin("GET", "/renewal-orders")).body["orders"]).toHaveLength(3);
  const backwards = await service.admin("POST", "/renewal-orders", { ...order, end: order.start });
  expect([backwards.status, backwards.body.code, backwards.body.path]).toEqual([400, "invalid-field", "end"]);
  const most = Number.MAX_SAFE_INTEGER;
  for (const [path, wrong] of [
    ["issuedBefore", { issuedBefore: service.clock * 1000 }],
    ["start", { start: service.clock - 2 * DAY }],
    ["start", { start: service.clock * 1000, end: service.clock * 1000 + DAY }],
    ["end", { start: service.clock - 3600, end: service.clock }],
    ["end", { end: service.clock + 91 * DAY }],
    ["end", { issuedBefore: most, start: -most, end: most }],
  ] as const) {
    const { status, body } = await service.admin("POST", "/renewal-orders", { ...order, ...wrong });
    expect([status, body.code, body.path]).toEqual([400, "invalid-field", path]);
  }
  expect((await service.admin("GET", "/renewal-orders")).body["orders"]).toHaveLength(3);
});

test("an order asks nobody for longer than a credential lives, and no credential that it brought about", async () => {
  const service = await TestService.create();
  const phone = await Device.enrol(service, PHONE);
  const usual = await windowOf(phone);
  service.clock += 10;
  const order = { issuedBefore: service.clock + 200, start: service.clock, end: service.clock + 90 * DAY };
  expect((await service.admin("POST", "/renewal-orders", order)).body["issuedBefore"]).toBe(service.clock);
  expect(await windowOf(phone)).toEqual({ start: order.start, end: usual.end });
  service.clock += 1;
  const renewed = await Device.enrol(service, "mimi://mls.example/d/bob/phone");
  expect((await windowOf(renewed)).start).toBe(usual.start + 11);
});

test("a user is erased once every device is gone; the status of what was issued stays", async () => {
  const service = await TestService.create();
  const { body } = await service.enrol(PHONE);
  const [issued] = body.credentials ?? [];
  const active = await service.admin("POST", "/users/erasure", { user: ALICE });
  expect([active.status, active.body.code]).toEqual([409, "user-active"]);
  await service.admin("POST", "/devices/revocation", { client: PHONE, reason: "cessationOfOperation" });
  const { issuer = "" } = (await service.store.credential(issued?.id ?? "")) ?? {};
  const erased = await service.admin("POST", "/users/erasure", { user: ALICE });
  expect([erased.status, erased.body]).toEqual([200, { erased: true, version: 1 }]);
  expect((await service.admin("POST", "/users/erasure", { user: ALICE })).body).toEqual({
    erased: true,
    version: null,
  });
  expect((await service.admin("GET", "/credentials")).body.credentials).toEqual([]);
  expect(await service.store.credentialStatus(issuer, issued?.serial ?? "")).toMatchObject({
    revocation: { reason: 5 },
  });
  expect(JSON.stringify((await service.admin("GET", "/audit")).body)).not.toContain("alice");
});
