/** Stored bytes with the mark that tells whether somebody has changed them since. */
export interface StoredState {
  readonly bytes: Uint8Array;
  /** Equal marks, equal content. */
  readonly revision: string;
}

/**
 * Keeps what a client must not forget. One store holds one state.
 *
 * - `load` gives the newest saved state, never a part of one.
 * - `save` is a compare-and-swap: it replaces the state only if its revision still is `expected` (undefined: nothing is
 *   stored yet), and gives the new revision; undefined means that somebody came first, and nothing was written.
 * - When `save` has given a revision, a crash of the process or the machine does not lose the state.
 */
export interface StateStore {
  load(): Promise<StoredState | undefined>;
  save(bytes: Uint8Array, expected: string | undefined): Promise<string | undefined>;
}

/** Keeps the state as long as the object lives. */
export function memoryStateStore(initial?: Uint8Array): StateStore {
  let revision = 0;
  let stored: StoredState | undefined = initial && { bytes: initial.slice(), revision: "0" };
  return {
    load: async () => stored && { ...stored, bytes: stored.bytes.slice() },
    async save(bytes, expected) {
      if (stored?.revision !== expected) return undefined;
      revision += 1;
      stored = { bytes: bytes.slice(), revision: String(revision) };
      return stored.revision;
    },
  };
}
