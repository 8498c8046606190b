import { concatBytes } from "@mls-as/tls-codec";
import type { Signer } from "../suite/index.js";
import {
  type SignedNote,
  signatureLine,
  signaturesBy,
  verifyEd25519,
  type VerifierKey,
  WITNESS_KEY,
} from "./signed-note.js";

const utf8 = new TextEncoder();

const signedMessage = (text: string, time: bigint): Uint8Array => utf8.encode(`cosignature/v1\ntime ${time}\n${text}`);

/** Cosigns a checkpoint's text: this is the largest consistent tree seen at `time` (seconds). @returns the signature line */
export async function cosign(text: string, key: VerifierKey, signer: Signer, time: number): Promise<string> {
  const stamp = new Uint8Array(8);
  new DataView(stamp.buffer).setBigUint64(0, BigInt(time));
  return signatureLine(key, concatBytes(stamp, await signer.sign(signedMessage(text, BigInt(time)))));
}

/** The time, in seconds, of a witness' newest valid cosignature; undefined when it has none. C2SP tlog-cosignature. */
export async function cosignedAt(note: SignedNote, key: VerifierKey): Promise<number | undefined> {
  if (key.type !== WITNESS_KEY) return undefined;
  let newest: number | undefined;
  for (const timestamped of signaturesBy(note, key)) {
    if (timestamped.length !== 72 || (timestamped[0] as number) > 127) continue;
    const time = new DataView(timestamped.buffer, timestamped.byteOffset).getBigUint64(0);
    // Only a cosignature of a subtree, which this type cannot have, goes without a time.
    if (time === 0n) continue;
    if (!(await verifyEd25519(key, signedMessage(note.text, time), timestamped.subarray(8)))) continue;
    newest = Math.max(newest ?? 0, Number(time));
  }
  return newest;
}
