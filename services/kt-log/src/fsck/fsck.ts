import { Configuration, LogEntry, type Suite, type SuiteId, TreeHeadTBS, vrfInput, wireFormat } from "@mls-as/keytrans";
import { nodeSuite } from "@mls-as/keytrans/node";
import type { StoredEntry, StoredHead, VrfEvaluator } from "@mls-as/keytrans/prover";
import { concatBytes, decode, encode } from "@mls-as/tls-codec";
import { logLeaf, logParent, logRoot, sha256, subtreesOf } from "../log-tree.js";
import { settingChecksum } from "../storage/setting-checksum.js";
import type { LabelVersionRow, LogStore, PruningState, RowCounts } from "../storage/store.js";
import { AuditedLog } from "./audited-log.js";
import { type Finding, Findings, labelName, TooManyFindings } from "./findings.js";
import { type DerivedNodes, DerivedPrefixTree, type Leaf } from "./prefix-tree.js";
import { RowStreams, vrfProofsOf } from "./streams.js";
import { WitnessTree } from "./witness-tree.js";

export type { Finding } from "./findings.js";

export type Stage = "vrf proofs" | "log entries";

export interface FsckOptions {
  /** Content of the writer token file, to be compared with the hash in the store. */
  readonly writerToken?: string | undefined;
  /** Where it is given, VRF outputs without a stored proof are computed again; otherwise only the trees confirm them. */
  readonly vrf?: VrfEvaluator | undefined;
  /** The encoded `Configuration` of a store that has no settings yet. */
  readonly configuration?: Uint8Array | undefined;
  readonly onProgress?: ((done: number, total: number, stage: Stage) => void) | undefined;
  /** Findings after which to give up; default 100. */
  readonly findingLimit?: number;
}

export interface FsckResult {
  readonly findings: readonly Finding[];
  readonly treeSize: number;
  readonly versions: number;
  /** Values whose commitment can no longer be opened because they were erased. */
  readonly erased: number;
  /** VRF outputs that nothing but the trees confirms: no proof is stored and no key was given. */
  readonly unproven: number;
}

/**
 * Derives both trees again from the stored leaves, and compares every stored node, entry, head, VRF output and proof,
 * opening, auditor update and setting with what they must be. Reads only. Shares no tree code with the prover.
 */
export async function fsck(store: LogStore, options: FsckOptions = {}): Promise<FsckResult> {
  const findings = new Findings(options.findingLimit ?? 100);
  const check = new Check(store, options, findings);
  try {
    await store.freeze();
    await check.run();
  } catch (error) {
    if (!(error instanceof TooManyFindings))
      findings.list.push({ where: "fsck", what: error instanceof Error ? error.message : String(error) });
  }
  const { treeSize, counted, erased, unproven } = check;
  return { findings: findings.list, treeSize, versions: counted.versions, erased, unproven };
}

const NEVER: PruningState = { trees: -1, entries: 0, kept: [] };

class Check {
  readonly counted = { entries: 0, logNodes: 0, superseded: 0, versions: 0, openings: 0 };
  treeSize = 0;
  erased = 0;
  unproven = 0;
  readonly #store: LogStore;
  readonly #options: FsckOptions;
  readonly #findings: Findings;
  readonly #streams: RowStreams;
  readonly #prefixTree = new DerivedPrefixTree();
  readonly #witnessTree: WitnessTree;
  readonly #greatest = new Map<string, number>();
  readonly #heads: Uint8Array[] = [];
  #pruning = NEVER;
  #previous: StoredEntry | undefined;
  #audited: AuditedLog | undefined;

  constructor(store: LogStore, options: FsckOptions, findings: Findings) {
    this.#store = store;
    this.#options = options;
    this.#findings = findings;
    this.#streams = new RowStreams(store);
    this.#witnessTree = new WitnessTree(findings);
  }

