type Exclusively = <T>(label: string, work: () => Promise<T>) => Promise<T>;

/** Runs the work of one label one after another, of different labels side by side. */
export class LabelQueue {
  readonly #tails = new Map<string, Promise<unknown>>();
  readonly #exclusively: Exclusively;

  /** @param exclusively keeps other processes from the label meanwhile */
  constructor(exclusively: Exclusively) {
    this.#exclusively = exclusively;
  }

  /** Labels with work under way or waiting. */
  get size(): number {
    return this.#tails.size;
  }

  async run<T>(label: string, work: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(label) ?? Promise.resolve();
    const alone = (): Promise<T> => this.#exclusively(label, work);
    const mine = before.then(alone, alone);
    const tail = mine.then(
      () => undefined,
      () => undefined,
    );
    this.#tails.set(label, tail);
    try {
      return await mine;
    } finally {
      if (this.#tails.get(label) === tail) this.#tails.delete(label);
    }
  }

  /** Resolves when all work that was accepted has ended. */
  async idle(): Promise<void> {
    while (this.#tails.size > 0) await Promise.all(this.#tails.values());
  }
}
