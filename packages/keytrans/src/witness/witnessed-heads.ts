import { decode, encode, type Infer, opaque, struct, uint64Number, vector } from "@mls-as/tls-codec";
import { HashValue, LogEntry } from "../structs/index.js";
import { hashLeaf } from "./rfc6962-tree.js";

const WitnessedHead = struct({
  position: uint64Number,
  /** RFC 6962 audit path of leaf `position`, lowest first; at most 255 hashes, counted. */
  inclusion: vector(HashValue, 0, 2 ** 8 - 1),
});

/**
 * What a client gets with one request about its distinguished heads: a cosigned checkpoint of the parallel log, and for
 * each position the inclusion proof of its leaf.
 */
const WitnessedHeads = struct({
  /** A signed note, UTF-8. */
  checkpoint: opaque(0, 2 ** 16 - 1),
  heads: vector(WitnessedHead, 0, 2 ** 16 - 1),
});

export type WitnessedHead = Infer<typeof WitnessedHead>;

export interface WitnessedHeads {
  readonly checkpoint: string;
  readonly heads: readonly WitnessedHead[];
}

export function encodeWitnessedHeads({ checkpoint, heads }: WitnessedHeads): Uint8Array {
  return encode(WitnessedHeads, { checkpoint: new TextEncoder().encode(checkpoint), heads: [...heads] });
}

/** @throws CodecError, or TypeError where the checkpoint is not UTF-8 */
export function decodeWitnessedHeads(bytes: Uint8Array): WitnessedHeads {
  const { checkpoint, heads } = decode(WitnessedHeads, bytes);
  return { checkpoint: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(checkpoint), heads };
}

/** A leaf of the parallel log: a log entry, then the root that the KEYTRANS log had with it. 72 bytes. */
export function witnessLeaf(entry: LogEntry, root: Uint8Array): Uint8Array {
  const bytes = encode(LogEntry, entry);
  const leaf = new Uint8Array(bytes.length + root.length);
  leaf.set(bytes);
  leaf.set(root, bytes.length);
  return leaf;
}

export const hashWitnessLeaf = (entry: LogEntry, root: Uint8Array): Uint8Array => hashLeaf(witnessLeaf(entry, root));
