import { KeytransError } from "@mls-as/keytrans";
import type { Auditor, AuditorState } from "@mls-as/keytrans/auditor";
import type { Context } from "../context.js";
import { Failure } from "../failure.js";
import { readBytes } from "../json-file.js";
import type { Session } from "../pin.js";
import { type AuditProgress, readProgress } from "./audit-state.js";

export interface StartFlags {
  /** File with an encoded `AuditorCheckpoint` to start from; `log`: the one that the log gives out. */
  readonly from?: string | undefined;
  /** Forget where an earlier audit stopped. */
  readonly restart?: boolean | undefined;
}

/** Where the audit goes on: from its file, from a checkpoint, or from the log's first entry. */
export async function startingPoint(
  context: Context,
  session: Session,
  auditor: Auditor,
  path: string,
  flags: StartFlags,
): Promise<AuditProgress> {
  const known = flags.restart === true ? undefined : await readProgress(context, path);
  if (known !== undefined) {
    if (flags.from !== undefined)
      throw new Failure("usage", "An audit of this log is under way; start it anew with --restart.", {
        path: "--from",
      });
    return known;
  }
  return {
    state: await startState(context, session, auditor, flags),
    entries: 0,
    changes: 0,
    previous: undefined,
    posted: 0,
  };
}

async function startState(
  context: Context,
  { connection }: Session,
  auditor: Auditor,
  { from }: StartFlags,
): Promise<AuditorState> {
  if (from === undefined) return auditor.initialState();
  const served = from === "log";
  const checkpoint = served ? await connection.auditorCheckpoint() : await readBytes(context, from);
  try {
    return await auditor.start(checkpoint);
  } catch (error) {
    if (!(error instanceof KeytransError)) throw error;
    throw new Failure(
      served ? "unverifiable" : "file-malformed",
      `${from} is no checkpoint to start from: ${error.message}.`,
      {
        path: from,
        reason: error.code,
      },
    );
  }
}

/** Whether something was audited that the log's configuration asks its auditor for. */
export function reachesStart({ configuration }: Session["connection"], { treeSize, start }: AuditorState): boolean {
  const first = configuration.mode === "thirdPartyAuditing" ? Number(configuration.auditorStartPos) : 0;
  return treeSize > Math.max(first, start);
}
