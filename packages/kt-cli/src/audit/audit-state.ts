import { type AuditorState, decodeAuditorState, encodeAuditorState } from "@mls-as/keytrans/auditor";
import { KeytransError } from "@mls-as/keytrans";
import { base64UrlBytes, toBase64Url } from "../bytes-text.js";
import type { Context } from "../context.js";
import { Failure } from "../failure.js";
import { readJson, writeJson } from "../json-file.js";

/** Where an audit stands. Written as one file, so that an audit killed at any instant goes on from an exact place. */
export interface AuditProgress {
  readonly state: AuditorState;
  /** Entries and label changes verified since the audit's start. */
  readonly entries: number;
  readonly changes: number;
  /** The state before the newest entry. */
  readonly previous: AuditorState | undefined;
  /** Size of the newest tree whose auditor's head the log has taken. */
  readonly posted: number;
}

const FORMAT = "kt-audit/1";

/** @throws Failure file-malformed; undefined where there is none */
export async function readProgress(context: Context, path: string): Promise<AuditProgress | undefined> {
  try {
    const value = (await readJson(context, path)) as Record<string, unknown> | null;
    const { format, entries, changes, posted } = value ?? {};
    if (format !== FORMAT || typeof entries !== "number" || typeof changes !== "number" || typeof posted !== "number")
      throw new Failure("file-malformed", `${path} is not an audit's state`, { path });
    return {
      state: decodeAuditorState(base64UrlBytes(value?.["state"], "state")),
      entries,
      changes,
      posted,
      previous:
        value?.["previous"] === undefined
          ? undefined
          : decodeAuditorState(base64UrlBytes(value["previous"], "previous")),
    };
  } catch (error) {
    if (error instanceof Failure && error.code === "file-unreadable") return undefined;
    if (error instanceof KeytransError) throw new Failure("file-malformed", `${path}: ${error.message}`, { path });
    throw error;
  }
}

export async function writeProgress(path: string, { state, previous, ...counts }: AuditProgress): Promise<void> {
  await writeJson(path, {
    format: FORMAT,
    ...counts,
    state: toBase64Url(encodeAuditorState(state)),
    ...(previous && { previous: toBase64Url(encodeAuditorState(previous)) }),
  });
}
