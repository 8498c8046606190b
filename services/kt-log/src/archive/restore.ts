import { Configuration, type PrefixLeaf, type Suite, type SuiteId } from "@mls-as/keytrans";
import { nodeSuite } from "@mls-as/keytrans/node";
import { deriveEntry, type StoredHead, type StoredLogNode, type StoredVrfProof } from "@mls-as/keytrans/prover";
import { CodecError, decode, equalBytes } from "@mls-as/tls-codec";
import type { LogStore } from "../storage/store.js";
import { ArchiveError } from "./archive-error.js";
import type { ArchiveRecord } from "./format.js";

const BATCH = 1000;

type Entry = Extract<ArchiveRecord, { type: "entry" }>;
type End = Extract<ArchiveRecord, { type: "end" }>;

/**
 * Fills an empty store from an archive, deriving both trees again from its leaves. The root must come out as the archive's
 * tree head has it. The settings are not stored yet: without them the store holds no log. @throws ArchiveError
 */
export async function restore(
  records: AsyncIterable<ArchiveRecord>,
  store: LogStore,
  onProgress?: (position: number) => void,
): Promise<Restored> {
  const restoring = new Restoring(store);
  for await (const record of records) {
    await restoring.take(record);
    if (record.type === "entry") onProgress?.(record.position + 1);
  }
  const head = await store.head();
  if (head === undefined) throw new ArchiveError("inconsistent", "The archive holds no log.");
  return { head, settings: restoring.settings };
}

export interface Restored {
  readonly head: StoredHead;
  /** To be given to {@link LogStore.initialise} when everything was verified. */
  readonly settings: ReadonlyMap<string, Uint8Array>;
}

class Restoring {
  readonly #store: LogStore;
  readonly settings = new Map<string, Uint8Array>();
  #log: { readonly suite: Suite; readonly configuration: Configuration } | undefined;
  /** The newest entry, held back until its tree head is known. */
  #last: Entry | undefined;
  #proofs: StoredVrfProof[] = [];
  #witnessNodes: StoredLogNode[] = [];

  constructor(store: LogStore) {
    this.#store = store;
  }

  async take(record: ArchiveRecord): Promise<void> {
    switch (record.type) {
      case "setting":
        this.settings.set(new TextDecoder().decode(record.key), record.value);
        break;
      case "entry":
        if (record.position !== (this.#last?.position ?? -1) + 1)
          throw new ArchiveError("inconsistent", `Entry ${record.position} does not follow the one before it.`);
        if (this.#last !== undefined) await this.#append(this.#last);
        this.#last = record;
        break;
      case "vrfProof":
        this.#proofs.push(record);
        if (this.#proofs.length >= BATCH) await this.#flush();
        break;
      case "witnessNode":
        this.#witnessNodes.push(record);
        if (this.#witnessNodes.length >= BATCH) await this.#flush();
        break;
      case "end":
        await this.#finish(record);
    }
  }

  async #finish(end: End): Promise<void> {
    if (this.#last?.position !== end.treeSize - 1 || this.#last.timestamp !== end.timestamp)
      throw new ArchiveError("inconsistent", "The tree head is not that of the last entry.");
    await this.#append(this.#last, end);
    if (end.auditorTreeHead !== undefined) await this.#store.saveAuditorTreeHead(end.auditorTreeHead);
    await this.#flush();
  }

  async #flush(): Promise<void> {
    if (this.#proofs.length > 0) await this.#store.saveVrfProofs(this.#proofs);
    if (this.#witnessNodes.length > 0) await this.#store.saveWitnessNodes(this.#witnessNodes);
    this.#proofs = [];
    this.#witnessNodes = [];
  }

  async #append({ timestamp, versions }: Entry, end?: End): Promise<void> {
    const { suite, configuration } = (this.#log ??= await this.#open());
    const leaves = versions.map(({ output, commitment }): PrefixLeaf => ({ vrfOutput: output, commitment }));
    const context = { suite, configuration, store: this.#store };
    let derived: Awaited<ReturnType<typeof deriveEntry>>;
    try {
      derived = await deriveEntry(context, leaves, timestamp);
    } catch (cause) {
      throw new ArchiveError("inconsistent", "The leaves of an entry do not fit those before it.", { cause });
    }
    const { treeSize, root, ...rows } = derived;
    if (end !== undefined && !equalBytes(root, end.root))
      throw new ArchiveError("inconsistent", "The leaves give another root than the archive's tree head has.");
    const { position } = rows;
    // A head before the last is never shown to anyone: the log is none until its settings are there.
    const signature = end?.signature ?? new Uint8Array(0);
    await this.#store.append({
      ...rows,
      head: { treeSize, root, signature, timestamp },
      versions: versions.map(({ label, version, commitment }) => ({ label, version, position, commitment })),
      openings: versions.flatMap(({ label, version, opening }) => (opening ? [{ label, version, ...opening }] : [])),
      vrfProofs: versions.map(({ label, version, output }) => ({ label, version, output, proof: undefined })),
    });
  }

  async #open() {
    try {
      const configuration = decode(Configuration, this.settings.get("configuration") ?? new Uint8Array());
      return { suite: await nodeSuite(configuration.ciphersuite as SuiteId), configuration };
    } catch (cause) {
      if (!(cause instanceof CodecError)) throw cause;
      throw new ArchiveError("malformed", "The archive names no configuration before its entries.", { cause });
    }
  }
}
