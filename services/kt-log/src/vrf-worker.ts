import { parentPort, workerData } from "node:worker_threads";
import type { SuiteId } from "@mls-as/keytrans";
import { nodeSuite } from "@mls-as/keytrans/node";

/** What a pool asks of a worker: the outputs, or the proofs with their outputs, for some VRF inputs. */
export interface VrfTask {
  readonly id: number;
  readonly kind: "output" | "prove";
  readonly inputs: readonly Uint8Array[];
}

/** In the order of the inputs. */
export interface VrfAnswer {
  readonly id: number;
  readonly outputs: readonly Uint8Array[];
  /** Empty unless proofs were asked for. */
  readonly proofs: readonly Uint8Array[];
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
  port.on("message", ({ id, kind, inputs }: VrfTask) => {
    const evaluations = inputs.map((input) =>
      kind === "prove" ? key.prove(input) : { output: key.output(input), proof: undefined },
    );
    const answer: VrfAnswer = {
      id,
      outputs: evaluations.map(({ output }) => output),
      proofs: evaluations.flatMap(({ proof }) => proof ?? []),
    };
    port.postMessage(answer);
  });
}
