import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { Device } from "../../fixtures/device.js";
import { PHONE, TestService } from "../../fixtures/service-fixture.js";
import { nameOfSubject } from "../x509/certificate-profile.js";
import {
  element,
  extension,
  members,
  objectIdentifier,
  octetString,
  sequenceOf,
  unsignedInteger,
} from "../x509/der.js";

/** An OCSPRequest for one certificate (RFC 6960, "ASN.1 Specification of the OCSP Request"). */
function request(
  issuer: Uint8Array,
  serial: string | Uint8Array,
  nonce?: Uint8Array,
  { single = [], more, version = [] }: { single?: Uint8Array[]; more?: Uint8Array; version?: Uint8Array[] } = {},
): Uint8Array {
  const sha256 = (data: Uint8Array): Uint8Array => octetString(createHash("sha256").update(data).digest());
  const spki = members(members(issuer)[0] as Uint8Array)[6] as Uint8Array;
  const id = sequenceOf(
    sequenceOf(objectIdentifier("2.16.840.1.101.3.4.2.1")),
    sha256(nameOfSubject(issuer)),
    sha256((members(spki)[1] as Uint8Array).slice(3)),
    typeof serial === "string" ? unsignedInteger(Buffer.from(serial, "hex")) : element(0x02, serial),
  );
  const extensions =
    nonce === undefined
      ? more === undefined
        ? []
        : [element(0xa2, sequenceOf(more))]
      : [element(0xa2, sequenceOf(extension("1.3.6.1.5.5.7.48.1.2", false, octetString(nonce))))];
  return sequenceOf(sequenceOf(...version, sequenceOf(sequenceOf(id, ...single)), ...extensions));
}

async function setUp() {
  const service = await TestService.create();
  const phone = await Device.enrol(service, PHONE);
  const credential = await service.store.credential(phone.id);
  const issuer = service.context.issuers().find(({ id }) => id === credential?.issuer);
  if (issuer === undefined || credential === undefined) throw new Error("no issuer");
  let signatures = 0;
  const responder = service.context.ocspResponders.get(issuer.id);
  if (responder === undefined) throw new Error("no responder");
  const counting = {
    ...responder,
    key: {
      ...responder.key,
      sign: (data: Uint8Array) => {
        signatures++;
        return responder.key.sign(data);
      },
    },
  };
  const responders = new Map([[issuer.id, counting]]);
  const own = await TestService.create({}, { store: service.store, ocspResponders: responders });
  const post = async (nonce?: Uint8Array) => {
    const response = await own.app.request("http://as.test/ocsp", {
      method: "POST",
      headers: { "content-type": "application/ocsp-request" },
      body: new Uint8Array(request(issuer.certificate, credential.serial, nonce)),
    });
    const body = Buffer.from(await response.arrayBuffer());
    return { body, cache: response.headers.get("cache-control") };
  };
  const get = async () => {
    const path = encodeURIComponent(Buffer.from(request(issuer.certificate, credential.serial)).toString("base64"));
    return Buffer.from(await (await own.app.request(`http://as.test/ocsp/${path}`)).arrayBuffer());
  };
  const ask = async (der: Uint8Array) => {
    const headers = { "content-type": "application/ocsp-request" };
    const body = new Uint8Array(der);
    const response = await own.app.request("http://as.test/ocsp", { method: "POST", headers, body });
    return Buffer.from(await response.arrayBuffer()).toString("hex");
  };
  const { serial } = credential;
  return { service, own, phone, post, get, ask, serial, issuer: issuer.certificate, signatures: () => signatures };
}

test("an answer is signed once for all who ask, by POST or GET, and again when it is old", async () => {
  const { own, post, get, signatures } = await setUp();
  const first = await post();
  expect(first.cache).toBe("max-age=60");
  expect((await post()).body.equals(first.body)).toBe(true);
  expect((await get()).equals(first.body)).toBe(true);
  expect(signatures()).toBe(1);
  own.clock += 1801;
  expect((await post()).body.equals(first.body)).toBe(false);
  expect(signatures()).toBe(2);
});

