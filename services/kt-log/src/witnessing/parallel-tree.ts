import type { LogEntry } from "@mls-as/keytrans";
import { hashNode, hashWitnessLeaf, type SubtreeSource, witnessLeaf } from "@mls-as/keytrans/witness";
import type { LogNodeKey, StoredLogNode } from "@mls-as/keytrans/prover";
import { logLeaf, logParent, logRoot, subtreesOf } from "../log-tree.js";
import type { LogStore } from "../storage/store.js";

/** Leaves hashed and stored at a time. */
const STEP = 256;

export interface ParallelLeaf {
  readonly entry: LogEntry;
  /** Root of the KEYTRANS log with this entry as its last. */
  readonly root: Uint8Array;
}

/** Leaves `start` to `end`, without `end`, of the parallel log: what the design calls leaf *i*. */
export async function parallelLeaves(store: LogStore, start: number, end: number): Promise<ParallelLeaf[]> {
  const keys: LogNodeKey[] = subtreesOf(start);
  const heads: Uint8Array[] = [...(await store.logNodes(keys))];
  const positions = Array.from({ length: end - start }, (_, i) => start + i);
  const entries = await store.entries(positions);
  return entries.map(({ position, timestamp, prefixRoot }) => {
    keys.push({ level: 0, index: position });
    heads.push(logLeaf(timestamp, prefixRoot));
    // Two heads of one level are the halves of one of the next.
    for (;;) {
      const [right, left] = [keys.at(-1), keys.at(-2)];
      if (right === undefined || left?.level !== right.level) break;
      const value = logParent(heads.at(-2) as Uint8Array, left.level, heads.at(-1) as Uint8Array, right.level);
      keys.splice(-2, 2, { level: right.level + 1, index: left.index / 2 });
      heads.splice(-2, 2, value);
    }
    return { entry: { timestamp, prefixTree: prefixRoot }, root: logRoot(keys, heads) };
  });
}

/** An entry bundle: each leaf with its length before it. C2SP tlog-tiles, "Log entries". */
export function entryBundle(leaves: readonly ParallelLeaf[]): Uint8Array {
  const parts = leaves.flatMap(({ entry, root }) => {
    const leaf = witnessLeaf(entry, root);
    return [Uint8Array.of(leaf.length >> 8, leaf.length & 255), leaf];
  });
  return new Uint8Array(Buffer.concat(parts));
}

/** Reads hashes of complete subtrees, as the proofs want them. */
export const subtreeSource =
  (store: LogStore): SubtreeSource =>
  async (keys) =>
    keys.length === 0 ? [] : store.witnessNodes(keys);

/** The RFC 6962 tree over the log's entries, kept in the store beside the log's own. */
export class ParallelTree {
  readonly #store: LogStore;
  #size: number;

  /** `size`: how far the tree in the store is known to reach. */
  constructor(store: LogStore, size: number) {
    this.#store = store;
    this.#size = size;
  }

  /** Stores what is missing up to `size` leaves. Doing it again, or in two processes at once, changes nothing. */
  async grow(size: number): Promise<void> {
    while (this.#size < size) {
      const end = Math.min(size, this.#size - (this.#size % STEP) + STEP);
      await this.#store.saveWitnessNodes(await this.#nodes(this.#size, end));
      this.#size = end;
    }
  }

  async #nodes(start: number, end: number): Promise<StoredLogNode[]> {
    const keys: LogNodeKey[] = subtreesOf(start);
    const heads: Uint8Array[] = keys.length === 0 ? [] : [...(await this.#store.witnessNodes(keys))];
    const nodes: StoredLogNode[] = [];
    for (const [i, { entry, root }] of (await parallelLeaves(this.#store, start, end)).entries()) {
      let node: StoredLogNode = { level: 0, index: start + i, hash: hashWitnessLeaf(entry, root) };
      nodes.push(node);
      while (keys.at(-1)?.level === node.level) {
        keys.pop();
        const left = heads.pop() as Uint8Array;
        node = { level: node.level + 1, index: Math.floor(node.index / 2), hash: hashNode(left, node.hash) };
        nodes.push(node);
      }
      keys.push(node);
      heads.push(node.hash);
    }
    return nodes;
  }
}
