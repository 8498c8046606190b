import { offsetsOf, PAGE_NODES, type PrefixPage } from "./prefix-pages.js";

/** What a page costs beside its octets, roughly. */
const OVERHEAD = 400;

interface CachedPage extends PrefixPage {
  /** The id after its last node's. */
  readonly end: number;
  /** Where each node's length stands: to walk over a page is to wait for memory at every node. */
  readonly offsets: Uint16Array;
}

type Generation = Map<number, readonly CachedPage[]>;

/**
 * Pages of prefix tree nodes, kept as they are stored, in two generations: what was used since the younger began stays
 * when the older is dropped. Pages are immutable, so that the cache never is out of date; pruning only removes nodes.
 *
 * A page has at most {@link PAGE_NODES} consecutive ids, so that it is found under at most two numbers: its first and its
 * last id divided by that.
 */
export class PageCache {
  readonly #limit: number;
  #young: Generation = new Map();
  #old: Generation = new Map();
  #bytes = 0;
  hits = 0;
  misses = 0;

  /** @param bytes the most that all pages may take; an older generation counts as much as the younger. */
  constructor(bytes: number) {
    this.#limit = bytes / 2;
  }

  /** The node with this id; undefined where its page is not here, or the node was pruned. Not to be written to. */
  get(id: number): Uint8Array | undefined {
    const bucket = Math.floor(id / PAGE_NODES);
    let page = pageIn(this.#young, bucket, id);
    if (page === undefined) {
      page = pageIn(this.#old, bucket, id);
      if (page !== undefined) this.#keep(page);
    }
    const node = page && nodeIn(page, id);
    if (node === undefined) this.misses++;
    else this.hits++;
    return node;
  }

  set(page: PrefixPage): void {
    if (pageIn(this.#young, Math.floor(page.first / PAGE_NODES), page.first) !== undefined) return;
    const offsets = offsetsOf(page.nodes);
    this.#keep({ ...page, offsets, end: page.first + offsets.length });
  }

  #keep(page: CachedPage): void {
    const size = page.nodes.length + OVERHEAD;
    if (this.#bytes + size > this.#limit) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#bytes = 0;
    }
    this.#bytes += size;
    const first = Math.floor(page.first / PAGE_NODES);
    const last = Math.floor((page.end - 1) / PAGE_NODES);
    for (let bucket = first; bucket <= last; bucket++)
      this.#young.set(bucket, [...(this.#young.get(bucket) ?? []), page]);
  }

  clear(): void {
    this.#young.clear();
    this.#old.clear();
    this.#bytes = 0;
  }
}

function pageIn(generation: Generation, bucket: number, id: number): CachedPage | undefined {
  const pages = generation.get(bucket);
  if (pages !== undefined) for (const page of pages) if (page.first <= id && id < page.end) return page;
  return undefined;
}

function nodeIn({ first, nodes, offsets }: CachedPage, id: number): Uint8Array | undefined {
  const start = (offsets[id - first] as number) + 1;
  const length = nodes[start - 1] as number;
  return length === 0 ? undefined : nodes.subarray(start, start + length);
}
