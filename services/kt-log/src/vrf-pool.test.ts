import { randomBytes } from "node:crypto";
import { KT_128_SHA256_Ed25519, type Suite, vrfInput } from "@mls-as/keytrans";
import { nodeSuite } from "@mls-as/keytrans/node";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { VrfPool } from "./vrf-pool.js";

const label = new TextEncoder().encode("label");
const privateKey = new Uint8Array(randomBytes(32));
let suite: Suite;
let pool: VrfPool;

describe.each([0, 1, 3])("with %i threads", (threads) => {
  beforeEach(async () => {
    suite = await nodeSuite(KT_128_SHA256_Ed25519);
    pool = new VrfPool({ suite, privateKey, threads });
  });
  afterEach(() => pool.close());

  test("outputs and proofs are the key's own, each to whom it was promised", async () => {
    const key = suite.importVrfPrivateKey(privateKey);
    expect(pool.publicKey).toEqual(key.publicKey);
    const inputs = Array.from({ length: 40 }, (_, i) => vrfInput(label, i));
    const [outputs, proofs] = await Promise.all([
      Promise.all(inputs.map((input) => pool.output(input))),
      Promise.all(inputs.slice(0, 9).map((input) => pool.prove(input))),
    ]);
    expect(outputs).toEqual(inputs.map((input) => key.output(input)));
    expect(proofs).toEqual(inputs.slice(0, 9).map((input) => key.prove(input)));
  });

  test("what was prepared for a batch is what the batch gets", async () => {
    const change = { label, greatestVersion: 6, values: [{ value: label }, { value: label }] };
    pool.prepare(change);
    const outputs = await Promise.all([7, 8].map((version) => pool.output(vrfInput(label, version))));
    const key = suite.importVrfPrivateKey(privateKey);
    expect(outputs).toEqual([7, 8].map((version) => key.output(vrfInput(label, version))));
    pool.settled(change);
    expect(await pool.output(vrfInput(label, 7))).toEqual(outputs[0]);
  });
});
