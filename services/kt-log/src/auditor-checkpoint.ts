import { AuditorCheckpoint, TreeHeadTBS } from "@mls-as/keytrans";
import type { LogNodeKey } from "@mls-as/keytrans/prover";
import { encode } from "@mls-as/tls-codec";
import type { Context } from "./context.js";
import { rootAt, subtreesOf } from "./log-tree.js";
import { Problem } from "./problem.js";

const SECTION = "Auditing";

/**
 * The log as it was just before `auditor_start_pos` as an encoded `AuditorCheckpoint`: where its auditor begins. The tree of
 * that size is signed anew, the same tree under the same configuration. Until the log has that many entries, its newest tree.
 * @throws Problem wrong-mode, invalid-start, empty-log, rolled-back, invalid-position
 */
export async function auditorCheckpoint(context: Context): Promise<Uint8Array> {
  const { configuration, store, signer, headMemory } = context;
  if (configuration.mode !== "thirdPartyAuditing")
    throw new Problem("wrong-mode", "this log has no auditor", { section: SECTION });
  const start = Number(configuration.auditorStartPos);
  if (start === 0)
    throw new Problem("invalid-start", "the auditor begins with the first entry, before which there is nothing", {
      section: SECTION,
    });
  if (!headMemory.whole) throw new Problem("rolled-back");
  const head = await store.head();
  if (head === undefined) throw new Problem("empty-log");
  const treeSize = Math.min(start, head.treeSize);
  const [entry] = await store.entries([treeSize - 1]);
  if (entry === undefined)
    throw new Problem("invalid-position", `entry ${treeSize - 1} was pruned`, { section: SECTION });
  const root = await rootAt(store, treeSize);
  const signature = await signer.sign(encode(TreeHeadTBS, { config: configuration, treeSize, root }));
  const elements = await store.logNodes(besideLastLeaf(treeSize));
  return encode(AuditorCheckpoint, {
    treeHead: { treeSize, signature },
    entry: { timestamp: entry.timestamp, prefixTree: entry.prefixRoot },
    inclusion: { elements: [...elements] },
  });
}

/** The subtrees that, with the rightmost leaf, make up a log of `size` entries, left to right. */
function besideLastLeaf(size: number): LogNodeKey[] {
  const subtrees = subtreesOf(size);
  const last = subtrees.pop();
  for (let level = (last?.level ?? 0) - 1; level >= 0; level--) subtrees.push({ level, index: size / 2 ** level - 2 });
  return subtrees;
}
