import { equalBytes } from "@mls-as/tls-codec";
import {
  cosignedAt,
  hashWitnessLeaf,
  inclusionRoot,
  isSignedBy,
  meetsQuorum,
  parseCheckpoint,
  parseSignedNote,
  type SignedNote,
  type TlogPolicy,
} from "../../witness/index.js";
import { noteError } from "../../witness/signed-note.js";
import type { KnownDistinguished } from "../state.js";

/** What shows that a head was witnessed. */
export interface WitnessProof {
  /** A C2SP checkpoint of the parallel log: a signed note with cosignatures. */
  readonly checkpoint: string;
  /** RFC 6962 audit path of leaf `position`, lowest first. */
  readonly inclusion: readonly Uint8Array[];
}

/**
 * Demands that a distinguished head's leaf, `LogEntry ‖ root of the KEYTRANS log at that entry`, is in a checkpoint that
 * meets the policy. `origin` is the checkpoint's first line, the parallel log's name.
 * @throws KeytransError unwitnessed-head
 */
export async function verifyWitnessedHead(
  head: KnownDistinguished,
  { checkpoint, inclusion }: WitnessProof,
  policy: TlogPolicy,
  origin: string,
): Promise<void> {
  const note = parseSignedNote(checkpoint);
  const { origin: name, size, root } = parseCheckpoint(note.text);
  if (name !== origin) throw noteError("another log's checkpoint", "checkpoint.origin");
  if (!(await signedByLog(note, policy, origin))) throw noteError("no accepted log signed it", "checkpoint");
  const cosigned = new Set<string>();
  for (const [witness, key] of policy.witnesses) if ((await cosignedAt(note, key)) !== undefined) cosigned.add(witness);
  if (!meetsQuorum(policy, cosigned)) throw noteError("the witnesses do not make up the quorum", "checkpoint");
  const leaf = hashWitnessLeaf({ timestamp: head.timestamp, prefixTree: head.prefixRoot }, head.root);
  const computed = inclusionRoot(head.position, size, leaf, inclusion);
  if (computed === undefined || !equalBytes(computed, root))
    throw noteError("the head is not in the checkpoint's tree", "inclusion");
}

async function signedByLog(note: SignedNote, policy: TlogPolicy, origin: string): Promise<boolean> {
  for (const key of policy.logs) if (key.name === origin && (await isSignedBy(note, key))) return true;
  return false;
}
