import { equalBytes } from "@mls-as/tls-codec";
import { INITIAL_STATE } from "@mls-as/keytrans/client";
import type { KnownLog } from "@mls-as/kt-client";
import { hex } from "../bytes-text.js";
import { isProven } from "../evidence/accuse.js";
import type { Bundle } from "../evidence/bundle-kinds.js";
import { replay } from "../exchange-replay.js";
import { Failure } from "../failure.js";
import { isSignedTree } from "../log-signature.js";
import type { Gossip } from "./gossip-file.js";

/** What two views of a log are to each other. */
export type Comparison =
  | { readonly verdict: "consistent" }
  /** Consistent where they overlap; one has seen less. */
  | { readonly verdict: "behind"; readonly who: "first" | "second"; readonly entries: number }
  /** `bundle` is absent where the difference shows and cannot be proven: a QR code does not hold enough. */
  | { readonly verdict: "fork"; readonly bundle: Bundle | undefined; readonly size: number | undefined }
  /** They share no head. */
  | { readonly verdict: "apart" };

/** Checks that a view is what the log signed. @throws Failure */
export async function checkGossip(log: KnownLog, gossip: Gossip, whose: string): Promise<void> {
  if (!equalBytes(gossip.logId, log.logId))
    throw new Failure("unexpected-key", `${whose} is about log id ${hex(gossip.logId)}, not ${hex(log.logId)}.`);
  const { treeSize, root, signature } = gossip.head;
  if (!(await isSignedTree(log, treeSize, root, signature)))
    throw new Failure("unverifiable", `${whose}: the log did not sign its head; it is forged or damaged.`, {
      section: "Tree Head Signature",
    });
  if (gossip.walk === undefined) return;
  const shown = await replay(gossip.walk, INITIAL_STATE).catch((cause: unknown) => {
    throw new Failure("unverifiable", `${whose}: its walk does not verify.`, { cause });
  });
  if (!equalBytes(shown.after.view?.root ?? new Uint8Array(), root))
    throw new Failure("unverifiable", `${whose}: its walk is of another tree than its head.`);
  if (!sameHeads(gossip.heads, shown.after.distinguished))
    throw new Failure(
      "unverifiable",
      `${whose}: its distinguished heads are not those of its walk; they were altered.`,
    );
}

/** Nobody signs the list of heads: with the walk that proves them, it must say the same. */
function sameHeads(said: Gossip["heads"], proven: Gossip["heads"]): boolean {
  return (
    said.length === proven.length &&
    said.every(({ position, root }, i) => {
      const head = proven[i];
      return head?.position === position && equalBytes(head.root, root);
    })
  );
}

/** Compares two checked views of one log. Draft section "Detecting Forks". */
export async function compareGossip(log: KnownLog, first: Gossip, second: Gossip): Promise<Comparison> {
  const [ours, theirs] = [await rootsOf(first, second), await rootsOf(second, first)];
  let shared = 0;
  let conflict: number | undefined;
  for (const [size, root] of ours) {
    const other = theirs.get(size);
    if (other === undefined) continue;
    shared++;
    if (!equalBytes(other, root)) conflict = Math.min(conflict ?? size, size);
  }
  const bundle = await proof(log, first, second);
  if (bundle !== undefined || conflict !== undefined) return { verdict: "fork", bundle, size: conflict };
  if (shared === 0) return { verdict: "apart" };
  const ahead = first.head.treeSize - second.head.treeSize;
  if (ahead === 0) return { verdict: "consistent" };
  return { verdict: "behind", who: ahead > 0 ? "second" : "first", entries: Math.abs(ahead) };
}

/** Roots by tree size, also at the sizes that the other one knows of. */
async function rootsOf({ head, heads, walk }: Gossip, other: Gossip): Promise<Map<number, Uint8Array>> {
  const roots = new Map(heads.map(({ position, root }) => [position + 1, root] as const));
  roots.set(head.treeSize, head.root);
  if (walk === undefined) return roots;
  const { proven } = await replay(walk, INITIAL_STATE);
  for (const size of [other.head.treeSize, ...other.heads.map(({ position }) => position + 1)]) {
    const root = size < head.treeSize ? proven.tree.rootAt(size) : undefined;
    if (root !== undefined && !roots.has(size)) roots.set(size, root);
  }
  return roots;
}

async function proof(log: KnownLog, first: Gossip, second: Gossip): Promise<Bundle | undefined> {
  const candidates: Bundle[] = [];
  const [small, large] = [first.head, second.head];
  if (small.treeSize === large.treeSize)
    candidates.push({
      kind: "tree-heads",
      configuration: log.configurationBytes,
      small,
      large,
      heads: [],
      appended: [],
    });
  if (first.walk && second.walk) candidates.push({ kind: "fork", exchanges: [first.walk, second.walk] });
  if (second.walk) candidates.push({ kind: "signed-root", head: small, exchange: second.walk });
  if (first.walk) candidates.push({ kind: "signed-root", head: large, exchange: first.walk });
  for (const candidate of candidates) if (await isProven(candidate)) return candidate;
  return undefined;
}
