import { appendLeaf, type EvidenceKind, KeytransError, rootValue, type Suite } from "@mls-as/keytrans";
import { verifyEvidence } from "@mls-as/keytrans/client";
import type { KnownLog } from "@mls-as/kt-client";
import { CodecError, equalBytes } from "@mls-as/tls-codec";
import { logOf, replay } from "../exchange-replay.js";
import { Failure } from "../failure.js";
import { isSignedTree } from "../log-signature.js";
import { countText } from "../terminal/time-text.js";
import type { Bundle } from "./bundle-kinds.js";
import { bundleConfiguration } from "./bundle.js";
import { judgeFork, judgeSignedRoot } from "./judge-fork.js";
import { judgeAuditBundle } from "./judge-audit.js";
import { confirmed, type Judgement, type Opinion, proven, unfounded } from "./judgement.js";

/** Judges a bundle offline. @throws Failure file-malformed */
export async function judge(bundle: Bundle): Promise<Judgement> {
  try {
    const log = await logOf(bundleConfiguration(bundle));
    return { log, ...(await opinion(log, bundle)) };
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure("file-malformed", error instanceof Error ? error.message : String(error), { cause: error });
  }
}

async function opinion(log: KnownLog, bundle: Bundle): Promise<Opinion> {
  switch (bundle.kind) {
    case "exchange": {
      const verdict = await verifyEvidence(log.kt.setting.suite, bundle.evidence);
      const rule = RULES[bundle.evidence.kind];
      if (verdict.proven) return rule;
      if (!verdict.deniable) return unfounded(`The exchange was verified again: ${verdict.reason}.`);
      return confirmed(
        rule.headline,
        `The exchange was verified again, and it breaks the rule: ${verdict.reason}.`,
        "But part of what shows it is signed by nobody: somebody between could have made it up, so it accuses nobody by itself.",
      );
    }
    case "fork":
      return judgeFork(bundle);
    case "signed-root":
      return judgeSignedRoot(log, bundle);
    case "tree-heads":
      return judgeTreeHeads(log, bundle);
    case "audit":
      return judgeAuditBundle(log, bundle);
    case "unverifiable":
      return judgeUnverifiable(bundle);
  }
}

const RULES: Readonly<Record<EvidenceKind, Opinion>> = {
  fork: proven(
    "FORK: the log signed two histories",
    "It signed a tree, and later another tree that does not extend the first. Both signatures are good under the log's key.",
    "People who were shown one history do not see what is in the other.",
  ),
  "non-monotonic-timestamps": proven(
    "The log stamped time backwards",
    "It signed a tree in which a later entry is older than an earlier one.",
    "Such a log can date a change to before it happened.",
  ),
  "inconsistent-ladder": proven(
    "The log contradicts itself about a label's versions",
    "It signed a tree in which a version is missing that the tree held before, or that its own answer claims.",
    "A version was dropped or hidden.",
  ),
  "lagging-auditor": proven(
    "The log shows an auditor's head that is older than its configuration allows",
    "Both heads are signed and lie further apart than the maximum auditor lag.",
  ),
  "wrong-root": proven(
    "FORK: the log signed a root that is not its own tree's",
    "Its signature over the stated root is good, and so is the one over the tree it shows, which has another root at that size.",
    "People who were shown one history do not see what is in the other.",
  ),
};

async function judgeTreeHeads(log: KnownLog, bundle: Extract<Bundle, { kind: "tree-heads" }>): Promise<Opinion> {
  const { small, large, heads, appended } = bundle;
  for (const [name, tree] of Object.entries({ small, large }))
    if (!(await isSignedTree(log, tree.treeSize, tree.root, tree.signature)))
      return unfounded(`The log did not sign the ${name === "small" ? "smaller" : "greater"} tree.`);
  const two = proven(
    "FORK: the log signed two histories",
    `It signed a tree of ${countText(small.treeSize)} entries and one of ${countText(large.treeSize)}, and the first ${countText(small.treeSize)} entries of the second are not the first tree.`,
    "People who were shown one history do not see what is in the other.",
  );
  if (small.treeSize === large.treeSize)
    return equalBytes(small.root, large.root) ? unfounded("The two trees are one.") : two;
  if (small.treeSize + appended.length !== large.treeSize) return unfounded("The proof does not fit the tree sizes.");
  const { suite } = log.kt.setting;
  if (heads.length !== ones(small.treeSize)) return unfounded("The proof does not fit the tree sizes.");
  if (equalBytes(rootValue(suite, small.treeSize, heads), small.root))
    return unfounded("The greater tree extends the smaller.");
  return equalBytes(rootAfter(suite, small.treeSize, heads, appended), large.root)
    ? two
    : unfounded("The proof does not lead to the greater tree.");
}

const ones = (size: number): number => size.toString(2).replaceAll("0", "").length;

/** Root of a tree after leaves were appended. */
function rootAfter(
  suite: Suite,
  size: number,
  heads: readonly Uint8Array[],
  leaves: readonly Uint8Array[],
): Uint8Array {
  let [count, tree] = [size, heads];
  for (const leaf of leaves) tree = appendLeaf(suite, count++, tree, leaf).heads;
  return rootValue(suite, count, tree);
}

async function judgeUnverifiable({ exchange, code }: Extract<Bundle, { kind: "unverifiable" }>): Promise<Opinion> {
  try {
    await replay(exchange);
  } catch (error) {
    if (!(error instanceof KeytransError) && !(error instanceof CodecError)) throw error;
    const found = error instanceof KeytransError ? error.code : "malformed";
    if (found !== code) return unfounded(`It says ${code}; verified again, it is ${found}: ${error.message}.`);
    return confirmed(
      "The answer does not verify",
      `${found}: ${error.message}.`,
      "It was not accepted, and nothing was stored. Somebody between you and the log could have altered it or answered in its place, so it accuses nobody by itself.",
    );
  }
  return unfounded("The answer verifies.");
}
