import { Problem } from "../problem.js";
import type { LogStore } from "../storage/store.js";
import type { Witnessing } from "./witnessing.js";

/** Milliseconds since the oldest entry that no checkpoint with a quorum covers was made; 0 when there is none. */
export async function witnessLag(store: LogStore, witnessing: Witnessing, now: number): Promise<number> {
  const head = await store.head();
  const covered = (await witnessing.checkpoints()).quorum?.size ?? 0;
  if (head === undefined || covered >= head.treeSize) return 0;
  const [oldest] = await store.entries([covered]);
  return oldest === undefined ? 0 : Math.max(0, now - oldest.timestamp);
}

export interface WitnessedService {
  readonly store: LogStore;
  readonly witnessing: Witnessing | undefined;
  readonly clock: () => number;
  readonly config: { readonly witnessFailure: "open" | "closed"; readonly witnessLagSeconds: number };
}

/** Fail-closed: readers get no answer that rests on what no quorum has cosigned for too long. @throws Problem witnesses-late */
export async function assertWitnessed({ store, witnessing, clock, config }: WitnessedService): Promise<void> {
  if (witnessing === undefined || config.witnessFailure === "open") return;
  const lag = await witnessLag(store, witnessing, clock());
  if (lag <= config.witnessLagSeconds * 1000) return;
  const detail = `an entry has waited ${Math.round(lag / 1000)} s for a quorum of witnesses`;
  throw new Problem("witnesses-late", detail, { retryAfter: 30, section: "C2SP tlog-witness" });
}
