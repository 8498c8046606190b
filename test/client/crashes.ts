import type { Fetch, KeyStore, StateStore } from "@mls-as/mls-credentials/client";

/** The process ends here. */
export class Killed extends Error {
  override readonly name = "Killed";
}

/**
 * Counts what a device does outside its own memory, and ends it before or after the step that is named: what it did up to
 * there stays, and nothing comes after.
 */
export class KillSwitch {
  readonly #at: number;
  readonly #when: "before" | "after";
  steps = 0;

  constructor(at = Number.POSITIVE_INFINITY, when: "before" | "after" = "before") {
    this.#at = at;
    this.#when = when;
  }

  async step<T>(work: () => Promise<T>): Promise<T> {
    const step = this.steps++;
    if (step > this.#at || (step === this.#at && this.#when === "before")) throw new Killed(`before step ${step}`);
    const result = await work();
    if (step === this.#at) throw new Killed(`after step ${step}`);
    return result;
  }

  store(store: StateStore): StateStore {
    return {
      load: () => store.load(),
      save: (bytes, expected) => this.step(() => store.save(bytes, expected)),
    };
  }

  keys(keys: KeyStore): KeyStore {
    return {
      generate: (name, scheme) => this.step(() => keys.generate(name, scheme)),
      load: (name) => keys.load(name),
      remove: (name) => this.step(() => keys.remove(name)),
    };
  }

  fetch(): Fetch {
    const platform = globalThis.fetch as unknown as Fetch;
    return (url, init) => this.step(() => platform(url, init));
  }
}
