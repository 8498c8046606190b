import { expect, test } from "vitest";
import { ALICE, LAPTOP, PHONE, TestService } from "../fixtures/service-fixture.js";
import { firstBrokenEntry, NO_PREVIOUS_ENTRY } from "./audit.js";
import { searchAudit } from "./commands/audit.js";
import { compareWithLists, type ListSource } from "./fsck-crl.js";
import { operatorOf } from "./local-operator.js";
import { RevocationLists } from "./revocation/revocation-lists.js";

test("the audit log is searched by identity, serial number and time", async () => {
  const service = await TestService.create();
  const operator = operatorOf(service.store);
  const { body } = await service.enrol(PHONE);
  await service.enrol("mimi://mls.example/d/bob/phone");
  const early = service.clock;
  service.clock += 1000;
  await service.enrol(LAPTOP);
  const [issued] = body.credentials ?? [];
  await service.admin("POST", `/credentials/${issued?.id}/revocation`, { reason: "superseded" });

  const all = await searchAudit(operator, {});
  const alice = await searchAudit(operator, { identity: ALICE });
  expect(alice.length).toBeGreaterThan(3);
  expect(alice.every(({ subject }) => subject === ALICE)).toBe(true);
  expect(all.length).toBeGreaterThan(alice.length);

  const bySerial = (await searchAudit(operator, { serial: issued?.serial ?? "" })).map(({ action }) => action);
  expect(bySerial).toEqual(expect.arrayContaining(["issuance-decided", "credentials-revoked"]));
  expect(bySerial.filter((action) => action === "issuance-decided")).toHaveLength(1);
  await expect(searchAudit(operator, { serial: "0".repeat(32) })).rejects.toMatchObject({ code: "credential-unknown" });

  const late = await searchAudit(operator, { since: early + 1 });
  expect(late.every(({ time }) => time > early)).toBe(true);
  expect((await searchAudit(operator, { until: early + 1 })).length + late.length).toBe(all.length);
});

test("a chain with an entry that was altered, dropped or moved is broken there", async () => {
  const service = await TestService.create();
  await service.enrol(PHONE);
  const entries = await operatorOf(service.store).audit(0, undefined);
  const [first, second, ...rest] = entries;
  if (first === undefined || second === undefined) throw new Error("no entries");
  const check = (run: typeof entries): number | undefined => firstBrokenEntry(run, NO_PREVIOUS_ENTRY, 0);
  expect(check(entries)).toBeUndefined();
  expect(check([{ ...first, actor: "nobody" }, second, ...rest])).toBe(1);
  expect(check([first, { ...second, detail: { ...second.detail, why: "because" } }, ...rest])).toBe(2);
  expect(check([second, ...rest])).toBe(2);
  expect(check([first, ...rest])).toBe(rest[0]?.sequence);
  const { detail: _, ...bare } = second;
  expect(check([first, { ...bare, actor: "", action: "erased", erased: true }, ...rest])).toBeUndefined();
});

test("devices that wait are listed, let in and turned away, once", async () => {
  const service = await TestService.create();
  const operator = operatorOf(service.store);
  const ask = async (id: string, expiresAt: number): Promise<void> => {
    const request = { id, secretHash: id, user: ALICE, client: LAPTOP, spkiHashes: ["ab"], expiresAt };
    const nonce = { hash: id, expiresAt };
    await service.store.requestApproval({ ...request, nonce }, 100, service.clock, { actor: LAPTOP, action: "asked" });
  };
  const [one, two, late] = ["1".repeat(32), "2".repeat(32), "3".repeat(32)];
  await ask(one, service.clock + 1000);
  await ask(two, service.clock + 1000);
  await ask(late, service.clock - 1);
  expect((await operator.approvals(ALICE)).map(({ id, state }) => `${id} ${state}`)).toEqual(
    [one, two, late].map((id) => `${id} pending`),
  );
  expect(JSON.stringify(await operator.approvals(undefined))).not.toContain("secretHash");
  await operator.decide(one, "approved");
  await operator.decide(two, "denied");
  expect(await service.store.token(one)).toMatchObject({ user: ALICE, client: LAPTOP });
  expect(await service.store.token(two)).toBeUndefined();
  for (const id of [one, two, late])
    await expect(operator.decide(id, "approved")).rejects.toMatchObject({ code: "approval-decided" });
  expect(await service.store.token(late)).toBeUndefined();
  await expect(operator.decide("4".repeat(32), "denied")).rejects.toMatchObject({ code: "approval-unknown" });
});

test("the store is compared with the CRLs that are served", async () => {
  const service = await TestService.create();
  await service.enrol(PHONE);
  await service.enrol(LAPTOP);
  const lists = new RevocationLists(service.context);
  const certificate = async (id: string): Promise<Uint8Array | undefined> =>
    service.context.issuers().find((one) => one.id === id)?.certificate;
  const source: ListSource = { list: async (issuer, shard) => (await lists.list(issuer, shard))?.der, certificate };
  const kinds = async (from: ListSource, now = service.clock): Promise<string[]> =>
    (await compareWithLists(service.store, from, now)).map(({ kind }) => kind);
  expect(await kinds(source)).toEqual([]);
  const kept = new Map<string, Uint8Array | undefined>();
  const before: ListSource = {
    list: async (issuer, shard) => {
      const name = `${issuer}-${shard}`;
      if (!kept.has(name)) kept.set(name, await source.list(issuer, shard));
      return kept.get(name);
    },
    certificate,
  };
  await kinds(before);
  await service.admin("POST", "/devices/revocation", { client: PHONE, reason: "unspecified" });
  expect(await kinds(source)).toEqual([]);
  expect(await kinds(before)).toEqual(["missing-from-crl"]);
  expect(await kinds({ list: async () => undefined, certificate })).toEqual(["crl-unusable"]);
  expect(await kinds(before, service.clock + 3 * 86_400)).toEqual(["crl-unusable"]);
  const [other] = service.context.issuers().filter(({ algorithm }) => algorithm === "P-256");
  expect(await kinds({ list: source.list, certificate: async () => other?.certificate })).toEqual(["crl-unusable"]);
});
