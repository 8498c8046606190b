import { parseCheckpoint, parseSignedNote } from "@mls-as/keytrans/witness";
import type { LogStore } from "../storage/store.js";

/** Settings in the store that hold signed notes. */
const NEWEST = "witness-checkpoint";
const QUORUM = "witness-quorum-checkpoint";
/** The verifier key of the parallel log: name and key, fixed by the first start with witnesses. */
const IDENTITY = "witness-identity";

/** A checkpoint that this log signed, with the cosignatures it has so far. */
export interface SignedCheckpoint {
  readonly size: number;
  readonly root: Uint8Array;
  /** The signed note. */
  readonly note: string;
}

export function signedCheckpoint(note: string): SignedCheckpoint {
  const { size, root } = parseCheckpoint(parseSignedNote(note).text);
  return { size, root, note };
}

/** What all processes of the log know of its witnessing, in the store. */
export class WitnessState {
  readonly #store: LogStore;

  constructor(store: LogStore) {
    this.#store = store;
  }

  /** The checkpoint signed last. */
  newest(): Promise<SignedCheckpoint | undefined> {
    return this.#read(NEWEST);
  }

  /** The newest checkpoint whose cosignatures make up the policy's quorum. */
  quorum(): Promise<SignedCheckpoint | undefined> {
    return this.#read(QUORUM);
  }

  /** Durable when it returns. Never replaces a larger tree's. */
  async save(checkpoint: SignedCheckpoint, hasQuorum: boolean): Promise<void> {
    for (const key of hasQuorum ? [NEWEST, QUORUM] : [NEWEST]) {
      const before = await this.#read(key);
      if (before === undefined || before.size <= checkpoint.size)
        await this.#store.replaceSetting(key, new TextEncoder().encode(checkpoint.note));
    }
  }

  /** The verifier key that this log's checkpoints were signed with before; set to `vkey` where there is none. */
  async identity(vkey: string): Promise<string> {
    const stored = await this.#text(IDENTITY);
    if (stored === undefined) await this.#store.replaceSetting(IDENTITY, new TextEncoder().encode(vkey));
    return stored ?? vkey;
  }

  async #read(key: string): Promise<SignedCheckpoint | undefined> {
    const note = await this.#text(key);
    return note === undefined ? undefined : signedCheckpoint(note);
  }

  async #text(key: string): Promise<string | undefined> {
    const bytes = await this.#store.setting(key);
    return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
  }
}
