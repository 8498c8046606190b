import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KEY_ALGORITHMS, Pkcs11Signer, type Signer, type SigningKey, SoftwareSigner } from "@mls-as/signers";
import { HAS_SOFTHSM, softTokens } from "../packages/signers/src/fixtures/soft-token.js";
import { enrolments } from "./as.js";
import type { Benchmark, Measurement } from "./main.js";

const RUNS = 5;
const SIGNATURES = 1_000;

/** Signatures a second over about a certificate's worth of octets, `atOnce` under way. */
async function rate(key: SigningKey, atOnce: number): Promise<number> {
  const data = new Uint8Array(700);
  let left = SIGNATURES;
  const started = performance.now();
  const worker = async (): Promise<void> => {
    while (left-- > 0) await key.sign(data);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return SIGNATURES / ((performance.now() - started) / 1000);
}

async function signatures(signer: Signer, name: string, atOnce: number): Promise<readonly Measurement[]> {
  const measured: Measurement[] = [];
  for (const algorithm of KEY_ALGORITHMS) {
    const key = await signer.generate("issuing", algorithm);
    await rate(key, atOnce);
    const rates: number[] = [];
    for (let run = 0; run < RUNS; run++) rates.push(await rate(key, atOnce));
    const value = rates.sort((a, b) => a - b)[Math.floor(RUNS / 2)] ?? 0;
    const params = { signer: name, sessions: atOnce };
    measured.push({ name: `signers/${algorithm}`, unit: "signatures/s", value, samples: RUNS, params });
  }
  await signer.close();
  return measured;
}

async function inSoftware(): Promise<readonly Measurement[]> {
  const folder = await mkdtemp(join(tmpdir(), "mls-as-bench-"));
  try {
    return await signatures(new SoftwareSigner(folder, "bench"), "software", 1);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Where SoftHSM2 is not installed, nothing is measured, and the table says so. */
async function onToken(work: (uri: string) => Promise<readonly Measurement[]>): Promise<readonly Measurement[]> {
  if (!HAS_SOFTHSM) {
    process.stderr.write("SoftHSM2 is not installed: nothing is measured on a token.\n");
    return [];
  }
  const tokens = softTokens();
  try {
    return await work(tokens.add("bench"));
  } finally {
    tokens.remove();
  }
}

export const benchmarks: readonly Benchmark[] = [
  { name: "signers/software", run: inSoftware },
  {
    name: "signers/pkcs11",
    run: () => onToken(async (uri) => await signatures(await Pkcs11Signer.open(uri), "SoftHSM2", 4)),
  },
  {
    name: "signers/enrolments on a token",
    run: () => onToken((uri) => enrolments("SoftHSM2", ["--keys", uri])),
  },
];
