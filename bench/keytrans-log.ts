import {
  type Configuration,
  KT_128_SHA256_Ed25519,
  SearchRequest,
  type Suite,
  type VrfPrivateKey,
} from "@mls-as/keytrans";
import { nodeSuite } from "@mls-as/keytrans/node";
import { createProver, MemoryStore, type Prover, sequence, type SequenceContext } from "@mls-as/keytrans/prover";
import { encode } from "@mls-as/tls-codec";

export const START = 1_750_000_000_000;
const BATCH = 1000;
/** Milliseconds from entry to entry, as a heartbeat makes them: a monitoring window of a day holds 144 entries. */
const INTERVAL = 600_000;

/**
 * A VRF key whose outputs are hashes and whose proofs are zeros. Filling a log with real proofs would take 0.7 ms a label and
 * measure nothing else: the trees see 32-byte keys and the prover proofs from its cache, of the right length, either way.
 */
function standInVrf(suite: Suite, publicKey: Uint8Array): VrfPrivateKey {
  const proof = new Uint8Array(suite.vrfProofLength);
  return {
    publicKey,
    prove: (input) => ({ output: suite.hash(input), proof }),
    output: (input) => suite.hash(input),
  };
}

export const label = (index: number): Uint8Array => new TextEncoder().encode(`mimi://example.org/u/user-${index}`);

/** A log in memory; `standIn` for one that is only proven from, never verified. */
export async function openLog(standIn: boolean): Promise<BenchLog> {
  const suite = await nodeSuite(KT_128_SHA256_Ed25519);
  const vrf = suite.importVrfPrivateKey(new Uint8Array(32).fill(1));
  return new BenchLog(suite, standIn ? standInVrf(suite, vrf.publicKey) : vrf);
}

export class BenchLog {
  readonly suite: Suite;
  readonly configuration: Configuration;
  readonly store = new MemoryStore();
  readonly prover: Prover;
  readonly #context: SequenceContext;
  now = START;

  constructor(suite: Suite, vrfPrivateKey: VrfPrivateKey) {
    this.suite = suite;
    const signer = suite.importSigner(new Uint8Array(32).fill(2));
    this.configuration = {
      ciphersuite: suite.id,
      mode: "contactMonitoring",
      signaturePublicKey: signer.publicKey,
      vrfPublicKey: vrfPrivateKey.publicKey,
      maxAhead: 60_000n,
      maxBehind: 3_600_000n,
      reasonableMonitoringWindow: 86_400_000n,
      maximumLifetime: undefined,
    };
    const { configuration, store } = this;
    this.#context = {
      suite,
      configuration,
      vrfPrivateKey,
      signer,
      random: (length) => new Uint8Array(length).fill(3),
      store,
    };
    this.prover = createProver({ suite, configuration, vrfPrivateKey, store });
  }

  async append(labels: readonly Uint8Array[], greatestVersion?: number): Promise<void> {
    this.now += INTERVAL;
    const value = new Uint8Array(100);
    const changes = labels.map((name) => ({ label: name, greatestVersion, values: [{ value }] }));
    const { writes, rejected } = await sequence(this.#context, changes, this.now);
    if (rejected.length > 0) throw new Error("a change was rejected");
    this.store.apply(writes);
  }

  /** Adds labels up to `count`, in batches of a thousand, one log entry each. @returns milliseconds it took */
  async fill(from: number, count: number): Promise<number> {
    const started = performance.now();
    for (let first = from; first < count; first += BATCH) {
      const batch = Math.min(BATCH, count - first);
      await this.append(Array.from({ length: batch }, (_, i) => label(first + i)));
    }
    return performance.now() - started;
  }

  search(name: Uint8Array, last?: number): Promise<Uint8Array> {
    return this.prover.search(encode(SearchRequest, { last, label: name, version: undefined }));
  }
}
