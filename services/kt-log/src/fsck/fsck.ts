import { Configuration, type SuiteId, TreeHeadTBS, vrfInput, wireFormat } from "@mls-as/keytrans";
import { nodeSuite } from "@mls-as/keytrans/node";
import type { StoredEntry, StoredHead } from "@mls-as/keytrans/prover";
import { decode, encode, equalBytes } from "@mls-as/tls-codec";
import { logLeaf, logParent, logRoot, sha256, subtreesOf } from "../log-tree.js";
import type { LabelVersionRow, LogStore, RowCounts } from "../storage/store.js";
import { DerivedPrefixTree, type Leaf } from "./prefix-tree.js";

/** Something that should not be. Names a label only by its hash. */
export interface Finding {
  readonly where: string;
  readonly what: string;
}

export interface FsckOptions {
  /** Content of the writer token file, to be compared with the hash in the store. */
  readonly writerToken?: string | undefined;
  readonly onProgress?: (done: number, total: number, stage: "vrf proofs" | "log entries") => void;
  /** Findings after which to give up; default 100. */
  readonly findingLimit?: number;
}

export interface FsckResult {
  readonly findings: readonly Finding[];
  readonly treeSize: number;
  readonly versions: number;
  /** Values whose commitment can no longer be opened because they were erased. */
  readonly erased: number;
}

const PAGE = 1000;

/**
 * Derives both trees again from the stored leaves, and compares every stored node, entry, head, VRF proof and opening
 * with what they must be. Reads only. Shares no tree code with the prover.
 */
export async function fsck(store: LogStore, options: FsckOptions = {}): Promise<FsckResult> {
  await store.freeze();
  const check = new Check(store, options);
  try {
    await check.run();
  } catch (error) {
    if (!(error instanceof TooMany)) check.note("fsck", error instanceof Error ? error.message : String(error));
  }
  const { findings, treeSize, counted, erased } = check;
  return { findings, treeSize, versions: counted.versions, erased };
}

class TooMany extends Error {}

const labelName = (label: Uint8Array): string => `label sha256:${Buffer.from(sha256(label)).toString("hex", 0, 8)}`;

class Check {
  readonly findings: Finding[] = [];
  readonly counted = { entries: 0, logNodes: 0, prefixNodes: 0, superseded: 0, versions: 0, openings: 0 };
  treeSize = 0;
  erased = 0;
  readonly #store: LogStore;
  readonly #options: FsckOptions;
  readonly #prefixTree = new DerivedPrefixTree();
  readonly #greatest = new Map<string, number>();
  readonly #heads: Uint8Array[] = [];

  constructor(store: LogStore, options: FsckOptions) {
    this.#store = store;
    this.#options = options;
  }

