import { fromBase64, noteError, toBase64 } from "./signed-note.js";

/** What a log says of its tree. C2SP tlog-checkpoint. */
export interface Checkpoint {
  /** Name of the log. */
  readonly origin: string;
  /** Leaves. */
  readonly size: number;
  /** RFC 6962 root, 32 bytes. */
  readonly root: Uint8Array;
}

/** The text of a checkpoint's note, without extension lines. */
export function formatCheckpoint({ origin, size, root }: Checkpoint): string {
  return `${origin}\n${size}\n${toBase64(root)}\n`;
}

/** A tree size as checkpoints write it; undefined where it is none, or beyond 2^53. */
export function parseTreeSize(text: string): number | undefined {
  return /^(0|[1-9][0-9]{0,15})$/.test(text) && Number.isSafeInteger(Number(text)) ? Number(text) : undefined;
}

/** Reads the text of a checkpoint's note. @throws KeytransError unwitnessed-head */
export function parseCheckpoint(text: string): Checkpoint {
  if (!text.endsWith("\n")) throw noteError("the last line does not end", "checkpoint");
  const [origin = "", count = "", hash = "", ...extensions] = text.slice(0, -1).split("\n");
  if (origin === "") throw noteError("no origin", "checkpoint.origin");
  const size = parseTreeSize(count);
  if (size === undefined) throw noteError("not a tree size", "checkpoint.size");
  const root = fromBase64(hash, "checkpoint.root");
  if (root.length !== 32) throw noteError("not a root", "checkpoint.root");
  if (extensions.includes("")) throw noteError("an empty extension line", "checkpoint");
  return { origin, size, root };
}
