import type { LogEntryWrites, LogNodeKey, StoredEntry } from "@mls-as/keytrans/prover";
import { PageCache } from "./page-cache.js";
import type { PrefixPage } from "./prefix-pages.js";
import { RowCache } from "./row-cache.js";

/** Memory for pages of the prefix tree where nothing else is said: 256 MiB. */
export const DEFAULT_CACHE_BYTES = 2 ** 28;
const ENTRIES = 20_000;
const LOG_NODES = 50_000;

/**
 * Rows of both trees that were read or written lately: the top levels of the prefix tree, which every search and every
 * batch passes, are among them. Rows are immutable, so that a cache never is out of date; pruning only removes rows.
 */
export class TreeCache {
  readonly prefixPages: PageCache;
  readonly entries = new RowCache<StoredEntry>(ENTRIES);
  readonly logNodes = new RowCache<Uint8Array>(LOG_NODES);

  /** @param pageBytes memory for pages of the prefix tree */
  constructor(pageBytes: number) {
    this.prefixPages = new PageCache(pageBytes);
  }

  /** One number for a node of the log tree: fewer than 64 levels, and at most 2^46 nodes on each. */
  static logNodeKey({ level, index }: LogNodeKey): number {
    return index * 64 + level;
  }

  /** What was committed is what is read next. */
  keep({ entry, logNodes }: LogEntryWrites, pages: readonly PrefixPage[]): void {
    this.entries.set(entry.position, entry);
    for (const node of logNodes) this.logNodes.set(TreeCache.logNodeKey(node), node.hash);
    for (const page of pages) this.prefixPages.set(page);
  }

  clear(): void {
    this.prefixPages.clear();
    this.entries.clear();
    this.logNodes.clear();
  }
}
