import { bytes, type Infer, opaque, struct, uint64Number } from "@mls-as/tls-codec";
import { Configuration } from "./configuration.js";
import { HashValue } from "./hash-value.js";

/** A leaf of the log tree. `timestamp` in milliseconds. Draft section "Log Tree" of "Cryptographic Computations". */
export const LogEntry = struct({ timestamp: uint64Number, prefixTree: HashValue });
export type LogEntry = Infer<typeof LogEntry>;

/** Draft section "Tree Head Signature". */
export const TreeHead = struct({ treeSize: uint64Number, signature: opaque(0, 2 ** 16 - 1) });
export type TreeHead = Infer<typeof TreeHead>;

export const TreeHeadTBS = struct({ config: Configuration, treeSize: uint64Number, root: bytes(32) });
export type TreeHeadTBS = Infer<typeof TreeHeadTBS>;

/** Draft section "Auditor Tree Head Signature". */
export const AuditorTreeHead = struct({
  timestamp: uint64Number,
  treeSize: uint64Number,
  signature: opaque(0, 2 ** 16 - 1),
});
export type AuditorTreeHead = Infer<typeof AuditorTreeHead>;

export const AuditorTreeHeadTBS = struct({
  config: Configuration,
  timestamp: uint64Number,
  treeSize: uint64Number,
  root: bytes(32),
});
export type AuditorTreeHeadTBS = Infer<typeof AuditorTreeHeadTBS>;
