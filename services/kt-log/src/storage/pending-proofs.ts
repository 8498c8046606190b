import type { StoredVrfProof } from "@mls-as/keytrans/prover";

const FLUSH_MILLISECONDS = 1000;
const FLUSH_ROWS = 2000;

/**
 * VRF proofs that were computed and are not stored yet. They can be computed again, so that none is worth a durable
 * commit of its own: a driver stores them with its next log entry, or after a second, many at a time.
 */
export class PendingProofs {
  readonly #rows = new Map<string, StoredVrfProof>();
  readonly #flush: (rows: readonly StoredVrfProof[]) => void;
  #timer: NodeJS.Timeout | undefined;

  /** `flush` stores rows when no log entry comes along; it handles its own failures. */
  constructor(flush: (rows: readonly StoredVrfProof[]) => void) {
    this.#flush = flush;
  }

  keep(rows: readonly StoredVrfProof[]): void {
    for (const row of rows) {
      const key = keyOf(row.label, row.version);
      if (!this.#rows.has(key)) this.#rows.set(key, row);
    }
    if (this.#rows.size >= FLUSH_ROWS) this.#flush(this.take());
    else if (this.#rows.size > 0)
      this.#timer ??= setTimeout(() => this.#flush(this.take()), FLUSH_MILLISECONDS).unref();
  }

  get(label: Uint8Array, version: number): StoredVrfProof | undefined {
    return this.#rows.size === 0 ? undefined : this.#rows.get(keyOf(label, version));
  }

  /** Hands all rows over to be stored. */
  take(): StoredVrfProof[] {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const rows = [...this.#rows.values()];
    this.#rows.clear();
    return rows;
  }
}

const keyOf = (label: Uint8Array, version: number): string => `${version} ${Buffer.from(label).toString("latin1")}`;
