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
function request(issuer: Uint8Array, serial: string, nonce?: Uint8Array): Uint8Array {
  const sha256 = (data: Uint8Array): Uint8Array => octetString(createHash("sha256").update(data).digest());
  const spki = members(members(issuer)[0] as Uint8Array)[6] as Uint8Array;
  const id = sequenceOf(
    sequenceOf(objectIdentifier("2.16.840.1.101.3.4.2.1")),
    sha256(nameOfSubject(issuer)),
    sha256((members(spki)[1] as Uint8Array).slice(3)),
    unsignedInteger(Buffer.from(serial, "hex")),
  );
  const extensions =
    nonce === undefined
      ? []
      : [element(0xa2, sequenceOf(extension("1.3.6.1.5.5.7.48.1.2", false, octetString(nonce))))];
  return sequenceOf(sequenceOf(sequenceOf(sequenceOf(id)), ...extensions));
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
  return { service, own, phone, post, get, signatures: () => signatures };
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
