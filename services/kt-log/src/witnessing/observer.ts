import type { Logger } from "pino";
import type { Metrics } from "../metrics.js";
import type { WitnessObserver } from "./witnessing.js";

/** Tells operators of witnesses: every failure is counted, and logged when it begins and when it ends. */
export function witnessObserver(metrics: Metrics, logger: Logger): WitnessObserver {
  const failing = new Set<string>();
  const { witnesses } = metrics;
  return {
    cosigned(witness, size, time) {
      witnesses.size.set({ witness }, size);
      witnesses.cosigned.set({ witness }, time);
      if (failing.delete(witness)) logger.info({ witness, size }, "the witness cosigns again");
    },
    failed(witness, reason, detail) {
      witnesses.failures.inc({ witness, reason });
      if (failing.has(witness)) return;
      failing.add(witness);
      logger.warn({ witness, reason, detail }, "a witness did not cosign");
    },
    checkpoint(size, hasQuorum) {
      witnesses.checkpoint.set(size);
      if (hasQuorum) witnesses.quorum.set(size);
    },
    broken(error) {
      logger.error({ err: error }, "witnesses could not be asked");
    },
  };
}
