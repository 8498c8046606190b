import { parentPort, workerData } from "node:worker_threads";
import type { SuiteId } from "@mls-as/keytrans";
import { nodeSuite } from "@mls-as/keytrans/node";
import { concatBytes } from "@mls-as/tls-codec";

/** What a pool asks of a worker: the outputs, or the proofs with their outputs, for some VRF inputs. */
export interface VrfTask {
  readonly id: number;
  readonly kind: "output" | "prove";
  /** Bytes of each input, in order. */
  readonly lengths: readonly number[];
  /** The inputs, joined: one buffer crosses threads for a third of what many cost. */
  readonly inputs: Uint8Array;
}

/** In the order of the inputs. */
export interface VrfAnswer {
  readonly id: number;
  /** For each input its output, and its proof where proofs were asked for; joined. */
  readonly evaluations: Uint8Array;
}

/** What a worker begins with. */
export interface VrfWorkerData {
  readonly suiteId: SuiteId;
  readonly privateKey: Uint8Array;
}

if (parentPort !== null) {
  const port = parentPort;
  const { suiteId, privateKey } = workerData as VrfWorkerData;
  const key = (await nodeSuite(suiteId)).importVrfPrivateKey(privateKey);
  port.on("message", ({ id, kind, lengths, inputs }: VrfTask) => {
    const parts: Uint8Array[] = [];
    let offset = 0;
    for (const length of lengths) {
      const input = inputs.subarray(offset, offset + length);
      offset += length;
      if (kind === "output") parts.push(key.output(input));
      else {
        const { output, proof } = key.prove(input);
        parts.push(output, proof);
      }
    }
    const answer: VrfAnswer = { id, evaluations: concatBytes(...parts) };
    port.postMessage(answer);
  });
}
