import { generateKeyPairSync } from "node:crypto";
import {
  checkDeviceList,
  checkDeviceListChange,
  decodeDeviceList,
  verifyDeviceListSignatures,
} from "@mls-as/mls-credentials";
import { nodeProvider } from "@mls-as/mls-core/node";
import { expect, test } from "vitest";
import { subjectKeyPair } from "../../fixtures/certificate-signing-request.js";
import { Device } from "../../fixtures/device.js";
import { ALICE, LAPTOP, PHONE, TestService } from "../../fixtures/service-fixture.js";

test.each(["Ed25519", "P-256", "P-384", "P-521"] as const)(
  "a %s device approves another, renews, and revokes: the list passes every check of the SDK",
  async (algorithm) => {
    const service = await TestService.create();
    const phone = await Device.enrol(service, PHONE, subjectKeyPair(algorithm));
    const laptopKey = subjectKeyPair(algorithm);
    const approval = await phone.approve(ALICE, LAPTOP, laptopKey);
    const laptop = await service.send("POST", "/v1/credentials", {
      csrs: [await service.csr(LAPTOP, laptopKey)],
      enrolment: { approval },
    });
    expect(laptop.status, JSON.stringify(laptop.body)).toBe(201);
    service.clock += 10;
    const renewed = await phone.renew(subjectKeyPair(algorithm));
    expect(renewed.status, JSON.stringify(renewed.body)).toBe(201);
    const revoked = await phone.post(`/v1/credentials/${laptop.body.credentials?.[0]?.id}/revocation`, {
      reason: "keyCompromise",
    });
    expect([revoked.status, revoked.body.version]).toEqual([200, 3]);

    const values = service.log.values.get(ALICE) ?? [];
    const lists = values.map((value, version) =>
      checkDeviceList(value, { label: ALICE, version, logId: service.log.logId }),
    );
    expect(lists.map(({ origin }) => origin)).toEqual(["enrolment", "deviceApproval", "renewal", "ownerRevocation"]);
    for (const list of lists) await verifyDeviceListSignatures(nodeProvider, list);
    for (const [i, next] of lists.entries()) {
      const previous = lists[i - 1];
      if (previous !== undefined)
        checkDeviceListChange(previous, next, { loggedAt: BigInt(service.clock), retention: 7_776_000n });
    }
    expect(
      lists.at(-1)?.devices.map(({ client, credentials }) => [client, credentials.map(({ status }) => status)]),
    ).toEqual([
      [LAPTOP, ["revoked"]],
      [PHONE, ["active", "active"]],
    ]);
  },
);

test("an approval lets a key in once: sent again after a revocation it is refused", async () => {
  const service = await TestService.create();
  const phone = await Device.enrol(service, PHONE);
  const laptopKey = subjectKeyPair("Ed25519");
  const approval = await phone.approve(ALICE, LAPTOP, laptopKey);
  const enrol = async () =>
    service.send("POST", "/v1/credentials", {
      csrs: [await service.csr(LAPTOP, laptopKey)],
      enrolment: { approval },
    });
  const laptop = await enrol();
  expect(laptop.status).toBe(201);
  expect((await enrol()).body).toMatchObject({ code: "approval-used" });
  const reason = { reason: "affiliationChanged" };
  expect((await phone.post(`/v1/credentials/${laptop.body.credentials?.[0]?.id}/revocation`, reason)).status).toBe(200);
  const replayed = await enrol();
  expect([replayed.status, replayed.body]).toEqual([403, expect.objectContaining({ code: "approval-used" })]);
});

test("a token for another identity, a nonce at the end of its life", async () => {
  const service = await TestService.create();
  const token = await service.token(LAPTOP);
  const body = { csrs: [await service.csr(PHONE)], enrolment: { token } };
  const refused = await service.send("POST", "/v1/credentials", body);
  expect([refused.status, refused.body.code, refused.body.path]).toEqual([403, "identity-mismatch", "enrolment.token"]);
  const rightful = { csrs: [await service.csr(LAPTOP)], enrolment: { token } };
  expect((await service.send("POST", "/v1/credentials", rightful)).status).toBe(201);

  const phone = await Device.enrol(service, PHONE);
  const path = `/v1/credentials/${phone.id}/revocation`;
  const [stale, fresh] = [await phone.jws(path, '{"reason":"superseded"}'), await service.csr(`${PHONE}2`)];
  service.clock += 299;
  const enrolment = { token: await service.token(`${PHONE}2`) };
  expect((await service.send("POST", "/v1/credentials", { csrs: [fresh], enrolment })).status).toBe(201);
  service.clock += 1;
  const late = await phone.send(path, stale);
  expect([late.status, late.body.code, late.body.path]).toEqual([400, "nonce-expired", "protected.nonce"]);
  expect((await service.store.credential(phone.id))?.state).toBe("active");
});

