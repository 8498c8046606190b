import type { StoredPrefixNode } from "@mls-as/keytrans/prover";

/** Nodes of one page: two full pages fill a page of SQLite (4 KiB). */
export const PAGE_NODES = 24;

/**
 * Prefix tree nodes with consecutive ids in one row. An entry numbers its new nodes children first, so that a page holds
 * the lower part of a search path together. Each node: its length in one byte, then its bytes; length 0: pruned.
 */
export interface PrefixPage {
  /** Id of its first node. */
  readonly first: number;
  readonly nodes: Uint8Array;
}

/** The pages of one log entry's new nodes. */
export function paginate(nodes: readonly StoredPrefixNode[]): PrefixPage[] {
  const pages: PrefixPage[] = [];
  for (let i = 0; i < nodes.length; i += PAGE_NODES) {
    const part = nodes.slice(i, i + PAGE_NODES);
    pages.push({ first: (part[0] as StoredPrefixNode).id, nodes: join(part.map(({ bytes }) => bytes)) });
  }
  return pages;
}

const NOTHING = new Uint8Array(0);

function join(rows: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(rows.reduce((sum, row) => sum + 1 + row.length, 0));
  let offset = 0;
  for (const row of rows) {
    joined[offset] = row.length;
    joined.set(row, offset + 1);
    offset += 1 + row.length;
  }
  return joined;
}

/** The nodes of a page in order of their ids; a pruned one is empty. @throws RangeError where the page is damaged */
export function nodesOf(nodes: Uint8Array): Uint8Array[] {
  const rows: Uint8Array[] = [];
  for (let offset = 0; offset < nodes.length; ) {
    const end = offset + 1 + (nodes[offset] as number);
    if (end > nodes.length) throw new RangeError("a damaged page of prefix tree nodes");
    rows.push(nodes.subarray(offset + 1, end));
    offset = end;
  }
  return rows;
}

/** Where each node of a page begins, with its length. @throws RangeError where the page is damaged */
export function offsetsOf(nodes: Uint8Array): Uint16Array {
  const offsets: number[] = [];
  for (let offset = 0; offset < nodes.length; ) {
    offsets.push(offset);
    offset += 1 + (nodes[offset] as number);
    if (offset > nodes.length) throw new RangeError("a damaged page of prefix tree nodes");
  }
  return Uint16Array.from(offsets);
}

/** The `index`th node of a page; undefined where there is none or it was pruned. A view into the page. */
export function nodeOf(nodes: Uint8Array, index: number): Uint8Array | undefined {
  let offset = 0;
  for (let i = 0; i < index && offset < nodes.length; i++) offset += 1 + (nodes[offset] as number);
  const length = nodes[offset];
  return length === undefined || length === 0 ? undefined : nodes.subarray(offset + 1, offset + 1 + length);
}

/** A page without the nodes in `gone`; undefined where none is left. */
export function withoutNodes({ first, nodes }: PrefixPage, gone: ReadonlySet<number>): PrefixPage | undefined {
  const rows = nodesOf(nodes).map((row, i) => (gone.has(first + i) ? NOTHING : row));
  return rows.every((row) => row.length === 0) ? undefined : { first, nodes: join(rows) };
}

/** Node ids, ascending, as differences in base 128: one to three bytes each instead of a row. */
export function packIds(ids: readonly number[]): Uint8Array {
  const bytes: number[] = [];
  let last = 0;
  for (const id of [...ids].sort((a, b) => a - b)) {
    let rest = id - last;
    last = id;
    for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push(0x80 | (rest % 0x80));
    bytes.push(rest);
  }
  return Uint8Array.from(bytes);
}

/** As {@link unpackIds}; undefined where the bytes are not what {@link packIds} gives. */
export function readableIds(bytes: Uint8Array): number[] | undefined {
  try {
    return unpackIds(bytes);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** @throws RangeError where the bytes are not what {@link packIds} gives */
export function unpackIds(bytes: Uint8Array): number[] {
  const ids: number[] = [];
  let last = 0;
  for (let i = 0; i < bytes.length; ) {
    let difference = 0;
    let byte: number;
    let weight = 1;
    do {
      const next = bytes[i++];
      if (next === undefined || weight > 2 ** 49) throw new RangeError("a damaged list of node ids");
      byte = next;
      difference += (byte & 0x7f) * weight;
      weight *= 0x80;
    } while (byte >= 0x80);
    // The list ascends: no difference but the first is zero, and the last octet of a longer one is its greatest place.
    if (byte === 0 && (ids.length > 0 || weight > 0x80)) throw new RangeError("a damaged list of node ids");
    last += difference;
    ids.push(last);
  }
  return ids;
}
