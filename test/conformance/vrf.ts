import { readFileSync } from "node:fs";
import { KT_128_SHA256_Ed25519, KT_128_SHA256_P256, nobleSuite, type Suite, SuiteError } from "@mls-as/keytrans";
import { nodeSuite } from "@mls-as/keytrans/node";
import type { Outcome } from "./main.js";

/** One case: hex strings. `sk` may be missing (then nothing is proved) and `valid: false` means that `pi` must be refused. */
interface VrfCase {
  readonly suite: string;
  readonly sk?: string;
  readonly pk: string;
  readonly alpha: string;
  readonly beta?: string;
  readonly pi: string;
  readonly valid?: boolean;
}

const FIELDS = new Set(["suite", "sk", "pk", "alpha", "beta", "pi", "valid", "description", "comment", "name"]);
const SUITES = { KT_128_SHA256_P256, KT_128_SHA256_Ed25519 } as const;

function unhex(text: unknown, field: string): Uint8Array {
  if (typeof text !== "string" || !/^([0-9a-f]{2})*$/i.test(text)) throw new Error(`${field} is not hex`);
  return Uint8Array.from(Buffer.from(text, "hex"));
}
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

function expectEqual(what: string, actual: Uint8Array, expected: Uint8Array): void {
  if (hex(actual) !== hex(expected)) throw new Error(`${what}: ${hex(actual)} instead of ${hex(expected)}`);
}

/** Throws with the reason when a provider disagrees with the case. */
function check(suite: Suite, vector: VrfCase): void {
  const [pk, alpha, pi] = [unhex(vector.pk, "pk"), unhex(vector.alpha, "alpha"), unhex(vector.pi, "pi")];
  if (vector.valid === false) {
    try {
      suite.importVrfPublicKey(pk).verify(alpha, pi);
    } catch (error) {
      if (error instanceof SuiteError) return;
      throw error;
    }
    throw new Error("accepted what must be refused");
  }
  const beta = unhex(vector.beta, "beta");
  if (vector.sk !== undefined) {
    const key = suite.importVrfPrivateKey(unhex(vector.sk, "sk"));
    expectEqual("pk", key.publicKey, pk);
    const evaluation = key.prove(alpha);
    expectEqual("pi", evaluation.proof, pi);
    expectEqual("beta when proving", evaluation.output, beta);
  }
  expectEqual("beta when verifying", suite.importVrfPublicKey(pk).verify(alpha, pi), beta);
  expectEqual("beta of the proof", suite.vrfProofToOutput(pi), beta);
}

/** ECVRF vectors as RFC 9381 gives them, through both providers: each case must hold with noble and with Node's. */
export async function runVrf(paths: string[], report: (outcome: Outcome) => void): Promise<void> {
  for (const path of paths) {
    const file = JSON.parse(readFileSync(path, "utf8")) as
      | { readonly vectors?: readonly VrfCase[] }
      | readonly VrfCase[];
    const vectors = Array.isArray(file)
      ? (file as readonly VrfCase[])
      : (file as { vectors?: readonly VrfCase[] }).vectors;
    if (vectors === undefined) throw new Error("no vectors in the file");
    for (const [index, vector] of vectors.entries()) {
      const name = `${path}#${index} ${vector.suite}`;
      try {
        const unknown = Object.keys(vector).filter((field) => !FIELDS.has(field));
        if (unknown.length > 0) throw new Error(`states ${unknown.join(", ")}, which is not understood`);
        if (!Object.hasOwn(SUITES, vector.suite)) throw new Error(`unknown suite ${vector.suite}`);
        const id = SUITES[vector.suite as keyof typeof SUITES];
        for (const suite of [nobleSuite(id), await nodeSuite(id)]) check(suite, vector);
        report({ case: name, ok: true });
      } catch (error) {
        report({ case: name, ok: false, detail: (error as Error).message });
      }
    }
  }
}
