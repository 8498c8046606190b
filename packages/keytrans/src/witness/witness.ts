import { equalBytes } from "@mls-as/tls-codec";
import { sha256 } from "@noble/hashes/sha2.js";
import { KeytransError } from "../errors.js";
import type { Signer } from "../suite/index.js";
import { parseAddCheckpoint } from "./add-checkpoint.js";
import { type Checkpoint, parseCheckpoint } from "./checkpoint.js";
import { cosign } from "./cosignature.js";
import { EMPTY_TREE, isConsistent } from "./rfc6962-tree.js";
import {
  isSignedBy,
  parseSignedNote,
  type SignedNote,
  signatureLine,
  signaturesBy,
  type VerifierKey,
} from "./signed-note.js";

export interface WitnessSetting {
  /** Signature type 4; its name goes into the signature lines. */
  readonly key: VerifierKey;
  readonly signer: Signer;
  /** The logs it watches; a key's name is its log's origin. */
  readonly logs: readonly VerifierKey[];
}

/** What a witness remembers of one log: the checkpoint it cosigned last, as a signed note. */
export type WitnessedCheckpoint = string;

/** An answer to `add-checkpoint`. */
export interface WitnessAnswer {
  readonly status: 200 | 400 | 403 | 404 | 409 | 422;
  readonly contentType: string;
  readonly body: string;
  /** With 200: to be stored durably before the answer leaves, in place of what `stored` gave for `origin`. */
  readonly next?: { readonly origin: string; readonly checkpoint: WitnessedCheckpoint };
}

const TEXT = "text/plain; charset=utf-8";
const refuse = (status: 400 | 403 | 404 | 422, why: string): WitnessAnswer => ({
  status,
  contentType: TEXT,
  body: `${why}\n`,
});

/**
 * A witness' decision about one request, by C2SP tlog-witness. Reads and writes nothing: the caller runs requests one after the
 * other, because the check of the old size and the storing of the new checkpoint must not be torn apart.
 *
 * @param stored the checkpoint last cosigned for an origin. @param time seconds since 1970
 */
export async function addCheckpoint(
  setting: WitnessSetting,
  stored: (origin: string) => Promise<WitnessedCheckpoint | undefined> | WitnessedCheckpoint | undefined,
  body: string,
  time: number,
): Promise<WitnessAnswer> {
  let request: ReturnType<typeof parseAddCheckpoint>;
  let note: SignedNote;
  let head: Checkpoint;
  try {
    request = parseAddCheckpoint(body);
    note = parseSignedNote(request.checkpoint);
    head = parseCheckpoint(note.text);
  } catch (error) {
    if (error instanceof KeytransError) return refuse(400, `${error.path}: ${error.message}`);
    throw error;
  }
  const keys = setting.logs.filter(({ name }) => name === head.origin);
  if (keys.length === 0) return refuse(404, "this witness does not know that log");
  const logLines = await logSignatures(note, keys);
  if (logLines === undefined) return refuse(403, "no signature of a key that this witness trusts for that log");
  const { oldSize, proof } = request;
  if (oldSize > head.size) return refuse(400, "the old size is greater than the checkpoint's");
  const last = await stored(head.origin);
  const before = last === undefined ? { size: 0, root: EMPTY_TREE } : parseCheckpoint(parseSignedNote(last).text);
  if (oldSize !== before.size) return { status: 409, contentType: "text/x.tlog.size", body: `${before.size}\n` };
  if (head.size === 0 && !equalBytes(head.root, EMPTY_TREE)) return refuse(422, "not the root of the empty tree");
  if (!isConsistent(before, head, proof)) return refuse(422, "the tree does not continue the one cosigned before");
  const line = await cosign(note.text, setting.key, setting.signer, time);
  return {
    status: 200,
    contentType: TEXT,
    body: line,
    next: { origin: head.origin, checkpoint: `${note.text}\n${logLines}${line}` },
  };
}

/** The valid signature lines of trusted keys; undefined when there is none, or one of them does not verify. */
async function logSignatures(note: SignedNote, keys: readonly VerifierKey[]): Promise<string | undefined> {
  const lines: string[] = [];
  for (const key of keys)
    for (const signature of signaturesBy(note, key)) {
      const line = signatureLine(key, signature);
      const alone = { ...note, signatures: [{ name: key.name, keyId: key.keyId, signature }] };
      if (!(await isSignedBy(alone, key))) return undefined;
      lines.push(line);
    }
  return lines.length === 0 ? undefined : [...new Set(lines)].join("");
}

/** Where a witness serves what it cosigned last for a log: `<monitoring prefix>/<origin hash>/checkpoint`. */
export function originHash(origin: string): string {
  return [...sha256(new TextEncoder().encode(origin))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