test("answers are made anew before they are old, with the status of that time, for as long as somebody asks", async () => {
  const { own, service, phone, post, get, signatures } = await setUp();
  const { ocsp } = own.context;
  const first = await post();
  own.clock += 1400;
  expect(await ocsp.precompute()).toBe(0);
  own.clock += 200;
  expect([await ocsp.precompute(), signatures()]).toEqual([1, 2]);
  own.clock += 1000;
  const second = await post();
  expect([second.body.equals(first.body), signatures()]).toEqual([false, 2]);
  // Revoked, and nobody has asked since.
  await service.admin("POST", `/credentials/${phone.id}/revocation`, { reason: "superseded" });
  own.clock += 600;
  expect(await ocsp.precompute()).toBe(1);
  expect((await get()).includes(Buffer.from("a0030a0104", "hex"))).toBe(true);
  expect(signatures()).toBe(3);
  for (let hours = 0; hours < 26; hours++) {
    own.clock += 3600;
    await ocsp.precompute();
  }
  expect(await ocsp.precompute()).toBe(0);
  own.clock += 3600;
  expect(await ocsp.precompute()).toBe(0);
});

test("a revocation shows at once, kept answers or not", async () => {
  const { service, phone, post, signatures } = await setUp();
  const good = await post();
  await service.admin("POST", `/credentials/${phone.id}/revocation`, { reason: "superseded" });
  const revoked = await post();
  expect(revoked.body.equals(good.body)).toBe(false);
  expect(revoked.body.includes(Buffer.from("a0030a0104", "hex"))).toBe(true);
  expect(signatures()).toBe(2);
});

test("an answer with a nonce is for the one who asked: 1 to 128 octets, echoed, kept by nobody", async () => {
  const { post, signatures } = await setUp();
  await post();
  const nonce = Buffer.alloc(32, 0x5a);
  const answer = await post(nonce);
  expect([answer.body.includes(nonce), answer.cache]).toEqual([true, "no-store"]);
  await post(nonce);
  expect(signatures()).toBe(3);
  expect((await post(Buffer.alloc(128, 1))).body.length).toBeGreaterThan(100);
  for (const length of [0, 129]) expect((await post(Buffer.alloc(length, 1))).body.toString("hex")).toBe("30030a0101");
});

test("a serial number that is none is unknown, and unknown ones are not kept", async () => {
  const { ask, issuer, serial, signatures } = await setUp();
  const octets = Buffer.from(serial, "hex");
  const negative = Uint8Array.of((octets[0] as number) | 0x80, ...octets.subarray(1));
  const long = new Uint8Array(7500).fill(0x11);
  for (const [i, one] of [negative, long, new Uint8Array(21).fill(1), Uint8Array.of(5)].entries()) {
    const answer = await ask(request(issuer, one));
    // The certificate's status: [2] unknown, before thisUpdate.
    expect(answer, String(i)).toContain("8200180f");
    await ask(request(issuer, one));
    expect(signatures()).toBe(2 * i + 2);
  }
});

test("what a request says is critical and nobody here knows, or a version to come, is refused", async () => {
  const { ask, issuer, serial } = await setUp();
  const strange = (critical: boolean): Uint8Array => extension("1.3.6.1.5.5.7.48.1.99", critical, octetString(issuer));
  expect(await ask(request(issuer, serial, undefined, { more: strange(false) }))).toContain("8000180f");
  const single = (critical: boolean): Uint8Array[] => [element(0xa0, sequenceOf(strange(critical)))];
  expect(await ask(request(issuer, serial, undefined, { single: single(false) }))).toContain("8000180f");
  for (const wrong of [
    { more: strange(true) },
    { single: single(true) },
    { version: [element(0xa0, Uint8Array.of(0x02, 0x01, 0x01))] },
  ])
    expect(await ask(request(issuer, serial, undefined, wrong))).toBe("30030a0101");
});
