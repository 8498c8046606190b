import { encode } from "@mls-as/tls-codec";
import { Inspection, type LogView, type RetainedEntry, updateView, type Violated } from "../algorithms/index.js";
import { KeytransError } from "../errors.js";
import { type EvaluatedLogTree, evaluateBatchProof } from "../log-tree/batch-proof.js";
import { leafValue } from "../log-tree/hashing.js";
import { frontier } from "../search-tree.js";
import {
  type AuditorTreeHead,
  AuditorTreeHeadTBS,
  type CombinedTreeProof,
  type Configuration,
  type FullTreeHead,
  type TreeHead,
  TreeHeadTBS,
} from "../structs/index.js";
import type { SignaturePublicKey, Suite, VrfPublicKey } from "../suite/index.js";
import { type KnownVersions, ReceivedProof, type ShownLookup } from "./received-proof.js";
import type { KnownDistinguished, TreeView } from "./state.js";

/** The public parts of one log, checked and imported once. */
export interface ClientSetting {
  readonly suite: Suite;
  readonly configuration: Configuration;
  readonly vrfKey: VrfPublicKey;
  readonly signatureKey: SignaturePublicKey;
  readonly auditorKey: SignaturePublicKey | undefined;
  readonly leafKey: SignaturePublicKey | undefined;
  /** How many rightmost distinguished entries count as recent. */
  readonly recent: number;
  /** Notes violations instead of refusing them: set only while judging evidence. */
  readonly violated?: Violated;
  /** Learns what a proof shows of a label, once its log tree is computed: set only while judging evidence. */
  readonly shown?: (lookups: readonly ShownLookup[], tree: EvaluatedLogTree) => void;
  /** Told of every tree whose signed head was verified, before the response is accepted. */
  readonly observed?: (proven: ProvenTree) => void;
}

/** The part of the past that a proof builds on. */
export interface RetainedTree {
  readonly size: number;
  readonly heads: readonly Uint8Array[];
  readonly frontier: readonly RetainedEntry[];
}

/** A proof's log tree, consistent with what was retained; still to be bound to a signature or a known root. */
export interface ProvenTree {
  readonly size: number;
  readonly tree: EvaluatedLogTree;
  readonly frontier: readonly RetainedEntry[];
  /** Entries of which timestamp and prefix tree root are established. */
  entry(position: number): RetainedEntry | undefined;
}

/**
 * Updates the view to `size`, runs `algorithms`, and computes the log tree's values. Every element of the proof must be
 * used. Draft section "Combined Tree" of "Tree Proofs".
 */
export async function runProof<T>(
  setting: ClientSetting,
  proof: CombinedTreeProof,
  versions: KnownVersions,
  size: number,
  retained: RetainedTree | undefined,
  additional: number | undefined,
  algorithms: (view: LogView) => Promise<T>,
): Promise<{ outcome: T; proven: ProvenTree }> {
  const source = new ReceivedProof(setting.suite, proof, versions);
  const inspection = new Inspection(source, retained?.frontier ?? [], setting.violated);
  const view: LogView = { inspection, size, configuration: setting.configuration };
  await updateView(view, retained?.size);
  const outcome = await algorithms(view);
  source.finish();

  let usedRoots = 0;
  const entries: RetainedEntry[] = inspection.inspected().map(({ position, timestamp, prefixRoot }) => {
    const root = prefixRoot ?? proof.prefixRoots[usedRoots++];
    if (root === undefined) throw prefixRootCount();
    return { position, timestamp, prefixRoot: root };
  });
  if (usedRoots !== proof.prefixRoots.length) throw prefixRootCount();

  const leaves = entries.map(({ position }) => position);
  const values = entries.map(({ timestamp, prefixRoot }) =>
    leafValue(setting.suite, { timestamp, prefixTree: prefixRoot }),
  );
  const shape = { size, leaves, retained: retained?.size, additional };
  // Under a head of the same size nothing but the retained heads binds the proof to a signature: where it does not lead to
  // them, anybody can have made it.
  const mayNote = size !== retained?.size;
  const tree = evaluateBatchProof(
    setting.suite,
    shape,
    values,
    retained?.heads ?? [],
    proof.inclusion.elements,
    mayNote ? setting.violated : undefined,
  );
  // What a proof shows at a retained entry hangs on the user's memory of it, not on the signature.
  const isRetained = (position: number): boolean =>
    retained?.frontier.some((entry) => entry.position === position) ?? false;
  setting.shown?.(
    source.shown.filter(({ position }) => !isRetained(position)),
    tree,
  );
  const known = new Map([...(retained?.frontier ?? []), ...entries].map((entry) => [entry.position, entry]));
  const proven: ProvenTree = {
    size,
    tree,
    frontier: frontier(size).map((position) => known.get(position) as RetainedEntry),
    entry: (position) => known.get(position),
  };
  return { outcome, proven };
}

function prefixRootCount(): KeytransError {
  return new KeytransError(
    "unexpected-count",
    "not as many prefix tree roots as are due",
    "Combined Tree (Tree Proofs)",
    "prefixRoots",
  );
}

/**
 * The distinguished entries at `positions`, with the log as it was at each. The proof reaches those trees: each entry was
 * inspected, or ends one of the retained full subtrees.
 */
