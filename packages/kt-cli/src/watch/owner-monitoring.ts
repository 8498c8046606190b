import { type ClientState, labelState } from "@mls-as/keytrans/client";
import { LogClientError } from "@mls-as/kt-client";
import type { Session } from "../pin.js";

/** Where an owner's inspection ended before the log's newest distinguished entry. */
export interface Shortfall {
  /** The rightmost distinguished entry that was inspected. */
  readonly start: number;
  readonly why: string;
}

export interface OwnerMonitoring {
  readonly state: ClientState;
  readonly shortfall: Shortfall | undefined;
  /** Distinguished entries right of `from` and left of `to` that the owner accepted never to inspect. */
  readonly skipped: { readonly from: number; readonly to: number } | undefined;
}

/** Each step is progress that the log proves; what is left after so many is for the next look. */
const STEPS = 1000;

/**
 * Inspects a label at every distinguished entry that its owner has not seen yet. Draft section "Owner Algorithm".
 *
 * A correct owner is never refused by a correct log. So a refusal is a shortfall, and the owner's state stays where it
 * was: taking ownership anew would leave it to the log which entries are never looked at. That is done only where the
 * owner accepts it. @throws LogClientError
 */
export async function monitorOwned(
  session: Session,
  state: ClientState,
  label: Uint8Array,
  acceptGaps: boolean,
): Promise<OwnerMonitoring> {
  const owner = labelState(state, label)?.owner;
  if (owner === undefined)
    return { ...(await session.connection.ownerInit(state, { label })), shortfall: undefined, skipped: undefined };
  const reached = await ownerSteps(session, state, label);
  if (reached.shortfall === undefined || !acceptGaps) return { ...reached, skipped: undefined };
  const anew = await session.connection.ownerInit(reached.state, { label });
  const skipped = { from: reached.shortfall.start, to: anew.result.start };
  return { state: anew.state, shortfall: undefined, skipped };
}

/** Monitors until the rightmost distinguished entry is verified; learns of versions in between. */
async function ownerSteps(
  { connection }: Session,
  start: ClientState,
  label: Uint8Array,
): Promise<Pick<OwnerMonitoring, "state" | "shortfall">> {
  let state = start;
  let doing = "to be monitored";
  try {
    for (let steps = 0; steps < STEPS; steps++) {
      doing = "to be monitored";
      const step = await connection.ownerMonitor(state, { label });
      ({ state } = step);
      if (step.result.complete) return { state, shortfall: undefined };
      if (step.result.verified.length > 0) continue;
      doing = "to tell of newer versions";
      ({ state } = await connection.update(state, { label, values: [] }));
    }
  } catch (error) {
    if (!(error instanceof LogClientError) || error.code !== "refused") throw error;
    return { state, shortfall: shortfallAt(state, label, `the log refuses ${doing} (${codeOf(error)})`) };
  }
  return { state, shortfall: shortfallAt(state, label, `the log goes on after ${STEPS} answers`) };
}

const codeOf = ({ problem, message }: LogClientError): string => problem?.code ?? message;

function shortfallAt(state: ClientState, label: Uint8Array, why: string): Shortfall {
  return { start: labelState(state, label)?.owner?.start ?? 0, why };
}
