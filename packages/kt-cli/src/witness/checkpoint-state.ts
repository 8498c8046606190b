import { LogClientError } from "@mls-as/kt-client";
import type { Context } from "../context.js";
import type { Session } from "../pin.js";

/** What the log's parallel C2SP log says, as far as it was checked. */
export interface WitnessState {
  readonly treeSize: number;
  /** Signature lines besides the log's own. */
  readonly cosignatures: number;
  /** True where a policy was given and is met. */
  readonly quorum?: boolean;
  readonly fault?: string;
}

/** Reads the newest checkpoint; undefined where the log publishes none. */
export async function readCheckpoint(_context: Context, { connection }: Session): Promise<WitnessState | undefined> {
  let note: string;
  try {
    note = await connection.checkpoint();
  } catch (error) {
    if (error instanceof LogClientError && (error.code === "refused" || error.code === "unavailable")) return undefined;
    throw error;
  }
  const [, size] = note.split("\n");
  const signatures = note.split("\n").filter((line) => line.startsWith("\u2014 ")).length;
  const treeSize = /^(0|[1-9]\d{0,15})$/.test(size ?? "") ? Number(size) : 0;
  return { treeSize, cosignatures: Math.max(0, signatures - 1) };
}