  async run(): Promise<void> {
    const findings = this.#findings;
    for (const line of await this.#store.integrity()) findings.note("database", line);
    const configuration = await this.#settings();
    const head = await this.#store.head();
    if (head === undefined) return findings.note("head", "there is none");
    this.treeSize = head.treeSize;
    if (configuration === undefined) return;
    const suite = await nodeSuite(configuration.ciphersuite as SuiteId);
    this.#audited = new AuditedLog(findings, suite, configuration);
    this.#pruning = (await this.#store.pruning()) ?? NEVER;
    const { trees, entries, kept } = this.#pruning;
    if (trees >= head.treeSize || entries > trees + 1 || (entries === 0 && kept.length > 0))
      findings.note("pruning", "what was pruned is not what the log holds");
    await this.#vrfProofs(suite, configuration);
    await this.#witnessTree.load(this.#store);
    for (let position = 0; position < head.treeSize; position++) {
      await this.#entry(position, suite, configuration);
      if (position % 100 === 99) this.#options.onProgress?.(position + 1, head.treeSize, "log entries");
    }
    await this.#ends(head);
    await this.#head(head, suite, configuration);
  }

  async #settings(): Promise<Configuration | undefined> {
    for (const { key, value, checksum } of await this.#store.settings())
      this.#findings.same("settings", `the setting ${key}`, checksum, settingChecksum(key, value));
    const { writerToken } = this.#options;
    if (writerToken !== undefined) {
      const hash = sha256(new TextEncoder().encode(writerToken));
      const stored = await this.#store.setting("writer-token-sha256");
      this.#findings.same("settings", "the hash of the writer token", stored, hash);
    }
    try {
      const given = this.#options.configuration ?? (await this.#store.setting("configuration"));
      return decode(Configuration, given ?? new Uint8Array());
    } catch {
      this.#findings.note("settings", "the configuration does not decode");
      return undefined;
    }
  }

  async #vrfProofs(suite: Suite, configuration: Configuration): Promise<void> {
    const key = suite.importVrfPublicKey(configuration.vrfPublicKey);
    const { versions } = await this.#store.rowCounts();
    let done = 0;
    for await (const { label, version, output, proof } of vrfProofsOf(this.#store)) {
      const where = `${labelName(label)} version ${version}`;
      try {
        this.#findings.same(where, "the VRF output", output, key.verify(vrfInput(label, version), proof as Uint8Array));
      } catch (error) {
        if (error instanceof TooManyFindings) throw error;
        this.#findings.note(where, "the VRF proof does not verify");
      }
      done++;
      if (done % 100 === 0) this.#options.onProgress?.(done, Math.max(done, versions), "vrf proofs");
    }
  }

  async #entry(position: number, suite: Suite, configuration: Configuration): Promise<void> {
    const findings = this.#findings;
    const where = `entry ${position}`;
    const leaves = await this.#leaves(position, suite, configuration);
    const derived = this.#prefixTree.insert(leaves);
    const entry = await this.#stored(position);
    if (entry !== undefined) {
      if (entry.timestamp < (this.#previous?.timestamp ?? 0))
        findings.note(where, "its timestamp is before that of its neighbour");
      findings.same(where, "the prefix tree root", entry.prefixRoot, this.#prefixTree.rootValue);
      if (entry.prefixNode !== this.#prefixTree.rootId) findings.note(where, "names another node as prefix tree root");
      if (entry.nextNode !== this.#prefixTree.nextId) findings.note(where, "the next node id is not what it must be");
      this.#previous = entry;
    }
    await this.#nodes(position, derived);
    await this.#superseded(position, derived);
    const proven = this.#audited?.entry(position, await this.#auditorUpdate(position), entry, leaves);
    const root = await this.#logNodes(position, entry);
    if (proven !== undefined) findings.same(where, "the root that the auditor update proves", proven, root);
  }

  /** The entry's row; undefined where pruning removed it. */
  async #stored(position: number): Promise<StoredEntry | undefined> {
    const { entries, kept } = this.#pruning;
    const next = await this.#streams.entries.peek();
    const present = next?.position === position;
    const due = position >= entries || kept.includes(position);
    if (present !== due) this.#findings.note(`entry ${position}`, due ? "is missing" : "should have been pruned");
    if (!present) return undefined;
    this.counted.entries++;
    return this.#streams.entries.take();
  }

  async #leaves(position: number, suite: Suite, configuration: Configuration): Promise<Leaf[]> {
    const { UpdateValue } = wireFormat(suite, configuration);
    const { versions } = this.#streams;
    const leaves: Leaf[] = [];
    for (let row = await versions.peek(); row?.position === position; row = await versions.peek()) {
      await versions.take();
      const { label, version, commitment, output, opening } = row;
      const where = `${labelName(label)} version ${version}`;
      this.#order(row, where);
      await this.#output(row, where);
      leaves.push({ vrfOutput: output, commitment });
      if (opening !== undefined) {
        this.counted.openings++;
        const { value, suffix } = opening;
        const update = encode(UpdateValue, { value, suffix: suffix === undefined ? {} : { signature: suffix } });
        const opened = suite.commitment(opening.opening, label, version, update);
        this.#findings.same(where, "the commitment, or what opens it,", commitment, opened);
      } else if (commitment.some((byte) => byte !== 0)) this.erased++;
    }
    return leaves;
  }

  #order({ id, label, version }: LabelVersionRow, where: string): void {
    this.counted.versions++;
    if (id !== this.counted.versions) this.#findings.note(where, "its row number is not what it must be");
    const key = Buffer.from(label).toString("latin1");
    if (version !== (this.#greatest.get(key) ?? -1) + 1)
      this.#findings.note(where, "does not follow the version before it");
    this.#greatest.set(key, version);
  }

  /** The tree confirms that the output belongs to the log; only the VRF confirms that it belongs to the label. */
  async #output({ label, version, output }: LabelVersionRow, where: string): Promise<void> {
    const [known] = await this.#store.vrfProofs(label, [version]);
    if (known?.proof !== undefined) this.#findings.same(where, "the VRF output", output, known.output);
    else if (this.#options.vrf === undefined) this.unproven++;
    else {
      const computed = await this.#options.vrf.output(vrfInput(label, version));
      this.#findings.same(where, "the VRF output", output, computed);
    }
  }

  /** Stored nodes of an entry whose tree was pruned are compared when the first tree that is left is reached. */
  async #nodes(position: number, { nodes }: DerivedNodes): Promise<void> {
    const { trees } = this.#pruning;
    if (position < trees) return;
    const due = position === trees ? this.#prefixTree.nodes() : nodes;
    for (const [id, bytes] of due) {
      const next = await this.#streams.nodes.peek();
      if (next === undefined || next.id > id)
        this.#findings.note(`entry ${position}`, `prefix tree node ${id} is missing`);
      else {
        if (next.id < id) this.#findings.note(`entry ${position}`, `prefix tree node ${next.id} belongs to no tree`);
        else this.#findings.same(`entry ${position}`, `prefix tree node ${id}`, next.bytes, bytes);
        await this.#streams.nodes.take();
      }
    }
  }

  async #superseded(position: number, derived: DerivedNodes): Promise<void> {
    const next = await this.#streams.superseded.peek();
    const ids = next?.position === position ? next.ids : [];
    if (next?.position === position) {
      await this.#streams.superseded.take();
      this.counted.superseded++;
    }
    const due = position <= this.#pruning.trees ? new Set<number>() : derived.superseded;
    const stored = new Set(ids);
    if (ids === undefined || stored.size !== ids.length || stored.size !== due.size || !ids.every((id) => due.has(id)))
      this.#findings.note(`entry ${position}`, "the list of superseded nodes is not what it must be");
  }

  async #auditorUpdate(position: number): Promise<Uint8Array | undefined> {
    const next = await this.#streams.auditorUpdates.peek();
    return next?.position === position ? (await this.#streams.auditorUpdates.take())?.bytes : undefined;
  }

  /** Appends a leaf; it and every subtree that it completes must be stored. @returns the log's root with it */
  async #logNodes(position: number, entry: StoredEntry | undefined): Promise<Uint8Array> {
    const derived = entry && logLeaf(entry.timestamp, entry.prefixRoot);
    let hash = derived ?? ((await this.#store.logNodes([{ level: 0, index: position }]))[0] as Uint8Array);
    for (let level = 0, index = position; ; level++, index = (index - 1) / 2) {
      const [stored] = await this.#store.logNodes([{ level, index }]);
      this.#findings.same(`entry ${position}`, `log tree node ${level}/${index}`, stored, hash);
      this.counted.logNodes++;
      if (index % 2 === 0) break;
      hash = logParent(this.#heads.pop() as Uint8Array, level, hash, level);
    }
    this.#heads.push(hash);
    const root = logRoot(subtreesOf(position + 1), this.#heads);
    this.#witnessTree.append(
      entry && concatBytes(encode(LogEntry, { timestamp: entry.timestamp, prefixTree: entry.prefixRoot }), root),
    );
    return root;
  }

  /** Nothing may be left over. */
  async #ends(head: StoredHead): Promise<void> {
    const { versions, entries, nodes, superseded, auditorUpdates } = this.#streams;
    const beyond = (await versions.peek()) ?? (await entries.peek()) ?? (await superseded.peek());
    const left = beyond ?? (await auditorUpdates.peek());
    if (left !== undefined)
      this.#findings.note(`entry ${left.position}`, "has rows but is beyond the tree head, or out of order");
    const node = await nodes.peek();
    if (node !== undefined) this.#findings.note("database", `prefix tree node ${node.id} belongs to no entry`);
    this.#witnessTree.finish();
    if (this.#previous?.timestamp !== head.timestamp)
      this.#findings.note("head", "its timestamp is not that of the last entry");
    const rows: RowCounts = await this.#store.rowCounts();
    for (const table of Object.keys(this.counted) as (keyof RowCounts)[])
      if (rows[table] !== this.counted[table])
        this.#findings.note(table, `${rows[table]} rows are stored, ${this.counted[table]} belong to the log`);
  }

  async #head(head: StoredHead, suite: Suite, configuration: Configuration): Promise<void> {
    const root = logRoot(subtreesOf(head.treeSize), this.#heads);
    this.#findings.same("head", "the root", head.root, root);
    const key = suite.importSignatureKey(configuration.signaturePublicKey);
    const signed = encode(TreeHeadTBS, { config: configuration, treeSize: head.treeSize, root });
    if (!(await key.verify(signed, head.signature))) this.#findings.note("head", "the signature does not verify");
    await this.#audited?.head(this.#store, head);
  }
}
