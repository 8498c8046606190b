import type { Exchange } from "@mls-as/kt-client";
import type { Context } from "./context.js";
import { Failure } from "./failure.js";
import { type Session, logFile } from "./pin.js";
import { readProofs, writeProofs } from "./proof-file.js";

const FILE = "last-walk.json";

/** The last walk of distinguished heads that was made without an earlier view: a witness against a later fork. */
export async function rememberedWalk(context: Context, { pin }: Session): Promise<Exchange | undefined> {
  try {
    return (await readProofs(context, logFile(context, pin, FILE)))[0];
  } catch (error) {
    if (error instanceof Failure) return undefined;
    throw error;
  }
}

/** Keeps a walk that was made without an earlier view. */
export async function rememberWalk(context: Context, { pin }: Session, walk: Exchange): Promise<void> {
  await writeProofs(logFile(context, pin, FILE), pin.logId, [walk]);
}
