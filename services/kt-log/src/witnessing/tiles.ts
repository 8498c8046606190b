import { entryBundle, parallelLeaves } from "./parallel-tree.js";
import type { LogStore } from "../storage/store.js";

/** Hashes in a full tile. C2SP tlog-tiles. */
const WIDTH = 256;

/** What a path below `/tile/` names. */
export interface TilePath {
  /** Undefined for an entry bundle. */
  readonly level: number | undefined;
  readonly index: number;
  /** 1 to 256. */
  readonly width: number;
}

/** Reads `<L>/<N>[.p/<W>]` or `entries/<N>[.p/<W>]`; undefined for everything else. */
export function parseTilePath(path: string): TilePath | undefined {
  const match = /^(entries|0|[1-9]\d?)\/((?:x\d{3}\/){0,5}\d{3})(?:\.p\/([1-9]\d{0,2}))?$/.exec(path);
  if (match === null) return undefined;
  const [, kind, digits = "", width] = match;
  // Zero-padded to full groups, never by a whole group of zeros.
  if (digits.startsWith("x000/")) return undefined;
  const level = kind === "entries" ? undefined : Number(kind);
  const index = Number(digits.replaceAll(/[x/]/g, ""));
  if ((level ?? 0) > 63 || !Number.isSafeInteger(index)) return undefined;
  if (width !== undefined && Number(width) >= WIDTH) return undefined;
  return { level, index, width: width === undefined ? WIDTH : Number(width) };
}

/** The bytes of a tile or bundle in a tree of `size` leaves; undefined where that tree has none so wide. */
export async function readTile(
  store: LogStore,
  { level, index, width }: TilePath,
  size: number,
): Promise<Uint8Array | undefined> {
  const start = index * WIDTH;
  const available = Math.floor(size / WIDTH ** (level ?? 0));
  if (start + width > available) return undefined;
  if (level === undefined) return entryBundle(await parallelLeaves(store, start, start + width));
  const keys = Array.from({ length: width }, (_, i) => ({ level: 8 * level, index: start + i }));
  return new Uint8Array(Buffer.concat([...(await store.witnessNodes(keys))]));
}
