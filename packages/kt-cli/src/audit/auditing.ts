import { KeytransError, leafValue, type TreeHead } from "@mls-as/keytrans";
import { type AuditedEntry, type Auditor, type AuditorState, encodeAuditorState } from "@mls-as/keytrans/auditor";
import { LogClientError } from "@mls-as/kt-client";
import { equalBytes } from "@mls-as/tls-codec";
import { isProven } from "../evidence/accuse.js";
import type { Bundle, SignedRoot } from "../evidence/bundle-kinds.js";
import { Failure } from "../failure.js";
import { isSignedTree } from "../log-signature.js";
import type { Session } from "../pin.js";
import { countText } from "../terminal/time-text.js";
import type { AuditProgress } from "./audit-state.js";
import { updatePages } from "./updates.js";

/** Entries between a fault and the signed head that evidence may hold; beyond, a fault cannot be shown to others. */
const MAX_SHOWN = 2000;

/** A tree that the log signed for somebody else, and that the audited tree does not contain. */
interface Conflict {
  readonly other: SignedRoot;
  /** Of the audited tree at the other's size. */
  readonly heads: readonly Uint8Array[];
  readonly leaves: Uint8Array[];
}

/** Follows updates one by one, and holds the trees that they make against trees the log has signed for others. */
export class Auditing {
  readonly #session: Session;
  readonly #auditor: Auditor;
  readonly #others: readonly SignedRoot[];
  #progress: AuditProgress;
  #conflict: Conflict | undefined;

  constructor(session: Session, auditor: Auditor, progress: AuditProgress, others: readonly SignedRoot[]) {
    this.#session = session;
    this.#auditor = auditor;
    this.#progress = progress;
    this.#others = others;
  }

  get progress(): AuditProgress {
    return this.#progress;
  }

  /** Verifies the next update. @throws Failure */
  async step(update: Uint8Array, head: TreeHead): Promise<void> {
    const { state, entries, changes } = this.#progress;
    let next: AuditedEntry;
    try {
      next = this.#auditor.process(state, update);
    } catch (error) {
      if (!(error instanceof KeytransError)) throw error;
      throw await this.#refusal(error, update, head);
    }
    this.#progress = {
      ...this.#progress,
      previous: state,
      state: next.state,
      entries: entries + 1,
      changes: changes + next.added,
    };
    this.#compare(next.state, next.root);
  }

  #compare(state: AuditorState, root: Uint8Array): void {
    const { suite } = this.#session.connection.kt.setting;
    this.#conflict?.leaves.push(leafValue(suite, { timestamp: state.timestamp, prefixTree: state.prefixRoot }));
    if (this.#conflict !== undefined) return;
    for (const other of this.#others)
      if (other.treeSize === state.treeSize && !equalBytes(other.root, root))
        this.#conflict = { other, heads: state.heads, leaves: [] };
  }

  async #refusal(error: KeytransError, update: Uint8Array, head: TreeHead): Promise<Failure> {
    const { state } = this.#progress;
    const bundle = await this.#bundle([update, ...(await this.#after(state.treeSize + 1, head))], head);
    const proven = await isProven(bundle);
    return new Failure(
      proven ? "misbehaviour" : "unverifiable",
      `Entry ${countText(state.treeSize)} breaks the rules: ${error.message}.`,
      { reason: error.code, path: error.path, section: error.section, bundle, cause: error },
    );
  }

  /** The updates from an entry to the signed head, where they are few enough to be shown. */
  async #after(from: number, { treeSize }: TreeHead): Promise<Uint8Array[]> {
    if (treeSize - from > MAX_SHOWN) return [];
    const updates: Uint8Array[] = [];
    for await (const page of updatePages(this.#session.connection, from, treeSize)) updates.push(...page);
    return updates;
  }

  /** From the entry before the newest one on: its update establishes the newest entry's time and prefix tree. */
  async #bundle(updates: readonly Uint8Array[], { treeSize, signature }: TreeHead): Promise<Bundle> {
    const { state, previous } = this.#progress;
    const last = previous === undefined ? undefined : await this.#updateAgain(previous, state);
    return {
      kind: "audit",
      configuration: this.#session.connection.configurationBytes,
      state: encodeAuditorState(last === undefined ? state : (previous as AuditorState)),
      updates: last === undefined ? updates : [last, ...updates],
      after: { treeSize, signature },
    };
  }

  /** The update that led from one state to the next, fetched again; undefined where the log gives another one now. */
  async #updateAgain(before: AuditorState, after: AuditorState): Promise<Uint8Array | undefined> {
    try {
      const [update] = await this.#session.connection.auditorUpdates(before.treeSize, 1);
      if (update === undefined) return undefined;
      const { state } = this.#auditor.process(before, update);
      return equalBytes(encodeAuditorState(state), encodeAuditorState(after)) ? update : undefined;
    } catch (error) {
      if (error instanceof KeytransError || error instanceof LogClientError) return undefined;
      throw error;
    }
  }

  /** Holds the tree audited so far against the log's signature under it. @throws Failure */
  async confirm(head: TreeHead): Promise<SignedRoot> {
    const { state } = this.#progress;
    const root = this.#auditor.root(state);
    const signedRoot: SignedRoot = { treeSize: state.treeSize, root, signature: head.signature };
    const { connection } = this.#session;
    if (!(await isSignedTree(connection, state.treeSize, root, head.signature)))
      throw new Failure(
        "unverifiable",
        `The updates lead to another tree of ${countText(state.treeSize)} entries than the one that the log signs.`,
        { reason: "invalid-tree-head-signature", section: "Auditing", bundle: await this.#bundle([], head) },
      );
    if (this.#conflict !== undefined) throw await this.#otherHistory(this.#conflict, signedRoot);
    return signedRoot;
  }

  async #otherHistory({ other, heads, leaves }: Conflict, large: SignedRoot): Promise<Failure> {
    const configuration = this.#session.connection.configurationBytes;
    const bundle: Bundle = { kind: "tree-heads", configuration, small: other, large, heads, appended: leaves };
    return new Failure(
      (await isProven(bundle)) ? "misbehaviour" : "unverifiable",
      `The log shows its auditor another history than its users: it signed two trees of ${countText(other.treeSize)} entries.`,
      { reason: "fork", section: "Detecting Forks", bundle },
    );
  }

  notePosted(treeSize: number): void {
    this.#progress = { ...this.#progress, posted: treeSize };
  }
}
