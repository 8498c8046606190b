import { encode, equalBytes } from "@mls-as/tls-codec";
import { Configuration } from "@mls-as/keytrans";
import { INITIAL_STATE, type TreeView } from "@mls-as/keytrans/client";
import type { KnownLog } from "@mls-as/kt-client";
import { type Replay, replay } from "../exchange-replay.js";
import { isSignedTree } from "../log-signature.js";
import { countText, timeText } from "../terminal/time-text.js";
import type { Bundle } from "./bundle-kinds.js";
import { type Opinion, proven, unfounded } from "./judgement.js";

const TWO = "FORK: the log signed two histories";
const MEANING = "People who were shown one history do not see what is in the other.";

/** Judges two exchanges that were each made without an earlier view, so that each shows its whole signed tree. */
export async function judgeFork({ exchanges }: Extract<Bundle, { kind: "fork" }>): Promise<Opinion> {
  const [a, b] = [await replay(exchanges[0], INITIAL_STATE), await replay(exchanges[1], INITIAL_STATE)];
  const [ours, theirs] = [a, b].map(({ log }) => encode(Configuration, log.configuration)) as [Uint8Array, Uint8Array];
  if (!equalBytes(ours, theirs)) return unfounded("The two answers are of different logs.");
  const conflict = conflictOf(a, b);
  return conflict === undefined ? unfounded("The two answers can be of one history.") : proven(TWO, conflict, MEANING);
}

/** Judges a signed head against an exchange that was made without an earlier view. */
export async function judgeSignedRoot(
  log: KnownLog,
  { head, exchange }: Extract<Bundle, { kind: "signed-root" }>,
): Promise<Opinion> {
  if (!(await isSignedTree(log, head.treeSize, head.root, head.signature)))
    return unfounded("The log did not sign the head.");
  const shown = await replay(exchange, INITIAL_STATE);
  const root = rootAt(shown, head.treeSize);
  if (root === undefined) return unfounded("The answer does not reach a tree of that size.");
  if (equalBytes(root, head.root)) return unfounded("The tree shown contains the one that was signed.");
  return proven(TWO, `It signed two different trees of ${countText(head.treeSize)} entries.`, MEANING);
}

const viewOf = ({ after }: Replay): TreeView => after.view as TreeView;

/** The root that a replayed answer proves for the log when it had `size` entries, if it reaches that far. */
function rootAt(shown: Replay, size: number): Uint8Array | undefined {
  const view = viewOf(shown);
  if (size === view.treeHead.treeSize) return view.root;
  return size > view.treeHead.treeSize || size === 0 ? undefined : shown.proven.tree.rootAt(size);
}

/** Positions of which an answer may know the entry. */
function positionsOf(shown: Replay): number[] {
  const heads = shown.said.operation === "distinguished" ? shown.said.result.heads : [];
  return [...viewOf(shown).frontier, ...heads].map(({ position }) => position);
}

/** Why two signed trees cannot be of one history, in words; undefined where they can. */
function conflictOf(a: Replay, b: Replay): string | undefined {
  const positions = [...new Set([...positionsOf(a), ...positionsOf(b)])].sort((x, y) => x - y);
  const sizes = [
    viewOf(a).treeHead.treeSize,
    viewOf(b).treeHead.treeSize,
    ...positions.map((position) => position + 1),
  ];
  for (const size of sizes) {
    const [ours, theirs] = [rootAt(a, size), rootAt(b, size)];
    if (ours !== undefined && theirs !== undefined && !equalBytes(ours, theirs))
      return `It signed two different trees of ${countText(size)} entries, or trees that begin with them.`;
  }
  for (const position of positions) {
    const [ours, theirs] = [a.proven.entry(position), b.proven.entry(position)];
    if (ours === undefined || theirs === undefined) continue;
    if (ours.timestamp !== theirs.timestamp || !equalBytes(ours.prefixRoot, theirs.prefixRoot))
      return `Entry ${position} is one thing in the first tree and another in the second.`;
  }
  return backwards(a, b, positions) ?? backwards(b, a, positions);
}

/** In one history an entry is never younger than one to its right. */
function backwards(a: Replay, b: Replay, positions: readonly number[]): string | undefined {
  for (const left of positions)
    for (const right of positions) {
      if (left >= right) continue;
      const [earlier, later] = [a.proven.entry(left), b.proven.entry(right)];
      if (earlier === undefined || later === undefined || earlier.timestamp <= later.timestamp) continue;
      return `One tree has an entry ${left} of ${timeText(earlier.timestamp)}, the other an entry ${right} of ${timeText(later.timestamp)}: the log went back and on again with another history.`;
    }
  return undefined;
}
