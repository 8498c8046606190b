import type { LogEntryWrites, LogNodeKey, StoredEntry } from "@mls-as/keytrans/prover";
import { RowCache } from "./row-cache.js";

const NODES = 100_000;
const ENTRIES = 20_000;
const LOG_NODES = 50_000;

/**
 * Rows of both trees that were read or written lately: the top levels of the prefix tree, which every search and every
 * batch passes, are among them. Rows are immutable, so that a cache never is out of date; pruning only removes rows.
 */
export class TreeCache {
  readonly prefixNodes = new RowCache<Uint8Array>(NODES);
  readonly entries = new RowCache<StoredEntry>(ENTRIES);
  readonly logNodes = new RowCache<Uint8Array>(LOG_NODES);

  /** One number for a node of the log tree: fewer than 64 levels, and at most 2^46 nodes on each. */
  static logNodeKey({ level, index }: LogNodeKey): number {
    return index * 64 + level;
  }

  /** What was committed is what is read next. */
  keep({ entry, logNodes, prefixNodes }: LogEntryWrites): void {
    this.entries.set(entry.position, entry);
    for (const node of logNodes) this.logNodes.set(TreeCache.logNodeKey(node), node.hash);
    for (const { id, bytes } of prefixNodes) this.prefixNodes.set(id, bytes);
  }

  clear(): void {
    this.prefixNodes.clear();
    this.entries.clear();
    this.logNodes.clear();
  }
}
