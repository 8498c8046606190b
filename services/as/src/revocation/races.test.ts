import { decodeDeviceList } from "@mls-as/mls-credentials";
import { expect, test } from "vitest";
import { subjectKeyPair } from "../../fixtures/certificate-signing-request.js";
import { Device } from "../../fixtures/device.js";
import { ALICE, LAPTOP, PHONE, TestService } from "../../fixtures/service-fixture.js";
import { Resumer } from "../issuance/resume.js";
import { LogError } from "../log/log.js";

const records = (service: TestService): (readonly [string, string])[] =>
  decodeDeviceList(service.log.values.get(ALICE)?.at(-1) ?? new Uint8Array()).devices.flatMap(
    ({ client, credentials }) => credentials.map(({ status }) => [client, status] as const),
  );

const states = async (service: TestService): Promise<string[]> =>
  (await service.store.credentials({ limit: 10 })).map(({ state }) => state);

test.each(["before", "after"] as const)(
  "a device is revoked while its credential is pending, the log down %s it logged: it is never signed",
  async (when) => {
    const service = await TestService.create();
    const body = { csrs: [await service.csr(PHONE)], enrolment: { token: await service.token(PHONE) } };
    service.log.fault = { when, error: new LogError("unavailable", "injected") };
    expect((await service.send("POST", "/v1/credentials", body)).body.code).toBe("log-unavailable");
    const early = await service.admin("POST", "/devices/revocation", { client: PHONE, reason: "superseded" });
    expect([early.status, early.body.revoked?.length]).toEqual([202, 1]);
    service.log.fault = undefined;
    await new Resumer(service.context).runOnce();
    await new Resumer(service.context).runOnce();
    const [credential] = await service.store.credentials({ limit: 10 });
    expect(credential).toMatchObject({ state: "revoked", certificate: undefined, revocation: { logged: true } });
    expect(records(service)).toEqual([[PHONE, "revoked"]]);
    const answer = await service.send("POST", "/v1/credentials", body);
    expect([answer.status, answer.body.code]).toEqual([409, "issuance-withdrawn"]);
  },
);

test("a device that is revoked while its certificate is being signed does not get it", async () => {
  const service = await TestService.create();
  const issuers = service.context.issuers();
  const revoking = issuers.map((issuer) => ({
    ...issuer,
    key: {
      ...issuer.key,
      sign: async (data: Uint8Array) => {
        const ids = (await service.store.credentials({ client: PHONE, limit: 10 })).map(({ id }) => id);
        const cause = { reason: 0, origin: "operatorRevocation", block: false } as const;
        await service.store.revoke(ids, cause, service.clock, { actor: "operator", action: "credentials-revoked" });
        return await issuer.key.sign(data);
      },
    },
  }));
  Object.assign(service.context, { issuers: () => revoking });
  const answer = await service.enrol(PHONE);
  expect([answer.status, answer.body.code]).toEqual([409, "issuance-withdrawn"]);
  expect((await service.store.credentials({ limit: 10 })).map(({ certificate }) => certificate)).toEqual([undefined]);
  await new Resumer(service.context).runOnce();
  expect(records(service)).toEqual([[PHONE, "revoked"]]);
});

test("a renewal that races with the revocation of the key that asks for it: whatever wins, nothing stays active", async () => {
  const service = await TestService.create();
  const phone = await Device.enrol(service, PHONE);
  const journal = service.store.journal.bind(service.store);
  service.store.journal = async (change, now, audit) => {
    service.store.journal = journal;
    if (change.intent.origin === "renewal")
      await service.store.revoke([phone.id], { reason: 1, origin: "operatorRevocation", block: true }, service.clock, {
        actor: "operator",
        action: "credentials-revoked",
        subject: ALICE,
      });
    return await journal(change, now, audit);
  };
  const answer = await phone.renew(subjectKeyPair());
  expect([answer.status, answer.body.code]).toEqual([403, "signer-inactive"]);
  expect(await states(service)).toEqual(["revoked"]);
});

