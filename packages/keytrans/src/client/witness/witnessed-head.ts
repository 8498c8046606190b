import { concatBytes, encode, equalBytes } from "@mls-as/tls-codec";
import { sha256 } from "@noble/hashes/sha2.js";
import { LogEntry } from "../../structs/index.js";
import { KT_128_SHA256_Ed25519, nobleSuite } from "../../suite/index.js";
import type { KnownDistinguished } from "../state.js";
import {
  fromBase64,
  noteError,
  parseSignedNote,
  type SignedNote,
  signaturesBy,
  type VerifierKey,
} from "./signed-note.js";
import { meetsQuorum, type TlogPolicy } from "./tlog-policy.js";

const LOG_KEY = 1;
const WITNESS_KEY = 4;
const utf8 = new TextEncoder();

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
  const { size, root } = parseCheckpoint(note, origin);
  if (!(await signedByLog(note, policy, origin))) throw noteError("no accepted log signed it", "checkpoint");
  const cosigned = new Set<string>();
  for (const [name, key] of policy.witnesses) if (await cosignedBy(note, key)) cosigned.add(name);
  if (!meetsQuorum(policy, cosigned)) throw noteError("the witnesses do not make up the quorum", "checkpoint");
  const entry = encode(LogEntry, { timestamp: head.timestamp, prefixTree: head.prefixRoot });
  const leaf = sha256(concatBytes(Uint8Array.of(0), entry, head.root));
  const computed = inclusionRoot(head.position, size, leaf, inclusion);
  if (computed === undefined || !equalBytes(computed, root))
    throw noteError("the head is not in the checkpoint's tree", "inclusion");
}

function parseCheckpoint({ text }: SignedNote, origin: string): { size: number; root: Uint8Array } {
  const [name, count, hash] = text.split("\n");
  if (name !== origin) throw noteError("another log's checkpoint", "checkpoint.origin");
  if (count === undefined || !/^(0|[1-9][0-9]*)$/.test(count) || !Number.isSafeInteger(Number(count)))
    throw noteError("not a tree size", "checkpoint.size");
  const root = fromBase64(hash ?? "", "checkpoint.root");
  if (root.length !== 32) throw noteError("not a root", "checkpoint.root");
  return { size: Number(count), root };
}

async function signedByLog(note: SignedNote, policy: TlogPolicy, origin: string): Promise<boolean> {
  for (const key of policy.logs) {
    if (key.type !== LOG_KEY || key.name !== origin) continue;
    for (const signature of signaturesBy(note, key))
      if (await verifyEd25519(key, utf8.encode(note.text), signature)) return true;
  }
  return false;
}

async function cosignedBy(note: SignedNote, key: VerifierKey): Promise<boolean> {
  if (key.type !== WITNESS_KEY) return false;
  for (const timestamped of signaturesBy(note, key)) {
    if (timestamped.length !== 72 || (timestamped[0] as number) > 127) continue;
    const time = new DataView(timestamped.buffer, timestamped.byteOffset).getBigUint64(0);
    const message = utf8.encode(`cosignature/v1\ntime ${time}\n${note.text}`);
    if (await verifyEd25519(key, message, timestamped.subarray(8))) return true;
  }
  return false;
}

async function verifyEd25519(key: VerifierKey, message: Uint8Array, signature: Uint8Array): Promise<boolean> {
  try {
    return await nobleSuite(KT_128_SHA256_Ed25519).importSignatureKey(key.publicKey).verify(message, signature);
  } catch {
    return false;
  }
}

/** The root that an RFC 6962 audit path leads to; undefined where its length does not fit. */
export function inclusionRoot(
  index: number,
  size: number,
  leaf: Uint8Array,
  path: readonly Uint8Array[],
): Uint8Array | undefined {
  if (index >= size) return undefined;
  let node = index;
  let last = size - 1;
  let value = leaf;
  for (const sibling of path) {
    if (last === 0 || sibling.length !== 32) return undefined;
    if (node % 2 === 1 || node === last) {
      value = parent(sibling, value);
      while (node % 2 === 0 && node !== 0) {
        node = node / 2;
        last = Math.floor(last / 2);
      }
    } else value = parent(value, sibling);
    node = Math.floor(node / 2);
    last = Math.floor(last / 2);
  }
  return last === 0 ? value : undefined;
}

const parent = (left: Uint8Array, right: Uint8Array): Uint8Array => sha256(concatBytes(Uint8Array.of(1), left, right));
