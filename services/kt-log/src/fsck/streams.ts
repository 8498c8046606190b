import type { StoredVrfProof } from "@mls-as/keytrans/prover";
import { nodesOf } from "../storage/prefix-pages.js";
import type { LabelVersionRow, LogStore } from "../storage/store.js";

const PAGE = 1000;

/** Rows read piece by piece, of which the next can be looked at before it is taken. */
export class Stream<T> {
  readonly #rows: AsyncGenerator<T>;
  #next: Promise<IteratorResult<T>> | undefined;

  constructor(rows: AsyncGenerator<T>) {
    this.#rows = rows;
  }

  /** The next row, left where it is; undefined at the end. */
  async peek(): Promise<T | undefined> {
    this.#next ??= this.#rows.next();
    const { done, value } = await this.#next;
    return done === true ? undefined : (value as T);
  }

  async take(): Promise<T | undefined> {
    const row = await this.peek();
    this.#next = undefined;
    return row;
  }
}

async function* pieces<T, K>(start: K, read: (after: K) => Promise<readonly T[]>, key: (row: T) => K) {
  for (let after = start; ; ) {
    const rows = await read(after);
    yield* rows;
    const last = rows.at(-1);
    if (last === undefined) return;
    after = key(last);
  }
}

/** Every row of a store's tables, each in the order in which the log made it. */
export class RowStreams {
  readonly entries;
  readonly versions: Stream<LabelVersionRow>;
  readonly superseded;
  readonly auditorUpdates;
  readonly nodes: Stream<{ readonly id: number; readonly bytes: Uint8Array }>;

  constructor(store: LogStore) {
    const next = ({ position }: { readonly position: number }): number => position + 1;
    this.entries = new Stream(pieces(0, (from) => store.entriesFrom(from, PAGE), next));
    this.superseded = new Stream(pieces(0, (from) => store.supersededFrom(from, PAGE), next));
    this.auditorUpdates = new Stream(pieces(0, (from) => store.auditorUpdatesFrom(from, PAGE), next));
    this.versions = new Stream(
      pieces(
        0,
        (after) => store.labelVersions(after, PAGE),
        ({ id }) => id,
      ),
    );
    this.nodes = new Stream(storedNodes(store));
  }
}

async function* storedNodes(store: LogStore) {
  const pages = pieces(
    0,
    (after) => store.prefixPages(after, PAGE),
    ({ first }) => first,
  );
  for await (const { first, nodes } of pages)
    for (const [i, bytes] of nodesOf(nodes).entries()) if (bytes.length > 0) yield { id: first + i, bytes };
}

/** All stored VRF proofs. */
export function vrfProofsOf(store: LogStore): AsyncGenerator<StoredVrfProof> {
  const start: Pick<StoredVrfProof, "label" | "version"> | undefined = undefined;
  return pieces<StoredVrfProof, Pick<StoredVrfProof, "label" | "version"> | undefined>(
    start,
    (after) => store.allVrfProofs(after, PAGE),
    (row) => row,
  );
}
