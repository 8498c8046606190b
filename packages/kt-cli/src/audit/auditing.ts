import { KeytransError, leafValue, type TreeHead } from "@mls-as/keytrans";
import { type Auditor, type AuditorState, encodeAuditorState } from "@mls-as/keytrans/auditor";
import { equalBytes } from "@mls-as/tls-codec";
import { type Bundle, type SignedRoot } from "../evidence/bundle.js";
import { isProven } from "../evidence/accuse.js";
import { Failure } from "../failure.js";
import { isSignedTree } from "../log-signature.js";
import type { Session } from "../pin.js";
import { countText } from "../terminal/time-text.js";
import type { AuditProgress } from "./audit-state.js";

/** Updates that are kept since the last signed tree, so that a refusal can be shown in full. */
const MAX_KEPT = 2000;
const MAX_KEPT_OCTETS = 8 * 2 ** 20;

/** Follows updates one by one, and holds the trees that they make against trees the log has signed for others. */
export class Auditing {
  readonly #session: Session;
  readonly #auditor: Auditor;
  #progress: AuditProgress;
  /** Since the last signed tree; undefined when they became too many. */
  #kept: Uint8Array[] | undefined = [];
  #octets = 0;
  readonly #others: readonly SignedRoot[];
  #conflict:
    | { readonly other: SignedRoot; readonly heads: readonly Uint8Array[]; readonly leaves: Uint8Array[] }
    | undefined;

  constructor(session: Session, auditor: Auditor, progress: AuditProgress, others: readonly SignedRoot[]) {
    this.#session = session;
    this.#auditor = auditor;
    this.#progress = progress;
    this.#others = others;
    const { signed, state } = progress;
    if (signed?.state.treeSize !== state.treeSize && state.treeSize > 0) this.#kept = undefined;
  }

  get progress(): AuditProgress {
    return this.#progress;
  }

  /** Verifies the next update. `rest`: the updates after it that are at hand. @throws Failure */
  async step(update: Uint8Array, head: TreeHead, rest: readonly Uint8Array[]): Promise<void> {
    const { state, entries, changes } = this.#progress;
    let next: { state: AuditorState; root: Uint8Array; added: number };
    try {
      next = this.#auditor.process(state, update);
    } catch (error) {
      if (!(error instanceof KeytransError)) throw error;
      throw await this.#refusal(error, update, head, rest);
    }
    this.#progress = { ...this.#progress, state: next.state, entries: entries + 1, changes: changes + next.added };
    this.#keep(update);
    this.#compare(next.state, next.root);
  }

  #keep(update: Uint8Array): void {
    if (this.#kept === undefined) return;
    this.#kept.push(update);
    this.#octets += update.length;
    if (this.#kept.length > MAX_KEPT || this.#octets > MAX_KEPT_OCTETS) this.#kept = undefined;
  }

  #compare(state: AuditorState, root: Uint8Array): void {
    const { suite } = this.#session.connection.kt.setting;
    this.#conflict?.leaves.push(leafValue(suite, { timestamp: state.timestamp, prefixTree: state.prefixRoot }));
    if (this.#conflict !== undefined) return;
    for (const other of this.#others)
      if (other.treeSize === state.treeSize && !equalBytes(other.root, root))
        this.#conflict = { other, heads: state.heads, leaves: [] };
  }

  async #refusal(
    error: KeytransError,
    update: Uint8Array,
    head: TreeHead,
    rest: readonly Uint8Array[],
  ): Promise<Failure> {
    const { state, signed } = this.#progress;
    const from = this.#kept === undefined ? state : (signed?.state ?? this.#auditor.initialState());
    const before = this.#kept === undefined ? undefined : signed?.signature;
    const bundle: Bundle = {
      kind: "audit",
      configuration: this.#session.connection.configurationBytes,
      state: encodeAuditorState(from),
      ...(before && { before }),
      updates: [...(this.#kept ?? []), update, ...rest],
      after: { treeSize: head.treeSize, signature: head.signature },
    };
    const proven = await isProven(bundle);
    return new Failure(
      proven ? "misbehaviour" : "unverifiable",
      `Entry ${countText(state.treeSize)} breaks the rules: ${error.message}.`,
      { reason: error.code, path: error.path, section: error.section, bundle, cause: error },
    );
  }

  /** Holds the tree audited so far against the log's signature under it. @throws Failure */
  async confirm(head: TreeHead): Promise<SignedRoot> {
    const { state } = this.#progress;
    const root = this.#auditor.root(state);
    const signedRoot: SignedRoot = { treeSize: state.treeSize, root, signature: head.signature };
    const { connection } = this.#session;
    if (!(await isSignedTree(connection, state.treeSize, root, head.signature))) throw this.#otherTree(head);
    if (this.#conflict !== undefined) {
      const { other, heads, leaves } = this.#conflict;
      const configuration = connection.configurationBytes;
      const bundle: Bundle = {
        kind: "tree-heads",
        configuration,
        small: other,
        large: signedRoot,
        heads,
        appended: leaves,
      };
      throw new Failure(
        (await isProven(bundle)) ? "misbehaviour" : "unverifiable",
        `The log shows its auditor another history than its users: it signed two trees of ${countText(other.treeSize)} entries.`,
        { reason: "fork", section: "Detecting Forks", bundle },
      );
    }
    this.#progress = { ...this.#progress, signed: { state, signature: head.signature } };
    this.#kept = [];
    this.#octets = 0;
    return signedRoot;
  }

  #otherTree(head: TreeHead): Failure {
    const { signed, state } = this.#progress;
    const whole = this.#kept !== undefined;
    return new Failure(
      "unverifiable",
      `The updates lead to another tree of ${countText(state.treeSize)} entries than the one that the log signs.`,
      {
        reason: "invalid-tree-head-signature",
        section: "Auditing",
        bundle: {
          kind: "audit",
          configuration: this.#session.connection.configurationBytes,
          state: encodeAuditorState(whole ? (signed?.state ?? this.#auditor.initialState()) : state),
          ...(whole && signed && { before: signed.signature }),
          updates: this.#kept ?? [],
          after: { treeSize: head.treeSize, signature: head.signature },
        },
      },
    );
  }

  notePosted(treeSize: number): void {
    this.#progress = { ...this.#progress, posted: treeSize };
  }
}
