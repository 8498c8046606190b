import { compareBytes } from "@mls-as/tls-codec";
import { splitByBit } from "./bits.js";
import { decodePrefixNode, type PrefixChild, type PrefixNode, type PrefixNodeSource } from "./node.js";

/** Nodes by id, loaded level by level: one read of the store for each level of the tree, whatever the number of keys. */
export type LoadedPaths = ReadonlyMap<number, PrefixNode>;

interface Span {
  readonly id: number;
  readonly from: number;
  readonly to: number;
}

/** Keys in ascending order without duplicates. */
export function sortedKeys(keys: readonly Uint8Array[]): Uint8Array[] {
  const sorted = [...keys].sort(compareBytes);
  return sorted.filter((key, i) => i === 0 || compareBytes(sorted[i - 1] as Uint8Array, key) !== 0);
}

const self = (key: Uint8Array): Uint8Array => key;

/** Loads every node on the search paths of `keys` (ascending, unique) below `root`. */
export async function loadPaths(
  source: PrefixNodeSource,
  root: PrefixChild,
  keys: readonly Uint8Array[],
): Promise<LoadedPaths> {
  const loaded = new Map<number, PrefixNode>();
  let spans: Span[] = root.id === 0 || keys.length === 0 ? [] : [{ id: root.id, from: 0, to: keys.length }];
  for (let depth = 0; spans.length > 0; depth++) {
    const stored = await source.prefixNodes(spans.map((span) => span.id));
    const next: Span[] = [];
    spans.forEach(({ id, from, to }, i) => {
      const node = decodePrefixNode(stored[i] as Uint8Array);
      loaded.set(id, node);
      if (node.type === "leaf") return;
      const middle = splitByBit(keys, self, from, to, depth);
      if (from < middle && node.left.id !== 0) next.push({ id: node.left.id, from, to: middle });
      if (middle < to && node.right.id !== 0) next.push({ id: node.right.id, from: middle, to });
    });
    spans = next;
  }
  return loaded;
}