test("an approval that races with the revocation of its approver lets nobody in", async () => {
  const service = await TestService.create();
  const phone = await Device.enrol(service, PHONE);
  const key = subjectKeyPair();
  const approval = await phone.approve(ALICE, LAPTOP, key);
  const journal = service.store.journal.bind(service.store);
  service.store.journal = async (change, now, audit) => {
    service.store.journal = journal;
    await service.store.revoke([phone.id], { reason: 4, origin: "operatorRevocation", block: false }, service.clock, {
      actor: "operator",
      action: "credentials-revoked",
      subject: ALICE,
    });
    return await journal(change, now, audit);
  };
  const body = { csrs: [await service.csr(LAPTOP, key)], enrolment: { approval } };
  expect((await service.send("POST", "/v1/credentials", body)).body.code).toBe("signer-inactive");
});

test("a compromised key takes every credential of that key with it, and does nothing any more", async () => {
  const service = await TestService.create({ renewalToSameKey: true });
  const [key, other] = [subjectKeyPair(), subjectKeyPair()];
  const phone = await Device.enrol(service, PHONE, key);
  const again = await phone.renew(key);
  expect(again.status).toBe(201);
  const twin = again.body.credentials?.[0]?.id ?? "";
  const laptop = await Device.enrol(service, LAPTOP);
  const approval = await phone.approve(ALICE, `${PHONE}2`, other);
  const answer = await service.admin("POST", `/credentials/${phone.id}/revocation`, { reason: "keyCompromise" });
  expect(answer.status).toBe(200);
  expect(answer.body.revoked?.map(({ id }) => id).sort()).toEqual([phone.id, twin].sort());
  expect(records(service)).toEqual([
    [LAPTOP, "active"],
    [PHONE, "revoked"],
    [PHONE, "revoked"],
  ]);
  const code = async (sent: Promise<{ body: { code?: string } }>): Promise<string | undefined> =>
    (await sent).body.code;
  expect(await code(phone.renew(subjectKeyPair()))).toBe("signer-inactive");
  expect(await code(service.enrol(PHONE, key))).toBe("key-blocked");
  expect(await code(laptop.renew(key))).toBe("key-blocked");
  const body = { csrs: [await service.csr(`${PHONE}2`, other)], enrolment: { approval } };
  expect(await code(service.send("POST", "/v1/credentials", body))).toBe("approval-untrusted");
});

test("a blocked key signs no request and approves nobody, even with a credential that was not revoked", async () => {
  const service = await TestService.create();
  const [key, other] = [subjectKeyPair(), subjectKeyPair()];
  const phone = await Device.enrol(service, PHONE, key);
  const approval = await phone.approve(ALICE, LAPTOP, other);
  service.store.keyBlocked = async (hash) => hash === Buffer.from(key.spkiHash).toString("hex");
  const reason = { reason: "superseded" };
  expect((await phone.post(`/v1/credentials/${phone.id}/revocation`, reason)).body.code).toBe("key-blocked");
  const body = { csrs: [await service.csr(LAPTOP, other)], enrolment: { approval } };
  expect((await service.send("POST", "/v1/credentials", body)).body.code).toBe("approval-untrusted");
});

test("a renewal to the same key is refused, unless the policy of the service allows it", async () => {
  const [strict, lax] = [await TestService.create(), await TestService.create({ renewalToSameKey: true })];
  const key = subjectKeyPair();
  const refused = await (await Device.enrol(strict, PHONE, key)).renew(key);
  expect([refused.status, refused.body.code, refused.body.path]).toEqual([403, "renewal-same-key", "csrs[0]"]);
  expect((await (await Device.enrol(lax, PHONE, key)).renew(key)).status).toBe(201);
});

test("an approval is good for a bounded time only", async () => {
  const service = await TestService.create({ approvalLifetime: 599 });
  const phone = await Device.enrol(service, PHONE);
  const key = subjectKeyPair();
  const body = {
    csrs: [await service.csr(LAPTOP, key)],
    enrolment: { approval: await phone.approve(ALICE, LAPTOP, key) },
  };
  const answer = await service.send("POST", "/v1/credentials", body);
  expect([answer.status, answer.body.code]).toEqual([403, "approval-lifetime"]);
});
