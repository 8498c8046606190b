import { sha256 } from "../log-tree.js";
import type { LogStore } from "../storage/store.js";
import type { Findings } from "./findings.js";

const PAGE = 1000;

/** Compares the stored nodes of the parallel log that witnesses cosign (RFC 6962, "Merkle Hash Trees") with its leaves. */
export class WitnessTree {
  readonly #findings: Findings;
  readonly #stored = new Map<string, Uint8Array>();
  readonly #heads: (Uint8Array | undefined)[] = [];
  #size = 0;
  #position = 0;

  constructor(findings: Findings) {
    this.#findings = findings;
  }

  async load(store: LogStore): Promise<void> {
    for (let rows = await store.witnessNodesFrom(undefined, PAGE); rows.length > 0; ) {
      for (const { level, index, hash } of rows) {
        this.#stored.set(`${level}/${index}`, hash);
        if (level === 0) this.#size++;
      }
      rows = await store.witnessNodesFrom(rows.at(-1), PAGE);
    }
  }

  /** The next leaf, `LogEntry ‖ root`; undefined where the entry was pruned and only the stored hash can be taken. */
  append(leaf: Uint8Array | undefined): void {
    if (this.#position >= this.#size) return;
    let index = this.#position++;
    let hash = leaf === undefined ? this.#stored.get(`0/${index}`) : sha256(Uint8Array.of(0), leaf);
    for (let level = 0; ; level++, index = (index - 1) / 2) {
      const key = `${level}/${index}`;
      const stored = this.#stored.get(key);
      if (hash === undefined) this.#findings.note("witness log", `node ${key} is missing`);
      else this.#findings.same("witness log", `node ${key}`, stored, hash);
      this.#stored.delete(key);
      if (index % 2 === 0) break;
      const left = this.#heads.pop();
      hash = left && hash && sha256(Uint8Array.of(1), left, hash);
    }
    this.#heads.push(hash);
  }

  finish(): void {
    for (const key of this.#stored.keys()) this.#findings.note("witness log", `node ${key} belongs to no entry`);
  }
}
