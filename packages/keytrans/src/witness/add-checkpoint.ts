import { fromBase64, noteError, toBase64 } from "./signed-note.js";
import { parseTreeSize } from "./checkpoint.js";

/** Most hashes of a consistency proof. */
const MOST_PROOF_LINES = 63;

/** The body of `POST <submission prefix>/add-checkpoint`. C2SP tlog-witness. */
export interface AddCheckpoint {
  /** The size that the witness cosigned last. */
  readonly oldSize: number;
  /** RFC 6962 consistency proof from there. */
  readonly proof: readonly Uint8Array[];
  /** The signed note. */
  readonly checkpoint: string;
}

export function formatAddCheckpoint({ oldSize, proof, checkpoint }: AddCheckpoint): string {
  return `old ${oldSize}\n${proof.map((hash) => `${toBase64(hash)}\n`).join("")}\n${checkpoint}`;
}

/** @throws KeytransError unwitnessed-head */
export function parseAddCheckpoint(body: string): AddCheckpoint {
  const split = body.indexOf("\n\n");
  if (split < 0) throw noteError("no empty line before the checkpoint", "body");
  const [first = "", ...lines] = body.slice(0, split).split("\n");
  const oldSize = first.startsWith("old ") ? parseTreeSize(first.slice(4)) : undefined;
  if (oldSize === undefined) throw noteError("not an old size line", "old");
  if (lines.length > MOST_PROOF_LINES) throw noteError("too long a proof", "proof");
  const proof = lines.map((line, i) => {
    const hash = fromBase64(line, `proof[${i}]`);
    if (hash.length !== 32) throw noteError("not a hash", `proof[${i}]`);
    return hash;
  });
  return { oldSize, proof, checkpoint: body.slice(split + 2) };
}
