/**
 * Immutable rows by number, kept in memory in two generations: what was used since the younger began stays when the older
 * is dropped. At most `2 · limit` rows.
 */
export class RowCache<T> {
  readonly #limit: number;
  #young = new Map<number, T>();
  #old = new Map<number, T>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  get(key: number): T | undefined {
    let row = this.#young.get(key);
    if (row === undefined) {
      row = this.#old.get(key);
      if (row !== undefined) this.set(key, row);
    }
    return row;
  }

  set(key: number, row: T): void {
    if (this.#young.size >= this.#limit) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(key, row);
  }

  clear(): void {
    this.#young.clear();
    this.#old.clear();
  }
}