test("JSON that two readers could understand differently is refused", async () => {
  const service = await TestService.create();
  const phone = await Device.enrol(service, PHONE);
  const post = async (body: Uint8Array | string, type = "application/json"): Promise<unknown> => {
    const response = await service.app.request("http://as.test/v1/credentials", {
      method: "POST",
      headers: { "content-type": type },
      body: typeof body === "string" ? body : new Uint8Array(body),
    });
    return [response.status, ((await response.json()) as { code: string }).code];
  };
  const malformed = [400, "malformed-json"];
  expect(await post('{"csrs":["AA"],"csrs":["AA"],"enrolment":{}}')).toEqual(malformed);
  expect(await post('{"csrs":["AA"],"enrolment":{"token":"a","\\u0074oken":"b"}}')).toEqual(malformed);
  expect(await post(Buffer.from('\u{feff}{"csrs":["AA"],"enrolment":{}}'))).toEqual(malformed);
  expect(await post(Buffer.from('{"csrs":["AA"],"enrolment":{"token":"\xff"}}', "latin1"))).toEqual(malformed);
  expect(await post(`{"csrs":${"[".repeat(500)}${"]".repeat(500)}}`)).toEqual(malformed);
  expect(await post('{"csrs":["AA"],"enrolment":{}} {}')).toEqual(malformed);
  expect(await post('{"csrs":["AA"],"enrolment":{}}')).toEqual([400, "csr-malformed"]);
  const path = `/v1/credentials/${phone.id}/revocation`;
  const twice = await phone.send(path, await phone.jws(path, '{"reason":"superseded","reason":"superseded"}'));
  expect([twice.status, twice.body.code]).toEqual([400, "malformed-json"]);
  const raw = await phone.jws(path, '{"reason":"superseded"}');
  const head = Buffer.from(raw.protected, "base64url").toString().replace("{", '{"alg":"none",');
  const doubled = await phone.send(path, { ...raw, protected: Buffer.from(head).toString("base64url") });
  expect([doubled.status, doubled.body.code]).toEqual([400, "jws-malformed"]);
});

test("a media type that the body parser would not take for JSON is refused as such", async () => {
  const service = await TestService.create();
  for (const type of ["application/json;", "application/json ; charset=utf-8"]) {
    const response = await service.app.request("/v1/credentials", {
      method: "POST",
      headers: { "content-type": type },
      body: "{}",
    });
    expect([type, response.status]).toEqual([type, 415]);
  }
});

test("the state and the renewal window of a credential are for its user's devices", async () => {
  const service = await TestService.create();
  const phone = await Device.enrol(service, PHONE);
  const bob = await Device.enrol(service, "mimi://mls.example/d/bob/phone");
  expect((await phone.get(`/v1/credentials/${phone.id}`)).body).toMatchObject({
    id: phone.id,
    status: "active",
    client: PHONE,
  });
  const { body } = await phone.get(`/v1/credentials/${phone.id}/renewal-info`);
  const window = body["suggestedWindow"] as { start: number; end: number };
  expect(window.start).toBeGreaterThan(service.clock + 50 * 86_400);
  expect(window.end).toBeLessThan(service.clock + 90 * 86_400);
  expect((await bob.get(`/v1/credentials/${phone.id}`)).body.code).toBe("credential-unknown");
  expect((await service.send("GET", `/v1/credentials/${phone.id}`)).body.code).toBe("jws-malformed");
});

test("what is not exactly the accepted JWS is refused, and changes nothing", async () => {
  const service = await TestService.create();
  const phone = await Device.enrol(service, PHONE, subjectKeyPair("P-256"));
  const bob = await Device.enrol(service, "mimi://mls.example/d/bob/phone");
  const path = `/v1/credentials/${phone.id}/revocation`;
  const payload = { reason: "unspecified" };
  const code = async (header: Record<string, unknown>): Promise<string | undefined> =>
    (await phone.post(path, payload, header)).body.code;
  expect(await code({ alg: "none" })).toBe("jws-algorithm");
  expect(await code({ alg: "HS256" })).toBe("jws-algorithm");
  expect(await code({ alg: "ES384" })).toBe("jws-algorithm");
  expect(await code({ url: `http://as.test/v1/credentials/${bob.id}/revocation` })).toBe("jws-url");
  expect(await code({ nonce: "x" })).toBe("nonce-invalid");
  expect(await code({ "x5t#S256": "AAAA" })).toBe("signer-unknown");
  expect(await code({ "x5t#S256": bob.thumbprint })).toBe("jws-algorithm");
  expect(await code({ jwk: {} })).toBe("jws-malformed");
  expect(await code({ x5c: [] })).toBe("jws-malformed");
  expect(await code({ crit: ["b64"], b64: false })).toBe("jws-malformed");
  const other = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const forged = await phone.jws(path, JSON.stringify(payload), {}, { key: other.privateKey, digest: "sha256" });
  expect((await phone.send(path, forged)).body.code).toBe("jws-signature");
  const good = await phone.jws(path, JSON.stringify(payload));
  expect((await phone.send(path, { ...good, header: {} })).body.code).toBe("unknown-field");
  expect((await phone.send(path, { ...good, payload: good.payload.slice(0, -4) })).body.code).toBe("jws-signature");
  expect((await phone.send(path, "{")).body.code).toBe("malformed-json");
  expect((await service.send("POST", path, good)).body.code).toBe("unsupported-media-type");
  expect((await phone.post(path, { reason: "unspecified", force: true })).body.code).toBe("unknown-field");
  expect((await bob.post(path, payload)).body.code).toBe("credential-unknown");
  expect((await service.store.credential(phone.id))?.state).toBe("active");
  expect((await phone.send(path, good)).status).toBe(200);
  expect((await phone.send(path, good)).body.code).toBe("signer-inactive");
});

