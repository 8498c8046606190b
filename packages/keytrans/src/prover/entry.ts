import { compareBytes, encode } from "@mls-as/tls-codec";
import { appendLeaf, leafValue, rootValue } from "../log-tree/hashing.js";
import { fullSubtrees } from "../log-tree/subtrees.js";
import { insertLeaves } from "../prefix-tree/insert.js";
import { NO_CHILD } from "../prefix-tree/node.js";
import { provePrefixSearch } from "../prefix-tree/search.js";
import { AuditorUpdate, type Configuration, type PrefixLeaf } from "../structs/index.js";
import type { Suite } from "../suite/index.js";
import { ProverError } from "./errors.js";
import type { LogEntryWrites, ProverStore, StoredEntry } from "./store.js";

/** The rows of a log entry that follow from its leaves alone, and the root of the log tree that it completes. */
export interface DerivedEntry
  extends Pick<LogEntryWrites, "position" | "entry" | "logNodes" | "prefixNodes" | "superseded" | "auditorUpdate"> {
  readonly treeSize: number;
  readonly root: Uint8Array;
}

export interface EntryContext {
  readonly suite: Suite;
  readonly configuration: Configuration;
  readonly store: ProverStore;
}

/**
 * Derives the entry that comes after the newest one of `store` when `leaves` are inserted at `timestamp`. Deterministic:
 * the same leaves on the same log give the same rows, node ids included. Draft sections "Log Tree", "Prefix Tree".
 * @throws ProverError invalid-timestamp. KeytransError invalid-argument where a search key is inserted twice
 */
export async function deriveEntry(
  { suite, configuration, store }: EntryContext,
  leaves: readonly PrefixLeaf[],
  timestamp: number,
): Promise<DerivedEntry> {
  const position = (await store.head())?.treeSize ?? 0;
  const previous = position === 0 ? undefined : ((await store.entries([position - 1]))[0] as StoredEntry);
  assertTimestamp(timestamp, previous);
  const before = previous ? { id: previous.prefixNode, value: previous.prefixRoot } : NO_CHILD;
  const inserted = await insertLeaves(suite, store, before, leaves, previous?.nextNode ?? 1);
  const entry: StoredEntry = {
    position,
    timestamp,
    prefixRoot: inserted.root.value,
    prefixNode: inserted.root.id,
    nextNode: inserted.nextId,
  };
  const leaf = leafValue(suite, { timestamp, prefixTree: entry.prefixRoot });
  const appended = appendLeaf(suite, position, await store.logNodes(fullSubtrees(position)), leaf);
  const treeSize = position + 1;

  const audited = configuration.mode === "thirdPartyAuditing";
  const added = audited ? [...leaves].sort((a, b) => compareBytes(a.vrfOutput, b.vrfOutput)) : [];
  const keys = added.map((change) => change.vrfOutput);
  const auditorUpdate = audited
    ? encode(AuditorUpdate, { timestamp, added, removed: [], proof: await provePrefixSearch(store, before, keys) })
    : undefined;
  return {
    position,
    entry,
    logNodes: appended.nodes,
    prefixNodes: inserted.nodes,
    superseded: inserted.superseded,
    auditorUpdate,
    treeSize,
    root: rootValue(suite, treeSize, appended.heads),
  };
}

/** Timestamps are whole milliseconds and never decrease. @throws ProverError invalid-timestamp */
export function assertTimestamp(timestamp: number, previous: StoredEntry | undefined): void {
  if (!Number.isSafeInteger(timestamp) || timestamp < (previous?.timestamp ?? 0))
    throw new ProverError("invalid-timestamp", "timestamps must not decrease", "Combined Tree", "timestamp");
}
