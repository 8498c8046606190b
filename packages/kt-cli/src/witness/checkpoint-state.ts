import { KeytransError } from "@mls-as/keytrans";
import { type KnownDistinguished, verifyWitnessedHead } from "@mls-as/keytrans/client";
import { parseCheckpoint, parseSignedNote, parseTlogPolicy, type TlogPolicy } from "@mls-as/keytrans/witness";
import { LogClientError } from "@mls-as/kt-client";
import type { Context } from "../context.js";
import { Failure } from "../failure.js";
import { readBytes } from "../json-file.js";
import type { Session } from "../pin.js";

/** What the log's parallel C2SP log says, as far as it was checked. */
export interface WitnessState {
  readonly treeSize: number;
  /** Signature lines besides the log's own. */
  readonly cosignatures: number;
  /** True where a policy was given and is met for every distinguished head that is known. */
  readonly quorum?: boolean;
  readonly fault?: string;
}

/** Reads the newest checkpoint, and holds it against a policy file. Undefined: no policy, and the log publishes none. */
export async function readCheckpoint(
  context: Context,
  session: Session,
  heads: readonly KnownDistinguished[],
  policyFile: string | undefined,
): Promise<WitnessState | undefined> {
  const policy = policyFile === undefined ? undefined : await readPolicy(context, policyFile);
  try {
    const note = await session.connection.checkpoint();
    const state = countSignatures(note);
    return policy === undefined ? state : { ...state, ...(await checkHeads(session, heads, policy)) };
  } catch (error) {
    if (error instanceof KeytransError)
      return { treeSize: 0, cosignatures: 0, fault: `not a checkpoint: ${error.message}` };
    if (!(error instanceof LogClientError) || (error.code !== "refused" && error.code !== "unavailable")) throw error;
    const fault = `no checkpoint to be had (${error.problem?.code ?? error.code})`;
    return policy === undefined ? undefined : { treeSize: 0, cosignatures: 0, fault };
  }
}

function countSignatures(note: string): WitnessState {
  const { text, signatures } = parseSignedNote(note);
  const { origin, size } = parseCheckpoint(text);
  return { treeSize: size, cosignatures: signatures.filter(({ name }) => name !== origin).length };
}

async function checkHeads(
  { connection }: Session,
  heads: readonly KnownDistinguished[],
  policy: TlogPolicy,
): Promise<Pick<WitnessState, "quorum" | "fault">> {
  const origin = policy.logs[0]?.name ?? "";
  const answer = await connection.witnessedHeads(heads.map(({ position }) => position));
  try {
    for (const head of heads) {
      const proof = answer.heads.find(({ position }) => position === head.position);
      if (proof === undefined) return { quorum: false, fault: `no proof for entry ${head.position}` };
      await verifyWitnessedHead(head, { checkpoint: answer.checkpoint, inclusion: proof.inclusion }, policy, origin);
    }
    return { quorum: true };
  } catch (error) {
    if (!(error instanceof KeytransError)) throw error;
    return { quorum: false, fault: `the policy is not met: ${error.message}` };
  }
}

async function readPolicy(context: Context, path: string): Promise<TlogPolicy> {
  try {
    return parseTlogPolicy(new TextDecoder().decode(await readBytes(context, path)));
  } catch (error) {
    if (!(error instanceof KeytransError)) throw error;
    throw new Failure("file-malformed", `${path}: ${error.message}`, { path, section: error.section });
  }
}