test("a nonce is good for one signed request", async () => {
  const service = await TestService.create();
  const phone = await Device.enrol(service, PHONE);
  const laptop = await Device.enrol(service, LAPTOP);
  const path = `/v1/credentials/${laptop.id}/revocation`;
  const jws = await phone.jws(path, JSON.stringify({ reason: "unspecified" }));
  expect((await phone.send(path, jws)).status).toBe(200);
  expect((await phone.send(path, jws)).body.code).toBe("nonce-used");
});

test("renewal: only by the key itself, for the same client, with continuity, and a fresh proof in time", async () => {
  const service = await TestService.create({ renewalByKey: 1000 });
  const phone = await Device.enrol(service, PHONE);
  const laptop = await Device.enrol(service, LAPTOP);
  const path = `/v1/credentials/${phone.id}/renewals`;
  const next = subjectKeyPair();
  const attempt = async (
    device: Device,
    payload: Record<string, unknown>,
    nonce: string,
  ): Promise<string | undefined> => (await device.post(path, payload, { nonce })).body.code;
  const csr = async (nonce: string, client = PHONE): Promise<string> => await service.csr(client, next, { nonce });
  let nonce = await service.nonce();
  expect(await attempt(laptop, { csrs: [await csr(nonce)], continuity: [await phone.continue(next)] }, nonce)).toBe(
    "signer-not-allowed",
  );
  expect(
    await attempt(phone, { csrs: [await csr(nonce, LAPTOP)], continuity: [await phone.continue(next)] }, nonce),
  ).toBe("identity-mismatch");
  expect(
    await attempt(phone, { csrs: [await csr(await service.nonce())], continuity: [await phone.continue(next)] }, nonce),
  ).toBe("csr-batch");
  expect(await attempt(phone, { csrs: [await csr(nonce)], continuity: ["AAAA"] }, nonce)).toBe("continuity-malformed");
  expect(await attempt(phone, { csrs: [await csr(nonce)], continuity: [await laptop.continue(next)] }, nonce)).toBe(
    "continuity-mismatch",
  );
  expect(
    await attempt(phone, { csrs: [await csr(nonce)], continuity: [await phone.continue(subjectKeyPair())] }, nonce),
  ).toBe("continuity-mismatch");
  const unsigned = (await phone.continue(next)).replace(/.{8}$/, "AAAAAAAA");
  expect(await attempt(phone, { csrs: [await csr(nonce)], continuity: [unsigned] }, nonce)).toBe(
    "continuity-signature",
  );
  expect(await attempt(phone, { csrs: [await csr(nonce)], continuity: [] }, nonce)).toBe("invalid-field");
  service.clock += 1001;
  nonce = await service.nonce();
  expect(await attempt(phone, { csrs: [await csr(nonce)], continuity: [await phone.continue(next)] }, nonce)).toBe(
    "renewal-proof-required",
  );
  const answer = await phone.renew(next, { token: await service.token(PHONE) });
  expect(answer.status, JSON.stringify(answer.body)).toBe(201);
  const list = decodeDeviceList(service.log.values.get(ALICE)?.at(-1) ?? new Uint8Array());
  expect(list.devices[1]?.credentials.length).toBe(2);
});

test("a renewal that is sent again is answered again", async () => {
  const service = await TestService.create();
  const phone = await Device.enrol(service, PHONE);
  const next = subjectKeyPair();
  const path = `/v1/credentials/${phone.id}/renewals`;
  const nonce = await service.nonce();
  const payload = { csrs: [await service.csr(PHONE, next, { nonce })], continuity: [await phone.continue(next)] };
  const jws = await phone.jws(path, JSON.stringify(payload), { nonce });
  const first = await phone.send(path, jws);
  expect(first.status).toBe(201);
  expect((await phone.send(path, jws)).body).toEqual(first.body);
  expect(service.log.values.get(ALICE)?.length).toBe(2);
});