  note(where: string, what: string): void {
    this.findings.push({ where, what });
    if (this.findings.length >= (this.#options.findingLimit ?? 100)) throw new TooMany();
  }
  #same(where: string, what: string, stored: Uint8Array | undefined, derived: Uint8Array): void {
    if (stored === undefined || !equalBytes(stored, derived)) this.note(where, `${what} is not what it must be`);
  }

  async run(): Promise<void> {
    for (const line of await this.#store.integrity()) this.note("database", line);
    const configuration = await this.#settings();
    const head = await this.#store.head();
    if (head === undefined) return this.note("head", "there is none");
    this.treeSize = head.treeSize;
    if (configuration === undefined) return;
    await this.#vrfProofs(configuration);
    await this.#entries(head, configuration);
    await this.#head(head, configuration);
    await this.#counts();
  }

  async #settings(): Promise<Configuration | undefined> {
    const { writerToken } = this.#options;
    if (writerToken !== undefined) {
      const hash = sha256(new TextEncoder().encode(writerToken));
      this.#same("settings", "the hash of the writer token", await this.#store.setting("writer-token-sha256"), hash);
    }
    try {
      return decode(Configuration, (await this.#store.setting("configuration")) ?? new Uint8Array());
    } catch {
      this.note("settings", "the configuration does not decode");
      return undefined;
    }
  }

  async #vrfProofs(configuration: Configuration): Promise<void> {
    const suite = await nodeSuite(configuration.ciphersuite as SuiteId);
    const key = suite.importVrfPublicKey(configuration.vrfPublicKey);
    const total = (await this.#store.rowCounts()).versions;
    let after: { label: Uint8Array; version: number } | undefined;
    for (let done = 0; ; ) {
      const rows = await this.#store.allVrfProofs(after, PAGE);
      for (const { label, version, output, proof } of rows) {
        const where = `${labelName(label)} version ${version}`;
        if (proof === undefined) continue; // not served yet
        try {
          this.#same(where, "the VRF output", output, key.verify(vrfInput(label, version), proof));
        } catch (error) {
          if (error instanceof TooMany) throw error;
          this.note(where, "the VRF proof does not verify");
        }
      }
      after = rows.at(-1);
      if (after === undefined) return;
      done += rows.length;
      this.#options.onProgress?.(done, Math.max(total, done), "vrf proofs");
    }
  }

  async #entries(head: StoredHead, configuration: Configuration): Promise<void> {
    const suite = await nodeSuite(configuration.ciphersuite as SuiteId);
    const { UpdateValue } = wireFormat(suite, configuration);
    const rows = this.#versionRows();
    let next = await rows.next();
    let previous: StoredEntry | undefined;
    for (let position = 0; position < head.treeSize; position++) {
      const leaves: Leaf[] = [];
      for (; next.done !== true && next.value.position === position; next = await rows.next()) {
        const row: LabelVersionRow = next.value;
        const where = `${labelName(row.label)} version ${row.version}`;
        this.#order(row, where);
        const [proof] = await this.#store.vrfProofs(row.label, [row.version]);
        if (proof === undefined) this.note(where, "there is no VRF output");
        else leaves.push({ vrfOutput: proof.output, commitment: row.commitment });
        const opening = await this.#store.opening(row.label, row.version);
        if (opening !== undefined) {
          this.counted.openings++;
          const { value, suffix } = opening;
          const update = encode(UpdateValue, { value, suffix: suffix === undefined ? {} : { signature: suffix } });
          const commitment = suite.commitment(opening.opening, row.label, row.version, update);
          this.#same(where, "the commitment, or what opens it,", row.commitment, commitment);
        } else if (row.commitment.some((byte) => byte !== 0)) this.erased++;
      }
      previous = await this.#entry(position, previous, leaves);
      if (position % PAGE === 0) this.#options.onProgress?.(position, head.treeSize, "log entries");
    }
    if (next.done !== true) this.note(`entry ${next.value.position}`, "has label versions but is beyond the tree head");
    if (previous?.timestamp !== head.timestamp) this.note("head", "its timestamp is not that of the last entry");
  }

  async *#versionRows(): AsyncGenerator<LabelVersionRow> {
    let after: LabelVersionRow | undefined;
    do {
      const rows = await this.#store.labelVersions(after, PAGE);
      yield* rows;
      after = rows.at(-1);
    } while (after !== undefined);
  }

  #order({ label, version }: LabelVersionRow, where: string): void {
    this.counted.versions++;
    const key = Buffer.from(label).toString("latin1");
    if (version !== (this.#greatest.get(key) ?? -1) + 1) this.note(where, "does not follow the version before it");
    this.#greatest.set(key, version);
  }

  async #entry(position: number, previous: StoredEntry | undefined, leaves: readonly Leaf[]): Promise<StoredEntry> {
    const where = `entry ${position}`;
    const entry = (await this.#store.entries([position]))[0] as StoredEntry;
    this.counted.entries++;
    if (entry.timestamp < (previous?.timestamp ?? 0)) this.note(where, "its timestamp is before that of its neighbour");

    const derived = this.#prefixTree.insert(leaves);
    this.#same(where, "the prefix tree root", entry.prefixRoot, this.#prefixTree.rootValue);
    if (entry.prefixNode !== this.#prefixTree.rootId) this.note(where, "names another node as prefix tree root");
    if (entry.nextNode !== this.#prefixTree.nextId) this.note(where, "the next node id is not what it must be");
    const ids = [...derived.nodes.keys()];
    const stored = await this.#store.prefixNodes(ids);
    for (const [i, id] of ids.entries())
      this.#same(where, `prefix tree node ${id}`, stored[i], derived.nodes.get(id) as Uint8Array);
    this.counted.prefixNodes += ids.length;
    const gone = await this.#store.supersededAt(position);
    if (gone.length !== derived.superseded.size || !gone.every((id) => derived.superseded.has(id)))
      this.note(where, "the list of superseded nodes is not what it must be");
    this.counted.superseded += gone.length;
    await this.#logNodes(position, logLeaf(entry.timestamp, entry.prefixRoot));
    return entry;
  }

  /** Appends a leaf; it and every subtree that it completes must be stored. */
  async #logNodes(position: number, leaf: Uint8Array): Promise<void> {
    let hash = leaf;
    for (let level = 0, index = position; ; level++, index = (index - 1) / 2) {
      const [stored] = await this.#store.logNodes([{ level, index }]);
      this.#same(`entry ${position}`, `log tree node ${level}/${index}`, stored, hash);
      this.counted.logNodes++;
      if (index % 2 === 0) break;
      hash = logParent(this.#heads.pop() as Uint8Array, level, hash, level);
    }
    this.#heads.push(hash);
  }

  async #head(head: StoredHead, configuration: Configuration): Promise<void> {
    const root = logRoot(subtreesOf(head.treeSize), this.#heads);
    this.#same("head", "the root", head.root, root);
    const suite = await nodeSuite(configuration.ciphersuite as SuiteId);
    const key = suite.importSignatureKey(configuration.signaturePublicKey);
    const signed = encode(TreeHeadTBS, { config: configuration, treeSize: head.treeSize, root });
    if (!(await key.verify(signed, head.signature))) this.note("head", "the signature does not verify");
  }

  async #counts(): Promise<void> {
    const rows: RowCounts = await this.#store.rowCounts();
    for (const table of Object.keys(this.counted) as (keyof RowCounts)[])
      if (rows[table] !== this.counted[table])
        this.note(table, `${rows[table]} rows are stored, ${this.counted[table]} belong to the log`);
  }
}
