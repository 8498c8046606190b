import { createHmac } from "node:crypto";
import { CodecError } from "@mls-as/tls-codec";
import { expect, test } from "vitest";
import { KT_128_SHA256_Ed25519, nobleSuite, vrfInput } from "./index.js";

const suite = nobleSuite(KT_128_SHA256_Ed25519);

test("a commitment is HMAC-SHA256 under Kc of opening, label, version and update", () => {
  const opening = new Uint8Array(16).fill(0xaa);
  const label = new TextEncoder().encode("alice");
  const update = Uint8Array.of(0, 0, 0, 1, 0x55);
  const value = Buffer.concat([opening, Buffer.from([5]), label, Buffer.from([0, 0, 1, 2]), update]);
  const expected = createHmac("sha256", Buffer.from("d821f8790d97709796b4d7903357c3f5", "hex")).update(value).digest();
  expect(suite.commitment(opening, label, 0x102, update)).toEqual(Uint8Array.from(expected));
});

test("the VRF input is the label with its length, then the version", () => {
  expect(vrfInput(Uint8Array.of(1, 2), 0xfffffffe)).toEqual(Uint8Array.of(2, 1, 2, 0xff, 0xff, 0xff, 0xfe));
});

test("what does not fit is refused", () => {
  const opening = new Uint8Array(16);
  const long = new Uint8Array(256);
  expect(() => suite.commitment(new Uint8Array(15), long.subarray(1), 0, long)).toThrow(CodecError);
  expect(() => suite.commitment(opening, long, 0, long)).toThrow(CodecError);
  expect(() => suite.commitment(opening, long.subarray(1), 2 ** 32, long)).toThrow(CodecError);
  expect(() => vrfInput(long, 0)).toThrow(CodecError);
  expect(() => vrfInput(long.subarray(1), -1)).toThrow(CodecError);
});