export function knownDistinguished(proven: ProvenTree, positions: readonly number[]): KnownDistinguished[] {
  return positions.map((position) => {
    const entry = proven.entry(position) as RetainedEntry;
    const heads = proven.tree.headsAt(position + 1) as readonly Uint8Array[];
    const root = proven.tree.rootAt(position + 1) as Uint8Array;
    const before = frontier(position + 1).map((left) => proven.entry(left) as RetainedEntry);
    return { ...entry, heads, root, frontier: before };
  });
}

/** The tree size that a response is about. @throws KeytransError invalid-tree-size */
export function claimedSize(head: FullTreeHead, view: TreeView | undefined): number {
  const section = "Full Tree Head Verification";
  if (head.headType === "same") {
    if (view === undefined)
      throw new KeytransError("invalid-tree-size", "same as what?", section, "fullTreeHead.headType");
    return view.treeHead.treeSize;
  }
  const { treeSize } = head.treeHead;
  if (treeSize === 0 || (view !== undefined && treeSize <= view.treeHead.treeSize))
    throw new KeytransError("invalid-tree-size", "the tree did not grow", section, "fullTreeHead.treeHead.treeSize");
  if (head.auditorTreeHead && (head.auditorTreeHead.treeSize > treeSize || head.auditorTreeHead.treeSize === 0))
    throw new KeytransError(
      "invalid-auditor-tree-head",
      "the auditor's tree does not lie within the log's",
      "Auditor Tree Head Signature",
      "fullTreeHead.auditorTreeHead.treeSize",
    );
  return treeSize;
}

/** The auditor's size, whose root a proof must reach. */
export const auditedSize = (head: FullTreeHead): number | undefined =>
  head.headType === "updated" ? head.auditorTreeHead?.treeSize : undefined;

/**
 * Binds a proven tree to the log's (and auditor's) signature, and gives the view to retain. `now` in milliseconds.
 * Draft section "Full Tree Head Verification".
 */
export async function verifyFullTreeHead(
  setting: ClientSetting,
  head: FullTreeHead,
  proven: ProvenTree,
  view: TreeView | undefined,
  now: number,
): Promise<TreeView> {
  checkClock(setting.configuration, rightmost(proven), now);
  if (head.headType === "same") return view as TreeView;
  await verifyTreeHead(setting, head.treeHead, proven.tree.root);
  if (head.auditorTreeHead) await verifyAuditorTreeHead(setting, head.auditorTreeHead, proven, view);
  return {
    treeHead: head.treeHead,
    auditorTreeHead: head.auditorTreeHead,
    root: proven.tree.root,
    heads: proven.tree.heads,
    frontier: proven.frontier,
  };
}

const rightmost = (proven: ProvenTree): number => (proven.frontier.at(-1) as RetainedEntry).timestamp;

function checkClock(configuration: Configuration, timestamp: number, now: number): void {
  if (timestamp - now > Number(configuration.maxAhead) || now - timestamp > Number(configuration.maxBehind))
    throw new KeytransError(
      "timestamp-out-of-bounds",
      `the newest entry is ${timestamp - now} ms from now`,
      "Updating Views of the Tree",
      "timestamps",
    );
}

/** @throws KeytransError invalid-tree-head-signature */
export async function verifyTreeHead(setting: ClientSetting, treeHead: TreeHead, root: Uint8Array): Promise<void> {
  const { treeSize, signature } = treeHead;
  const tbs = encode(TreeHeadTBS, { config: setting.configuration, treeSize, root });
  if (!(await setting.signatureKey.verify(tbs, signature)))
    throw new KeytransError(
      "invalid-tree-head-signature",
      "the tree head's signature does not fit the computed root",
      "Tree Head Signature",
      "fullTreeHead.treeHead.signature",
    );
}

function violated(setting: ClientSetting, violation: KeytransError): void {
  if (setting.violated === undefined) throw violation;
  setting.violated(violation);
}

async function verifyAuditorTreeHead(
  setting: ClientSetting,
  head: AuditorTreeHead,
  proven: ProvenTree,
  view: TreeView | undefined,
): Promise<void> {
  const { configuration } = setting;
  const refuse = (message: string, field: string, code: KeytransError["code"] = "invalid-auditor-tree-head") =>
    new KeytransError(code, message, "Auditor Tree Head Signature", `fullTreeHead.auditorTreeHead.${field}`);
  if (configuration.mode !== "thirdPartyAuditing" || setting.auditorKey === undefined) throw refuse("no auditor", "");
  if (view?.auditorTreeHead && BigInt(view.auditorTreeHead.treeSize) < configuration.auditorStartPos)
    throw refuse("the auditor started after the tree seen before", "treeSize");
  const lag = rightmost(proven) - head.timestamp;
  if (lag < 0) throw refuse("the auditor is ahead of the log", "timestamp");
  if (lag > Number(configuration.maxAuditorLag)) violated(setting, refuse(`the auditor lags ${lag} ms`, "timestamp"));
  const root = proven.tree.rootAt(head.treeSize) as Uint8Array;
  const { timestamp, treeSize } = head;
  const tbs = encode(AuditorTreeHeadTBS, { config: configuration, timestamp, treeSize, root });
  if (!(await setting.auditorKey.verify(tbs, head.signature)))
    throw refuse("the auditor's signature does not fit the computed root", "signature", "invalid-auditor-signature");
}
